/** Owns what the fake authority tells those who watch its sessions. Does not know why it happens. */
import { create } from "@bufbuild/protobuf";
import { errorOf } from "../errors.js";
import { SessionEventKind, WatchSessionsResponseSchema } from "../gen/gatelodge/v1/session_pb.js";
import type { OpenStream, StreamListener } from "../transport.js";

const BEAT_MS = 1000;

/** The events of one fake. They are heard at once: whoever keeps answers has forgotten before the test's next line. */
export class Events {
  readonly #watching = new Map<StreamListener, NodeJS.Timeout>();
  #last = 0n;

  /** Up to where everything has been told: later positions are higher, as bytes. */
  get position(): Uint8Array {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(this.#last);
    return bytes;
  }

  /** A session has ended, or another state. */
  changed(sessionId: string): void {
    this.#last += 1n;
    this.#tell({ events: [{ kind: SessionEventKind.CHANGED, sessionId }] });
  }

  /** Anything may be different. */
  allChanged(): void {
    this.#last += 1n;
    this.#tell({ reset: true });
  }

  /** Begins to tell, of what happens from now on. */
  watch(listener: StreamListener): OpenStream {
    const beat = setInterval(() => {
      this.#tell({}, [listener]);
    }, BEAT_MS).unref();
    this.#watching.set(listener, beat);
    queueMicrotask(() => {
      if (this.#watching.has(listener)) {
        listener.onOpen?.();
        this.#tell({ reset: true }, [listener]);
      }
    });
    return inMemory(
      () => undefined,
      () => {
        this.#leave(listener);
      },
    );
  }

  /** Ends every stream, as when the connection breaks. */
  breakOff(): void {
    for (const listener of [...this.#watching.keys()]) {
      this.#leave(listener);
      listener.onEnd(errorOf({ code: "UNAVAILABLE", message: "the fake authority is away" }));
    }
  }

  #leave(listener: StreamListener): void {
    clearInterval(this.#watching.get(listener));
    this.#watching.delete(listener);
  }

  #tell(
    said: { readonly events?: readonly { kind: SessionEventKind; sessionId: string }[]; readonly reset?: boolean },
    listeners: Iterable<StreamListener> = [...this.#watching.keys()],
  ): void {
    for (const listener of listeners) {
      const known = { position: this.position, maxStaleness: { seconds: 5n } };
      const events = [...(said.events ?? [])];
      listener.onMessage(create(WatchSessionsResponseSchema, { ...known, events, reset: said.reset ?? false }));
    }
  }
}

/** A stream without a wire. */
export function inMemory(send: OpenStream["send"], end: () => void, finish: () => void = () => undefined): OpenStream {
  const nothing = (): void => undefined;
  return { send, finish, cancel: end, abandon: end, hold: nothing, flow: nothing };
}
