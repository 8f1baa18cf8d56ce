/** An edge that serves several hosts goes by the settings of the tenant whose host was asked, in each framework. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { request as send, type IncomingMessage } from "node:http";
import { describe, test } from "node:test";
import { clone, type MessageShape } from "@bufbuild/protobuf";
import { Client, type Transport } from "gatelodge";
import { gatelodge as next } from "gatelodge/next";
import { FakeAuthority } from "gatelodge/testing";
import { EdgeSettingsSchema, LoginService, SessionService, type EdgeSettings } from "gatelodge/v1";
import { FRAMEWORKS } from "./applications/all.js";

type Settled = MessageShape<typeof LoginService.method.getEdgeSettings.output>;
type Question = MessageShape<typeof SessionService.method.validateSession.input>;

/** An authority of three tenants, each with a session cookie, an allowed origin and a CSRF header of its own name. */
class Tenants {
  readonly fake = new FakeAuthority();
  /** The names of the cookies that came with each question. */
  readonly cookies: string[][] = [];
  readonly client: Client;

  constructor() {
    const transport: Transport = {
      ...this.fake.transport,
      send: async (attempt) => {
        if (attempt.method === SessionService.method.validateSession) {
          this.cookies.push((attempt.question as Question).cookies.map(({ name }) => name));
        }
        const answer = await this.fake.transport.send(attempt);
        return attempt.method === LoginService.method.getEdgeSettings ? several(answer as Settled) : answer;
      },
    };
    this.client = new Client({ apiKey: this.fake.apiKey, keepAnswers: 0, checkStream: false, transport });
  }
}

function several(answer: Settled): Settled {
  const { settings } = answer;
  assert.ok(settings);
  const tenant = (name: string, ...hosts: string[]): EdgeSettings => {
    const own = clone(EdgeSettingsSchema, settings);
    own.hosts = hosts;
    own.sessionCookieNames = [name];
    own.csrfHeader = `x-csrf-${name}`;
    own.cors?.allowedOrigins.splice(0, 1, `https://${name}.example`);
    return own;
  };
  answer.settings = tenant("app", "app.example.com");
  answer.others = [tenant("acme", "acme.example.com", "[::1]"), tenant("other", "app.example.com:8443")];
  return answer;
}

interface Asked {
  readonly method?: string;
  readonly path: string;
  readonly host: string;
  readonly headers?: Readonly<Record<string, string>>;
}
type Got = Pick<IncomingMessage, "statusCode" | "headers">;

for (const framework of [...Object.keys(FRAMEWORKS), "next"]) {
  describe(framework, () => {
    const using = async (
      use: (tenants: Tenants, ask: (asked: Asked) => Promise<Got>) => Promise<void>,
    ): Promise<void> => {
      const tenants = new Tenants();
      const served = await FRAMEWORKS[framework]?.(tenants.client);
      const ask = served ? (asked: Asked) => over(served.base, asked) : nextRoutes(tenants.client);
      await use(tenants, ask).finally(() => {
        tenants.client.close();
        return served?.close();
      });
    };

    for (const [host, name] of [
      ["app.example.com", "app"],
      ["acme.example.com", "acme"],
      ["ACME.example.com:8000", "acme"],
      ["[::1]:8000", "acme"],
      ["[::1]", "acme"],
      ["app.example.com:8443", "other"],
      ["app.example.com:9000", "app"],
      ["elsewhere.example", "app"],
    ] as const) {
      test(`at ${host} the cookies, the origins and the CSRF header are those of ${name}`, () =>
        using(async ({ fake, cookies }, ask) => {
          fake.signIn({ cookie: "old", renewedCookie: "new" });
          const cookie = "app=old; acme=old; other=old";
          for (const path of ["/auth/me", "/any"]) {
            const got = await ask({ path, host, headers: { cookie } });
            assert.deepEqual([got.statusCode, got.headers[`x-csrf-${name}`]], [200, "csrf_old"], path);
          }
          assert.deepEqual(cookies, [[name], [name]]);
          for (const path of ["/auth/me", "/any"]) {
            for (const asking of ["app", "acme", "other"]) {
              const origin = `https://${asking}.example`;
              const headers = { origin, "access-control-request-method": "GET" };
              const got = await ask({ method: "OPTIONS", path, host, headers });
              assert.equal(got.headers["access-control-allow-origin"], asking === name ? origin : undefined, path);
            }
          }
        }));
    }
  });
}

async function over(base: string, { method = "GET", path, host, headers = {} }: Asked): Promise<Got> {
  const sent = send(base + path, { method, headers: { ...headers, host, connection: "close" } }).end();
  const [got] = (await once(sent, "response")) as [IncomingMessage];
  got.resume();
  return got;
}

/** The routes that the applications have, as Next's handlers. */
function nextRoutes(client: Client): (asked: Asked) => Promise<Got> {
  const auth = next({ client });
  const own = auth.required(() => new Response());
  return async ({ method = "GET", path, host, headers = {} }) => {
    const request = new Request(`http://localhost${path}`, { method, headers: { ...headers, host } });
    const got = await (path === "/any" ? own : auth.handlers.GET)(request, undefined);
    return { statusCode: got.status, headers: Object.fromEntries(got.headers) };
  };
}
