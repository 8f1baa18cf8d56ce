/**
 * Next.js, app router, on the Node runtime (the edge runtime has no sockets, so no gRPC). Three short files:
 *
 *     // auth.ts
 *     export const auth = gatelodge();
 *     // app/auth/[...gatelodge]/route.ts
 *     export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = auth.handlers;
 *     // instrumentation.ts
 *     export { register } from "gatelodge/next";
 *
 * @module
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe } from "node:diagnostics_channel";
import type { IncomingMessage, ServerResponse } from "node:http";
import { admit } from "./admitted.js";
import { unknownPath } from "./answer.js";
import { admitBearer, tokenBehind, tokenRule, type Token, type TokenNeeds } from "./bearer.js";
import { Edge, type EdgeOptions } from "./edge.js";
import { rule, type Rule } from "./gate.js";
import { keepApart, putNow, rawOf } from "./node.js";
import { pathAndQuery, type RawRequest } from "./presented.js";
import type { Needs } from "./requirements.js";
import { ROUTES } from "./routes.js";
import type { Session } from "./session.js";
import { deliver, rawOfFetch, responseOf } from "./web.js";

/** A route handler that is told who is signed in; `context` is Next's own, with the path's parameters. */
export type Guarded<S, R extends Request, C> = (request: R, session: S, context: C) => Response | Promise<Response>;
/** A route handler of Next. */
export type Handler<R extends Request = Request, C = unknown> = (request: R, context: C) => Promise<Response>;
/** What a route's file exports. */
export type Method = (typeof METHODS)[number];
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

const NAMED: ReadonlySet<string> = new Set(METHODS);

// Next may load this module once for each bundle; a request is the same in all of them.
const KEY = Symbol.for("gatelodge.next.request");
const shared = globalThis as { [KEY]?: AsyncLocalStorage<{ request: RawRequest; response: ServerResponse }> };

/**
 * For `instrumentation.ts`: lets the edge see requests as they came, and answer them with all lines. Next joins doubled
 * lines, adds forwarded headers of its own, hides the peer's address, redirects a request line that names a host (RFC
 * 9112, 3.2.2) to that host, and shows no handler a method that it has no name for; without this, the authority sees what
 * Next shows.
 */
export function register(): void {
  if (process.env["NEXT_RUNTIME"] === "edge" || shared[KEY]) {
    return;
  }
  const underWay = (shared[KEY] = new AsyncLocalStorage());
  subscribe("http.server.request.start", (message) => {
    const { request, response } = message as { request: IncomingMessage; response: ServerResponse };
    underWay.enterWith({ request: rawOf(request), response }); // read now: Next will change its URL and headers
    request.url = pathAndQuery(request.url ?? "/");
    if (!NAMED.has(request.method ?? "") && isOurs(request.url)) {
      request.method = "OPTIONS"; // for Next alone, which then finds the edge's handler; it changes nothing elsewhere
    }
  });
}

/** Whether it may be a route of the edge, under whichever prefix. */
function isOurs(url: string): boolean {
  const [path = ""] = url.split("?");
  return ROUTES.some((route) => path.endsWith(route.path));
}

/** The edge in a Next.js application. */
export class NextEdge {
  /** For `app/auth/[...gatelodge]/route.ts`: the routes that log people in and out. */
  readonly handlers: Readonly<Record<Method, Handler>>;
  readonly #make: () => Edge;
  #edge: Edge | undefined;

  /** @param make makes the edge at the first request: `next build` loads these modules without any settings. */
  constructor(make: () => Edge) {
    this.#make = make;
    const handler: Handler = async (request) => {
      const edge = await this.#begun();
      const answer = await (edge.answer(raw(request)) ?? unknownPath());
      const { response } = shared[KEY]?.getStore() ?? {};
      return responseOf(response ? keepApart(response, answer) : answer, request.method);
    };
    this.handlers = Object.fromEntries(METHODS.map((method) => [method, handler])) as Record<Method, Handler>;
  }

