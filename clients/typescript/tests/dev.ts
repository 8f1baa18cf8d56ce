/** Owns a real authority with a development provider, `gatelodge dev --ephemeral`, and how somebody logs in there. */
import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";

const PROGRAM = process.env["GATELODGE_BIN"] ?? new URL("../../../target/debug/gatelodge", import.meta.url).pathname;

/** What the browser of a login says of itself: a session is for no other. */
export const BROWSER = { "user-agent": "gatelodge-tests", "accept-language": "en" };

/** A running authority, whose own edge serves the public base URL. */
export class Dev {
  address = "";
  baseUrl = "";
  /** By role: edge, backend, admin. */
  readonly keys: Record<string, string> = {};
  readonly #scratch = mkdtempSync(join(tmpdir(), "gatelodge-"));
  #process: ChildProcess | undefined;

  async start(): Promise<void> {
    const [listen, edge, provider] = [await freePort(), await freePort(), await freePort()];
    this.address = `http://127.0.0.1:${listen}`;
    this.baseUrl = `http://localhost:${edge}`;
    const ports = ["--listen", listen, "--edge-listen", edge, "--provider-listen", provider];
    const options = ["dev", "--ephemeral", ...ports.map((word) => word.replace(/^(?=\d)/, "127.0.0.1:"))];
    const started = spawn(PROGRAM, options, { cwd: this.#scratch, stdio: ["ignore", "pipe", "ignore"] });
    this.#process = started;
    await once(started, "spawn"); // rejects, and names the program, where it is missing
    for await (const line of createInterface(started.stdout)) {
      const [, role, key] = /^ {2}(edge|backend|admin) +(glk_\S+)$/.exec(line) ?? [];
      if (role !== undefined && key !== undefined) {
        this.keys[role] = key;
      }
      if (line.startsWith("Ctrl-C")) {
        break;
      }
    }
    started.stdout.resume();
    assert.equal(Object.keys(this.keys).length, 3, `${PROGRAM} did not start`);
    while ((await fetch(`${this.baseUrl}/auth/me`)).status === 503) {
      await pause(20);
    }
  }

  async stop(): Promise<void> {
    if (this.#process?.kill("SIGTERM")) {
      await once(this.#process, "exit");
    }
    rmSync(this.#scratch, { recursive: true });
  }

  /** Logs somebody in as a person would, through the authority's own edge. Gives the value of the session cookie. */
  async logIn(): Promise<string> {
    const browser = new Browser();
    const page = await browser.follow(`${this.baseUrl}/auth/web/login?provider=dev`, this.baseUrl);
    const [, form = ""] = /name="form" value="([^"]+)"/.exec(await page.text()) ?? [];
    const body = new URLSearchParams({ form, username: "testuser1@example.com", password: "password123" });
    await browser.follow(new URL("/login", page.url).href, this.baseUrl, { method: "POST", body });
    return browser.cookies.get(`${this.baseUrl} session`) ?? assert.fail("a login without a session");
  }
}

/** As much of a browser as a login needs. */
class Browser {
  /** Values, by the origin and the name. */
  readonly cookies = new Map<string, string>();

  /** Follows redirects to a page, or to where the callback leads within the application. */
  async follow(url: string, application: string, init: RequestInit = {}): Promise<Response> {
    const { origin, pathname } = new URL(url);
    const sent = [...this.cookies].filter(([name]) => name.startsWith(`${origin} `));
    const cookie = sent.map(([name, value]) => `${name.slice(origin.length + 1)}=${value}`).join("; ");
    const got = await fetch(url, { ...init, redirect: "manual", headers: { cookie, ...BROWSER } });
    for (const line of got.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]*)=([^;]*)/.exec(line) ?? [];
      this.cookies.set(`${origin} ${name}`, value);
    }
    const next = got.headers.get("location");
    const isThere = next === null || (origin === application && pathname === "/auth/web/callback");
    return isThere ? got : this.follow(new URL(next, url).href, application);
  }
}

/** A port that nobody listens on. */
export async function freePort(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return String(port);
}
