/**
 * Next.js, app router, on the Node runtime (the edge runtime has no sockets, so no gRPC). Three short files:
 *
 *     // auth.ts
 *     export const auth = gatelodge();
 *     // app/auth/[...gatelodge]/route.ts
 *     export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = auth.handlers;
 *     // instrumentation.ts
 *     export async function register() {
 *       if (process.env.NEXT_RUNTIME === "nodejs") (await import("gatelodge/next")).register();
 *     }
 *
 * @module
 */
import { admit } from "./admitted.js";
import { unknownPath } from "./answer.js";
import { admitBearer, tokenBehind, tokenRule, type Token, type TokenNeeds } from "./bearer.js";
import { Client } from "./client.js";
import { Edge, type EdgeOptions } from "./edge.js";
import { rule, type Rule } from "./gate.js";
import { beforeHead, keepApart, putNow } from "./node.js";
import type { RawRequest } from "./presented.js";
import type { Needs } from "./requirements.js";
import type { Session } from "./session.js";
import { METHODS, onStart, underWay } from "./underway.js";
import { deliver, rawOfFetch, responseOf } from "./web.js";

/** A route handler that is told who is signed in; `context` is Next's own, with the path's parameters. */
export type Guarded<S, R extends Request, C> = (request: R, session: S, context: C) => Response | Promise<Response>;
/** A route handler of Next. */
export type Handler<R extends Request = Request, C = unknown> = (request: R, context: C) => Promise<Response>;
/** What a route's file exports. */
export type Method = (typeof METHODS)[number];
export { register } from "./underway.js";

/** The edge in a Next.js application. */
export class NextEdge {
  /** For `app/auth/[...gatelodge]/route.ts`: the routes that log people in and out. */
  readonly handlers: Readonly<Record<Method, Handler>>;
  readonly #make: () => Edge;
  #edge: Edge | undefined;

  /**
   * @param make makes the edge at the server's start where {@link register} says so, else at the first request: `next build`
   * loads these modules without any settings.
   */
  constructor(make: () => Edge) {
    this.#make = make;
    onStart(() => {
      this.#edge ??= make();
    });
    const handler: Handler = async (request) => {
      const edge = await this.#begun();
      const answer = await (edge.answer(raw(request)) ?? unknownPath());
      const { response } = underWay() ?? {};
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
    const refused = responseOf(outcome.answer, request.method);
    const location = refused.headers.get("location");
    if (location !== null) {
      // Next takes a whole URL from a proxy alone, and writes it in its own way.
      const whole = new URL(location, request.url).href;
      refused.headers.set("location", whole);
      const { response } = underWay() ?? {};
      if (response) {
        beforeHead(response, (status) => {
          const written = String(response.getHeader("location"));
          if (status === refused.status && URL.canParse(written, whole) && new URL(written, whole).href === whole) {
            response.setHeader("location", location); // as it came
          }
        });
      }
    }
    return refused;
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

  /** Whatever begins at its first request waits for the settings. */
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
      if (!admission.checked || !outcome.isOutermost) {
        return handler(request, admission.session, context);
      }
      let made: Response;
      try {
        made = await handler(request, admission.session, context);
      } catch (thrown) {
        // Next answers then (500, or where its redirect() leads to), and leaves what stands on Node's own response.
        const { response } = underWay() ?? {};
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
  return underWay()?.request ?? rawOfFetch(request);
}

const MADE = new Map<string, Edge>();

/** One edge for all who have the same options: each of Next's bundles reads `auth.ts` for itself. */
function edgeOf(options: EdgeOptions): Edge {
  const { client = {} } = options;
  if (client instanceof Client || Object.values(client).some((value) => typeof value === "object")) {
    return new Edge(options);
  }
  const key = JSON.stringify(options);
  const made = MADE.get(key);
  if (made && !made.client.closing.aborted) {
    return made;
  }
  const edge = new Edge(options);
  MADE.set(key, edge);
  return edge;
}

/**
 * Gets the edge ready; it is made by {@link register} or at the first request, with what the environment says unless the
 * options say else.
 */
export function gatelodge(options: EdgeOptions | Edge = {}): NextEdge {
  return new NextEdge(() => (options instanceof Edge ? options : edgeOf(options)));
}
