/** Owns how one call is carried: key, request id, deadline, retries. Does not know what the calls mean. */
import {
  create,
  type DescMessage,
  type DescMethod,
  type DescMethodUnary,
  type Message,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { jittered } from "./chance.js";
import { DeadlineExceededError, errorOf, GatelodgeError, UnreachableError } from "./errors.js";
import type { Logger } from "./log.js";
import { MANNERS, PROBE } from "./manners.js";
import { isRequestId } from "./presented.js";
import { reading, sending } from "./streams.js";
import type { OpenStream, StreamAttempt, StreamListener, Transport } from "./transport.js";

/** What one call may say for itself. */
export interface CallOptions {
  /** Joins the call with the authority's log; 1 to 64 letters, digits, `-`, `_`, `.`, else it is not sent. */
  readonly requestId?: string | undefined;
  /** How long it may take, in milliseconds, instead of the method's own time. */
  readonly deadlineMs?: number | undefined;
  /** Gives the call up. */
  readonly signal?: AbortSignal | undefined;
}

/** What one stream may say for itself. It has no deadline. */
export type StreamOptions = Omit<CallOptions, "deadlineMs">;

const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 1000;
/** An authority that can't be reached may be starting again; a person waits meanwhile, so it is asked once more only. */
const UNREACHED_WAIT_MS = 500;

/** Carries calls over a transport, until it is closed. */
export class Caller {
  readonly #transport: Transport;
  readonly #says: StreamAttempt["metadata"];
  readonly #deadlineMs: number | undefined;
  readonly #logger: Logger;
  readonly #closing: AbortSignal;

  /**
   * @param says what every call says of whoever makes it.
   * @param deadlineMs takes the place of each method's own time.
   */
  constructor(
    transport: Transport,
    given: { says: StreamAttempt["metadata"]; deadlineMs: number | undefined; logger: Logger; closing: AbortSignal },
  ) {
    this.#transport = transport;
    this.#says = given.says;
    this.#deadlineMs = given.deadlineMs;
    this.#logger = given.logger;
    this.#closing = given.closing;
  }

  /** How long a call of that method may take. */
  deadlineOf(method: DescMethod, { deadlineMs }: CallOptions): number {
    return deadlineMs ?? this.#deadlineMs ?? (MANNERS[nameOf(method)] ?? PROBE).deadlineMs;
  }

  /**
   * Sends until there is an answer, a failure that a repeat can't mend, or no time left.
   *
   * Invariant: only `UNAVAILABLE` is repeated, only where the contract says that it is safe, never sooner than the
   * authority asked for, never past the deadline, and once at most while no authority can be reached.
   *
   * @param onRepeat learns of each repeat: what came before it may have been carried out all the same.
   */
  async call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    question: MessageInitShape<I>,
    options: CallOptions,
    onRepeat: () => void = () => undefined,
  ): Promise<MessageShape<O>> {
    const { requestId, signal } = options;
    const deadline = Date.now() + this.deadlineOf(method, options);
    const attempt = {
      method,
      question: create(method.input, question),
      metadata: this.metadata(requestId),
      deadline,
      signal,
    };
    let { repeats } = MANNERS[nameOf(method)] ?? PROBE;
    let longestWait = FIRST_WAIT_MS;
    let earlier: GatelodgeError | undefined;
    for (;;) {
      if (this.#closing.aborted) {
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
        this.#logger.debug("the authority is unavailable; asking again", { wait, error: failure.message });
        await sleep(wait, signal);
        onRepeat();
        repeats -= 1;
        longestWait = Math.min(LONGEST_WAIT_MS, longestWait * 2);
        earlier = failure;
      }
    }
  }

  /** Opens a stream when it is first read. It is never opened again by itself. */
  stream(
    method: DescMethod,
    questions: AsyncIterable<MessageInitShape<DescMessage>> | Iterable<MessageInitShape<DescMessage>>,
    { requestId, signal }: StreamOptions,
  ): AsyncGenerator<Message, void, undefined> {
    const open = (listener: StreamListener): OpenStream => {
      if (this.#closing.aborted) {
        throw errorOf({ code: "CANCELLED", message: "the client is closed" });
      }
      if (!this.#transport.open) {
        throw errorOf({ code: "UNIMPLEMENTED", message: "the client's transport has no streams" });
      }
      return this.#transport.open({ method, metadata: this.metadata(requestId) }, listener);
    };
    return reading(open, (stream) => sending(method.input, questions, stream), signal);
  }

  /** What goes with a call, key and tenant among it. */
  metadata(requestId?: string): StreamAttempt["metadata"] {
    const id = requestId !== undefined && isRequestId(requestId) ? { "x-request-id": requestId } : {};
    return { ...this.#says, ...id };
  }
}

/** A method's full name. */
export function nameOf(method: DescMethod): string {
  return `${method.parent.typeName}/${method.name}`;
}

/** A provider in trouble may have spent the refresh token that it was sent: to send it again could end the whole grant. */
function isWorthRepeating(failure: GatelodgeError): boolean {
  return failure.code === "UNAVAILABLE" && failure.reason !== "PROVIDER_UNAVAILABLE";
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
