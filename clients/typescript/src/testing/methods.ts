/** Owns what the fake authority answers to each method. A new method needs a row here. */
import {
  create,
  type DescMethodUnary,
  type Message,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { errorOf, type Reason } from "../errors.js";
import { AdminService } from "../gen/gatelodge/v1/admin_pb.js";
import { LoginFailure, LoginService } from "../gen/gatelodge/v1/login_pb.js";
import { TokenService } from "../gen/gatelodge/v1/token_pb.js";
import type { Cookie } from "../gen/gatelodge/v1/presented_pb.js";
import { CsrfRequirement, DeniedReason, RequirementsSchema, SessionService } from "../gen/gatelodge/v1/session_pb.js";
import { denied, inactive, json, problem, redirect, setCookie, type Finished } from "./answers.js";
import { isForeign, isNavigation, judge, presented, textOf, unguessable, type Kept } from "./session.js";
import { remember, type State } from "./state.js";

type Answers<M extends DescMethodUnary> = (
  state: State,
  question: MessageShape<M["input"]>,
  requestId: string,
) => MessageInitShape<M["output"]>;
type Any = (state: State, question: Message, requestId: string) => MessageInitShape<DescMethodUnary["output"]>;

const { login, session, token, admin } = {
  login: LoginService.method,
  session: SessionService.method,
  token: TokenService.method,
  admin: AdminService.method,
};

/** The answers, by the method's full name. */
export const METHODS: Readonly<Record<string, Any>> = Object.fromEntries([
  row(login.getEdgeSettings, ({ settings }) => ({ settings })),
  row(login.listProviders, ({ settings }) => ({
    providers: [{ name: "fake", displayName: "Fake", loginPath: "/auth/web/login?provider=fake" }],
    settingsVersion: settings.version,
  })),
  row(login.startLogin, startLogin),
  row(login.completeCallback, completeCallback),
  row(login.startLogout, startLogout),
  // It knows no state, since there is no provider to come back from.
  row(login.completeLogout, ({ settings }, _, requestId) => ({
    answer: stateInvalid("You are logged out. This page was reached without a logout begun here.", requestId),
    settingsVersion: settings.version,
  })),
  row(session.validateSession, validateSession),
  row(session.refreshTokens, (state, { cookies }) => {
    const found = presented(state.sessions, cookies);
    return typeof found === "number"
      ? { outcome: { case: "inactive" as const, value: { reason: found } } }
      : { outcome: { case: "refreshed" as const, value: { session: found.info } } };
  }),
  // One that names the user.
  row(session.getAccessToken, (state, { cookies }) => {
    const found = presented(state.sessions, cookies);
    if (typeof found === "number") {
      return { outcome: { case: "inactive" as const, value: { reason: found } } };
    }
    const { userId, scopes } = found.identity;
    return { outcome: { case: "accessToken" as const, value: { value: `access_${userId}`, type: "Bearer", scopes } } };
  }),
  row(session.getUserInfo, (state, { cookies }) => {
    const found = presented(state.sessions, cookies);
    return typeof found === "number"
      ? { outcome: { case: "inactive" as const, value: { reason: found } } }
      : { outcome: { case: "userInfo" as const, value: { identity: found.identity, session: found.info } } };
  }),
  row(session.revoke, (state, { cookies, target }) => {
    required("target", target.case);
    return { revokedCount: ended(found(state, cookies)) };
  }),
  // Of bearer tokens it says what an authority says that checks none and mints none.
  row(token.validateToken, () => off("TOKEN_CHECK_OFF", "The fake authority checks no access tokens.")),
  row(token.mintToken, () => off("MINTING_OFF", "The fake authority mints no tokens.")),
  row(token.getJwks, () => off("MINTING_OFF", "The fake authority mints no tokens.")),
  row(admin.listSessions, (state, { userId }) => ({
    sessions: living(state)
      .filter(({ identity }) => userId === "" || identity.userId === userId)
      .map(shown),
  })),
  row(admin.getSession, (state, { sessionId }) => {
    const one = living(state).find(({ info }) => info.sessionId === sessionId);
    if (!one) {
      throw errorOf({ code: "NOT_FOUND", reason: "SESSION_NOT_FOUND", message: "No living session has this id." });
    }
    return { session: shown(one) };
  }),
  row(admin.revoke, (state, { target }) => {
    required("target", target.case);
    const meant = living(state).filter(({ identity, info }) =>
      target.case === "sessionId" ? info.sessionId === target.value : identity.userId === target.value,
    );
    return { revokedCount: BigInt(ended(...meant)) };
  }),
]);

function row<M extends DescMethodUnary>(method: M, answers: Answers<M>): [string, Any] {
  return [`${method.parent.typeName}/${method.name}`, answers as unknown as Any];
}

function required(field: string, value: unknown): void {
  if (value === undefined) {
    throw errorOf({
      code: "INVALID_ARGUMENT",
      reason: "INVALID_FIELD",
      message: `${field} is required`,
      fields: [{ field, description: "is required" }],
    });
  }
}

function off(reason: Reason, message: string): never {
  throw errorOf({ code: "FAILED_PRECONDITION", reason, message });
}

function living({ sessions }: State): Kept[] {
  return [...new Set(sessions.values())].filter(({ state }) => state === "active");
}

function shown({ identity, info }: Kept) {
  return { identity, info };
}

function found(state: State, cookies: readonly Cookie[]): Kept | undefined {
  const one = presented(state.sessions, cookies);
  return typeof one === "number" ? undefined : one;
}

function ended(...sessions: (Kept | undefined)[]): number {
  const there = sessions.filter((one) => one !== undefined);
  for (const one of there) {
    one.state = "revoked";
  }
  return there.length;
}

function stateInvalid(remedy: string, requestId: string): Finished {
  return problem(400, "state_invalid", "Invalid state parameter", remedy, requestId);
}

function notAllowed(requestId: string): Finished {
  const remedy = "Use a path of the application.";
  return problem(400, "redirect_not_allowed", "This redirect_uri is not allowed", remedy, requestId);
}

/** Reads redirect_uri, which has to be a path of the application's own. */
function returnPlace(query: Uint8Array, usual = "/"): string | undefined {
  const place = new URLSearchParams(textOf(query)).get("redirect_uri") ?? "";
  if (place === "") {
    return usual;
  }
  return /^\/(?!\/)[^\\\r\n\t]*$/.test(place) ? place : undefined;
}

function startLogin(
  state: State,
  { query }: MessageShape<typeof login.startLogin.input>,
  requestId: string,
): MessageInitShape<typeof login.startLogin.output> {
  const { settings } = state;
  const settingsVersion = settings.version;
  const returnTo = returnPlace(query, settings.landingPlaces?.afterLogin);
  if (returnTo === undefined) {
    return { answer: notAllowed(requestId), failure: LoginFailure.REDIRECT_NOT_ALLOWED, settingsVersion };
  }
  const [name, binding] = [unguessable(), unguessable()];
  state.logins.set(name, { binding, returnTo, who: state.next });
  const place = `${settings.callbackAddresses[0]?.url ?? ""}?code=${unguessable()}&state=${name}`;
  const cookie = setCookie(settings, settings.bindingCookieNames[0] ?? "", binding, 600);
  return { answer: redirect(302, place, [cookie]), settingsVersion };
}

function completeCallback(
  state: State,
  { response, cookies }: MessageShape<typeof login.completeCallback.input>,
  requestId: string,
): MessageInitShape<typeof login.completeCallback.output> {
  const { settings, logins } = state;
  const settingsVersion = settings.version;
  const name = new URLSearchParams(textOf(response.value)).get("state") ?? "";
  const begun = logins.get(name);
  const isOurs = ({ name, value }: Cookie): boolean =>
    name === settings.bindingCookieNames[0] && textOf(value) === begun?.binding;
  if (!begun || !cookies.some(isOurs)) {
    const failure = begun ? LoginFailure.OTHER_BROWSER : LoginFailure.STATE_INVALID;
    const answer = stateInvalid("This login was not begun here. Begin the login again.", requestId);
    return { answer, outcome: { case: "failure", value: failure }, settingsVersion };
  }
  logins.delete(name);
  const made = remember(state, begun.who);
  const cookie = setCookie(settings, settings.sessionCookieNames[0] ?? "", made.cookie, 86400);
  const completed = { identity: made.identity, session: made.info };
  return {
    answer: redirect(302, begun.returnTo, [cookie]),
    outcome: { case: "completed", value: completed },
    settingsVersion,
  };
}

function startLogout(
  state: State,
  { query, cookies, context, form }: MessageShape<typeof login.startLogout.input>,
  requestId: string,
): MessageInitShape<typeof login.startLogout.output> {
  const { settings } = state;
  const settingsVersion = settings.version;
  const returnTo = returnPlace(query, settings.landingPlaces?.afterLogout);
  if (returnTo === undefined) {
    return { answer: notAllowed(requestId), settingsVersion };
  }
  const requirements = create(RequirementsSchema, { csrf: CsrfRequirement.REQUIRED });
  const one = found(state, cookies);
  const [inForm, ...others] = new URLSearchParams(textOf(form)).getAll("csrf_token");
  if (others.length > 0) {
    const answer = problem(400, "request_malformed", "The request can't be read", "Send csrf_token once.", requestId);
    return { answer, settingsVersion };
  }
  const judgedContext =
    context && !context.csrfToken && inForm !== undefined ? { ...context, csrfToken: Buffer.from(inForm) } : context;
  const judged = isForeign(context, settings)
    ? DeniedReason.ORIGIN_REFUSED
    : one && judge(one, requirements, judgedContext, settings);
  if (typeof judged === "number") {
    const { answer } = denied(judged, one, { context, requirements, answerJson: false }, settings, requestId);
    return { ...(answer ? { answer } : {}), settingsVersion };
  }
  const answer: Finished =
    context && isNavigation(context) ? redirect(303, returnTo) : json(200, { message: "Logged out successfully" });
  const [sessionCookie = ""] = settings.sessionCookieNames;
  const setCookies = cookies.some(({ name }) => name === sessionCookie)
    ? [setCookie(settings, sessionCookie, "", 0)]
    : [];
  return { answer: { ...answer, setCookies } as Finished, revokedCount: ended(one), settingsVersion };
}

function validateSession(
  state: State,
  question: MessageShape<typeof session.validateSession.input>,
  requestId: string,
): MessageInitShape<typeof session.validateSession.output> {
  const { settings } = state;
  const { cookies, context, requirements, canSetCookies, issueCsrfToken } = question;
  const settingsVersion = settings.version;
  if (requirements?.csrf === CsrfRequirement.REQUIRED && !context) {
    const message = "CSRF can't be judged without a context.";
    throw errorOf({ code: "INVALID_ARGUMENT", reason: "CONTEXT_REQUIRED", message });
  }
  const one = presented(state.sessions, cookies);
  if (typeof one === "number") {
    return {
      outcome: { case: "inactive", value: inactive(one, question, requestId) },
      settingsVersion,
    };
  }
  const judged = state.denial || judge(one, requirements, context, settings);
  if (typeof judged === "number") {
    return { outcome: { case: "denied", value: denied(judged, one, question, settings, requestId) }, settingsVersion };
  }
  const isNewest = cookies.some(({ value }) => textOf(value) === one.renewedCookie);
  const newer = canSetCookies && !isNewest ? one.renewedCookie : undefined;
  const active = {
    identity: one.identity,
    session: one.info,
    judged,
    setCookies: newer === undefined ? [] : [setCookie(settings, settings.sessionCookieNames[0] ?? "", newer, 86400)],
    csrfToken: issueCsrfToken ? one.csrfToken : "",
  };
  return { outcome: { case: "active", value: active }, settingsVersion };
}
