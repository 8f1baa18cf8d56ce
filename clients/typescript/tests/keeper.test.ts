/** How an edge that was started before its authority comes by its settings, by a clock that waits for nobody. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "../src/index.js";
import { errorOf } from "../src/errors.js";
import { Keeper } from "../src/keeper.js";
import { FakeAuthority } from "../src/testing.js";
import type { Transport } from "../src/transport.js";

test("without settings it asks with pauses that grow to 5 s, which no request shortens, and is well by itself", async (t) => {
  const pauses: number[] = [];
  let [asked, ended, early] = [0, 0, 0];
  const soon = globalThis.setTimeout;
  t.mock.method(globalThis, "setTimeout", (done: () => void, ms: number) => {
    pauses.push(ms);
    const timer = soon(() => {
      // Requests come in the middle of the pause, and only later it ends.
      Array.from({ length: 100 }, () => keeper.tenants);
      setImmediate(() => {
        ended += 1;
        done();
      });
    }, 0);
    return { unref: () => timer }; // which stays referenced: this program waits for it
  });
  const { apiKey, transport } = new FakeAuthority();
  const late: Transport = {
    ...transport,
    send: (attempt) => {
      early += ended === asked ? 0 : 1;
      asked += 1;
      const notYet = errorOf({ code: "INTERNAL", reason: "INTERNAL", message: "not yet" });
      return asked === 8 ? transport.send(attempt) : Promise.reject(notYet);
    },
  };
  const nothing = (): void => undefined;
  const logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };
  const client = new Client({ apiKey, transport: late, keepAnswers: 0, logger });
  const keeper = new Keeper(client, nothing);
  await keeper.ready(t.signal);
  client.close();
  assert.deepEqual({ asked, early }, { asked: 8, early: 0 });
  assert.ok(keeper.tenants, "there are settings");
  for (const [nth, longest] of [500, 1000, 2000, 4000, 5000, 5000, 5000].entries()) {
    const pause = pauses[nth] ?? 0;
    assert.ok(longest / 2 <= pause && pause <= longest, `pause ${String(nth)} of ${String(pause)} ms`);
  }
});