  /** The edge, made at first use. */
  get edge(): Edge {
    return (this.#edge ??= this.#make());
  }

  /**
   * A route handler that looks for the session behind its request. Without one it goes ahead; a request that the session
   * may not make gets the authority's answer, and when the authority can't say, the browser gets 503 and keeps its cookies.
   */
  sessions<R extends Request = Request, C = unknown>(
    handler: Guarded<Session | undefined, R, C>,
    needs?: Needs,
  ): Handler<R, C> {
    return this.#guarding(handler, rule(false, needs));
  }

  /** As {@link sessions}, for routes that nobody may enter without a session: a redirect to the login, or 401. */
  required<R extends Request = Request, C = unknown>(handler: Guarded<Session, R, C>, needs?: Needs): Handler<R, C> {
    return this.#guarding(handler as Guarded<Session | undefined, R, C>, rule(true, needs));
  }

  /**
   * For `proxy.ts` (`middleware.ts` with `runtime: "nodejs"`): the answer for a request that may not enter, or nothing.
   *
   *     export const proxy = (request: NextRequest) => auth.refusal(request);
   */
  async refusal(request: Request, needs?: Needs): Promise<Response | undefined> {
    const { gate } = await this.#begun();
    const outcome = await gate.admit(raw(request), rule(true, needs, false));
    if (!("answer" in outcome)) {
      return undefined;
    }
    const response = responseOf(outcome.answer, request.method);
    const location = response.headers.get("location");
    if (location !== null) {
      // Next takes a whole URL from a proxy alone, and tells the browser a path where it leads to its own host.
      response.headers.set("location", new URL(location, request.url).href);
    }
    return response;
  }

  /**
   * For server components and actions: the session behind the request they render for, or nothing.
   *
   *     const session = await auth.session(await headers());
   *
   * @throws GatelodgeError the authority could not say. That is no "nobody": let Next's error page show.
   */
  async session(headers: Headers): Promise<Session | undefined> {
    const { gate } = this.edge;
    await gate.keeper.ready(AbortSignal.timeout(2000)).catch(() => undefined); // then the check says that it can't
    const request = raw(new Request("http://localhost/", { headers: new Headers(headers) }));
    // Who it is, and not whether a form may be sent: actions have Next's own guard of the origin.
    const verdict = await gate.check(request, rule(false, { csrf: "never" }, false));
    return verdict.kind === "active" ? verdict.session : undefined;
  }

  /**
   * A route handler of an API: nobody enters without a bearer token that is good and meets the needs. Others get 401 or 403
   * with `WWW-Authenticate` (RFC 6750), and 503 when the authority can't say.
   */
  bearer<R extends Request = Request, C = unknown>(handler: Guarded<Token, R, C>, needs?: TokenNeeds): Handler<R, C> {
    const rule = tokenRule(needs);
    return async (request, context) => {
      const answer = await admitBearer(this.edge.client, rule, raw(request), request);
      return answer ? responseOf(answer, request.method) : handler(request, tokenBehind(request), context);
    };
  }

  /** Each bundle of Next's has an edge of its own, whose first request waits for the settings. */
  async #begun(): Promise<Edge> {
    await this.edge.gate.keeper.tried();
    return this.edge;
  }

  #guarding<R extends Request, C>(handler: Guarded<Session | undefined, R, C>, rule: Rule): Handler<R, C> {
    return async (request, context) => {
      const { gate } = await this.#begun();
      const outcome = await admit(gate, rule, raw(request), request);
      if ("answer" in outcome) {
        return responseOf(outcome.answer, request.method);
      }
      const { admission } = outcome.admitted;
      if (!admission.checked) {
        return handler(request, admission.session, context);
      }
      let made: Response;
      try {
        made = await handler(request, admission.session, context);
      } catch (thrown) {
        // Next answers then (500, or where its redirect() leads to), and leaves what stands on Node's own response.
        const { response } = shared[KEY]?.getStore() ?? {};
        if (response && !response.headersSent) {
          putNow(response, outcome.admitted);
        }
        throw thrown;
      }
      const response = new Response(made.body, made);
      deliver(response.headers, outcome.admitted);
      return response;
    };
  }
}

function raw(request: Request): RawRequest {
  return shared[KEY]?.getStore()?.request ?? rawOfFetch(request);
}

/** Gets the edge ready; it is made at the first request, with what the environment says unless the options say else. */
export function gatelodge(options: EdgeOptions | Edge = {}): NextEdge {
  return new NextEdge(() => (options instanceof Edge ? options : new Edge(options)));
}
