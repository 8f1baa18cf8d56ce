/**
 * What a session check adds to a request, as one line of JSON: microseconds per request over a socket, in each framework,
 * on a route without one, with one, and the difference.
 *
 * "in memory" asks the fake authority, and so is what this package and its messages cost. "over gRPC" asks a real
 * `gatelodge dev --ephemeral`, whose path is GATELODGE_BIN or the repository's debug build: gRPC for Node and the
 * authority's own work, which a debug build has much more of, come on top.
 */
import { Agent, request } from "node:http";
import { Client } from "gatelodge";
import { FakeAuthority } from "gatelodge/testing";
import { FRAMEWORKS, type Served } from "../tests/applications/all.js";
import { BROWSER, Dev } from "../tests/dev.js";

type Serve = (client: Client) => Promise<Served>;

const ROUNDS = 10;
const REQUESTS = 100;

/** With so many requests under way at a time. */
async function microseconds(url: string, agent: Agent, cookie: string, concurrent: number): Promise<number> {
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: concurrent }, async () => {
      for (let count = 0; count < REQUESTS / concurrent; count += 1) {
        await ask(url, agent, cookie);
      }
    }),
  );
  return ((performance.now() - begun) * 1000) / REQUESTS;
}

function ask(url: string, agent: Agent, cookie: string): Promise<void> {
  return new Promise((resolve, reject) => {
    request(url, { agent, headers: { ...BROWSER, cookie } }, (got) => {
      if (got.statusCode !== 200) {
        reject(new Error(`${url}: ${String(got.statusCode)}`));
      }
      got.resume().once("end", resolve);
    })
      .once("error", reject)
      .end();
  });
}

async function measured(serve: Serve, client: Client, cookie: string): Promise<object> {
  const { base, ...served } = await serve(client);
  const agent = new Agent({ keepAlive: true });
  const figures: Record<string, object> = {};
  try {
    for (const [name, concurrent] of [
      ["one at a time", 1],
      ["20 at once", 20],
    ] as const) {
      const [open, checked] = [`${base}/open`, `${base}/private`];
      let [without, within] = [Infinity, Infinity];
      for (let round = 0; round < ROUNDS; round += 1) {
        // By turns, and the best of each: what else the machine does is not ours.
        without = Math.min(without, await microseconds(open, agent, cookie, concurrent));
        within = Math.min(within, await microseconds(checked, agent, cookie, concurrent));
      }
      figures[name] = { without: Math.round(without), with: Math.round(within), added: Math.round(within - without) };
    }
  } finally {
    agent.destroy();
    client.close();
    await served.close();
  }
  return figures;
}

const dev = new Dev();
await dev.start();
try {
  const found: Record<string, object> = {};
  const cookie = `session=${await dev.logIn()}`;
  const fake = new FakeAuthority();
  const ada = fake.signIn();
  for (const [framework, serve] of Object.entries(FRAMEWORKS)) {
    found[framework] = {
      "in memory": await measured(serve, fake.client(), ada.cookie),
      "over gRPC": await measured(serve, new Client({ address: dev.address, apiKey: dev.keys["edge"] }), cookie),
    };
  }
  console.log(JSON.stringify({ bench: "typescript_edge_request", unit: "us per request", ...found }));
} finally {
  await dev.stop();
}
