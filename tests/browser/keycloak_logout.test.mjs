// Signing out at a real Keycloak, which tells of it (OpenID Connect Back-Channel Logout 1.0): the session is dead here too.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startKeycloak } from '../parts/keycloak/start.mjs';
import { startWorld } from './gatelodge.mjs';
import { Person } from './person.mjs';

let keycloak;
let world;
before(async () => {
  const startProvider = async (...places) => { keycloak = await startKeycloak(...places); return keycloak; };
  world = await startWorld({ store: 'redis', startProvider });
});
after(() => world?.stop());

async function loggedIn() {
  const person = new Person(world);
  const home = (url) => url.startsWith(`${world.baseUrl}/home`);
  const page = await person.go(`${world.baseUrl}/auth/web/login?provider=keycloak&redirect_uri=%2Fhome`);
  await person.enter(page, home);
  const { active } = await world.authority.validate(person.session());
  assert.ok(active, 'logged in');
  return { person, identity: active.identity };
}

/** What becomes of the session within a second of `signedOut`, and how long that took at most. */
async function endOf(person, signedOut) {
  const begun = Date.now();
  await signedOut();
  const told = Date.now();
  for (;;) {
    const { inactive } = await world.authority.validate(person.session());
    if (inactive) return { inactive, ms: Date.now() - told, inAll: Date.now() - begun };
    assert.ok(Date.now() - told < 1000, 'the session still lives a second later');
  }
}

test('whom an admin signs out at Keycloak is logged out here within a second', async (t) => {
  const { person, identity } = await loggedIn();
  const elsewhere = await loggedIn();
  const { inactive, ms, inAll } = await endOf(person, () => keycloak.admin('POST', `users/${identity.sub}/logout`));
  assert.equal(inactive.reason, 'INACTIVE_REASON_REVOKED');
  assert.ok((await world.authority.validate(elsewhere.person.session())).inactive, 'their other session too');
  t.diagnostic(`dead ${ms} ms after Keycloak's answer, ${inAll} ms after the admin's request`);
});

test('one session that an admin ends at Keycloak ends here, and the others live', async (t) => {
  const { person, identity } = await loggedIn();
  const [{ id }] = await keycloak.admin('GET', `users/${identity.sub}/sessions`);
  const elsewhere = await loggedIn();
  const { ms } = await endOf(person, () => keycloak.admin('DELETE', `sessions/${id}`));
  assert.ok((await world.authority.validate(elsewhere.person.session())).active, 'the other lives');
  t.diagnostic(`dead ${ms} ms after Keycloak's answer`);
});

test('who signs out at Keycloak, by its own page, is logged out here within a second', async (t) => {
  const { person } = await loggedIn();
  const ask = await person.go(`${keycloak.issuer}/protocol/openid-connect/logout`);
  const [, action] = ask.text.match(/<form[^>]*action="([^"]+)"/) ?? [];
  const [, code] = ask.text.match(/name="session_code" value="([^"]+)"/) ?? [];
  assert.ok(action && code, `no form at ${ask.url}`);
  const address = new URL(action.replaceAll('&amp;', '&'), ask.url).href;
  const body = new URLSearchParams({ session_code: code, confirmLogout: 'Logout' });
  const { ms } = await endOf(person, () => person.go(address, { method: 'POST', body }));
  t.diagnostic(`dead ${ms} ms after Keycloak's page`);
});

test('whoever was signed out can log in again', async () => {
  const { person } = await loggedIn();
  assert.ok((await world.authority.validate(person.session())).active);
});
