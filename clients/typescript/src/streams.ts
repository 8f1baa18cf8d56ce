/** Owns streams as asynchronous iterables, for whoever reads them by hand. Does not know what they carry. */
import { create, type DescMessage, type Message, type MessageInitShape } from "@bufbuild/protobuf";
import { errorOf } from "./errors.js";
import type { OpenStream, StreamListener } from "./wire.js";

/** So many messages wait to be read before the authority is held back. */
const MOST_WAITING = 64;

/**
 * Opens a stream when it is first read, and reads it until it ends. To leave the loop ends the stream; meanwhile it keeps
 * the program from ending.
 *
 * @throws GatelodgeError, from the loop: the stream ended with a failure.
 */
export async function* reading<M extends Message>(
  open: (listener: StreamListener<M>) => OpenStream,
  send: (stream: OpenStream) => Promise<void>,
  signal: AbortSignal | undefined,
): AsyncGenerator<M, void, undefined> {
  const waiting: M[] = [];
  let ended: { failure: Error | undefined } | undefined;
  let wake: (() => void) | undefined;
  const end = (failure: Error | undefined): void => {
    ended ??= { failure };
    wake?.();
  };
  const giveUp = (): void => {
    end(errorOf({ code: "CANCELLED", message: "the stream was given up", cause: signal?.reason }));
  };
  if (signal?.aborted) {
    giveUp();
  }
  const stream = open({
    onMessage: (message) => {
      waiting.push(message);
      if (waiting.length === MOST_WAITING) {
        stream.flow(false);
      }
      wake?.();
    },
    onEnd: end,
  });
  stream.hold(true);
  send(stream).catch((fault: unknown) => {
    end(fault instanceof Error ? fault : new Error(String(fault))); // the questions' own iterable threw it
  });
  signal?.addEventListener("abort", giveUp, { once: true });
  try {
    for (;;) {
      const message = waiting.shift();
      if (message !== undefined) {
        yield message;
      } else if (ended) {
        if (ended.failure !== undefined) {
          throw ended.failure;
        }
        return;
      } else {
        stream.flow(true);
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    signal?.removeEventListener("abort", giveUp);
    stream.cancel();
  }
}

/** Sends what comes, until no more does or the stream has ended. */
export async function sending<D extends DescMessage>(
  schema: D,
  questions: AsyncIterable<MessageInitShape<D>> | Iterable<MessageInitShape<D>>,
  stream: OpenStream,
): Promise<void> {
  for await (const question of questions) {
    stream.send(create(schema, question));
  }
  stream.finish();
}
