/** Checks that share a stream, with a transport that says what the test tells it. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { Client, StoreUnavailableError } from "../src/index.js";
import { errorOf, type GatelodgeError } from "../src/errors.js";
import {
  CheckSessionsResponseSchema,
  ValidateSessionResponseSchema,
  type CheckSessionsRequest,
} from "../src/gen/gatelodge/v1/session_pb.js";
import type { OpenStream, StreamListener, Transport } from "../src/transport.js";
import type { Verdict } from "../src/verdict.js";

const inactive = () => create(ValidateSessionResponseSchema, { outcome: { case: "inactive", value: {} } });

interface Stream {
  readonly listener: StreamListener;
  readonly questions: CheckSessionsRequest[];
  isHeld: boolean;
  isEnded: boolean;
}

/** An authority whose streams the test plays; its calls are answered at once, or when they are let go. */
class Scene {
  readonly streams: Stream[] = [];
  calls = 0;
  release: () => void = () => undefined;
  readonly client: Client;

  constructor(checkStream = true) {
    const transport: Transport = {
      send: async () => {
        this.calls += 1;
        await new Promise<void>((resolve) => {
          const earlier = this.release;
          this.release = () => {
            earlier();
            resolve();
          };
        });
        return inactive();
      },
      open: (_, listener): OpenStream => {
        const stream: Stream = { listener, questions: [], isHeld: false, isEnded: false };
        this.streams.push(stream);
        const end = (): void => {
          stream.isEnded = true;
        };
        return {
          send: (message) => stream.questions.push(message as CheckSessionsRequest),
          finish: () => undefined,
          cancel: end,
          abandon: end,
          hold: (isHeld) => {
            stream.isHeld = isHeld;
          },
          flow: () => undefined,
        };
      },
      close: () => undefined,
    };
    this.client = new Client({ apiKey: "glk_x", keepAnswers: 0, checkStream, transport });
  }

  check(deadlineMs = 2000, signal?: AbortSignal): Promise<Verdict> {
    return this.client.sessions.check({}, { deadlineMs, signal, requestId: "one" });
  }

  /** Some at once, which open a stream beside them. */
  async open(): Promise<Stream> {
    const checks = Array.from({ length: 8 }, () => this.check());
    await pause(0);
    this.release();
    await Promise.all(checks);
    const stream = this.streams.at(-1);
    assert.ok(stream);
    stream.listener.onOpen?.();
    return stream;
  }

  answer({ listener }: Stream, { id }: CheckSessionsRequest): void {
    listener.onMessage(create(CheckSessionsResponseSchema, { id, result: { case: "answer", value: inactive() } }));
  }
}

async function first<T>(from: () => T | undefined): Promise<T> {
  for (;;) {
    const found = from();
    if (found !== undefined) {
      return found;
    }
    await pause(1);
  }
}

