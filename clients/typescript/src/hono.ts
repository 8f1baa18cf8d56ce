/**
 * Hono 4 on Node (`@hono/node-server`). One line mounts the routes:
 *
 *     const auth = gatelodge();
 *     app.use(auth.routes());
 *     app.get("/", auth.required(), (c) => c.text(auth.signedIn(c).userId));
 *
 * @module
 */
import { IncomingMessage, ServerResponse } from "node:http";
import { Http2ServerRequest } from "node:http2";
import type { Context, MiddlewareHandler } from "hono";
import { admit, sessionBehind, signedInBehind } from "./admitted.js";
import { admitBearer, tokenBehind, tokenRule, type Token, type TokenNeeds } from "./bearer.js";
import { Edge, type EdgeOptions } from "./edge.js";
import { rule, type Rule } from "./gate.js";
import { keepApart, rawOf } from "./node.js";
import type { RawRequest } from "./presented.js";
import type { Needs } from "./requirements.js";
import type { Session } from "./session.js";
import { deliver, rawOfFetch, responseOf } from "./web.js";

/** The edge in a Hono application. */
export class HonoEdge {
  constructor(readonly edge: Edge) {}

  /** The routes that log people in and out. Mount it at the root, before whatever reads bodies. */
  routes(): MiddlewareHandler {
    return async (c, next) => {
      const answering = this.edge.answer(raw(c));
      if (!answering) {
        await next();
        return;
      }
      const answer = await answering;
      const { outgoing } = bindings(c);
      const kept = outgoing instanceof ServerResponse ? keepApart(outgoing as ServerResponse, answer) : answer;
      return responseOf(kept, c.req.method);
    };
  }

  /**
   * Looks for the session behind a request. Without one the application goes ahead; a request that the session may not
   * make gets the authority's answer, and when the authority can't say, the browser gets 503 and keeps its cookies.
   */
  sessions(needs?: Needs): MiddlewareHandler {
    return this.#guarding(rule(false, needs));
  }

  /** As {@link sessions}, for routes that nobody may enter without a session: a redirect to the login, or 401. */
  required(needs?: Needs): MiddlewareHandler {
    return this.#guarding(rule(true, needs));
  }

  /** The session behind a request that {@link sessions} or {@link required} let through. */
  session(c: Context): Session | undefined {
    return sessionBehind(c.req.raw);
  }

  /** The session behind a request that {@link required} let through. */
  signedIn(c: Context): Session {
    return signedInBehind(c.req.raw);
  }

  /**
   * For an API: nobody enters without a bearer token that is good and meets the needs. Others get 401 or 403 with
   * `WWW-Authenticate` (RFC 6750), and 503 when the authority can't say. It needs no `routes`.
   */
  bearer(needs?: TokenNeeds): MiddlewareHandler {
    const rule = tokenRule(needs);
    return async (c, next) => {
      const answer = await admitBearer(this.edge.client, rule, raw(c), c.req.raw);
      return answer ? responseOf(answer, c.req.method) : next();
    };
  }

  /** The token of a request that {@link bearer} let through. */
  token(c: Context): Token {
    return tokenBehind(c.req.raw);
  }

  #guarding(rule: Rule): MiddlewareHandler {
    return async (c, next) => {
      const outcome = await admit(this.edge.gate, rule, raw(c), c.req.raw);
      if ("answer" in outcome) {
        return responseOf(outcome.answer, c.req.method);
      }
      await next();
      const { admitted, isOutermost } = outcome;
      if (isOutermost && admitted.admission.checked) {
        try {
          deliver(c.res.headers, admitted);
        } catch {
          c.res = new Response(c.res.body, c.res); // one that came by fetch has headers that can't be changed
          deliver(c.res.headers, admitted);
        }
      }
      return undefined;
    };
  }
}

/** Node's own request where the server shows it; in `app.request()` of tests it does not. */
function raw(c: Context): RawRequest {
  const { incoming } = bindings(c);
  return incoming instanceof IncomingMessage || incoming instanceof Http2ServerRequest
    ? rawOf(incoming as IncomingMessage)
    : rawOfFetch(c.req.raw);
}

function bindings(c: Context): { incoming?: unknown; outgoing?: unknown } {
  return (c.env as object | undefined) ?? {};
}

/**
 * Makes the edge, with what the environment says unless the options say else.
 *
 * @throws OptionsError a setting is missing or can't be used.
 */
export function gatelodge(options: EdgeOptions | Edge = {}): HonoEdge {
  return new HonoEdge(options instanceof Edge ? options : new Edge(options));
}
