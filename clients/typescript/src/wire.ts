/**
 * Owns one HTTP/2 connection for streams that last, and how gRPC's messages and status go over it. It keeps no program from
 * ending, unless somebody holds a stream. Does not know what the messages mean.
 *
 * Why not gRPC's own channel, which carries the calls: that one keeps a program alive for as long as a stream is open, and
 * takes several times as long for a message on one.
 */
import { fromBinary, toBinary, type DescMethod, type Message } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import {
  connect,
  constants,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
} from "node:http2";
import { errorOf, type Code, type GatelodgeError } from "./errors.js";
import type { Settled } from "./options.js";
import { detailsOf } from "./rpc-status.js";
import { VERSION } from "./version.js";

/** What is told of a stream, nothing of it before it has been handed over. */
export interface StreamListener<M extends Message = Message> {
  /** The authority has accepted it. */
  onOpen?(): void;
  onMessage(message: M): void;
  /** Once, unless it was cancelled here; without a failure where the authority ended it in good order. */
  onEnd(failure: GatelodgeError | undefined): void;
}

/** A stream as whoever opened it sees it. */
export interface OpenStream {
  send(message: Message): void;
  /** Says that nothing more will be sent. */
  finish(): void;
  /** Ends it; nothing is told any more. */
  cancel(): void;
  /** As {@link cancel}, when the connection seems dead: the next stream gets another one. */
  abandon(): void;
  /** Says whether it keeps the program from ending; at first it does not. */
  hold(isHeld: boolean): void;
  /** Says whether messages may come; at first they may. */
  flow(mayCome: boolean): void;
}

/** What is opened. */
export interface StreamAttempt {
  readonly method: DescMethod;
  readonly metadata: Readonly<Record<string, string>>;
}

const CONNECT_MS = 1000;
const PING_MS = 30_000;
const PONG_MS = 15_000;
const WINDOW_BYTES = 1 << 20;
const MOST_BYTES = 16 << 20;
const HEAD_BYTES = 5;

const { HTTP2_HEADER_METHOD, HTTP2_HEADER_PATH, HTTP2_HEADER_STATUS, NGHTTP2_CANCEL } = constants;

/** The connection. Nothing is opened before the first stream. */
export class Wire {
  readonly #settled: Pick<Settled, "address" | "target" | "tls">;
  #session: ClientHttp2Session | undefined;
  /** How many streams are held of each connection: one that says goodbye ends its streams beside the next. */
  readonly #held = new WeakMap<ClientHttp2Session, number>();

  constructor(settled: Pick<Settled, "address" | "target" | "tls">) {
    this.#settled = settled;
  }

  open({ method, metadata }: StreamAttempt, listener: StreamListener): OpenStream {
    const session = this.#session?.destroyed === false ? this.#session : (this.#session = this.#connect());
    const stream = session.request({
      [HTTP2_HEADER_METHOD]: "POST",
      [HTTP2_HEADER_PATH]: `/${method.parent.typeName}/${method.name}`,
      "content-type": "application/grpc",
      te: "trailers",
      "user-agent": `gatelodge-typescript/${VERSION}`,
      ...metadata,
    });
    let isHeld = false;
    const hold = (shallBe: boolean): void => {
      if (isHeld !== shallBe) {
        isHeld = shallBe;
        this.#hold(session, shallBe ? 1 : -1);
      }
    };
    let isOver = false;
    const end = (): void => {
      isOver = true;
      hold(false);
      stream.close(NGHTTP2_CANCEL);
    };
    const over = (failure: GatelodgeError | undefined): void => {
      if (!isOver) {
        end();
        listener.onEnd(failure);
      }
    };
    stream.on("response", (headers) => {
      if (!isOver && headers["grpc-status"] === undefined && Number(headers[HTTP2_HEADER_STATUS]) === 200) {
        listener.onOpen?.();
      }
    });
    const onBytes = (bytes: Uint8Array): void => {
      if (!isOver) {
        listener.onMessage(fromBinary(method.output, bytes));
      }
    };
    this.#read(stream, onBytes, over);
    const outgoing = new Outgoing(stream);
    return {
      send: (message) => {
        outgoing.add(toBinary(method.input, message));
      },
      finish: () => {
        outgoing.finish();
      },
      cancel: end,
      abandon: () => {
        end();
        session.destroy();
      },
      hold,
      flow: (mayCome) => {
        stream[mayCome ? "resume" : "pause"]();
      },
    };
  }

  /** Ends all streams. */
  close(): void {
    this.#session?.destroy();
    this.#session = undefined;
  }