describe("checks", () => {
  test("are calls while there are few, and nobody waits for the stream that many open", async () => {
    const scene = new Scene();
    const one = scene.check();
    await pause(0);
    assert.equal(scene.streams.length, 0);
    const more = [scene.check(), scene.check()];
    await pause(0);
    assert.equal(scene.streams.length, 1);
    assert.equal(scene.calls, 3);
    scene.release();
    await Promise.all([one, ...more]);
    scene.client.close();
  });

  test("take the stream while it is open, each with its own id, time and request id", async () => {
    const scene = new Scene();
    const stream = await scene.open();
    const calls = scene.calls;
    const both = [scene.check(), scene.check(900)];
    const [one, other] = await first(() => (stream.questions.length === 2 ? stream.questions : undefined));
    assert.ok(one && other && one.id !== other.id);
    assert.equal(one.requestId, "one");
    assert.ok((other.timeout?.nanos ?? 0) > 800e6 && (other.timeout?.nanos ?? 0) <= 900e6);
    assert.ok(stream.isHeld, "whoever waits keeps the program from ending");
    scene.answer(stream, other);
    scene.answer(stream, one);
    assert.deepEqual(
      (await Promise.all(both)).map(({ kind }) => kind),
      ["inactive", "inactive"],
    );
    assert.equal(scene.calls, calls);
    assert.ok(!stream.isHeld);
    scene.client.close();
    assert.ok(stream.isEnded);
  });

  test("fail as a call does, and are repeated as one is", async () => {
    const scene = new Scene();
    const stream = await scene.open();
    const checking = scene.check(300);
    const refuse = ({ id }: CheckSessionsRequest, code: number, reason: string): void => {
      const value = { code, reason, message: "as the test says", requestId: "theirs" };
      stream.listener.onMessage(create(CheckSessionsResponseSchema, { id, result: { case: "error", value } }));
    };
    for (let nth = 0; nth < 2; nth += 1) {
      refuse(await first(() => stream.questions[nth]), 14, "STORE_UNAVAILABLE");
    }
    refuse(await first(() => stream.questions[2]), 13, "INTERNAL");
    await assert.rejects(checking, { reason: "INTERNAL", code: "INTERNAL", requestId: "theirs" });
    const soon = scene.check(20);
    refuse(await first(() => stream.questions[3]), 14, "STORE_UNAVAILABLE");
    await assert.rejects(soon, StoreUnavailableError);
    scene.client.close();
  });

  test("can't say where the result is not known", async () => {
    const scene = new Scene();
    const stream = await scene.open();
    const checking = scene.check();
    const { id } = await first(() => stream.questions[0]);
    stream.listener.onMessage(create(CheckSessionsResponseSchema, { id }));
    await assert.rejects(checking, { name: "InconclusiveError" });
    scene.client.close();
  });

  for (const [how, failure, opensAgain] of [
    ["in good order", errorOf({ code: "UNAVAILABLE", reason: "STREAM_ENDED", message: "" }), false],
    ["by breaking", errorOf({ code: "UNAVAILABLE", message: "" }), false],
    ["since the authority is of the past", errorOf({ code: "UNIMPLEMENTED", message: "" }), false],
  ] as readonly (readonly [string, GatelodgeError, boolean])[]) {
    test(`are asked again by calls when the stream ends ${how}`, async () => {
      const scene = new Scene();
      const stream = await scene.open();
      const checking = scene.check();
      await first(() => stream.questions[0]);
      const calls = scene.calls;
      stream.listener.onEnd(failure);
      await first(() => (scene.calls > calls ? true : undefined));
      scene.release();
      assert.equal((await checking).kind, "inactive");
      const more = Array.from({ length: 8 }, () => scene.check());
      await pause(0);
      assert.equal(scene.streams.length > 1, opensAgain, "one that lived for so short a time is opened after a pause");
      scene.release();
      await Promise.all(more);
      scene.client.close();
    });
  }

  test("leave a stream that brings no answers", async () => {
    const scene = new Scene();
    const stream = await scene.open();
    await assert.rejects(scene.check(20), { code: "DEADLINE_EXCEEDED" });
    assert.ok(!stream.isEnded, "somebody's impatience says nothing");
    await assert.rejects(scene.check(1500), { code: "DEADLINE_EXCEEDED" });
    assert.ok(stream.isEnded);
    const next = scene.check();
    await pause(0);
    scene.release();
    await next;
    scene.client.close();
  });

  test("may be given up", async () => {
    const scene = new Scene();
    const stream = await scene.open();
    const giving = new AbortController();
    const checking = scene.check(2000, giving.signal);
    const question = await first(() => stream.questions[0]);
    giving.abort();
    await assert.rejects(checking, { code: "CANCELLED" });
    scene.answer(stream, question); // whoever went away wants no answer
    assert.ok(!stream.isEnded && !stream.isHeld);
    scene.client.close();
  });

  test("are calls where they are told to be", async () => {
    const scene = new Scene(false);
    const checks = Array.from({ length: 20 }, () => scene.check());
    await pause(0);
    assert.equal(scene.streams.length, 0);
    scene.release();
    await Promise.all(checks);
    scene.client.close();
  });
});
