/** What only one framework's way of answering can get wrong. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, get, type IncomingMessage, type OutgoingHttpHeader } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { CallerUnauthenticatedError, Client, GatelodgeError } from "gatelodge";
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

test("the browser is given the place as it came, though a whole URL is what Next takes and writes", async () => {
  register();
  const auth = next({ client: new FakeAuthority().client() });
  const server = createServer((request, response) => {
    auth.refusal(new Request(`http://localhost:8000${request.url ?? ""}`)).then((refused) => {
      response.statusCode = refused?.status ?? 200;
      const place = refused?.headers.get("location") ?? "";
      response.setHeader("location", request.url === "/elsewhere" ? "/elsewhere" : place);
      response.end();
    }, console.error);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const { port } = server.address() as AddressInfo;
    const place = async (path: string): Promise<string | undefined> => {
      const headers = { accept: "text/html" };
      const [got] = (await once(get({ host: "127.0.0.1", port, path, headers }), "response")) as [IncomingMessage];
      return got.resume().headers.location;
    };
    assert.equal(await place("/members"), "/auth/web/login?redirect_uri=%2Fmembers");
    assert.equal(await place("/elsewhere"), "/elsewhere", "an application may send it elsewhere");
  } finally {
    server.closeAllConnections();
    server.close();
    auth.edge.close();
  }
});

test("from register() on an edge of Next's begins by itself, and tells of a key that is wrong", async () => {
  const log: string[] = [];
  const tell = (message: string): void => {
    log.push(message);
  };
  const logger = { debug: tell, info: tell, warn: tell, error: tell };
  let asked: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => {
    asked = resolve;
  });
  const transport = {
    send: (): Promise<never> => {
      setImmediate(asked);
      return Promise.reject(new CallerUnauthenticatedError({ code: "UNAUTHENTICATED", message: "no" }));
    },
    close: () => undefined,
  };
  const early = new Client({ apiKey: "glk_x", transport, logger });
  next({ client: early });
  register();
  if (log.length === 0) {
    next({ client: early }); // where another test has registered before
  }
  await begun;
  assert.match(log.join("\n"), /GATELODGE_API_KEY/);
  early.close();
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
