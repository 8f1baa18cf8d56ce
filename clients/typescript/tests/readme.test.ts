/** What stands in the README is run: each framework's program before the real authority, and the rest before the fake. */
import assert from "node:assert/strict";
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { get, type IncomingMessage } from "node:http";
import { dirname } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { BROWSER, Dev, freePort } from "./dev.js";

const PACKAGE = new URL("..", import.meta.url).pathname;
const SCRATCH = `${PACKAGE}tests/readme.tmp/`;
const README = readFileSync(`${PACKAGE}README.md`, "utf8");
const dev = new Dev();

before(() => dev.start());
after(async () => {
  await dev.stop();
  rmSync(SCRATCH, { recursive: true, force: true });
});

/** The one block of code with this text. */
function block(containing: string): string {
  const found = [...README.matchAll(/^```(?:js|tsx)\n([^]*?)^```$/gm)].flatMap(([, code = ""]) =>
    code.includes(containing) ? code : [],
  );
  assert.equal(found.length, 1, `blocks with ${containing}`);
  return found[0] ?? "";
}

function write(name: string, content: string): string {
  const file = SCRATCH + name;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
}

function environment(): NodeJS.ProcessEnv {
  const settings = { GATELODGE_ADDRESS: dev.address, GATELODGE_API_KEY: dev.keys["edge"] };
  return { ...process.env, ...settings, NEXT_TELEMETRY_DISABLED: "1" };
}

type Ask = (path: string, headers?: Record<string, string>) => Promise<{ got: IncomingMessage; body: string }>;

/** Uses a program that serves a port, from when the authority's settings have come. */
async function served(words: readonly string[], port: string, use: (ask: Ask) => Promise<void>): Promise<void> {
  const program: ChildProcess = spawn(process.execPath, words, { env: environment(), stdio: ["ignore", "ignore", 2] });
  // By Node's own client: `fetch` says of itself that it is a script.
  const ask: Ask = async (path, headers = {}) => {
    const [got] = (await once(get(`http://127.0.0.1:${port}${path}`, { headers }), "response")) as [IncomingMessage];
    return { got, body: await text(got) };
  };
  try {
    for (let tries = 0; (await ask("/auth/me").catch(() => undefined))?.got.statusCode !== 401; tries += 1) {
      assert.ok(tries < 300 && program.exitCode === null, "it serves");
      await pause(100);
    }
    await use(ask);
  } finally {
    program.kill();
  }
}

/** What a newcomer sees: nobody is sent to the login, and the login to the provider. */
async function sendsToTheLogin(ask: Ask, path: string): Promise<void> {
  assert.equal((await ask(path)).got.statusCode, 401);
  const page = (await ask(path, { accept: "text/html" })).got;
  assert.equal(page.statusCode, 302);
  assert.match(page.headers.location ?? "", /^\/auth\/web\/login/);
  const login = (await ask("/auth/web/login?provider=dev")).got;
  assert.equal(login.statusCode, 302);
  assert.match(login.headers.location ?? "", /^http:/);
}

async function signedIn(): Promise<Record<string, string>> {
  return { ...BROWSER, cookie: `session=${await dev.logIn()}` };
}

for (const framework of ["express", "fastify", "hono"]) {
  test(`the program of ${framework} says hello to whoever is signed in, and sends nobody to the login`, async () => {
    const program = block(`from "gatelodge/${framework}"`);
    assert.match(program, /8000/);
    const port = await freePort();
    const file = write(`${framework}.mjs`, program.replace("8000", port));
    await served([file], port, async (ask) => {
      await sendsToTheLogin(ask, "/");
      assert.equal((await ask("/", await signedIn())).body, "Hello, dev_testuser1");
    });
  });
}

test("the files of Next.js are an application", async () => {
  const files = [...block("auth.handlers").matchAll(/^\/\/ (\S+\.(?:tsx?|mjs))\b.*\n([^]*?)(?=^\/\/ \S+\.|(?![^]))/gm)];
  assert.equal(files.length, 7);
  for (const [, name = "", content = ""] of files) {
    write(`next/${name}`, content);
  }
  // As create-next-app makes them, but that the packages are this one's.
  const root = JSON.stringify(PACKAGE);
  write(
    "next/next.config.mjs",
    `${(files.at(-1)?.[2] ?? "").replace("export default", "const own =")}
    export default { ...own, outputFileTracingRoot: ${root}, turbopack: { root: ${root} } };`,
  );
  write(
    "next/app/layout.tsx",
    `export default function Layout({ children }: { children: React.ReactNode }) {
      return <html lang="en"><body>{children}</body></html>;
    }`,
  );
  const compilerOptions = { strict: true, jsx: "preserve", module: "esnext", moduleResolution: "bundler" };
  const more = {
    noEmit: true,
    skipLibCheck: true,
    esModuleInterop: true,
    paths: { "@/*": ["./*"] },
    lib: ["dom", "es2022"],
  };
  write("next/tsconfig.json", JSON.stringify({ compilerOptions: { ...compilerOptions, ...more } }));
  const next = [`${PACKAGE}node_modules/next/dist/bin/next`];
  // No settings are needed to build it.
  const env = { ...environment(), GATELODGE_ADDRESS: "", GATELODGE_API_KEY: "" };
  await promisify(execFile)(process.execPath, [...next, "build", `${SCRATCH}next`], { env });
  const port = await freePort();
  await served([...next, "start", `${SCRATCH}next`, "-p", port, "-H", "127.0.0.1"], port, async (ask) => {
    await sendsToTheLogin(ask, "/api/hello");
    await sendsToTheLogin(ask, "/members/anything");
    const browser = await signedIn();
    assert.equal((await ask("/api/hello", browser)).body, '{"userId":"dev_testuser1"}');
    assert.match((await ask("/", browser)).body, /Hello, (<!-- -->)?dev_testuser1/);
    assert.match((await ask("/")).body, /Hello, (<!-- -->)?nobody/);
    assert.equal((await ask("/members/anything", browser)).got.statusCode, 404);
  });
});

test("the fake, and the routes of an API, are used as it says", async () => {
  const [first = "", last = ""] = block("new FakeAuthority()").split(/^(?=await fetch)/m);
  const file = write(
    "fake.mjs",
    `import express from "express";
    import { gatelodge } from "gatelodge/express";
    ${first}
    const app = express();
    app.get("/", auth.required({ scopes: ["admin"] }), (request, response) => response.send("hello"));
    ${block("auth.bearer({")}
    const server = app.listen(0, "127.0.0.1", async () => {
      const url = "http://127.0.0.1:" + server.address().port;
      const got = ${last}
      console.log(await got.text());
      const { headers } = authority.issueToken({ userId: "google_2", scopes: ["orders:read"] });
      console.log(await (await fetch(url + "/orders", { headers })).text());
      console.log((await fetch(url + "/orders")).status);
      process.exit();
    });`,
  );
  const { stdout } = await promisify(execFile)(process.execPath, [file], { timeout: 20_000 });
  assert.deepEqual(stdout.trim().split("\n"), ["hello", '"google_2"', "401"]);
});
