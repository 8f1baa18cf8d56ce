/**
 * Express 4 and 5, and whatever else takes `(request, response, next)`. One line mounts the routes:
 *
 *     const auth = gatelodge();
 *     app.use(auth.routes());
 *     app.get("/", auth.required(), (request, response) => response.send(auth.signedIn(request).userId));
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { sessionBehind, signedInBehind } from "./admitted.js";
import { admitBearer, tokenBehind, tokenRule, type Token, type TokenNeeds } from "./bearer.js";
import type { Answer } from "./answer.js";
import { Edge, type EdgeOptions } from "./edge.js";
import { rule, type Rule } from "./gate.js";
import { guard, rawOf, send } from "./node.js";
import type { Needs } from "./requirements.js";
import type { Session } from "./session.js";

/** A middleware of Express, and of Node's plain HTTP server. */
export type Middleware = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void;

/** The edge in an Express application. */
export class ExpressEdge {
  constructor(readonly edge: Edge) {}

  /** The routes that log people in and out. Mount it at the root, before body parsers. */
  routes(): Middleware {
    return (request, response, next) => {
      const answering = this.edge.answer(rawOf(request));
      if (!answering) {
        next();
        return;
      }
      answering.then((answer) => {
        send(response, answer);
      }, next);
    };
  }

  /**
   * Looks for the session behind a request. Without one the application goes ahead; a request that the session may not
   * make gets the authority's answer, and when the authority can't say, the browser gets 503 and keeps its cookies.
   */
  sessions(needs?: Needs): Middleware {
    return this.#guarding(rule(false, needs));
  }

  /** As {@link sessions}, for routes that nobody may enter without a session: a redirect to the login, or 401. */
  required(needs?: Needs): Middleware {
    return this.#guarding(rule(true, needs));
  }

  /** The session behind a request that {@link sessions} or {@link required} let through. */
  session(request: IncomingMessage): Session | undefined {
    return sessionBehind(request);
  }

  /** The session behind a request that {@link required} let through. */
  signedIn(request: IncomingMessage): Session {
    return signedInBehind(request);
  }

  /**
   * For an API: nobody enters without a bearer token that is good and meets the needs. Others get 401 or 403 with
   * `WWW-Authenticate` (RFC 6750), and 503 when the authority can't say. It needs no `routes`.
   */
  bearer(needs?: TokenNeeds): Middleware {
    const rule = tokenRule(needs);
    return (request, response, next) => {
      answered(admitBearer(this.edge.client, rule, rawOf(request), request), response, next);
    };
  }

  /** The token of a request that {@link bearer} let through. */
  token(request: IncomingMessage): Token {
    return tokenBehind(request);
  }

  #guarding(rule: Rule): Middleware {
    return (request, response, next) => {
      answered(guard(this.edge.gate, rule, request, response), response, next);
    };
  }
}

/** Sends the answer to a request that may not go ahead. */
function answered(
  guarded: Promise<Answer | undefined>,
  response: ServerResponse,
  next: (error?: unknown) => void,
): void {
  guarded.then((answer) => {
    if (answer) {
      send(response, answer);
    } else {
      next();
    }
  }, next);
}

/**
 * Makes the edge, with what the environment says unless the options say else.
 *
 * @throws OptionsError a setting is missing or can't be used.
 */
export function gatelodge(options: EdgeOptions | Edge = {}): ExpressEdge {
  return new ExpressEdge(options instanceof Edge ? options : new Edge(options));
}
