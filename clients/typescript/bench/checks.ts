/**
 * What a check costs this process when it is asked of the authority each time, as a call of its own and on the stream that
 * many share: microseconds for each, by the number of checks that are under way at the same moment.
 */
import { Client } from "gatelodge";
import type { Dev } from "../tests/dev.js";
import { least, spent, type Spent } from "./spent.js";

const CHECKS = 512;
const ROUNDS = 3;
const AT_ONCE = [32, 2, 1];

async function checks(client: Client, cookie: string, atOnce: number): Promise<void> {
  const cookies = [{ name: "session", value: Buffer.from(cookie) }];
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let count = 0; count < CHECKS / atOnce; count += 1) {
        await client.sessions.check({ cookies });
      }
    }),
  );
}

export async function askedChecks(dev: Dev): Promise<object> {
  const cookie = await dev.logIn();
  const found: Record<string, Record<string, object>> = {};
  for (const [way, checkStream] of [
    ["calls", false],
    ["stream", true],
  ] as const) {
    const client = new Client({ address: dev.address, apiKey: dev.keys["edge"], keepAnswers: 0, checkStream });
    found[way] = {};
    for (const atOnce of AT_ONCE) {
      await checks(client, cookie, atOnce);
      let best: Spent = { wall: Infinity, cpu: Infinity };
      for (let round = 0; round < ROUNDS; round += 1) {
        best = least(best, await spent(CHECKS, () => checks(client, cookie, atOnce)));
      }
      found[way][`${String(atOnce)} at once`] = { wall: Math.round(best.wall), cpu: Math.round(best.cpu) };
    }
    client.close();
  }
  return { unit: "us per check", ...found };
}
