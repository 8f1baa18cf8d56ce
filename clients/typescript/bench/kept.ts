/**
 * How many checks one core answers from what this process keeps, as one line of JSON: per second by the wall's clock, and by
 * the processor time that this process took, which another program on the machine does not lengthen.
 */
import { Client } from "gatelodge";
import { FakeAuthority } from "gatelodge/testing";
import { setImmediate as turn } from "node:timers/promises";
import { least, spent, type Spent } from "./spent.js";

const CHECKS = 200_000;
const ROUNDS = 5;

const utf8 = (text: string): Uint8Array => Buffer.from(text);
const authority = new FakeAuthority();
const client: Client = authority.client();
// As a gate asks about a browser's request.
const question = {
  cookies: [{ name: "session", value: utf8(authority.signIn().cookie.slice("session=".length)) }],
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
};

let known = 0;
let last = await client.sessions.check(question); // the watch begins
let best: Spent = { wall: Infinity, cpu: Infinity };
for (let round = 0; round < ROUNDS; round += 1) {
  const took = await spent(CHECKS, async () => {
    for (let count = 0; count < CHECKS; count += 1) {
      const verdict = await client.sessions.check(question);
      known += verdict === last ? 1 : 0;
      last = verdict;
      if (count % 1000 === 0) {
        await turn(); // as a server's next request comes, and the stream's next message
      }
    }
  });
  best = least(best, took);
}
if (known < 0.9 * CHECKS * ROUNDS) {
  throw new Error(`only ${String(known)} checks were answered from what is kept`);
}
client.close();
const [perSecond, perCpuSecond] = [Math.round(1e6 / best.wall), Math.round(1e6 / best.cpu)];
console.log(JSON.stringify({ bench: "typescript_kept_checks", per_second: perSecond, per_cpu_second: perCpuSecond }));
