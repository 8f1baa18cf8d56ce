/** What only one framework's way of answering can get wrong. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type OutgoingHttpHeader } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { Client, GatelodgeError } from "gatelodge";
import { gatelodge } from "gatelodge/express";
import { gatelodge as next, register } from "gatelodge/next";
import { FakeAuthority } from "gatelodge/testing";

const WAYS: Readonly<Record<string, unknown>> = {
  "in turn": ["Set-Cookie", ["a=1", "b=2"], "X-One", "1"],
  "in turn, each line by itself": ["Set-Cookie", "a=1", "X-One", "1", "set-cookie", "b=2"],
  "in pairs": [
    ["Set-Cookie", ["a=1", "b=2"]],
    ["X-One", "1"],
  ],
  "in an object": { "Set-Cookie": ["a=1", "b=2"], "X-One": "1" },
};

for (const [way, headers] of Object.entries(WAYS)) {
  test(`headers that writeHead brings ${way} stay whole beside the cookies of the session`, async () => {
    const authority = new FakeAuthority();
    const auth = gatelodge({ client: authority.client() });
    await auth.edge.ready();
    const guard = auth.required();
    const server = createServer((request, response) => {
      guard(request, response, () => {
        response.writeHead(200, headers as OutgoingHttpHeader[]).end();
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
      const { cookie } = authority.signIn({ renewedCookie: "newer" });
      const { port } = server.address() as AddressInfo;
      const got = await fetch(`http://127.0.0.1:${String(port)}/`, { headers: { cookie } });
      const names = got.headers.getSetCookie().map((line) => line.split(";")[0]);
      assert.deepEqual([got.headers.get("x-one"), names], ["1", ["a=1", "b=2", "session=newer"]]);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
}

test("a proxy is given a whole URL to send the browser to", async () => {
  const auth = next({ client: new FakeAuthority().client() });
  const request = new Request("http://localhost:8000/members", { headers: { accept: "text/html" } });
  const refused = await auth.refusal(request);
  const place = "http://localhost:8000/auth/web/login?redirect_uri=%2Fmembers";
  assert.deepEqual([refused?.status, refused?.headers.get("location")], [302, place]);
  auth.edge.close();
});

test("a server component is told as ever when there are no settings yet", async () => {
  const client = new Client({ address: "http://127.0.0.1:1", apiKey: "glk_x" });
  const alive = setInterval(() => undefined, 1000); // as a server is, which the client alone is not
  try {
    await assert.rejects(next({ client }).session(new Headers()), GatelodgeError);
  } finally {
    clearInterval(alive);
    client.close();
  }
});

test("a renewed credential reaches the browser though Next's handler throws", async () => {
  register();
  const authority = new FakeAuthority();
  const auth = next({ client: authority.client() });
  const handler = auth.required(() => {
    throw new Error("as applications do");
  });
  const server = createServer((request, response) => {
    handler(new Request("http://localhost:8000/"), undefined).catch(() => {
      response.statusCode = 500; // as Next does
      response.end();
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const { cookie } = authority.signIn({ renewedCookie: "newer" });
    const { port } = server.address() as AddressInfo;
    const got = await fetch(`http://127.0.0.1:${String(port)}/`, { headers: { cookie } });
    const names = got.headers.getSetCookie().map((line) => line.split(";")[0]);
    assert.deepEqual([got.status, names, got.headers.get("cache-control")], [500, ["session=newer"], "no-store"]);
  } finally {
    server.closeAllConnections();
    server.close();
    auth.edge.close();
  }
});
