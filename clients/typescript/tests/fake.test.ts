/** What applications' tests see of the fake authority beyond the scenarios of all languages. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MintingOffError, SessionNotFoundError, TokenCheckOffError } from "gatelodge";
import { FakeAuthority } from "gatelodge/testing";
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
