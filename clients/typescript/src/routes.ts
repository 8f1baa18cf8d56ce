/** Owns the table of routes, and the call behind each. Does not know frameworks. */
import { copy, checkDelivery, forbidden, json, notSignedIn, problem, type Answer, type Asker } from "./answer.js";
import { formOf, sentOf, type NoForm } from "./form.js";
import type { Gate } from "./gate.js";
import type { HttpAnswer } from "./gen/gatelodge/v1/http_answer_pb.js";
import { RouteSet } from "./gen/gatelodge/v1/login_pb.js";
import { contextOf, loginCookies, query, sessionCookies, type RawRequest } from "./presented.js";
import type { Settings } from "./settings.js";

/** What a browser asked, ready to be passed on. */
export interface Asked {
  readonly gate: Gate;
  readonly settings: Settings;
  readonly request: RawRequest;
  readonly asker: Asker;
}

/** A route of the contract. */
export interface Route {
  readonly path: string;
  readonly routeSet: RouteSet;
  readonly methods: readonly string[];
  /** Asks the authority, and makes an answer of what it says. */
  readonly pass: (asked: Asked) => Promise<Answer>;
}

export const CALLBACK_PATH = "/auth/web/callback";

// HEAD is no way to begin or complete a login: link checkers and previews send it, and it would spend the state.
export const ROUTES: readonly Route[] = [
  { path: "/auth/web/login", routeSet: RouteSet.WEB, methods: ["GET"], pass: login },
  { path: CALLBACK_PATH, routeSet: RouteSet.WEB, methods: ["GET", "POST"], pass: callback },
  { path: "/auth/me", routeSet: RouteSet.WEB, methods: ["GET", "HEAD"], pass: me },
  { path: "/auth/web/logout", routeSet: RouteSet.WEB, methods: ["POST"], pass: logout },
  { path: "/auth/web/logged-out", routeSet: RouteSet.WEB, methods: ["GET"], pass: loggedOut },
  { path: "/auth/web/backchannel-logout", routeSet: RouteSet.WEB, methods: ["POST"], pass: backchannelLogout },
  { path: "/auth/web/frontchannel-logout", routeSet: RouteSet.WEB, methods: ["GET"], pass: frontchannelLogout },
  { path: "/auth/web/refresh", routeSet: RouteSet.WEB, methods: ["POST"], pass: refresh },
  { path: "/auth/web/userinfo", routeSet: RouteSet.WEB, methods: ["GET", "HEAD", "POST"], pass: userInfo },
  { path: "/auth/web/sessions", routeSet: RouteSet.WEB, methods: ["GET", "HEAD"], pass: sessions },
  { path: "/auth/web/sessions/revoke", routeSet: RouteSet.WEB, methods: ["POST"], pass: revokeSessions },
];

async function login(asked: Asked): Promise<Answer> {
  return passedOn(asked, await asked.gate.client.login.startLogin(common(asked), how(asked)));
}

async function callback(asked: Asked): Promise<Answer> {
  const { query, ...rest } = common(asked);
  // A provider's answer comes by GET, the choice that a login waits for by POST.
  const came = asked.request.method === "POST" ? await sentOf(asked.request, asked.settings) : undefined;
  if (typeof came === "string") {
    return withoutBody(asked, came);
  }
  const response = came ?? { case: "query" as const, value: query };
  return passedOn(asked, await asked.gate.client.login.completeCallback({ ...rest, response }, how(asked)));
}

async function logout(asked: Asked): Promise<Answer> {
  const { asker, gate, request, settings } = asked;
  const form = await formOf(request, settings);
  if (form === "read already") {
    asker.logger.error(READ_ALREADY);
    return passedOn(asked, await gate.client.login.startLogout(common(asked), how(asked)));
  }
  if (typeof form === "string") {
    return withoutBody(asked, form);
  }
  return passedOn(asked, await gate.client.login.startLogout({ ...common(asked), form }, how(asked)));
}

const READ_ALREADY = "the body of a request was read before the edge could: mount the edge before body parsers";

