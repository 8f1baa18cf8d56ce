// The example "dependencies": an API that is called with access tokens, and a web page that a person opens in Chromium.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { screenshot, startChromium } from '../browser/chromium.mjs';
import { LOGIN_PAGES, PASSWORD, USERS } from '../browser/login_pages.mjs';
import { freePort, start } from '../parts/process.mjs';
import { ARTEFACTS, TARGET, need } from '../parts/where.mjs';
import { ask as request } from './asking.mjs';
import { EXAMPLES, startExample } from './python.mjs';
import { accessToken } from './token_caller.mjs';

const [ADMIN, READER] = USERS;
const ALL = 'openid email profile';
const stops = [];
let authority, base, chromium, endpoints, plain;

before(async () => {
  const [port, other, listen, dev] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const folder = mkdtempSync(join(tmpdir(), 'gatelodge-'));
  stops.push(() => rmSync(folder, { recursive: true, force: true }));
  base = `http://localhost:${port}`;
  const program = need(process.env.GATELODGE_BIN ?? join(TARGET, 'debug', 'gatelodge'), 'the program');
  const log = join(ARTEFACTS, 'logs', 'systems-dependencies.log');
  authority = await start('gatelodge dev', program, ['--config', join(EXAMPLES, 'dependencies', 'gatelodge.yaml'), 'dev',
    '--folder', join(folder, 'kept'), '--listen', `127.0.0.1:${listen}`, '--edge-listen', `127.0.0.2:${port}`,
    '--provider-listen', `127.0.0.1:${dev}`], { log, cwd: folder, ready: () => /^Ctrl-C/m.test(readFileSync(log, 'utf8')) });
  stops.push(authority.stop);
  const [, key] = readFileSync(log, 'utf8').match(/^ +edge +(\S+)$/m);
  const provider = `http://127.0.0.1:${dev}`;
  const env = { GATELODGE_ADDRESS: `http://127.0.0.1:${listen}`, GATELODGE_API_KEY: key };
  const named = { PROVIDER_AUTHORIZE_URL: `${provider}/authorize`, PROVIDER_TOKEN_URL: `${provider}/token` };
  stops.push((await startExample('dependencies', { port, env: { ...env, ...named } })).stop);
  stops.push((await startExample('dependencies', { port: other, env })).stop);
  plain = `http://localhost:${other}`;
  chromium = await startChromium();
  stops.push(chromium.stop);
});

after(async () => { for (const stop of stops.splice(0).reverse()) await stop(); });

/** Asks the application, with a token where one is given. */
const ask = (path, { token, headers, ...init } = {}) => (
  request(base + path, { ...init, headers: { ...(token && { authorization: `Bearer ${token}` }), ...headers } })
);

/** A token as the API's own page gets one: by the endpoints that its document names. */
async function tokenOf(user, scope = ALL) {
  const { body } = await ask('/openapi.json');
  endpoints ??= body.components.securitySchemes.OAuth2AuthorizationCodeBearer.flows.authorizationCode;
  return accessToken(endpoints, `${base}/auth/web/callback`, user, scope);
}

