// Roles, silent logins and step-ups at a real Keycloak, by plain requests: what its pages look like is shown elsewhere.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startKeycloak } from '../parts/keycloak/start.mjs';
import { startWorld } from './gatelodge.mjs';
import { Person } from './person.mjs';

let world;
// Both clocks are this machine's.
const startProvider = async (...addresses) => ({ ...await startKeycloak(...addresses), more: { clock_leeway: 1 } });
before(async () => { world = await startWorld({ store: 'redis', startProvider }); });
after(() => world?.stop());

const login = (query) => `${world.baseUrl}/auth/web/login?provider=keycloak&${query}`;
const home = (url) => url.startsWith(`${world.baseUrl}/home`);
const HOME = 'redirect_uri=%2Fhome';
const pause = (seconds) => new Promise((done) => { setTimeout(done, seconds * 1000); });

async function loggedIn() {
  const person = new Person(world);
  const end = await person.enter(await person.go(login(HOME)), home);
  assert.equal(end.url, `${world.baseUrl}/home`);
  return person;
}

test("the realm's roles are read from the access token, and can be required", async () => {
  const person = await loggedIn();
  const { active } = await world.authority.validate(person.session(), { roles: ['reader'] });
  assert.ok(active.identity.roles.includes('reader'), JSON.stringify(active.identity));
  assert.deepEqual(active.judged.roles, ['reader']);
  const { denied } = await world.authority.validate(person.session(), { roles: ['reader', 'admin'] });
  assert.deepEqual([denied.reason, denied.missingRoles], ['DENIED_REASON_ROLE_MISSING', ['admin']]);
  assert.equal(denied.loginQuery, undefined, 'a login would not help');
});

test('a silent login says that nobody is logged in, and logs in whoever is', async () => {
  const stranger = new Person(world);
  const back = await stranger.go(login(`${HOME}&prompt=none`), { stops: home });
  assert.equal(new URL(back.url).searchParams.get('error'), 'login_required');
  assert.equal(stranger.session(), undefined);

  const person = await loggedIn();
  const former = person.session();
  const end = await person.go(login(`${HOME}&prompt=none`), { stops: home });
  assert.equal(end.url, `${world.baseUrl}/home`);
  assert.notEqual(person.session().value, former.value);
});

test('a login that is too old is stepped up: the same session, by a password typed anew', async () => {
  const person = await loggedIn();
  const former = person.session();
  const { active } = await world.authority.validate(former);
  await pause(6);
  const requirements = { max_login_age: '5s' };
  const { denied } = await world.authority.validate(former, requirements);
  assert.equal(denied.reason, 'DENIED_REASON_LOGIN_TOO_OLD');
  const page = await person.go(`${world.baseUrl}/auth/web/login?${denied.loginQuery}&${HOME}`);
  const end = await person.enter(page, home);
  assert.equal(end.url, `${world.baseUrl}/home`);
  const after = await world.authority.validate(person.session(), { max_login_age: '60s' });
  assert.deepEqual(
    [after.active.session.sessionId, after.active.session.generation],
    [active.session.sessionId, active.session.generation + 1],
  );
  assert.ok((await world.authority.validate(former)).inactive, 'the former credential has no grace');
  assert.ok((await world.authority.validate(person.session())).active, 'and that it came back is no theft yet');
});

test('a login that is not of the class that was asked for leaves the session as it was', async () => {
  const person = await loggedIn();
  const { denied, ...rest } = await world.authority.validate(person.session(), { acr_values: ['urn:example:gold'] });
  assert.equal(denied?.reason, 'DENIED_REASON_ACR_MISSING', JSON.stringify(rest));
  let end = await person.go(`${world.baseUrl}/auth/web/login?${denied.loginQuery}&${HOME}`, { stops: home });
  // What it does not know it takes for stronger than the login that is there.
  if (!home(end.url)) end = await person.enter(end, home);
  assert.equal(new URL(end.url).searchParams.get('error'), 'authentication_unmet');
  const { active } = await world.authority.validate(person.session());
  assert.deepEqual([active.session.sessionId, active.session.generation], [denied.session.sessionId, 1]);
});

// Keycloak moves the time of the login for every application that its user is logged in to.
test('tokens are refreshed after the user has authenticated anew for something else', async () => {
  const person = await loggedIn();
  const before = (await world.authority.validate(person.session())).active;
  await pause(3);
  // A login of the same user that comes to nothing here, and is one at Keycloak.
  const { denied } = await world.authority.validate(person.session(), { acr_values: ['urn:example:gold'] });
  const page = await person.go(`${world.baseUrl}/auth/web/login?${denied.loginQuery}&prompt=login&${HOME}`);
  const end = await person.enter(page, home);
  assert.equal(new URL(end.url).searchParams.get('error'), 'authentication_unmet');
  const refreshed = await world.authority.refresh(person.session());
  assert.ok(refreshed.refreshed, JSON.stringify(refreshed));
  const { active } = await world.authority.validate(person.session());
  assert.equal(active.identity.authTime, before.identity.authTime, 'which makes no login younger');
});
