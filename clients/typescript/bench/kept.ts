/**
 * How many checks one core answers from what this process keeps: per second by the wall's clock, and by the processor time
 * that this process took, which another program on the machine does not lengthen. Those who are signed in take turns.
 */
import { Client } from "gatelodge";
import { FakeAuthority } from "gatelodge/testing";
import { setImmediate as turn } from "node:timers/promises";
import { least, spent, type Spent } from "./spent.js";

const CHECKS = 200_000;
const ROUNDS = 5;
const SIGNED_IN = 100;

const utf8 = (text: string): Uint8Array => Buffer.from(text);
// As a gate asks about a browser's request.
const asked = (cookie: string) => ({
  cookies: [{ name: "session", value: utf8(cookie.slice("session=".length)) }],
  context: {
    method: utf8("GET"),
    target: utf8("/orders?page=2"),
    host: utf8("app.example.com"),
    peerAddress: utf8("192.0.2.7"),
    xForwardedFor: [utf8("198.51.100.17")],
    forwarded: [],
    userAgent: utf8("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
    acceptLanguage: utf8("en-GB,en;q=0.7,de;q=0.3"),
    accept: utf8("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    secFetchSite: utf8("same-origin"),
    secFetchMode: utf8("navigate"),
    secFetchDest: utf8("document"),
  },
  requirements: {},
  canSetCookies: true,
});

export async function keptChecks(): Promise<{ per_second: number; per_cpu_second: number }> {
  const authority = new FakeAuthority();
  const client: Client = authority.client();
  const questions = Array.from({ length: SIGNED_IN }, () => asked(authority.signIn().cookie));
  const last = await Promise.all(questions.map((question) => client.sessions.check(question))); // the watch begins
  let known = 0;
  let best: Spent = { wall: Infinity, cpu: Infinity };
  for (let round = 0; round < ROUNDS; round += 1) {
    const took = await spent(CHECKS, async () => {
      for (let count = 0; count < CHECKS; count += 1) {
        const at = count % SIGNED_IN;
        const verdict = await client.sessions.check(questions[at] ?? {});
        known += verdict === last[at] ? 1 : 0;
        last[at] = verdict;
        if (count % 1000 === 0) {
          await turn(); // as a server's next request comes, and the stream's next message
        }
      }
    });
    best = least(best, took);
  }
  client.close();
  if (known < 0.9 * CHECKS * ROUNDS) {
    throw new Error(`only ${String(known)} checks were answered from what is kept`);
  }
  return { per_second: Math.round(1e6 / best.wall), per_cpu_second: Math.round(1e6 / best.cpu) };
}
