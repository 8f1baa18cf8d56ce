/** Owns the typed calls of the contract: key, request id, deadlines, retries. Does not know HTTP. */
import {
  create,
  type DescMessage,
  type DescMethod,
  type DescMethodUnary,
  type DescService,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { DeadlineExceededError, errorOf, GatelodgeError, UnreachableError } from "./errors.js";
import { AdminService } from "./gen/gatelodge/v1/admin_pb.js";
import { LoginService } from "./gen/gatelodge/v1/login_pb.js";
import { SessionService, ValidateSessionRequestSchema } from "./gen/gatelodge/v1/session_pb.js";
import { TokenService, ValidateTokenRequestSchema } from "./gen/gatelodge/v1/token_pb.js";
import { HEALTH_CHECK, SERVING } from "./health.js";
import type { Logger } from "./log.js";
import { MANNERS, PROBE } from "./manners.js";
import { settle, type ClientOptions } from "./options.js";
import { isRequestId } from "./presented.js";
import { readTokenVerdict, type TokenVerdict } from "./token-verdict.js";
import { GrpcTransport, type Transport } from "./transport.js";
import { readVerdict, type Verdict } from "./verdict.js";

/** What one call may say for itself. */
export interface CallOptions {
  /** Joins the call with the authority's log; 1 to 64 letters, digits, `-`, `_`, `.`, else it is not sent. */
  readonly requestId?: string | undefined;
  /** How long it may take, in milliseconds, instead of the method's own time. */
  readonly deadlineMs?: number | undefined;
  /** Gives the call up. */
  readonly signal?: AbortSignal | undefined;
}

/** The calls of a service: a question as a plain object in, the answer out. A failed one is a {@link GatelodgeError}. */
export type Calls<S extends DescService> = {
  readonly [M in keyof S["method"]]: S["method"][M] extends DescMethodUnary<infer I, infer O>
    ? (question: MessageInitShape<I>, options?: CallOptions) => Promise<MessageShape<O>>
    : never;
};

/** The calls about a presented session. */
export interface Sessions extends Calls<typeof SessionService> {
  /**
   * Asks `validateSession` and reads the answer as the contract says: every requirement that was asked for has to be among
   * those that were judged, and an outcome that is not known here is an error, never a yes or a no.
   *
   * When it rejects, the authority could not say: answer 503 and leave the browser's cookies alone.
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

const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 1000;
/** An authority that can't be reached may be starting again; a person waits meanwhile, so it is asked once more only. */
const UNREACHED_WAIT_MS = 500;

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
  readonly #authorization: string;
  readonly #deadlineMs: number | undefined;
  readonly #atClose = new AbortController();

  constructor(options: ClientOptions = {}) {
    const settled = settle(options);
    this.logger = settled.logger;
    this.#authorization = `Bearer ${settled.apiKey}`;
    this.#deadlineMs = settled.deadlineMs;
    this.#transport = settled.transport ?? new GrpcTransport(settled);
    this.login = this.#calls(LoginService);
    this.admin = this.#calls(AdminService);
    const sessions = this.#calls(SessionService);
    this.sessions = {
      ...sessions,
      check: async (init, how) => {
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
    return (await this.#call(HEALTH_CHECK, { value: service }, options)).value === SERVING;
  }

  /** Aborts when the client is closed. */
  get closing(): AbortSignal {
    return this.#atClose.signal;
  }

  /** Ends what runs for this client, gates and edges included, and closes the connection. */
  close(): void {
    this.#atClose.abort(new Error("the client is closed"));
    this.#transport.close();
  }

  #calls<S extends DescService>(service: S): Calls<S> {
    const calls = service.methods
      .filter((method): method is DescMethodUnary & DescMethod => method.methodKind === "unary")
      .map((method) => [
        method.localName,
        (question: MessageInitShape<typeof method.input>, options: CallOptions = {}) =>
          this.#call(method, question, options),
      ]);
    return Object.fromEntries(calls) as Calls<S>;
  }

  /**
   * Sends until there is an answer, a failure that a repeat can't mend, or no time left.
   *
   * Invariant: only `UNAVAILABLE` is repeated, only where the contract says that it is safe, never sooner than the
   * authority asked for, never past the deadline, and once at most while no authority can be reached.
   */
  async #call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    init: MessageInitShape<I>,
    { requestId, deadlineMs, signal }: CallOptions,
  ): Promise<MessageShape<O>> {
    const manner = MANNERS[`${method.parent.typeName}/${method.name}`] ?? PROBE;
    const deadline = Date.now() + (deadlineMs ?? this.#deadlineMs ?? manner.deadlineMs);
    const attempt = {
      method,
      question: create(method.input, init),
      metadata: {
        authorization: this.#authorization,
        ...(requestId !== undefined && isRequestId(requestId) ? { "x-request-id": requestId } : {}),
      },
      deadline,
      signal,
    };
    let repeats = manner.repeats;
    let longestWait = FIRST_WAIT_MS;
    let earlier: GatelodgeError | undefined;
    for (;;) {
      if (this.closing.aborted) {
        throw errorOf({ code: "CANCELLED", message: "the client is closed" });
      }
      try {
        return (await this.#transport.send(attempt)) as MessageShape<O>;
      } catch (failure) {
        if (!(failure instanceof GatelodgeError)) {
          throw failure;
        }
        if (failure instanceof DeadlineExceededError) {
          throw earlier ?? failure; // a repeat that ran out of time says less than the failure that led to it
        }
        if (failure instanceof UnreachableError) {
          [repeats, longestWait] = [Math.min(repeats, 1), UNREACHED_WAIT_MS];
        }
        const wait = Math.max(jittered(longestWait), failure.retryAfterMs ?? 0);
        if (repeats === 0 || !isWorthRepeating(failure) || Date.now() + wait >= deadline) {
          throw failure;
        }
        this.logger.debug("the authority is unavailable; asking again", { wait, error: failure.message });
        await sleep(wait, signal);
        repeats -= 1;
        longestWait = Math.min(LONGEST_WAIT_MS, longestWait * 2);
        earlier = failure;
      }
    }
  }
}

/** A provider in trouble may have spent the refresh token that it was sent: to send it again could end the whole grant. */
function isWorthRepeating(failure: GatelodgeError): boolean {
  return failure.code === "UNAVAILABLE" && failure.reason !== "PROVIDER_UNAVAILABLE";
}

/** A time between half of the longest and all of it. */
export function jittered(longest: number): number {
  return longest * (0.5 + Math.random() / 2);
}

function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done, { once: true });
  });
}
