/**
 * Owns when checks ride one stream (`CheckSessions`) instead of a call each, and opening and giving up that stream. Does
 * not know how it is kept apart whose answer is whose.
 *
 * The rule: as soon as so many checks are under way at the same moment that a stream pays, one is opened beside them;
 * nobody waits for it. While it is open every check takes it; one that finds it full is a call. A stream that nobody has
 * used for a while is closed. One that ends leaves its questions to calls of their own, within their deadlines, so nothing
 * is lost by it; it is opened again when there is enough to ask, at once or after a pause by how it ended. An authority
 * that has no such stream is left alone for longer.
 */
import type { Message } from "@bufbuild/protobuf";
import { jittered } from "./chance.js";
import { CheckStream, type End } from "./check-stream.js";
import { SessionService } from "./gen/gatelodge/v1/session_pb.js";
import type { Logger } from "./log.js";
import type { Attempt, OpenStream, StreamAttempt, StreamListener, Transport } from "./transport.js";

/** From so many checks at the same moment on a stream pays: in Node a call costs several times what a question on one does. */
const ENOUGH = 2;
/** A stream that ends sooner than this may do so again. */
const SHORT_MS = 1000;
/** How long no stream is opened after one that failed. */
const PAUSE_MS = 1000;
/**
 * The same after one that an authority does not have, that its caller may not open, or that carried no answer: the
 * authority, the key or what stands between may change one day.
 */
const LONG_PAUSE_MS = 60_000;
const LASTING: ReadonlySet<string> = new Set(["UNIMPLEMENTED", "UNAUTHENTICATED", "PERMISSION_DENIED"]);

/** A transport that opens streams. */
export type StreamTransport = Transport & Required<Pick<Transport, "open">>;

/** A transport whose checks share a stream where it pays. */
export class Checks implements StreamTransport {
  readonly #calls: StreamTransport;
  readonly #metadata: Readonly<Record<string, string>>;
  readonly #logger: Logger;
  readonly #now: () => number;
  #underWay = 0;
  #stream: CheckStream | undefined;
  #notBefore = -Infinity;

  constructor(
    calls: StreamTransport,
    metadata: Readonly<Record<string, string>>,
    logger: Logger,
    now = () => performance.now(),
  ) {
    this.#calls = calls;
    this.#metadata = metadata;
    this.#logger = logger;
    this.#now = now;
  }

  async send(attempt: Attempt): Promise<Message> {
    if (attempt.method !== SessionService.method.validateSession) {
      return this.#calls.send(attempt);
    }
    this.#underWay += 1;
    try {
      return (await this.#stream?.ask(attempt)) ?? (await this.#byCall(attempt));
    } finally {
      this.#underWay -= 1;
    }
  }

  open(attempt: StreamAttempt, listener: StreamListener): OpenStream {
    return this.#calls.open(attempt, listener);
  }

  close(): void {
    this.#stream?.close();
    this.#calls.close();
  }

  #byCall(attempt: Attempt): Promise<Message> {
    if (!this.#stream && this.#underWay >= ENOUGH && this.#now() >= this.#notBefore) {
      this.#begin();
    }
    return this.#calls.send(attempt);
  }

  #begin(): void {
    const begun = this.#now();
    const attempt = { method: SessionService.method.checkSessions, metadata: this.#metadata };
    this.#stream = new CheckStream(
      (listener) => this.#calls.open(attempt, listener),
      () => {
        this.#logger.debug("checks share a stream");
      },
      (end) => {
        const now = this.#now();
        const pause = pauseAfter(end, now - begun);
        this.#logger.debug("the stream of checks has ended; checks are calls again", { ...end, pause });
        this.#stream = undefined;
        this.#notBefore = now + pause;
      },
    );
  }
}

function pauseAfter(end: End, livedMs: number): number {
  switch (end.kind) {
    case "quiet":
      return 0;
    case "politely":
      return livedMs >= SHORT_MS ? 0 : jittered(PAUSE_MS);
    case "stalled":
      return LONG_PAUSE_MS;
    case "failed":
      return LASTING.has(end.failure.code) ? LONG_PAUSE_MS : jittered(PAUSE_MS);
  }
}
