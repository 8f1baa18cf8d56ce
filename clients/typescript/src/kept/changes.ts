/** Owns which calls change sessions, so that what is kept of them is forgotten. Does not know how. */
import type { Message } from "@bufbuild/protobuf";
import { GatelodgeError } from "../errors.js";
import { textOf } from "../latin1.js";
import type { Kept } from "./kept.js";

/**
 * What a call may change: the session that its cookies present and, in a logout, the user's others; what its target names;
 * what a provider says has ended there; or any. All but the first end sessions.
 */
type Changes = "presented" | "logout" | "target" | "told" | "any";

const CHANGES: Readonly<Record<string, Changes>> = {
  "gatelodge.v1.LoginService/CompleteCallback": "presented",
  "gatelodge.v1.LoginService/StartLogout": "logout",
  "gatelodge.v1.LoginService/HandleBackchannelLogout": "told",
  "gatelodge.v1.LoginService/HandleFrontchannelLogout": "told",
  "gatelodge.v1.SessionService/RefreshTokens": "presented",
  "gatelodge.v1.SessionService/GetUserInfo": "presented",
  "gatelodge.v1.SessionService/UpdateAttributes": "presented",
  "gatelodge.v1.SessionService/Revoke": "target",
  "gatelodge.v1.AdminService/Revoke": "any",
  "gatelodge.v1.AdminService/DisableUser": "any",
  "gatelodge.v1.AdminService/DeleteUser": "any",
};

/** What says that nothing was done: anybody can have a call fail so. */
const REFUSALS: ReadonlySet<string> = new Set([
  "INVALID_ARGUMENT",
  "UNAUTHENTICATED",
  "PERMISSION_DENIED",
  "FAILED_PRECONDITION",
  "UNIMPLEMENTED",
]);

/** The parameter of a logout that ends more than the session that is presented. */
const EVERYWHERE = "everywhere";

/** As much of a question as tells what its call changes. */
interface Changing {
  readonly cookies?: readonly { readonly value?: Uint8Array }[];
  readonly query?: unknown;
  readonly refresh?: boolean;
  readonly target?: { readonly case?: string | undefined; readonly value?: unknown };
}

/** As much of an answer as tells what became of it. */
interface Changed {
  readonly eventPosition?: Uint8Array;
  readonly revokedCount?: number | bigint;
}

/** What became of a call: its answer or its failure, and whether an earlier attempt of it was lost. */
export interface Outcome {
  readonly answer: Message | undefined;
  readonly failure?: unknown;
  readonly isRepeated: boolean;
}

/**
 * Forgets what a call may have changed, whatever came of it, and notes up to where its authority has told of it. `method`
 * is its full name.
 */
export function forgetChanged(kept: Kept, method: string, question: Message, outcome: Outcome): void {
  const changes = CHANGES[method];
  const changing = question as Changing;
  const { cookies = [], refresh } = changing;
  if (changes === undefined || refresh === false) {
    return;
  }
  const { failure, isRepeated } = outcome;
  const answer = outcome.answer as Changed | undefined;
  kept.hasTold(textOf(answer?.eventPosition));
  kept.forgetCookies(cookies.map(({ value }) => textOf(value)));
  if (changes === "presented" || (!isRepeated && isRefusal(failure, changes))) {
    return;
  }
  // Without an answer nobody knows what has ended, and one to a repeat does not say what its first attempt did.
  const ended = answer === undefined || isRepeated ? "anybody's" : endedBy(changes, changing, answer);
  if (ended === "anybody's") {
    kept.forgetAll();
  } else if (ended !== "nobody else's") {
    kept.forgetSession(ended.sessionId);
  }
}

function isRefusal(failure: unknown, changes: Changes): boolean {
  if (!(failure instanceof GatelodgeError)) {
    return false;
  }
  const { code, reason } = failure;
  return REFUSALS.has(code) || reason === "OVERLOADED" || (changes === "told" && reason === "PROVIDER_UNAVAILABLE");
}

/** Whose session has ended, beside the one that the cookies present. */
function endedBy(
  changes: Exclude<Changes, "presented">,
  { query, target }: Changing,
  { revokedCount = 0 }: Changed,
): "anybody's" | "nobody else's" | { readonly sessionId: string } {
  const count = Number(revokedCount);
  switch (changes) {
    case "any":
      return "anybody's";
    case "told": // anybody can send one
      return count > 0 ? "anybody's" : "nobody else's";
    case "logout": {
      const isForMore = query instanceof Uint8Array && textOf(query).includes(EVERYWHERE);
      return count > (isForMore ? 0 : 1) ? "anybody's" : "nobody else's";
    }
    case "target":
      if (count === 0 || target?.case === "presentedSession") {
        return "nobody else's";
      }
      return target?.case === "sessionId" ? { sessionId: String(target.value) } : "anybody's";
  }
}
