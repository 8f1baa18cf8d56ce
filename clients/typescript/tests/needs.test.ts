/** What a route may need of whoever is signed in, in each framework. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FakeAuthority, type Who } from "gatelodge/testing";
import { gatelodge as next } from "gatelodge/next";
import { FRAMEWORKS } from "./applications/all.js";
import { NEEDS } from "./applications/needs.js";

const FITS: Who = {
  email: "ada@example.com",
  scopes: ["read", "write"],
  permissions: ["orders:pay"],
  roles: ["clerk", "guest"],
  acr: "1",
  amr: ["otp", "pwd"],
};

/** Who lacks what a route needs, and what is said. */
const LACKING: Readonly<Record<string, { who: Who; reason: string; detail: string; login?: string }>> = {
  scopes: { who: { scopes: ["read"] }, reason: "scope_missing", detail: "Missing scope: write" },
  anyScopes: { who: { scopes: ["read"] }, reason: "scope_missing", detail: "Missing scope: write admin" },
  permissions: { who: { permissions: [] }, reason: "permission_missing", detail: "Missing permission: orders:pay" },
  anyPermissions: {
    who: { permissions: ["other"] },
    reason: "permission_missing",
    detail: "Missing permission: orders:pay orders:see",
  },
  roles: { who: { roles: ["guest"] }, reason: "role_missing", detail: "Missing role: clerk" },
  emailVerified: {
    who: { emailVerified: false },
    reason: "email_not_verified",
    detail: "A verified email address is needed",
  },
  acrValues: {
    who: { acr: "0" },
    reason: "acr_missing",
    detail: "A stronger login is needed",
    login: "/auth/web/login?provider=fake&acr_values=2+1",
  },
  amrValues: {
    who: { amr: ["pwd"] },
    reason: "amr_missing",
    detail: "A login is needed that uses otp",
    login: "/auth/web/login?provider=fake&prompt=login",
  },
};

type Get = (path: string, headers: Record<string, string>) => Promise<Response>;

/** The routes that the applications have, as Next's handlers. */
function nextRoutes(authority: FakeAuthority): { get: Get; close: () => Promise<void> } {
  const auth = next({ client: authority.client() });
  return {
    get: (path, headers) => {
      const handler = auth.required(
        (_, session) => Response.json({ user_id: session.userId }),
        NEEDS[path.replace("/needs/", "") as keyof typeof NEEDS],
      );
      return handler(new Request(`http://localhost${path}`, { headers }), undefined);
    },
    close: () => {
      auth.edge.close();
      return Promise.resolve();
    },
  };
}

for (const framework of [...Object.keys(FRAMEWORKS), "next"]) {
  describe(framework, () => {
    for (const [need, { who, reason, detail, login }] of Object.entries(LACKING)) {
      test(`${need}: whoever lacks it is kept out, and told why`, async () => {
        const authority = new FakeAuthority();
        const served = await FRAMEWORKS[framework]?.(authority.client());
        const get: Get = (path, headers) => fetch((served?.base ?? "") + path, { headers, redirect: "manual" });
        const site = served ? { get, close: () => served.close() } : nextRoutes(authority);
        try {
          const path = `/needs/${need}`;
          assert.equal((await site.get(path, { cookie: authority.signIn(FITS).cookie })).status, 200);
          const { cookie } = authority.signIn({ ...FITS, ...who });
          const got = await site.get(path, { cookie });
          const body = (await got.json()) as Record<string, unknown>;
          assert.deepEqual([got.status, body["reason"], body["detail"]], [403, reason, detail]);
          assert.equal(body["login_path"], login);
        } finally {
          await site.close();
        }
      });
    }
  });
}

test("a page's way to what needs another login leads through that login", async () => {
  const authority = new FakeAuthority();
  const { get, close } = nextRoutes(authority);
  const { cookie } = authority.signIn({ acr: "0" });
  const got = await get("/needs/acrValues", { cookie, accept: "text/html" });
  const login = "/auth/web/login?provider=fake&acr_values=2+1&redirect_uri=%2Fneeds%2FacrValues";
  assert.deepEqual([got.status, got.headers.get("location")], [302, login]);
  await close();
});

test("the fake denies for every reason, and a token is judged as a session is", async () => {
  const authority = new FakeAuthority();
  const client = authority.client();
  const { cookie } = authority.signIn();
  const cookies = [{ name: "session", value: Buffer.from(cookie.slice("session=".length)) }];
  for (const why of ["csrf", "origin", "scope", "permission", "role", "email", "acr", "amr", "login age"] as const) {
    authority.deny(why);
    assert.equal((await client.sessions.check({ cookies })).kind, "denied", why);
  }
  const clerk = authority.issueToken({ roles: ["clerk"], acr: "2", amr: ["otp"], emailVerified: true });
  const guest = authority.issueToken();
  for (const requirements of [
    { roles: ["clerk"] },
    { acrValues: ["2"] },
    { amrValues: ["otp"] },
    { emailVerified: true },
  ]) {
    const kinds = [clerk, guest].map(async ({ value }) => {
      const verdict = await client.tokens.check({ token: Buffer.from(value), requirements });
      return verdict.kind;
    });
    assert.deepEqual(await Promise.all(kinds), ["active", "denied"], JSON.stringify(requirements));
  }
  const anew = await client.tokens.check({ token: Buffer.from(guest.value), refresh: true });
  assert.ok(anew.kind === "active" && anew.active.refreshTime, "the fake asks its provider");
  client.close();
});
