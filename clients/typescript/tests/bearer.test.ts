/** Routes of an API, which a bearer token opens, in each framework. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { gatelodge as express } from "gatelodge/express";
import { FakeAuthority } from "gatelodge/testing";
import { gatelodge as next } from "gatelodge/next";
import { admitBearer, tokenRule } from "../src/bearer.js";
import { ValidateTokenResponseSchema } from "../src/gen/gatelodge/v1/token_pb.js";
import { Client } from "../src/index.js";
import { rawOfFetch } from "../src/web.js";
import { FRAMEWORKS } from "./applications/all.js";

const nothing = (): void => undefined;

type Get = (path: string, headers?: Record<string, string>, method?: string) => Promise<Response>;

/** The routes that the applications have, as Next's handlers. */
function nextRoutes(authority: FakeAuthority): { get: Get; close: () => Promise<void> } {
  const auth = next({ client: authority.client() });
  const whose = (_: Request, { userId, clientId }: { userId: unknown; clientId: unknown }): Response =>
    Response.json({ user_id: userId ?? null, client_id: clientId ?? null });
  const routes: Record<string, (request: Request, context: unknown) => Promise<Response>> = {
    "/api": auth.bearer(whose),
    "/api/write": auth.bearer(whose, { scopes: ["write"], permissions: ["orders"], audience: "api" }),
  };
  return {
    get: (path, headers = {}, method = "GET") => {
      const route = routes[path];
      assert.ok(route);
      return route(new Request(`http://localhost${path}`, { headers, method }), undefined);
    },
    close: () => {
      auth.edge.close();
      return Promise.resolve();
    },
  };
}

for (const framework of [...Object.keys(FRAMEWORKS), "next"]) {
  describe(framework, () => {
    const using = async (use: (get: Get, authority: FakeAuthority) => Promise<void>): Promise<void> => {
      const authority = new FakeAuthority();
      const serve = FRAMEWORKS[framework];
      if (!serve) {
        const { get, close } = nextRoutes(authority);
        return use(get, authority).finally(close);
      }
      const served = await serve(authority.client());
      const get: Get = (path, headers = {}, method = "GET") => fetch(served.base + path, { headers, method });
      return use(get, authority).finally(() => served.close());
    };

    test("a good token gets in, and is asked about with what the route needs", () =>
      using(async (get, authority) => {
        const token = authority.issueToken({
          userId: "google_1",
          clientId: "cli",
          scopes: ["write"],
          permissions: ["orders"],
        });
        for (const path of ["/api", "/api/write"]) {
          const got = await get(path, token.headers);
          assert.deepEqual([got.status, await got.json()], [200, { user_id: "google_1", client_id: "cli" }]);
        }
        const lower = await get("/api", { authorization: `bearer \t ${token.value}` });
        assert.equal(lower.status, 200, "the scheme counts without case");
        const program = authority.issueToken({ userId: "" });
        assert.deepEqual(await (await get("/api", program.headers)).json(), { user_id: null, client_id: null });
      }));

    test("no token is 401, with a challenge that names no error", () =>
      using(async (get, authority) => {
        authority.issueToken();
        const headers: Record<string, string>[] = [{}, { authorization: "Basic dTpw" }, { authorization: "Bearer" }];
        for (const sent of headers) {
          const got = await get("/api", sent);
          assert.equal(got.status, 401);
          assert.equal(got.headers.get("www-authenticate"), "Bearer");
          assert.equal(got.headers.get("cache-control"), "no-store");
          assert.match(got.headers.get("vary") ?? "", /^cookie\b/i);
          assert.equal(((await got.json()) as { reason: string }).reason, "not_signed_in");
        }
      }));

    test("a token that is not good is 401 invalid_token", () =>
      using(async (get, authority) => {
        const withdrawn = authority.issueToken();
        withdrawn.end();
        const expired = authority.issueToken({ expires: new Date(0) });
        for (const headers of [withdrawn.headers, expired.headers, { authorization: "Bearer nonsense" }]) {
          const got = await get("/api", headers);
          assert.equal(got.status, 401);
          assert.equal(got.headers.get("www-authenticate"), 'Bearer error="invalid_token"');
        }
      }));

    test("one that is not enough is 403 insufficient_scope, and names the scope", () =>
      using(async (get, authority) => {
        const reader = await get("/api/write", authority.issueToken({ scopes: ["read"] }).headers);
        assert.equal(reader.status, 403);
        const challenge = 'Bearer error="insufficient_scope", scope="write"';
        assert.equal(reader.headers.get("www-authenticate"), challenge);
        const unpermitted = await get("/api/write", authority.issueToken({ scopes: ["write"] }).headers);
        assert.equal(unpermitted.status, 403);
        assert.equal(unpermitted.headers.get("www-authenticate"), 'Bearer error="insufficient_scope"');
        const elsewhere = authority.issueToken({ scopes: ["write"], permissions: ["orders"], audiences: ["other"] });
        assert.equal((await get("/api/write", elsewhere.headers)).status, 401);
      }));

    test("an authority that can't say is 503, and no challenge", () =>
      using(async (get, authority) => {
        const token = authority.issueToken();
        authority.away();
        const got = await get("/api", token.headers);
        assert.equal(got.status, 503);
        assert.equal(got.headers.get("retry-after"), "1");
        assert.equal(got.headers.get("www-authenticate"), null);
      }));
  });
}

for (const [what, outcome] of [
  ["a yes that says not whose the token is", { case: "active", value: {} }],
  ["a no without an answer", { case: "inactive", value: {} }],
  ["a refusal without an answer", { case: "denied", value: {} }],
] as const) {
  test(`${what} is 503, without a challenge`, async () => {
    const transport = { send: () => Promise.resolve(create(ValidateTokenResponseSchema, { outcome })), close: nothing };
    const logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };
    const client = new Client({ transport, logger, apiKey: "glk_x" });
    const request = new Request("http://localhost/api", { headers: { authorization: "Bearer good" } });
    const answer = await admitBearer(client, tokenRule(), rawOfFetch(request), request);
    assert.equal(answer?.status, 503);
    assert.ok(!answer.headers.some(([name]) => name === "www-authenticate"));
  });
}

test("what a guard further out delivers goes with a refusal, and not with a 503", async () => {
  const authority = new FakeAuthority();
  authority.issueToken(); // so that it checks tokens
  const auth = express({ client: authority.client() });
  await auth.edge.ready();
  const [outer, inner] = [auth.required(), auth.bearer()];
  const server = createServer((request, response) => {
    outer(request, response, () => {
      if (request.url === "/away") {
        authority.away();
      }
      inner(request, response, () => response.end("open"));
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const { port } = server.address() as AddressInfo;
    for (const [path, status, cookies] of [
      ["/", 401, 1],
      ["/away", 503, 0],
    ] as const) {
      const { cookie } = authority.signIn({ renewedCookie: "newer" });
      const got = await fetch(`http://127.0.0.1:${String(port)}${path}`, { headers: { cookie } });
      assert.deepEqual([got.status, got.headers.getSetCookie().length], [status, cookies]);
    }
  } finally {
    server.closeAllConnections();
    server.close();
    auth.edge.close();
  }
});