function withoutBody({ asker }: Asked, missing: NoForm): Answer {
  switch (missing) {
    case "late":
      return problem(asker, 408, "REQUEST_TIMEOUT", "The request's body did not come in time.");
    case "broken":
      return problem(asker, 400, "REQUEST_BROKEN", "The request broke off.");
    case "read already":
      asker.logger.error(READ_ALREADY);
      return problem(asker, 500, "NOT_CONFIGURED", "This route does not get the request's body.");
  }
}

async function loggedOut(asked: Asked): Promise<Answer> {
  return passedOn(asked, await asked.gate.client.login.completeLogout(common(asked), how(asked)));
}

/** A provider's server says that a session has ended there. What it sends is signed, and no browser's. */
async function backchannelLogout(asked: Asked): Promise<Answer> {
  const { gate, request, settings } = asked;
  const form = await formOf(request, settings);
  if (typeof form === "string") {
    return withoutBody(asked, form);
  }
  const question = { routeSet: RouteSet.WEB, form, context: contextOf(request, settings) };
  return passedOn(asked, await gate.client.login.handleBackchannelLogout(question, how(asked)));
}

/** A page of a provider's logout has the browser say so. */
async function frontchannelLogout(asked: Asked): Promise<Answer> {
  const { routeSet, query, context } = common(asked);
  const question = { routeSet, query, context };
  return passedOn(asked, await asked.gate.client.login.handleFrontchannelLogout(question, how(asked)));
}

async function refresh(asked: Asked): Promise<Answer> {
  const done = await asked.gate.client.sessions.refreshTokens(aboutSession(asked), how(asked));
  return copy(asked.asker, done.answer);
}

async function userInfo(asked: Asked): Promise<Answer> {
  // The provider is asked only for a POST, which no other site can make a browser send.
  const question = { ...aboutSession(asked), refresh: asked.request.method === "POST" };
  return copy(asked.asker, (await asked.gate.client.sessions.getUserInfo(question, how(asked))).answer);
}

async function sessions(asked: Asked): Promise<Answer> {
  const question = { ...aboutSession(asked), query: query(asked.request, asked.settings) };
  return copy(asked.asker, (await asked.gate.client.sessions.listUserSessions(question, how(asked))).answer);
}

async function revokeSessions(asked: Asked): Promise<Answer> {
  const target = await sentOf(asked.request, asked.settings);
  if (typeof target === "string") {
    return withoutBody(asked, target);
  }
  const done = await asked.gate.client.sessions.revoke({ ...aboutSession(asked), target }, how(asked));
  return copy(asked.asker, done.answer);
}

function aboutSession({ request, settings }: Asked) {
  return { cookies: sessionCookies(request, settings), context: contextOf(request, settings) };
}

function common({ request, settings }: Asked) {
  return {
    routeSet: RouteSet.WEB,
    query: query(request, settings),
    cookies: loginCookies(request, settings),
    context: contextOf(request, settings),
  };
}

function how({ asker }: Asked) {
  return { requestId: asker.requestId };
}

function passedOn(
  { asker, gate }: Asked,
  done: { readonly answer?: HttpAnswer | undefined; readonly settingsVersion: string },
): Answer {
  gate.keeper.sawVersion(done.settingsVersion);
  return copy(asker, done.answer);
}

/** Says who is logged in: the one answer that an edge writes. */
async function me(asked: Asked): Promise<Answer> {
  const { asker, gate, request, settings } = asked;
  const question = {
    cookies: sessionCookies(request, settings),
    context: contextOf(request, settings),
    canSetCookies: true,
    issueCsrfToken: true,
    answerJson: true,
  };
  const verdict = await gate.sessions.check(question, how(asked));
  gate.keeper.sawVersion(verdict.settingsVersion);
  if (verdict.kind === "denied") {
    return forbidden(asker, verdict.denied.answer);
  }
  if (verdict.kind === "inactive") {
    return notSignedIn(asker, verdict.inactive.answer);
  }
  checkDelivery(verdict);
  const { session, csrfToken, setCookies } = verdict;
  const body = {
    user_id: session.userId,
    email: session.email ?? null,
    name: session.name ?? null,
    provider: session.provider,
    csrf_token: csrfToken || null,
  };
  const token: [string, string][] = csrfToken ? [[settings.csrfHeader, csrfToken]] : [];
  return json(200, body, [...token, ...setCookies.map((cookie): [string, string] => ["set-cookie", cookie])]);
}
