const assert = require("node:assert/strict");
const { createServer } = require("node:http");
const { once } = require("node:events");
const { Client, OptionsError, UnreachableError } = require("gatelodge");
const { gatelodge } = require("gatelodge/express");
const { FakeAuthority } = require("gatelodge/testing");
for (const name of ["fastify", "hono", "next", "v1"]) {
  require(`gatelodge/${name}`);
}

(async () => {
  assert.throws(() => gatelodge(), OptionsError);
  const away = new Client({ address: "http://127.0.0.1:1", apiKey: "glk_x" });
  await assert.rejects(away.login.getEdgeSettings({}), UnreachableError);
  await assert.rejects(away.sessions.watchSessions({}).next(), UnreachableError);
  const authority = new FakeAuthority();
  const auth = gatelodge({ client: authority.client() });
  await auth.edge.ready();
  const routes = auth.routes();
  const server = createServer((request, response) => routes(request, response, () => response.end("next"))).listen(0);
  await once(server, "listening");
  const base = `http://127.0.0.1:${server.address().port}`;
  assert.equal(await (await fetch(base)).text(), "next");
  assert.equal((await fetch(`${base}/auth/me`)).status, 401);
  server.close();
  server.closeAllConnections();
})();
