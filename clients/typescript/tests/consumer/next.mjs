import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

const env = { ...process.env, NEXT_TELEMETRY_DISABLED: "1" };
const next = [new URL("node_modules/next/dist/bin/next", import.meta.url).pathname];
execFileSync(process.execPath, [...next, "build", "next-application"], { env, stdio: ["ignore", "ignore", 2] });
const words = [...next, "start", "next-application", "-p", "0", "-H", "127.0.0.1"];
const program = spawn(process.execPath, words, { env, stdio: ["ignore", "pipe", 2] });
try {
  let base;
  for await (const line of createInterface(program.stdout)) {
    base ??= /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
    if (line.includes("Ready")) {
      break;
    }
  }
  const ask = (path, headers = {}) => fetch(base + path, { headers, redirect: "manual" });
  assert.equal((await ask("/own")).status, 401);
  assert.equal((await ask("/auth/me")).status, 401);
  assert.equal((await ask("/auth/web/login?provider=fake")).status, 302);
  const got = await ask("/own", { cookie: "session=ada" });
  assert.deepEqual([got.status, await got.json()], [200, { userId: "google_1" }]);
  assert.match(got.headers.get("set-cookie"), /^session=newer;/);
} finally {
  program.kill();
  await once(program, "exit");
}
