/** Owns the table of routes, and the call behind each. Does not know frameworks. */
import { copy, checkDelivery, forbidden, json, notSignedIn, problem, type Answer, type Asker } from "./answer.js";
import { formOf } from "./form.js";
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
  { path: CALLBACK_PATH, routeSet: RouteSet.WEB, methods: ["GET"], pass: callback },
  { path: "/auth/me", routeSet: RouteSet.WEB, methods: ["GET", "HEAD"], pass: me },
  { path: "/auth/web/logout", routeSet: RouteSet.WEB, methods: ["POST"], pass: logout },
  { path: "/auth/web/logged-out", routeSet: RouteSet.WEB, methods: ["GET"], pass: loggedOut },
];

async function login(asked: Asked): Promise<Answer> {
  return passedOn(asked, await asked.gate.client.login.startLogin(common(asked), how(asked)));
}

async function callback(asked: Asked): Promise<Answer> {
  const { query, ...rest } = common(asked);
  const question = { ...rest, response: { case: "query" as const, value: query } };
  return passedOn(asked, await asked.gate.client.login.completeCallback(question, how(asked)));
}

async function logout(asked: Asked): Promise<Answer> {
  const { asker, gate, request, settings } = asked;
  const form = await formOf(request, settings);
  switch (form) {
    case "late":
      return problem(asker, 408, "REQUEST_TIMEOUT", "The request's body did not come in time.");
    case "broken":
      return problem(asker, 400, "REQUEST_BROKEN", "The request broke off.");
    case "read already":
      asker.logger.error("the body of a logout was read before the edge could: mount the edge before body parsers");
      return passedOn(asked, await gate.client.login.startLogout(common(asked), how(asked)));
    default:
      return passedOn(asked, await gate.client.login.startLogout({ ...common(asked), form }, how(asked)));
  }
}

async function loggedOut(asked: Asked): Promise<Answer> {
  return passedOn(asked, await asked.gate.client.login.completeLogout(common(asked), how(asked)));
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
