/**
 * Owns one stream of checks: whose answer is whose, and what becomes of those that wait when it ends. Does not know when
 * a stream is opened, or what a question means.
 */
import { create, type Message } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { status } from "@grpc/grpc-js";
import { milliseconds } from "./duration.js";
import { errorOf, StreamEndedError, type Code, type GatelodgeError } from "./errors.js";
import {
  CheckSessionsRequestSchema,
  ValidateSessionResponseSchema,
  type CheckError,
  type CheckSessionsResponse,
  type ValidateSessionRequest,
} from "./gen/gatelodge/v1/session_pb.js";
import type { Attempt, OpenStream, StreamListener } from "./transport.js";

/** So many questions wait on a stream at a time: as many as an authority works at. */
const MOST = 256;
/** A stream without a question for so long is closed. */
const QUIET_MS = 10_000;
/** An authority that has not opened a stream by then does not. */
const OPENS_WITHIN_MS = 2000;
const SLACK_MS = 10;
/** Who has less time than this, and waited for nothing in it, says nothing about the stream. */
const PATIENCE_MS = 1000;

/** Why a stream has ended. */
export type End =
  /** Nobody asked anything for some time. */
  | { readonly kind: "quiet" }
  /** The authority stops, or spreads its callers anew. */
  | { readonly kind: "politely" }
  /** It broke, or was refused. */
  | { readonly kind: "failed"; readonly failure: GatelodgeError }
  /** It is there, and carries no answers. */
  | { readonly kind: "stalled" };

/** Who waits for an answer; told nothing when the stream ends before it. */
interface Waiting {
  answer(message: Message | undefined): void;
  fail(failure: GatelodgeError): void;
}

/** One stream, from its opening to its end. */
export class CheckStream {
  readonly #stream: OpenStream;
  readonly #onEnd: (end: End) => void;
  readonly #waiting = new Map<bigint, Waiting>();
  readonly #quiet: NodeJS.Timeout;
  #next = 0n;
  #seen = 0n;
  /** How many answers have come. */
  #answered = 0;
  #state: "opening" | "open" | "over" = "opening";

  constructor(
    open: (listener: StreamListener<CheckSessionsResponse>) => OpenStream,
    onOpen: () => void,
    onEnd: (end: End) => void,
  ) {
    this.#onEnd = onEnd;
    const opening = setTimeout(() => {
      if (this.#state === "opening") {
        this.#end({ kind: "stalled" });
      }
    }, OPENS_WITHIN_MS).unref();
    this.#stream = open({
      onOpen: () => {
        clearTimeout(opening);
        this.#state = "open";
        onOpen();
      },
      onMessage: (message) => {
        this.#settle(message);
      },
      onEnd: (failure) => {
        this.#end(
          failure === undefined || failure instanceof StreamEndedError
            ? { kind: "politely" }
            : { kind: "failed", failure },
        );
      },
    });
    this.#quiet = setInterval(() => {
      if (this.#seen === this.#next && this.#waiting.size === 0) {
        this.#end({ kind: "quiet" });
      }
      this.#seen = this.#next;
    }, QUIET_MS).unref();
  }

  /** The answer; nothing when the stream is not open yet, is full, or ended before it. */
  async ask({ question, metadata, deadline, signal }: Attempt): Promise<Message | undefined> {
    const left = deadline - Date.now();
    if (this.#state !== "open" || this.#waiting.size >= MOST || left <= 0 || signal?.aborted) {
      return undefined;
    }
    const id = this.#next++;
    const answered = this.#answered;
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", giveUp);
        this.#waiting.delete(id);
        this.#stream.hold(this.#waiting.size > 0);
      };
      const giveUp = (): void => {
        leave();
        reject(errorOf({ code: "CANCELLED", message: "the call was given up", cause: signal?.reason }));
      };
      // The authority says by itself, a little sooner, that a deadline has passed. When it has not by then, nothing comes.
      const timer = setTimeout(() => {
        leave();
        const message = "the authority did not answer in time";
        reject(errorOf({ code: "DEADLINE_EXCEEDED", reason: "DEADLINE_EXCEEDED", message }));
        if (left >= PATIENCE_MS && this.#answered === answered) {
          this.#end({ kind: "stalled" });
        }
      }, left + SLACK_MS);
      signal?.addEventListener("abort", giveUp, { once: true });
      this.#waiting.set(id, {
        answer: (message) => {
          leave();
          resolve(message);
        },
        fail: (failure) => {
          leave();
          reject(failure);
        },
      });
      this.#stream.hold(true);
      this.#stream.send(
        create(CheckSessionsRequestSchema, {
          id,
          question: question as ValidateSessionRequest,
          timeout: durationFromMs(Math.ceil(left)),
          requestId: metadata["x-request-id"] ?? "",
        }),
      );
    });
  }

  /** Ends it; those who wait ask by calls. */
  close(): void {
    this.#end({ kind: "quiet" });
  }

  #settle({ id, result }: CheckSessionsResponse): void {
    this.#answered += 1;
    const waiting = this.#waiting.get(id); // whoever went away meanwhile wants no answer
    if (result.case === "error") {
      waiting?.fail(failureOf(result.value));
    } else {
      // What a newer authority says is not known here: neither yes nor no.
      waiting?.answer(result.case === "answer" ? result.value : create(ValidateSessionResponseSchema));
    }
  }

  #end(end: End): void {
    if (this.#state === "over") {
      return;
    }
    this.#state = "over";
    clearInterval(this.#quiet);
    this.#stream.cancel();
    this.#onEnd(end); // before those that still wait learn of it
    for (const waiting of [...this.#waiting.values()]) {
      waiting.answer(undefined);
    }
  }
}

/** What the status of a call would have said. */
function failureOf(error: CheckError): GatelodgeError {
  return errorOf({
    code: (status[error.code] ?? "UNKNOWN") as Code,
    message: error.message,
    reason: error.reason || undefined,
    requestId: error.requestId || undefined,
    retryAfterMs: error.retryAfter && milliseconds(error.retryAfter),
    fields: error.fieldViolations.map(({ field, description }) => ({ field, description })),
  });
}
