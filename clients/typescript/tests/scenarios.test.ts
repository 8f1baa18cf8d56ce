/** Plays every scenario of clients/scenarios.json on the fake authority, in each framework. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { request as send, type IncomingMessage } from "node:http";
import { describe, test } from "node:test";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { FRAMEWORKS } from "./applications/all.js";
import { Given, type Begin, type Change } from "./given.js";

interface Step {
  readonly request: { method: string; path: string; headers: [string, string][]; body?: string };
  readonly expect: {
    status: number;
    headers?: Record<string, string | null>;
    vary?: string[];
    json?: Record<string, unknown>;
    body?: string;
    set_cookies?: string[];
  };
}
interface Scenario extends Step {
  readonly name: string;
  readonly given: Begin;
  readonly then?: (Step & { given?: Change })[];
}

const file = JSON.parse(readFileSync(new URL("../../scenarios.json", import.meta.url), "utf8")) as {
  version: number;
  scenarios: Scenario[];
};
assert.equal(file.version, 1);
assert.ok(file.scenarios.length >= 40);

for (const [framework, serveWith] of Object.entries(FRAMEWORKS)) {
  describe(framework, { concurrency: 16 }, () => {
    for (const scenario of file.scenarios) {
      test(scenario.name, async () => {
        const given = new Given();
        const client = given.authority.client();
        const served = await serveWith(client);
        try {
          given.begin(scenario.given);
          await play(served.base, scenario);
          for (const next of scenario.then ?? []) {
            given.change(next.given ?? {});
            await play(served.base, next);
          }
        } finally {
          client.close();
          await served.close();
        }
      });
    }
  });
}

async function play(base: string, { request, expect }: Step): Promise<void> {
  const length = request.body === undefined ? [] : ["content-length", String(request.body.length)];
  const sent = send(base + request.path, {
    method: request.method,
    headers: ["host", "localhost:8000", "connection", "close", ...length, ...request.headers.flat()] as never,
  });
  sent.end(request.body);
  const [got] = (await once(sent, "response")) as [IncomingMessage];
  const body = await text(got);
  assert.equal(got.statusCode, expect.status, `${request.path}: ${body}`);
  for (const [name, value] of Object.entries(expect.headers ?? {})) {
    assert.deepEqual(got.headersDistinct[name], value === null ? undefined : [value], name);
  }
  const varies = (got.headers.vary ?? "").toLowerCase().split(/, */);
  for (const name of expect.vary ?? []) {
    assert.ok(varies.includes(name.toLowerCase()), `Vary: ${varies.join()}`);
  }
  if (expect.body !== undefined) {
    assert.equal(body, expect.body);
  }
  for (const [name, value] of Object.entries(expect.json ?? {})) {
    assert.deepEqual((JSON.parse(body) as Record<string, unknown>)[name], value, name);
  }
  if (expect.set_cookies) {
    const pairs = (got.headers["set-cookie"] ?? []).map((line) => line.split(";")[0] ?? "");
    assert.deepEqual(
      pairs.filter((pair) => pair.startsWith("session=")),
      expect.set_cookies,
    );
  }
}
