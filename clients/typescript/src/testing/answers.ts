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
  type ValidateSessionRequest,
} from "../gen/gatelodge/v1/session_pb.js";
import { isNavigation, missing, textOf, type Kept } from "./session.js";

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
export function problem(status: number, reason: string, detail: string, remedy: string, requestId: string): Finished {
  return json(status, { detail, reason, remedy, request_id: requestId });
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
  const missingScopes =
    session && reason === DeniedReason.SCOPE_MISSING ? missing(requirements?.scopes ?? [], session) : [];
  const age = String(requirements?.maxLoginAge?.seconds ?? 0);
  const provider = session?.identity.provider ?? "fake";
  const loginQuery = reason === DeniedReason.LOGIN_TOO_OLD ? `provider=${provider}&max_age=${age}` : "";
  const [publicReason, detail, remedy] = told(reason, missingScopes, settings);
  const said = { reason, remedy, missingScopes, loginQuery, ...(session ? { session: session.info } : {}) };
  if (!context) {
    return said;
  }
  const answer =
    loginQuery && goesToLogin(context, answerJson)
      ? toLogin(context, `${loginQuery}&`)
      : problem(403, publicReason, detail, remedy, requestId);
  return { ...said, answer };
}

function told(reason: DeniedReason, scopes: readonly string[], { csrfHeader }: EdgeSettings): [string, string, string] {
  switch (reason) {
    case DeniedReason.ORIGIN_REFUSED:
      return ["origin_refused", "Requests from this origin are not allowed", "Send the request from the site itself."];
    case DeniedReason.SCOPE_MISSING:
      return [
        "scope_missing",
        `Missing scope: ${scopes.join(" ")}`,
        "Log in with an account that is granted the scope.",
      ];
    case DeniedReason.LOGIN_TOO_OLD:
      return ["login_too_old", "A fresh login is needed", "Log in again, then repeat the request."];
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

function goesToLogin(context: RequestContext, answerJson: boolean): boolean {
  return !answerJson && textOf(context.method) === "GET" && isNavigation(context);
}

function toLogin(context: RequestContext, parameters: string): Finished {
  const place = encodeURIComponent(textOf(context.target));
  return redirect(302, `/auth/web/login?${parameters}redirect_uri=${place}`);
}