test('the document shows a scheme for tokens and one for the cookie, and which scopes a route wants', async () => {
  const { body } = await ask('/openapi.json');
  const { APIKeyCookie, OAuth2AuthorizationCodeBearer } = body.components.securitySchemes;
  assert.deepEqual(APIKeyCookie, { type: 'apiKey', in: 'cookie', name: 'user_session' });
  assert.equal(OAuth2AuthorizationCodeBearer.type, 'oauth2');
  const wanted = body.paths['/authenticated-scope'].get.security;
  assert.deepEqual(wanted, [{ OAuth2AuthorizationCodeBearer: ['openid', 'reports.read'] }]);
  assert.deepEqual(body.paths['/protected'].get.security, [{ APIKeyCookie: [] }]);
  assert.match((await ask('/docs')).text, /initOAuth\(.*usePkceWithAuthorizationCodeGrant/s);
  const { components } = await (await fetch(`${plain}/openapi.json`)).json();
  const { type, scheme, description } = components.securitySchemes.HTTPBearer;
  assert.deepEqual([type, scheme, /identity provider/.test(description)], ['http', 'bearer', true]);
});

test('without a token, and with a bad one, it is 401 with the reason and what to do', async () => {
  const cases = { '': 'not_signed_in', forged: 'invalid_token' };
  for (const path of ['/authenticated', '/authenticated-scope', '/authenticated-permissions', '/user', '/user-refresh']) {
    for (const [token, reason] of Object.entries(cases)) {
      const { status, headers, body } = await ask(path, { token });
      assert.deepEqual([status, body.reason], [401, reason], path);
      assert.match(headers['www-authenticate'], /^Bearer/);
      assert.ok(body.detail && body.remedy && body.request_id, JSON.stringify(body));
    }
  }
});

test('a route for whoever comes answers nobody as nobody', async () => {
  for (const token of ['', 'forged']) {
    assert.deepEqual((await ask('/optional-user', { token })).body, { message: 'Anonymous user' });
  }
});

test('a good token lets in, and says who it is', async () => {
  const token = await tokenOf(ADMIN);
  const { status, body } = await ask('/authenticated', { token });
  assert.equal(status, 200, JSON.stringify(body));
  assert.equal(body.id, 'dev_testuser1');
  assert.deepEqual(body.scope, ['email', 'openid', 'profile']);
  assert.deepEqual(body.permissions, ['orders:read', 'orders:write']);
  for (const path of ['/user', '/user-refresh', '/optional-user']) {
    const who = (await ask(path, { token })).body;
    assert.deepEqual([who.user_id, who.provider, who.sub, who.email], ['dev_testuser1', 'dev', 'testuser1', ADMIN], path);
    assert.deepEqual(who.claims, { given_name: 'Tessa', family_name: 'Usher' }, 'what the provider let through');
    assert.ok(!('permissions' in who), 'what somebody may do is no part of what is kept');
  }
});

test('a missing scope and a missing permission are 403, and named', async () => {
  const token = await tokenOf(READER);
  const scope = await ask('/authenticated-scope', { token });
  assert.deepEqual([scope.status, scope.body.reason], [403, 'scope_missing']);
  assert.match(scope.headers['www-authenticate'], /insufficient_scope.*scope="reports\.read"/);
  const permission = await ask('/authenticated-permissions', { token });
  assert.deepEqual([permission.status, permission.body.reason], [403, 'permission_missing']);
  assert.ok(scope.body.remedy && permission.body.remedy);

  assert.equal((await ask('/authenticated-scope', { token: await tokenOf(READER, `${ALL} reports.read`) })).status, 200);
  assert.equal((await ask('/authenticated-permissions', { token: await tokenOf(ADMIN) })).status, 200);
});

test('a page leads to the login by 307, for GET and HEAD alone', async () => {
  for (const method of ['GET', 'HEAD']) {
    const { status, headers } = await ask('/protected?tab=2&q=%C3%A4', { method });
    assert.deepEqual([status, headers.location], [307, '/auth/web/login?redirect_uri=%2Fprotected%3Ftab%3D2%26q%3D%25C3%25A4']);
    assert.equal(headers['cache-control'], 'no-store');
  }
  const script = await ask('/protected', { headers: { 'sec-fetch-mode': 'cors' } });
  assert.deepEqual([script.status, script.body.reason], [401, 'not_signed_in']);
  assert.equal((await ask('/protected', { method: 'POST' })).status, 405);
  assert.equal((await ask('/protected?error=access_denied&request_id=r')).status, 401, 'nobody is sent round in circles');
  assert.equal((await ask('/protected', { token: await tokenOf(ADMIN) })).status, 307, 'a token opens no page');
});

/** A person who opens a page and logs in where they are led. */
async function enters(user, path) {
  const person = await chromium.person();
  const page = await person.tab();
  await page.goto(base + path);
  await LOGIN_PAGES.dev.enter(page, user, PASSWORD);
  await page.waitForURL((url) => url.origin === base && !url.pathname.startsWith('/auth/'));
  return { person, page };
}

test('a person comes back to the very page, with a cookie of the name and the life that the application chose', async () => {
  const { person, page } = await enters(ADMIN, '/protected?tab=2&q=%C3%A4');
  assert.equal(page.url(), `${base}/protected?tab=2&q=%C3%A4`);
  assert.equal(await page.locator('h1').innerText(), `You are authenticated. Your user email is ${ADMIN}`);
  await screenshot(page, 'dependencies protected');
  const cookie = (await person.cookies()).find(({ name }) => name === 'user_session');
  assert.deepEqual([cookie.httpOnly, cookie.sameSite], [true, 'Lax']);
  assert.ok(Math.abs(cookie.expires - Date.now() / 1000 - 7 * 86_400) < 300, 'seven days');

  await page.goto(`${base}/admin`);
  assert.equal(await page.locator('h1').innerText(), 'You may write orders');
  await page.goto(`${base}/profile`);
  assert.equal(JSON.parse(await page.locator('body').innerText()).email, ADMIN, 'the provider was asked again');
  await page.goto(base);
  assert.equal(await page.locator('h1').innerText(), `You are signed in as ${ADMIN}`);
  await screenshot(page, 'dependencies home');
  await person.leave();
});

test('a login that names no page lands where the application makes its own row', async () => {
  const { person, page } = await enters(READER, '/auth/web/login');
  assert.equal(page.url(), `${base}/protected?welcome=dev_testuser2`);
  await person.leave();
});

test('who may not is told so on a page of the application', async () => {
  const { person, page } = await enters(READER, '/protected');
  const answer = await page.goto(`${base}/admin`);
  assert.equal(answer.status(), 403);
  assert.equal(await page.locator('h1').innerText(), 'This page is not for you');
  await screenshot(page, 'dependencies forbidden');
  const asked = await page.evaluate(async () => (await fetch('/admin')).json());
  assert.equal(asked.reason, 'permission_missing', 'a script is told why');
  await person.leave();
});

// The last: it ends the authority.
test('while the authority is away nobody is logged out, and nobody is anonymous', async () => {
  const { page } = await enters(ADMIN, '/protected');
  await authority.stop();
  const answer = await page.reload();
  assert.equal(answer.status(), 503);
  assert.equal(answer.headers()['set-cookie'], undefined);
  assert.equal((await ask('/optional-user')).status, 503);
  assert.equal((await ask('/protected')).status, 503);
});
