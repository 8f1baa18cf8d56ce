/** Owns the typed calls of the contract, and what stands before them: what is kept, the stream of checks. Does not know HTTP. */
import {
  create,
  type DescMethod,
  type DescMethodBiDiStreaming,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type DescService,
  type Message,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { Caller, nameOf, type CallOptions, type StreamOptions } from "./caller.js";
import { Checks, type StreamTransport } from "./checks.js";
import { AdminService } from "./gen/gatelodge/v1/admin_pb.js";
import { LoginService } from "./gen/gatelodge/v1/login_pb.js";
import { SessionService, ValidateSessionRequestSchema } from "./gen/gatelodge/v1/session_pb.js";
import { TokenService, ValidateTokenRequestSchema } from "./gen/gatelodge/v1/token_pb.js";
import { HEALTH_CHECK, SERVING } from "./health.js";
import { forAudience, withFilter } from "./heeded.js";
import { forgetChanged } from "./kept/changes.js";
import { KeepingSessions } from "./kept/keeping.js";
import { Kept } from "./kept/kept.js";
import { Watch } from "./kept/watch.js";
import type { Logger } from "./log.js";
import { settle, type ClientOptions } from "./options.js";
import { readTokenVerdict, type TokenVerdict } from "./token-verdict.js";
import { GrpcTransport, type Transport } from "./transport.js";
import { readVerdict, type Verdict } from "./verdict.js";

/**
 * The calls of a service: a question as a plain object in, the answer out. A failed one is a {@link GatelodgeError}. Of a
 * method that streams, the answers come in a `for await` loop; it opens with the loop, is never opened again by itself,
 * and ends when the loop is left.
 */
export type Calls<S extends DescService> = {
  readonly [M in keyof S["method"]]: S["method"][M] extends DescMethodUnary<infer I, infer O>
    ? (question: MessageInitShape<I>, options?: CallOptions) => Promise<MessageShape<O>>
    : S["method"][M] extends DescMethodServerStreaming<infer I, infer O>
      ? (question: MessageInitShape<I>, options?: StreamOptions) => AsyncGenerator<MessageShape<O>, void, undefined>
      : S["method"][M] extends DescMethodBiDiStreaming<infer I, infer O>
        ? (
            questions: AsyncIterable<MessageInitShape<I>> | Iterable<MessageInitShape<I>>,
            options?: StreamOptions,
          ) => AsyncGenerator<MessageShape<O>, void, undefined>
        : never;
};

/** The calls about a presented session. */
export interface Sessions extends Calls<typeof SessionService> {
  /**
   * Asks `validateSession` and reads the answer as the contract says: every requirement that was asked for has to be among
   * those that were judged, and an outcome that is not known here is an error, never a yes or a no.
   *
   * A yes is kept in this process for as long as the authority allows, while it tells what happens to sessions: see
   * {@link ClientOptions.keepAnswers}. When it rejects, the authority could not say: answer 503 and leave the browser's
   * cookies alone.
   */
  check(question: MessageInitShape<typeof ValidateSessionRequestSchema>, options?: CallOptions): Promise<Verdict>;
}

/** The calls about bearer tokens. */
export interface Tokens extends Calls<typeof TokenService> {
  /**
   * Asks `validateToken` and reads the answer as {@link Sessions.check} does. When it rejects, the authority could not say:
   * answer 503. Where the token is not active, answer as it says.
   */
  check(question: MessageInitShape<typeof ValidateTokenRequestSchema>, options?: CallOptions): Promise<TokenVerdict>;
}

/**
 * Asks an authority. Nothing is opened before the first call, and an authority that is away is no error before it.
 *
 * @throws OptionsError a setting is missing or can't be used.
 */
export class Client {
  /** The calls of an edge: logins and logouts. */
  readonly login: Calls<typeof LoginService>;
  /** The calls about a presented session. */
  readonly sessions: Sessions;
  /** The calls about bearer tokens, the authority's own among them. */
  readonly tokens: Tokens;
  /** The calls of an admin. */
  readonly admin: Calls<typeof AdminService>;
  /** Where trouble is told. */
  readonly logger: Logger;

  readonly #transport: Transport;
  readonly #caller: Caller;
  readonly #keeping: KeepingSessions | undefined;
  readonly #atClose = new AbortController();

  constructor(options: ClientOptions = {}) {
    const settled = settle(options);
    this.logger = settled.logger;
    if (settled.isInClear) {
      const said =
        "GATELODGE_ADDRESS is plaintext to another machine: the API key and people's cookies cross the network in clear";
      this.logger.warn(`${said}. Use https://`, { address: settled.address });
    }
    const transport = settled.transport ?? new GrpcTransport(settled);
    const { apiKey, tenant } = settled;
    const says = { authorization: `Bearer ${apiKey}`, ...(tenant === undefined ? {} : { "x-tenant-id": tenant }) };
    const isChecking = settled.checkStream && opens(transport);
    this.#transport = isChecking ? new Checks(transport, says, this.logger) : transport;
    this.#caller = new Caller(this.#transport, { ...settled, says, closing: this.closing });
    if (settled.keepAnswers > 0 && opens(transport)) {
      this.#keeping = this.#keepingWith(settled.keepAnswers, transport);
    }
    this.login = this.#calls(LoginService);
    const admin = this.#calls(AdminService);
    this.admin = {
      ...admin,
      listSessions: async (question, how) => withFilter(question, await admin.listSessions(question, how)),
    };
    const sessions = this.#calls(SessionService);
    this.sessions = {
      ...sessions,
      getAccessToken: async (question, how) => forAudience(question, await sessions.getAccessToken(question, how)),
      check: async (init, how = {}) => {
        if (this.#keeping) {
          return this.#keeping.check(init, how);
        }
        const question = create(ValidateSessionRequestSchema, init);
        return readVerdict(question, await sessions.validateSession(question, how));
      },
    };
    const tokens = this.#calls(TokenService);
    this.tokens = {
      ...tokens,
      check: async (init, how) => {
        const question = create(ValidateTokenRequestSchema, init);
        return readTokenVerdict(question, await tokens.validateToken(question, how));
      },
    };
  }

  /** Whether a service, or the authority as a whole, is serving now, as grpc.health.v1 says. */
  async isServing(service = "", options: CallOptions = {}): Promise<boolean> {
    return (await this.#caller.call(HEALTH_CHECK, { value: service }, options)).value === SERVING;
  }

  /** Aborts when the client is closed. */
  get closing(): AbortSignal {
    return this.#atClose.signal;
  }

  /** Ends what runs for this client, gates and edges included, and closes the connection. */
  close(): void {
    this.#atClose.abort(new Error("the client is closed"));
    this.#keeping?.watch.stop();
    this.#transport.close();
  }

  #calls<S extends DescService>(service: S): Calls<S> {
    return Object.fromEntries(service.methods.map((method) => [method.localName, this.#callsOf(method)])) as Calls<S>;
  }

  #callsOf(method: DescMethod): unknown {
    const { methodKind, input } = method;
    switch (methodKind) {
      case "unary":
        return (question: MessageInitShape<typeof input>, options: CallOptions = {}) =>
          this.#changing(method as DescMethodUnary, create(input, question), options);
      case "server_streaming":
        return (question: MessageInitShape<typeof input>, options: StreamOptions = {}) =>
          this.#caller.stream(method, [question], options);
      default:
        return (questions: AsyncIterable<MessageInitShape<typeof input>>, options: StreamOptions = {}) =>
          this.#caller.stream(method, questions, options);
    }
  }

  /** When a call that changes sessions has come back, whatever became of it, nothing kept of them is used any more. */
  async #changing(method: DescMethodUnary, question: Message, options: CallOptions): Promise<Message> {
    let isRepeated = false;
    const forget = (answer: Message | undefined, failure?: unknown): void => {
      if (this.#keeping) {
        forgetChanged(this.#keeping.kept, nameOf(method), question, { answer, failure, isRepeated });
      }
    };
    try {
      const answer = await this.#caller.call(method, question, options, () => {
        isRepeated = true;
      });
      forget(answer);
      return answer;
    } catch (failure) {
      forget(undefined, failure);
      throw failure;
    }
  }

  #keepingWith(keepAnswers: number, transport: StreamTransport): KeepingSessions {
    const kept = new Kept(keepAnswers);
    const method = SessionService.method.watchSessions;
    const watch = new Watch(
      kept,
      (question, listener) => {
        const stream = transport.open({ method, metadata: this.#caller.metadata() }, listener);
        stream.send(question);
        stream.finish();
        return stream;
      },
      (failure) => {
        this.logger.debug("sessions are not watched; every one is asked about", { error: failure?.message });
      },
    );
    return new KeepingSessions(kept, watch, {
      ask: (question, how) => this.#caller.call(SessionService.method.validateSession, question, how),
      deadlineMs: (how) => this.#caller.deadlineOf(SessionService.method.validateSession, how),
    });
  }
}

function opens(transport: Transport): transport is StreamTransport {
  return transport.open !== undefined;
}
