/**
 * Fastify 5. One line mounts the routes:
 *
 *     const auth = gatelodge();
 *     await app.register(auth.routes);
 *     app.get("/", { onRequest: auth.required() }, (request) => auth.signedIn(request).userId);
 *
 * @module
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { sessionBehind, signedInBehind } from "./admitted.js";
import { varying, type Answer } from "./answer.js";
import { admitBearer, tokenBehind, tokenRule, type Token, type TokenNeeds } from "./bearer.js";
import { Edge, type EdgeOptions } from "./edge.js";
import { rule, type Rule } from "./gate.js";
import { grouped, guard, rawOf } from "./node.js";
import type { Needs } from "./requirements.js";
import type { Session } from "./session.js";

/** A hook for `onRequest`, which comes before the body is read. */
export type Hook = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

/** The edge in a Fastify application. */
export class FastifyEdge {
  /** The plugin with the routes that log people in and out. Register it at the root; it closes the edge with the server. */
  readonly routes: (instance: FastifyInstance, options: object, done: () => void) => void;

  constructor(readonly edge: Edge) {
    this.routes = (instance, _options, done) => {
      instance.addHook("onRequest", async (request, reply) => {
        const answering = this.edge.answer(rawOf(request.raw));
        return answering && send(reply, await answering);
      });
      instance.addHook("onClose", () => {
        this.edge.close();
      });
      done();
    };
    // What `fastify-plugin` does: the hook is the server's own, so that paths without a route come by it too.
    Object.assign(this.routes, {
      [Symbol.for("skip-override")]: true,
      [Symbol.for("fastify.display-name")]: "gatelodge",
    });
  }

  /**
   * Looks for the session behind a request. Without one the application goes ahead; a request that the session may not
   * make gets the authority's answer, and when the authority can't say, the browser gets 503 and keeps its cookies.
   */
  sessions(needs?: Needs): Hook {
    return this.#guarding(rule(false, needs));
  }

  /** As {@link sessions}, for routes that nobody may enter without a session: a redirect to the login, or 401. */
  required(needs?: Needs): Hook {
    return this.#guarding(rule(true, needs));
  }

  /** The session behind a request that {@link sessions} or {@link required} let through. */
  session(request: FastifyRequest): Session | undefined {
    return sessionBehind(request.raw);
  }

  /** The session behind a request that {@link required} let through. */
  signedIn(request: FastifyRequest): Session {
    return signedInBehind(request.raw);
  }

  /**
   * For an API: nobody enters without a bearer token that is good and meets the needs. Others get 401 or 403 with
   * `WWW-Authenticate` (RFC 6750), and 503 when the authority can't say. It needs no `routes`.
   */
  bearer(needs?: TokenNeeds): Hook {
    const rule = tokenRule(needs);
    return async (request, reply) => {
      const answer = await admitBearer(this.edge.client, rule, rawOf(request.raw), request.raw);
      return answer && send(reply, answer);
    };
  }

  /** The token of a request that {@link bearer} let through. */
  token(request: FastifyRequest): Token {
    return tokenBehind(request.raw);
  }

  #guarding(rule: Rule): Hook {
    return async (request, reply) => {
      const answer = await guard(this.edge.gate, rule, request.raw, reply.raw);
      return answer && send(reply, answer);
    };
  }
}

function send(reply: FastifyReply, { status, headers, body }: Answer): FastifyReply {
  for (const [name, values] of grouped(headers)) {
    const several = values.length === 1 ? values[0] : values;
    void reply.header(name, name === "vary" ? varying(String(reply.getHeader(name) ?? ""), ...values) : several);
  }
  return reply.code(status).send(body.length > 0 ? Buffer.from(body) : undefined);
}

/**
 * Makes the edge, with what the environment says unless the options say else.
 *
 * @throws OptionsError a setting is missing or can't be used.
 */
export function gatelodge(options: EdgeOptions | Edge = {}): FastifyEdge {
  return new FastifyEdge(options instanceof Edge ? options : new Edge(options));
}
