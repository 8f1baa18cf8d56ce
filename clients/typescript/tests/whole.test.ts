/** Starts the real authority: calls over gRPC, and the quick start of the README. */
import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { get, type IncomingMessage } from "node:http";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import {
  CallerNotAllowedError,
  CallerUnauthenticatedError,
  Client,
  InvalidFieldError,
  MintingOffError,
  TokenCheckOffError,
  UnreachableError,
} from "gatelodge";

const program = process.env["GATELODGE_BIN"] ?? new URL("../../../target/debug/gatelodge", import.meta.url).pathname;
const scratch = mkdtempSync(join(tmpdir(), "gatelodge-"));
let dev: ChildProcess;
let address = "";
const keys: Record<string, string> = {};

async function freePort(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return String(port);
}

before(async () => {
  const [listen, edge, provider] = [await freePort(), await freePort(), await freePort()];
  address = `http://127.0.0.1:${listen}`;
  const ports = ["--listen", `127.0.0.1:${listen}`, "--edge-listen", `127.0.0.2:${edge}`];
  const options = ["dev", "--ephemeral", ...ports, "--provider-listen", `127.0.0.1:${provider}`];
  const started = spawn(program, options, { cwd: scratch, stdio: ["ignore", "pipe", "inherit"] });
  dev = started;
  for await (const line of createInterface(started.stdout)) {
    const [, role, key] = /^ {2}(edge|backend|admin) +(glk_\S+)$/.exec(line) ?? [];
    if (role !== undefined && key !== undefined) {
      keys[role] = key;
    }
    if (line.startsWith("Ctrl-C")) {
      break;
    }
  }
  started.stdout.resume();
  assert.equal(Object.keys(keys).length, 3, `${program} did not start`);
});

after(async () => {
  dev.kill("SIGTERM");
  await once(dev, "exit");
  rmSync(scratch, { recursive: true });
});

async function using<T>(apiKey: string | undefined, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ address, apiKey: apiKey ?? "" });
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

test("a call is answered over gRPC", async () => {
  const { settings } = await using(keys["edge"], (client) => client.login.getEdgeSettings({}));
  assert.ok(settings?.sessionCookieNames.length);
  const verdict = await using(keys["edge"], (client) => client.sessions.check({}));
  assert.equal(verdict.kind, "inactive");
});

test("every service is called, and says when it is off", async () => {
  await using(keys["backend"], async (client) => {
    assert.equal(await client.isServing(), true);
    assert.equal((await client.sessions.getUserInfo({})).outcome.case, "inactive");
    await assert.rejects(client.tokens.check({ token: Buffer.from("x") }), TokenCheckOffError);
    await assert.rejects(client.tokens.mintToken({ audience: "api" }), MintingOffError);
    await assert.rejects(client.tokens.getJwks({}), MintingOffError);
  });
});

test("a wrong key is named", async () => {
  const call = using("glk_wrong", (client) => client.login.getEdgeSettings({}, { requestId: "wrong-key" }));
  await assert.rejects(call, (error: unknown) => {
    assert.ok(error instanceof CallerUnauthenticatedError);
    assert.match(error.message, /GATELODGE_API_KEY/);
    assert.equal(error.requestId, "wrong-key");
    return !error.retryable;
  });
});

test("a role may call what it may", async () => {
  await assert.rejects(
    using(keys["edge"], (client) => client.admin.listSessions({})),
    CallerNotAllowedError,
  );
  await assert.rejects(
    using(keys["admin"], (client) => client.admin.getSession({ sessionId: "no id" })),
    (error: unknown) => error instanceof InvalidFieldError && error.fields[0]?.field === "session_id",
  );
});

test("an authority that is away is told within the deadline", async () => {
  const client = new Client({ address: "http://127.0.0.1:1", apiKey: "glk_x" });
  const begun = Date.now();
  await assert.rejects(client.login.getEdgeSettings({}), UnreachableError);
  assert.ok(Date.now() - begun < 2000);
  client.close();
});

test("the quick start of the README says hello to nobody, and sends them to the login", async () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const [, block = ""] = /## Quick start[^]*?```js\n([^]*?)```/.exec(readme) ?? [];
  const program = block.replace(
    'app.listen(8000, "127.0.0.1")',
    'app.listen(0, "127.0.0.1", function () { console.log(this.address().port); })',
  );
  assert.notEqual(program, block);
  const file = new URL("./quick-start.tmp.mjs", import.meta.url).pathname;
  writeFileSync(file, program);
  const env = { ...process.env, GATELODGE_ADDRESS: address, GATELODGE_API_KEY: keys["edge"] };
  const served = spawn(process.execPath, [file], { env, stdio: ["ignore", "pipe", "inherit"] });
  try {
    const [line] = (await once(served.stdout, "data")) as [Buffer];
    const base = `http://127.0.0.1:${line.toString().trim()}`;
    let got = await fetch(base, { redirect: "manual" });
    for (let tries = 0; got.status === 503 && tries < 50; tries += 1) {
      await pause(100);
      got = await fetch(base, { redirect: "manual" });
    }
    assert.equal(got.status, 401);
    // By Node's own client: `fetch` says of itself that it is a script.
    const [page] = (await once(get(base, { headers: { accept: "text/html" } }), "response")) as [IncomingMessage];
    page.resume();
    assert.equal(page.statusCode, 302);
    assert.match(page.headers.location ?? "", /^\/auth\/web\/login/);
  } finally {
    served.kill();
    rmSync(file);
  }
});
