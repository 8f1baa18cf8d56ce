/** Owns the one lazy gRPC channel, and how a single attempt goes over it; streams have a wire of their own. Does not retry. */
import { fromBinary, toBinary, type DescMethodUnary, type Message } from "@bufbuild/protobuf";
import {
  Client as GrpcClient,
  connectivityState,
  credentials,
  Metadata,
  status,
  type ServiceError,
} from "@grpc/grpc-js";
import { errorOf, type Code, type GatelodgeError } from "./errors.js";
import type { Settled } from "./options.js";
import { detailsOf } from "./rpc-status.js";
import { VERSION } from "./version.js";
import { Wire, type OpenStream, type StreamAttempt, type StreamListener } from "./wire.js";

export type { OpenStream, StreamAttempt, StreamListener } from "./wire.js";

/** One attempt of a call. */
export interface Attempt {
  readonly method: DescMethodUnary;
  readonly question: Message;
  readonly metadata: Readonly<Record<string, string>>;
  /** When it has to be answered, in milliseconds since the epoch. */
  readonly deadline: number;
  readonly signal: AbortSignal | undefined;
}

/** What carries attempts to an authority. A failed one rejects with a {@link GatelodgeError}. */
export interface Transport {
  send(attempt: Attempt): Promise<Message>;
  /** Opens a stream; absent where there are none, and then nothing is kept. */
  open?(attempt: StreamAttempt, listener: StreamListener): OpenStream;
  close(): void;
}

/** How long a connection may take to be made. */
const CONNECT_MS = 1000;

const CHANNEL = {
  "grpc.primary_user_agent": `gatelodge-typescript/${VERSION}`,
  // Retries are ours: the contract says which calls are safe to repeat, and when.
  "grpc.enable_retries": 0,
  "grpc.service_config_disable_resolution": 1,
  // The default backoff grows to two minutes: an authority that is back would stay unknown for as long.
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 1000,
  "grpc.keepalive_time_ms": 30_000,
  "grpc.keepalive_timeout_ms": 15_000,
  "grpc.keepalive_permit_without_calls": 1,
  "grpc.max_receive_message_length": 16 << 20,
} as const;

/** gRPC over HTTP/2. Nothing is opened before the first call. */
export class GrpcTransport implements Transport {
  readonly #settled: Settled;
  readonly #wire: Wire;
  #client: GrpcClient | undefined;

  constructor(settled: Settled) {
    this.#settled = settled;
    this.#wire = new Wire(settled);
  }

  send(attempt: Attempt): Promise<Message> {
    const { method, question, deadline, signal } = attempt;
    const client = (this.#client ??= this.#open());
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(attempt.metadata)) {
      metadata.set(name, value);
    }
    return new Promise((resolve, reject) => {
      let isUnreached = false;
      const call = client.makeUnaryRequest(
        `/${method.parent.typeName}/${method.name}`,
        (message: Message) => Buffer.from(toBinary(method.input, message)),
        (bytes: Buffer) => fromBinary(method.output, bytes),
        question,
        metadata,
        { deadline },
        (error, answer) => {
          clearTimeout(connecting);
          signal?.removeEventListener("abort", giveUp);
          if (error) {
            reject(this.#failure(error, isUnreached, signal));
          } else if (answer) {
            resolve(answer);
          }
        },
      );
      const giveUp = (): void => {
        call.cancel();
      };
      const channel = client.getChannel();
      const isReady = (): boolean => channel.getConnectivityState(false) === connectivityState.READY;
      const connecting = isReady()
        ? undefined
        : setTimeout(() => {
            if (!isReady()) {
              isUnreached = true;
              call.cancel();
            }
          }, CONNECT_MS);
      if (signal?.aborted) {
        giveUp();
      } else {
        signal?.addEventListener("abort", giveUp, { once: true });
      }
    });
  }

  open(attempt: StreamAttempt, listener: StreamListener): OpenStream {
    return this.#wire.open(attempt, listener);
  }

  close(): void {
    this.#client?.close();
    this.#client = undefined;
    this.#wire.close();
  }

  #open(): GrpcClient {
    const { target, tls } = this.#settled;
    const security = tls ? credentials.createSsl(tls.ca, tls.key, tls.cert) : credentials.createInsecure();
    return new GrpcClient(target, security, CHANNEL);
  }

  #failure(error: ServiceError, isUnreached: boolean, signal: AbortSignal | undefined): GatelodgeError {
    const at = `the authority at ${this.#settled.address} (GATELODGE_ADDRESS)`;
    if (signal?.aborted) {
      return errorOf({ code: "CANCELLED", message: "the call was given up", cause: signal.reason });
    }
    if (isUnreached) {
      const message = `${at} can't be reached: no connection within ${String(CONNECT_MS / 1000)} s`;
      return errorOf({ code: "UNAVAILABLE", message });
    }
    const code = status[error.code] as Code;
    const details = detailsOf(error.metadata.get("grpc-status-details-bin")[0]);
    if (details.reason === undefined && (code === "DEADLINE_EXCEEDED" || code === "CANCELLED")) {
      // A call that we still wait for is cancelled by nobody but a timeout, here or at the authority.
      const message = `${at} did not answer in time`;
      return errorOf({ code: "DEADLINE_EXCEEDED", reason: "DEADLINE_EXCEEDED", message, cause: error });
    }
    return errorOf({ code, message: this.#said(code, details.reason, error.details), cause: error, ...details });
  }

  /** One sentence: without a reason it names the address, since an authority gives one with what it refuses. */
  #said(code: Code, reason: string | undefined, details: string): string {
    const at = `${this.#settled.address} (GATELODGE_ADDRESS)`;
    if (reason === undefined && code === "UNAVAILABLE") {
      return `the authority at ${at} can't be reached: ${details}`;
    }
    // What gRPC makes of an answer in plain HTTP.
    if (reason === undefined && (code === "UNKNOWN" || code === "UNIMPLEMENTED" || code === "INTERNAL")) {
      return `what answers at ${at} is no authority: ${details}`;
    }
    return details;
  }
}
