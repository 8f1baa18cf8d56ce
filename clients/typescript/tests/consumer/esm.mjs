import assert from "node:assert/strict";
import { Hono } from "hono";
import { Edge } from "gatelodge";
import { gatelodge } from "gatelodge/hono";
import { FakeAuthority } from "gatelodge/testing";
import { RouteSet } from "gatelodge/v1";

const authority = new FakeAuthority();
const auth = gatelodge({ client: authority.client() });
assert.ok(auth.edge instanceof Edge);
assert.equal(RouteSet.WEB, 1);
await auth.edge.ready();
const app = new Hono();
app.use(auth.routes());
app.get("/", auth.required(), (c) => c.text(auth.signedIn(c).userId));
app.get("/api", auth.bearer({ scopes: ["read"] }), (c) => c.text(auth.token(c).userId));
assert.equal((await app.request("/")).status, 401);
const { headers } = authority.signIn({ userId: "google_1" });
assert.equal(await (await app.request("/", { headers })).text(), "google_1");
assert.equal((await (await app.request("/auth/me", { headers })).json()).user_id, "google_1");
const refused = await app.request("/api", { headers: authority.issueToken().headers });
assert.match(refused.headers.get("www-authenticate"), /^Bearer error="insufficient_scope"/);
const reader = authority.issueToken({ userId: "google_2", scopes: ["read"] });
assert.equal(await (await app.request("/api", { headers: reader.headers })).text(), "google_2");
for await (const { position } of auth.edge.client.sessions.watchSessions({})) {
  assert.ok(position.length > 0);
  break;
}
auth.edge.close();
