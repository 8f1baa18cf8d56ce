/** Plays every scenario of clients/scenarios.json on the fake authority, in each framework. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { request as send, type IncomingMessage } from "node:http";
import { describe, test } from "node:test";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { FakeAuthority, type InactiveState, type SignedIn } from "gatelodge/testing";
import { FRAMEWORKS } from "./applications/all.js";

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
type Trouble = "up" | "away" | "slow";
interface Scenario extends Step {
  readonly name: string;
  readonly given: {
    authority: Trouble;
    sessions: {
      cookie: string;
      user_id: string;
      email?: string;
      name?: string;
      provider?: string;
      scopes?: string[];
      state?: InactiveState;
      login_age_seconds?: number;
      csrf_token?: string;
      renewed_cookie?: string;
    }[];
  };
  readonly then?: (Step & { given?: { authority?: Trouble; states?: Record<string, InactiveState> } })[];
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
        const authority = new FakeAuthority();
        const signedIn = new Map<string, SignedIn>();
        for (const one of scenario.given.sessions) {
          const { cookie, user_id: userId, csrf_token: csrfToken, renewed_cookie: renewedCookie, ...rest } = one;
          const loginTime = new Date(Date.now() - 1000 * (one.login_age_seconds ?? 0));
          signedIn.set(cookie, authority.signIn({ ...rest, cookie, userId, csrfToken, renewedCookie, loginTime }));
        }
        const client = authority.client();
        const served = await serveWith(client);
        try {
          be(authority, scenario.given.authority);
          await play(served.base, scenario);
          for (const next of scenario.then ?? []) {
            be(authority, next.given?.authority);
            for (const [cookie, state] of Object.entries(next.given?.states ?? {})) {
              signedIn.get(cookie)?.setState(state);
            }
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

function be(authority: FakeAuthority, trouble: Trouble | undefined): void {
  if (trouble) {
    authority[trouble === "up" ? "back" : trouble]();
  }
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
