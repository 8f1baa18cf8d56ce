/**
 * Owns watching what happens to sessions: one stream, made again whenever it ends, going on where it was. It keeps no
 * program from ending. Does not know what is kept.
 */
import { create } from "@bufbuild/protobuf";
import { jittered } from "../chance.js";
import type { GatelodgeError } from "../errors.js";
import { WatchSessionsRequestSchema, type WatchSessionsResponse } from "../gen/gatelodge/v1/session_pb.js";
import { bytesOf } from "../latin1.js";
import type { OpenStream, StreamListener } from "../transport.js";
import type { Kept } from "./kept.js";

/** How long to wait, in milliseconds. */
export interface WatchTimes {
  readonly firstWait: number;
  readonly longestWait: number;
  /** A stream that ends sooner than this may do so again: the pauses go on growing. */
  readonly lasted: number;
  /** A stream that says nothing for so long is made again. It counts as broken long before. */
  readonly silent: number;
}

const USUAL: WatchTimes = { firstWait: 100, longestWait: 5000, lasted: 5000, silent: 4000 };

/** Opens a stream of WatchSessions. */
export type OpenWatch = (
  question: ReturnType<typeof watchFrom>,
  listener: StreamListener<WatchSessionsResponse>,
) => OpenStream;

/** Watches for those who keep answers, from when it is started until it is stopped. */
export class Watch {
  readonly #kept: Kept;
  readonly #open: OpenWatch;
  readonly #tell: (failure: GatelodgeError | undefined) => void;
  readonly #times: WatchTimes;
  #state: "new" | "running" | "stopped" = "new";
  #wait: number;
  #begun = 0;
  #stream: OpenStream | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param tell learns why a stream has ended. */
  constructor(kept: Kept, open: OpenWatch, tell: (failure: GatelodgeError | undefined) => void, times = USUAL) {
    this.#kept = kept;
    this.#open = open;
    this.#tell = tell;
    this.#times = times;
    this.#wait = times.firstWait;
  }

  /** Begins to watch, unless it is being done. */
  start(): void {
    if (this.#state === "new") {
      this.#state = "running";
      this.#follow();
    }
  }

  /** Ends it for good. */
  stop(): void {
    this.#state = "stopped";
    clearTimeout(this.#timer);
    this.#kept.broken();
    this.#stream?.cancel();
  }

  #follow(): void {
    this.#begun = performance.now();
    const stream = this.#open(watchFrom(bytesOf(this.#kept.position)), {
      onMessage: (message) => {
        this.#kept.hear(message);
        this.#timer?.refresh();
      },
      onEnd: (failure) => {
        this.#again(failure);
      },
    });
    if (this.#state === "running") {
      this.#stream = stream;
      this.#timer = setTimeout(() => {
        stream.abandon();
        this.#again(undefined);
      }, this.#times.silent).unref();
    }
  }

  #again(failure: GatelodgeError | undefined): void {
    this.#kept.broken();
    this.#stream = undefined;
    clearTimeout(this.#timer);
    if (this.#state !== "running") {
      return;
    }
    this.#tell(failure);
    if (performance.now() - this.#begun >= this.#times.lasted) {
      this.#wait = this.#times.firstWait;
    }
    this.#timer = setTimeout(() => {
      this.#follow();
    }, jittered(this.#wait)).unref();
    this.#wait = Math.min(this.#times.longestWait, this.#wait * 2);
  }
}

function watchFrom(position: Uint8Array) {
  return create(WatchSessionsRequestSchema, { afterPosition: position });
}
