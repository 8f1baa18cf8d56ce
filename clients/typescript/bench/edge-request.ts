/**
 * What a session check adds to a request: microseconds per request over a socket, in each framework, on a route without one
 * and with one, and the difference; by the wall's clock, and in processor time of this process, which has the requests'
 * other end too. "kept" is answered from what the process keeps, "asked" by the authority each time.
 */
import { Agent, request } from "node:http";
import { Client } from "gatelodge";
import { FRAMEWORKS } from "../tests/applications/all.js";
import { BROWSER, type Dev } from "../tests/dev.js";
import { least, spent, type Spent } from "./spent.js";

const ROUNDS = 10;
const REQUESTS = 200;
const AT_ONCE = 20;

function requests(url: string, agent: Agent, cookie: string): Promise<Spent> {
  return spent(REQUESTS, () =>
    Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        for (let count = 0; count < REQUESTS / AT_ONCE; count += 1) {
          await ask(url, agent, cookie);
        }
      }),
    ),
  );
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

async function measured(framework: string, client: Client, cookie: string): Promise<object> {
  const served = await FRAMEWORKS[framework]?.(client);
  if (!served) {
    throw new Error(`there is no application in ${framework}`);
  }
  const agent = new Agent({ keepAlive: true });
  try {
    let [without, within]: [Spent, Spent] = [NEVER, NEVER];
    for (let round = 0; round < ROUNDS; round += 1) {
      // By turns, and the best of each: what else the machine does is not ours.
      without = least(without, await requests(`${served.base}/unguarded`, agent, cookie));
      within = least(within, await requests(`${served.base}/private`, agent, cookie));
    }
    return { without: rounded(without), with: rounded(within), added: rounded(within, without) };
  } finally {
    agent.destroy();
    client.close();
    await served.close();
  }
}

const NEVER: Spent = { wall: Infinity, cpu: Infinity };

function rounded(one: Spent, less: Spent = { wall: 0, cpu: 0 }): Spent {
  return { wall: Math.round(one.wall - less.wall), cpu: Math.round(one.cpu - less.cpu) };
}

export async function edgeRequests(dev: Dev): Promise<object> {
  const found: Record<string, object> = {};
  const cookie = `session=${await dev.logIn()}`;
  const options = { address: dev.address, apiKey: dev.keys["edge"] };
  for (const framework of Object.keys(FRAMEWORKS)) {
    found[framework] = {
      kept: await measured(framework, new Client(options), cookie),
      asked: await measured(framework, new Client({ ...options, keepAnswers: 0 }), cookie),
      "asked by calls": await measured(
        framework,
        new Client({ ...options, keepAnswers: 0, checkStream: false }),
        cookie,
      ),
    };
  }
  return { unit: "us per request", at_once: AT_ONCE, ...found };
}