  #connect(): ClientHttp2Session {
    const { target, tls } = this.#settled;
    const given = tls ? { ca: tls.ca, cert: tls.cert, key: tls.key } : {};
    const used = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
    const settings = { enablePush: false, initialWindowSize: WINDOW_BYTES };
    const session = connect(`${tls ? "https" : "http"}://${target}`, { ...used, settings });
    session.unref();
    const pinging = setInterval(() => {
      const late = setTimeout(() => {
        session.destroy(new Error("it answers no ping"));
      }, PONG_MS).unref();
      session.ping(() => {
        clearTimeout(late);
      });
    }, PING_MS).unref();
    const forget = (): void => {
      clearTimeout(connecting);
      if (session.destroyed) {
        clearInterval(pinging);
      }
      if (this.#session === session) {
        this.#session = undefined;
      }
    };
    const connecting = setTimeout(() => {
      session.destroy(new Error(`no connection within ${String(CONNECT_MS / 1000)} s`));
    }, CONNECT_MS).unref();
    session.once("connect", () => {
      clearTimeout(connecting);
      session.setLocalWindowSize(WINDOW_BYTES);
    });
    session.once("goaway", forget); // what is open goes on
    session.once("close", forget);
    session.on("error", forget); // each of its streams is told why
    return session;
  }

  #hold(session: ClientHttp2Session, change: number): void {
    const held = (this.#held.get(session) ?? 0) + change;
    this.#held.set(session, held);
    if (!session.destroyed) {
      session[held > 0 ? "ref" : "unref"]();
    }
  }

  /** Hands on each whole message, and how it all ended. */
  #read(
    stream: ClientHttp2Stream,
    onBytes: (bytes: Uint8Array) => void,
    onEnd: (failure: GatelodgeError | undefined) => void,
  ): void {
    let last: IncomingHttpHeaders = {};
    let rest: Buffer = Buffer.alloc(0);
    let fault: unknown;
    stream.on("response", (headers) => {
      last = headers;
    });
    stream.on("trailers", (trailers: IncomingHttpHeaders) => {
      last = { ...last, ...trailers };
    });
    stream.on("error", (error: Error) => {
      fault ??= error;
    });
    for (const event of ["end", "close"]) {
      stream.on(event, () => {
        onEnd(this.#failure(last, fault));
      });
    }
    stream.on("data", (chunk: Buffer) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      try {
        rest = whole(rest, onBytes);
      } catch (error) {
        fault = error;
        stream.destroy();
      }
    });
  }

  #failure(headers: IncomingHttpHeaders, fault: unknown): GatelodgeError | undefined {
    const at = `the authority at ${this.#settled.address}`;
    const code = status[Number(headers["grpc-status"])] as Code | "OK" | undefined;
    if (code === undefined || (fault !== undefined && code === "OK")) {
      const http = headers[HTTP2_HEADER_STATUS];
      const isCutOff = http === undefined || Number(http) === 200;
      const why = fault instanceof Error ? fault.message : "it was cut off";
      const message = isCutOff ? `a stream of ${at} broke: ${why}` : `${at} said HTTP ${String(http)}`;
      return errorOf({ code: "UNAVAILABLE", message, cause: fault });
    }
    if (code === "OK") {
      return undefined;
    }
    const message = unescaped(String(headers["grpc-message"] ?? ""));
    const details = Buffer.from(String(headers["grpc-status-details-bin"] ?? ""), "base64");
    return errorOf({ code, message, ...detailsOf(details) });
  }
}

/** Reads a status's message, which is percent-encoded. */
function unescaped(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}

/** Takes the whole messages from the front, and leaves what has come of the next (gRPC over HTTP/2, "Length-Prefixed-Message"). */
function whole(bytes: Buffer, onBytes: (bytes: Uint8Array) => void): Buffer {
  let at = 0;
  while (bytes.length - at >= HEAD_BYTES) {
    const length = bytes.readUInt32BE(at + 1);
    if (bytes[at] !== 0 || length > MOST_BYTES) {
      throw new Error("a message is compressed or too large");
    }
    const end = at + HEAD_BYTES + length;
    if (end > bytes.length) {
      break;
    }
    onBytes(bytes.subarray(at + HEAD_BYTES, end));
    at = end;
  }
  return bytes.subarray(at);
}

/** What is sent at the same moment goes out as one. */
class Outgoing {
  readonly #stream: ClientHttp2Stream;
  #waiting: Uint8Array[] = [];

  constructor(stream: ClientHttp2Stream) {
    this.#stream = stream;
  }

  add(message: Uint8Array): void {
    const head = Buffer.alloc(HEAD_BYTES);
    head.writeUInt32BE(message.length, 1);
    this.#waiting.push(head, message);
    if (this.#waiting.length === 2) {
      setImmediate(() => {
        this.#flush();
      });
    }
  }

  finish(): void {
    this.#flush();
    this.#stream.end();
  }

  #flush(): void {
    if (this.#waiting.length > 0 && this.#stream.writable) {
      this.#stream.write(Buffer.concat(this.#waiting));
    }
    this.#waiting = [];
  }
}
