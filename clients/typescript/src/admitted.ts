/** Owns what guards have found, by request, so that inner guards and the application find it again. */
import { headersToDeliver, type Admission, type Gate, type Rule } from "./gate.js";
import type { Answer, Header } from "./answer.js";
import type { RawRequest } from "./presented.js";
import type { Session } from "./session.js";

/** A request between its guards and its response. */
export interface Admitted {
  admission: Admission;
  /** What to deliver with the response. Of two guards the inner one's are the newer. */
  headers: readonly Header[];
}

const ADMITTED = new WeakMap<object, Admitted>();

/** The session behind a request that a guard let through, by the object that stands for it. */
export function sessionBehind(request: object): Session | undefined {
  return ADMITTED.get(request)?.admission.session;
}

/** As {@link sessionBehind}, where a guard has made sure that there is one. */
export function signedInBehind(request: object): Session {
  const session = sessionBehind(request);
  if (!session) {
    throw new Error("gatelodge: nobody is signed in here; guard the route with required()");
  }
  return session;
}

/**
 * A guard's answer in place of the application's: what the guards further out have to deliver goes with it, but not with
 * "could not say", which leaves the browser's cookies alone.
 */
export function instead(key: object, answer: Answer): Answer {
  const outer = ADMITTED.get(key);
  if (outer && answer.status === 503) {
    outer.headers = [];
  }
  return answer;
}

/** Asks a gate about a request: either its answer, or what is kept for it, and whether this guard is the outermost. */
export async function admit(
  gate: Gate,
  rule: Rule,
  request: RawRequest,
  key: object,
): Promise<{ answer: Answer } | { admitted: Admitted; isOutermost: boolean }> {
  const outer = ADMITTED.get(key);
  const outcome = await gate.admit(request, rule, outer?.admission);
  if ("answer" in outcome) {
    return { answer: instead(key, outcome.answer) };
  }
  const { admission } = outcome;
  if (!outer) {
    const admitted = { admission, headers: headersToDeliver(admission) };
    ADMITTED.set(key, admitted);
    return { admitted, isOutermost: true };
  }
  if (admission.checked?.verdict !== outer.admission.checked?.verdict) {
    const newer = headersToDeliver(admission);
    outer.headers = newer.length > 0 ? newer : outer.headers;
  }
  outer.admission = admission;
  return { admitted: outer, isOutermost: false };
}
