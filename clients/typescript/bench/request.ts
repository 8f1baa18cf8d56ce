/**
 * What a session check costs, as one line of JSON: microseconds per request over a socket, without a session check and
 * with one that asks the authority. The authority is in memory, so the difference is what this package and its messages
 * cost; the network to a real one comes on top.
 */
import express from "express";
import { once } from "node:events";
import { Agent, request } from "node:http";
import type { AddressInfo } from "node:net";
import { gatelodge } from "gatelodge/express";
import { FakeAuthority } from "gatelodge/testing";

const REQUESTS = 3000;

const authority = new FakeAuthority();
const auth = gatelodge({ client: authority.client() });
await auth.edge.ready();
const { headers } = authority.signIn({ userId: "google_1" });
const app = express();
app.use(auth.routes());
app.get("/plain", (_, response) => {
  response.send("hello");
});
app.get("/checked", auth.required(), (_, response) => {
  response.send("hello");
});
const server = app.listen(0, "127.0.0.1");
await once(server, "listening");
const { port } = server.address() as AddressInfo;
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

function ask(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    request({ port, path, agent, headers, host: "127.0.0.1" }, (got) => {
      if (got.statusCode !== 200) {
        reject(new Error(`${path}: ${String(got.statusCode)}`));
      }
      got.resume().once("end", resolve);
    })
      .once("error", reject)
      .end();
  });
}

async function microseconds(path: string): Promise<number> {
  const begun = performance.now();
  for (let count = 0; count < REQUESTS; count += 1) {
    await ask(path);
  }
  return ((performance.now() - begun) * 1000) / REQUESTS;
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const rounds: Record<string, number[]> = { "/plain": [], "/checked": [], "/auth/me": [] };
for (let round = 0; round < 5; round += 1) {
  for (const [path, times] of Object.entries(rounds)) {
    times.push(await microseconds(path));
  }
}
const [plain = 0, checked = 0, me = 0] = Object.values(rounds).map((times) => Math.round(median(times) * 10) / 10);
const adds = Math.round((checked - plain) * 10) / 10;
console.log(
  JSON.stringify({ language: "typescript", plain_us: plain, checked_us: checked, me_us: me, check_adds_us: adds }),
);
agent.destroy();
server.close();
auth.edge.close();
