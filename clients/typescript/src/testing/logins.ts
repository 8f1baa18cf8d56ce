/** Owns how the fake authority logs people in and out. There is no provider. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  LoginFailure,
  type CompleteCallbackRequest,
  type CompleteCallbackResponseSchema,
  type StartLoginRequest,
  type StartLoginResponseSchema,
  type StartLogoutRequest,
  type StartLogoutResponseSchema,
} from "../gen/gatelodge/v1/login_pb.js";
import type { Cookie } from "../gen/gatelodge/v1/presented_pb.js";
import { CsrfRequirement, DeniedReason, RequirementsSchema } from "../gen/gatelodge/v1/session_pb.js";
import { denied, json, problem, redirect, setCookie, type Finished } from "./answers.js";
import { isForeign, isNavigation, judge, textOf, unguessable } from "./session.js";
import { ended, found, remember, type State } from "./state.js";

/** For a return from a provider that was not begun here. */
export function stateInvalid(remedy: string, requestId: string): Finished {
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

/** Begins a login, and sends the browser straight on to the callback. */
export function startLogin(
  state: State,
  { query }: StartLoginRequest,
  requestId: string,
): MessageInitShape<typeof StartLoginResponseSchema> {
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

/** Makes the session, in the browser that began the login. */
export function completeCallback(
  state: State,
  { response, cookies }: CompleteCallbackRequest,
  requestId: string,
): MessageInitShape<typeof CompleteCallbackResponseSchema> {
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

/** Ends the session, where the request may. */
export function startLogout(
  state: State,
  { query, cookies, context, form }: StartLogoutRequest,
  requestId: string,
): MessageInitShape<typeof StartLogoutResponseSchema> {
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
  return { answer: { ...answer, setCookies } as Finished, revokedCount: ended(state, one), settingsVersion };
}
