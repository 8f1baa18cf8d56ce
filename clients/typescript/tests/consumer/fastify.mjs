import assert from "node:assert/strict";
import { fastify } from "fastify";
import { gatelodge } from "gatelodge/fastify";
import { FakeAuthority } from "gatelodge/testing";

const authority = new FakeAuthority();
const auth = gatelodge({ client: authority.client() });
await auth.edge.ready();
const app = fastify();
await app.register(auth.routes);
app.get("/", { onRequest: auth.required() }, async (request) => auth.signedIn(request).userId);
app.get("/api", { onRequest: auth.bearer() }, async (request) => auth.token(request).userId);
const base = await app.listen({ port: 0, host: "127.0.0.1" });
const ask = async (path, headers = {}) => {
  const got = await fetch(base + path, { headers, redirect: "manual" });
  return [got.status, await got.text()];
};
const { headers } = authority.signIn({ userId: "google_1", renewedCookie: "newer" });
assert.equal((await ask("/"))[0], 401);
assert.deepEqual(await ask("/", headers), [200, "google_1"]);
const renewed = await fetch(base, { headers });
assert.match(renewed.headers.get("set-cookie"), /^session=newer;/);
assert.equal((await ask("/auth/web/login?provider=fake"))[0], 302);
assert.deepEqual(await ask("/api", authority.issueToken({ userId: "google_2" }).headers), [200, "google_2"]);
assert.equal((await ask("/api"))[0], 401);
await app.close();
auth.edge.close();
