/** Owns the finished answers of the fake authority. Judges nothing. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { HttpAnswerSchema } from "../gen/gatelodge/v1/http_answer_pb.js";
import type { EdgeSettings } from "../gen/gatelodge/v1/login_pb.js";
import type { RequestContext } from "../gen/gatelodge/v1/presented_pb.js";
import {
  DeniedReason,
  InactiveReason,
  type DeniedSessionSchema,
  type InactiveSessionSchema,
  type Requirements,
  type ValidateSessionRequest,
} from "../gen/gatelodge/v1/session_pb.js";
import { detailOf, isMendedByLogin, lackOf, REASON_WORDS, type Lacked } from "./lacking.js";
import { DENIED_REASONS, factsOf, isNavigation, textOf, type Kept } from "./session.js";

/** A finished answer. */
export type Finished = MessageInitShape<typeof HttpAnswerSchema>;
type Question = Pick<ValidateSessionRequest, "context" | "requirements" | "answerJson">;

/** A redirect. */
export function redirect(status: number, location: string, setCookies: string[] = []): Finished {
  return { status, location, setCookies, headers: [{ name: "cache-control", value: "no-store" }] };
}

/** An answer of JSON. */
export function json(status: number, body: object): Finished {
  return {
    status,
    contentType: "application/json",
    body: Buffer.from(JSON.stringify(body)),
    headers: [{ name: "cache-control", value: "no-store" }],
  };
}

/** An error answer. */
export function problem(
  status: number,
  reason: string,
  detail: string,
  remedy: string,
  requestId: string,
  more: object = {},
): Finished {
  return json(status, { detail, reason, remedy, request_id: requestId, ...more });
}

/** A whole Set-Cookie value; without a value it clears the cookie. */
export function setCookie({ publicBaseUrl }: EdgeSettings, name: string, value: string, maxAge: number): string {
  const secure = publicBaseUrl.startsWith("https://") ? "; Secure" : "";
  return `${name}=${value}; Path=/; Max-Age=${String(maxAge)}; HttpOnly${secure}; SameSite=Lax`;
}

/** What is said of a session that is not there. */
export function inactive(
  reason: InactiveReason,
  { context, answerJson }: Question,
  requestId: string,
): MessageInitShape<typeof InactiveSessionSchema> {
  if (!context) {
    return { reason };
  }
  if (goesToLogin(context, answerJson)) {
    return { reason, answer: toLogin(context, "") };
  }
  const isUnknown = [InactiveReason.NONE, InactiveReason.FORGED, InactiveReason.AMBIGUOUS].includes(reason);
  return {
    reason,
    answer: isUnknown
      ? problem(401, "not_signed_in", "Not signed in", "Log in first.", requestId)
      : problem(401, "session_ended", "Session expired", "The session has ended. Log in again.", requestId),
  };
}

/** What is said of a session that may not make a request. */
export function denied(
  reason: DeniedReason,
  session: Kept | undefined,
  question: Question,
  settings: EdgeSettings,
  requestId: string,
): MessageInitShape<typeof DeniedSessionSchema> {
  const { context, requirements, answerJson } = question;
  const lacked = LACKED.get(reason);
  const lack = session && lackOf(factsOf(session), requirements);
  const names = lack && lack.what === lacked ? lack.names : []; // none where the fake was told to deny
  const loginQuery = lacked && isMendedByLogin(lacked) ? loginQueryOf(lacked, session, requirements) : "";
  const [publicReason, detail, remedy] = told(reason, names, settings);
  const list = lacked && MISSING[lacked];
  const said = {
    reason,
    remedy,
    loginQuery,
    ...(list ? { [list]: [...names] } : {}),
    ...(session ? { session: session.info } : {}),
  };
  if (!context) {
    return said;
  }
  if (loginQuery === "") {
    return { ...said, answer: problem(403, publicReason, detail, remedy, requestId) };
  }
  const answer = goesToLogin(context, answerJson)
    ? toLogin(context, `${loginQuery}&`)
    : problem(403, publicReason, detail, remedy, requestId, { login_path: `/auth/web/login?${loginQuery}` });
  return { ...said, answer };
}

/** What is lacking, by what a request is refused with. */
const LACKED = new Map(Object.entries(DENIED_REASONS).map(([what, reason]) => [reason, what as Lacked]));

/** Where the names go. */
const MISSING: Readonly<Partial<Record<Lacked, string>>> = {
  scope: "missingScopes",
  permission: "missingPermissions",
  role: "missingRoles",
  acr: "missingAcrValues",
  amr: "missingAmrValues",
};

/** Asks for all that the requirements say of the login. The fake's logins make a session, and step none up. */
function loginQueryOf(lacked: Lacked, session: Kept | undefined, requirements: Requirements | undefined): string {
  const { maxLoginAge, acrValues = [] } = requirements ?? {};
  const query = new URLSearchParams({ provider: session?.identity.provider ?? "fake" });
  if (maxLoginAge || lacked === "login age") {
    query.set("max_age", String(maxLoginAge?.seconds ?? 0));
  }
  if (acrValues.length > 0) {
    query.set("acr_values", acrValues.join(" "));
  }
  if (lacked === "amr") {
    query.set("prompt", "login");
  }
  return query.toString();
}

/** The reason for a browser, what is wrong, and the remedy. */
function told(reason: DeniedReason, names: readonly string[], { csrfHeader }: EdgeSettings): [string, string, string] {
  const lacked = LACKED.get(reason);
  if (lacked) {
    return [REASON_WORDS[lacked], detailOf(lacked, names), REMEDIES[lacked]];
  }
  switch (reason) {
    case DeniedReason.ORIGIN_REFUSED:
      return ["origin_refused", "Requests from this origin are not allowed", "Send the request from the site itself."];
    case DeniedReason.CSRF_MISSING:
    case DeniedReason.CSRF_INVALID:
    case DeniedReason.CSRF_EXPIRED:
    case DeniedReason.CSRF_OTHER_SESSION:
    case DeniedReason.CSRF_ROTATED: {
      const remedy = `Fetch a fresh token from /auth/me and send it in the ${csrfHeader} header.`;
      return ["csrf_mismatch", "CSRF token mismatch", remedy];
    }
    default:
      return ["forbidden", "This session may not make this request", ""];
  }
}

const ASK_FOR_IT = "Ask whoever runs this application for it, then log in again.";
const LOG_IN_SO = "Log in again in the way that is asked for, then repeat the request.";
const REMEDIES: Readonly<Record<Lacked, string>> = {
  scope: "Log in with an account that is granted the scope.",
  permission: ASK_FOR_IT,
  role: ASK_FOR_IT,
  email: "Verify your email address where you log in, then log in again.",
  acr: LOG_IN_SO,
  amr: LOG_IN_SO,
  "login age": "Log in again, then repeat the request.",
};

function goesToLogin(context: RequestContext, answerJson: boolean): boolean {
  return !answerJson && textOf(context.method) === "GET" && isNavigation(context);
}

function toLogin(context: RequestContext, parameters: string): Finished {
  const place = encodeURIComponent(textOf(context.target));
  return redirect(302, `/auth/web/login?${parameters}redirect_uri=${place}`);
}
