/** What applications' tests see of the fake authority beyond the scenarios of all languages. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MintingOffError, SessionNotFoundError, TokenCheckOffError, type Client, type Verdict } from "gatelodge";
import { FakeAuthority, type SignedIn } from "gatelodge/testing";
import { CsrfRequirement, UserState } from "gatelodge/v1";
import { FRAMEWORKS } from "./applications/all.js";

for (const [framework, serve] of Object.entries(FRAMEWORKS)) {
  test(`${framework}: a renewed credential comes with its CSRF token, and caches keep neither`, async () => {
    const client = new FakeAuthority();
    const old = client.signIn({ renewedCookie: "newer", csrfToken: "token" });
    const served = await serve(client.client());
    try {
      const got = await fetch(`${served.base}/private`, { headers: { cookie: old.cookie } });
      assert.match(got.headers.getSetCookie().join(), /^session=newer;/);
      assert.equal(got.headers.get("x-csrf-token"), "token");
      assert.equal(got.headers.get("cache-control"), "no-store");
      const again = await fetch(`${served.base}/private`, { headers: { cookie: "session=newer" } });
      assert.deepEqual(
        [again.status, again.headers.getSetCookie(), again.headers.get("x-csrf-token")],
        [200, [], null],
      );
    } finally {
      await served.close();
    }
  });
}

test("every call of the contract is answered", async () => {
  const authority = new FakeAuthority();
  const client = authority.client();
  const ada = authority.signIn({ userId: "google_1", provider: "google" });
  authority.signIn({ userId: "google_2", provider: "google" });
  const cookies = [{ name: "session", value: Buffer.from(ada.cookie.slice("session=".length)) }];
  const { outcome: known } = await client.sessions.getUserInfo({ cookies });
  assert.equal(known.case === "userInfo" && known.value.identity?.userId, "google_1");
  assert.equal((await client.sessions.refreshTokens({ cookies })).outcome.case, "refreshed");
  assert.equal((await client.sessions.getAccessToken({ cookies })).outcome.case, "accessToken");
  await assert.rejects(client.tokens.check({}), TokenCheckOffError);
  await assert.rejects(client.tokens.mintToken({}), MintingOffError);
  await assert.rejects(client.tokens.getJwks({}), MintingOffError);
  const { answer: byServer, revokedCount } = await client.login.handleBackchannelLogout({});
  assert.deepEqual([byServer?.status, revokedCount], [400, 0]);
  const { answer: byPage, revokedCount: ofPage } = await client.login.handleFrontchannelLogout({});
  assert.deepEqual([byPage?.status, ofPage], [400, 0]);
  assert.equal(await client.isServing(), true);

  const target = { case: "provider", value: "google" } as const;
  assert.equal((await client.admin.listSessions({})).sessions.length, 2);
  assert.equal((await client.admin.previewRevoke({ target })).count, 2n);
  assert.equal(
    (await client.sessions.revoke({ cookies, target: { case: "presentedSession", value: {} } })).revokedCount,
    1,
  );
  assert.equal((await client.admin.revoke({ target })).revokedCount, 0n); // of a provider's they are not counted
  await assert.rejects(client.admin.getSession({ sessionId: ada.sessionId }), SessionNotFoundError);
  assert.equal((await client.sessions.getUserInfo({ cookies })).outcome.case, "inactive");
});

/** Asks until the answer is one that is kept: the very same again. */
async function kept(client: Client, cookies: { name: string; value: Uint8Array }[]): Promise<Verdict> {
  for (let last = await client.sessions.check({ cookies }); ;) {
    const next = await client.sessions.check({ cookies });
    if (next === last) {
      return next;
    }
    last = next;
  }
}

const HAPPENINGS: Readonly<Record<string, (authority: FakeAuthority, ada: SignedIn) => unknown>> = {
  "ends a session": (_, ada) => {
    ada.end();
  },
  "changes its state": (_, ada) => {
    ada.setState("idle");
  },
  denies: (authority) => {
    authority.deny("scope");
  },
  "is away": (authority) => {
    authority.away();
  },
  "ends it by an admin's call": (authority, ada) =>
    authority.client().admin.revoke({ target: { case: "sessionId", value: ada.sessionId } }),
};

for (const [what, happen] of Object.entries(HAPPENINGS)) {
  test(`what is kept is forgotten at once when the fake ${what}`, async () => {
    const authority = new FakeAuthority();
    const client = authority.client();
    const ada = authority.signIn();
    const cookies = [{ name: "session", value: Buffer.from(ada.cookie.slice("session=".length)) }];
    assert.equal((await kept(client, cookies)).kind, "active");
    await happen(authority, ada);
    const outcome = await client.sessions.check({ cookies }).catch(() => ({ kind: "could not say" }));
    assert.notEqual(outcome.kind, "active");
    client.close();
  });
}

test("nothing is kept where it is turned off", async () => {
  const authority = new FakeAuthority();
  const client = authority.client({ keepAnswers: 0 });
  const cookies = [{ name: "session", value: Buffer.from(authority.signIn().cookie.slice("session=".length)) }];
  const verdicts = new Set<Verdict>();
  for (let count = 0; count < 10; count += 1) {
    verdicts.add(await client.sessions.check({ cookies }));
  }
  assert.equal(verdicts.size, 10);
  client.close();
});

test("checks on a stream are answered as calls are", async () => {
  const authority = new FakeAuthority();
  const client = authority.client();
  const cookies = [{ name: "session", value: Buffer.from(authority.signIn().cookie.slice("session=".length)) }];
  const required = { csrf: CsrfRequirement.REQUIRED };
  const questions = [
    { id: 1n, question: { cookies } },
    { id: 2n, question: {} },
    { id: 3n, question: { cookies, requirements: required } },
  ];
  const said: string[] = [];
  for await (const { id, result } of client.sessions.checkSessions(questions)) {
    const what = result.case === "answer" ? result.value.outcome.case : result.value?.reason;
    said.push(`${String(id)} ${String(what)}`);
  }
  assert.deepEqual(said.sort(), ["1 active", "2 inactive", "3 CONTEXT_REQUIRED"]);
  client.close();
});

test("an admin of the fake lists and ends what a filter and a target name, and no more", async () => {
  const authority = new FakeAuthority();
  const client = authority.client();
  authority.signIn({ userId: "google_1", provider: "google", providerSession: "s1" });
  authority.signIn({ userId: "google_1", provider: "google" });
  authority.signIn({ userId: "github_1", provider: "github", providerSession: "s1" });
  const count = async (filter: Parameters<typeof client.admin.listSessions>[0]): Promise<number> =>
    (await client.admin.listSessions(filter)).sessions.length;
  assert.equal(await count({ userId: "google_1" }), 2);
  assert.equal(await count({ provider: "github" }), 1);
  assert.equal(await count({ provider: "google", providerSessionId: "s1" }), 1);
  assert.equal(await count({ createdBefore: { seconds: 1n } }), 0);
  assert.equal(await count({ createdAfter: { seconds: 1n } }), 3);
  const value = { provider: "google", providerSessionId: "s1" };
  assert.equal((await client.admin.revoke({ target: { case: "providerSession", value } })).revokedCount, 1n);
  assert.equal(await count({}), 2);
  await client.admin.deleteUser({ userId: "github_1" });
  assert.equal((await client.admin.getUser({ userId: "github_1" })).user?.state, UserState.DELETED);
  assert.deepEqual(
    (await client.admin.listUsers({})).users.map(({ userId }) => userId),
    ["google_1"],
  );
  client.close();
});
