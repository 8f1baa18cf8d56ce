// The example "bff": a FastAPI backend for front ends with Keycloak, followed as its page says, its two front ends built with
// Vite and opened in Chromium from other origins than the backend's.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { screenshot, startChromium } from '../browser/chromium.mjs';
import { LOGIN_PAGES, PASSWORD, USERS } from '../browser/login_pages.mjs';
import { startKeycloak } from '../parts/keycloak/start.mjs';
import { freePort, start, until } from '../parts/process.mjs';
import { ARTEFACTS, TARGET, need } from '../parts/where.mjs';
import { ask } from './asking.mjs';
import { EXAMPLES, startExample } from './python.mjs';

const FRONT_ENDS = ['react', 'vue'];
const [ANN, BOB] = USERS;
const HERE = join(EXAMPLES, 'bff');
const program = need(process.env.GATELODGE_BIN ?? join(TARGET, 'debug', 'gatelodge'), 'the program');
const stops = [];
const fronts = {};
let authority, base, chromium;

before(async () => {
  const [port, listen] = [await freePort(), await freePort()];
  base = `http://localhost:${port}`;
  for (const name of FRONT_ENDS) fronts[name] = `http://localhost:${await freePort()}`;
  const keycloak = await startKeycloak(`${base}/auth/web/callback`, `${base}/auth/web/logged-out`, `http://127.0.0.1:${port}/auth/web/backchannel-logout`);
  stops.push(keycloak.stop);
  const folder = mkdtempSync(join(tmpdir(), 'gatelodge-'));
  stops.push(() => rmSync(folder, { recursive: true, force: true }));
  const settings = {
    ...prepared(folder), PUBLIC_BASE_URL: base, REACT_URL: fronts.react, VUE_URL: fronts.vue,
    KEYCLOAK_ISSUER: keycloak.issuer, OIDC_KEYCLOAK_CLIENT_SECRET: keycloak.clientSecret,
    OIDC_GOOGLE_CLIENT_ID: 'g.apps.googleusercontent.com', OIDC_GOOGLE_CLIENT_SECRET: '0123456789',
    OIDC_MICROSOFT_CLIENT_ID: '00000000-1111-2222-3333-444444444444', OIDC_MICROSOFT_CLIENT_SECRET: 'a: {b}~#c',
    GATELODGE__OIDC__PROVIDERS__GOOGLE__ENABLED: 'true', GATELODGE__OIDC__PROVIDERS__MICROSOFT__ENABLED: 'true',
    GATELODGE__SERVER__LISTEN: `127.0.0.1:${listen}`, GATELODGE_ADDRESS: `http://127.0.0.1:${listen}`,
  };
  const log = join(ARTEFACTS, 'logs', 'systems-bff.log');
  authority = await start('gatelodge serve', program, ['serve'], { log, cwd: folder, env: settings, ready: () => listens(listen) });
  stops.push(authority.stop);
  stops.push((await startExample('bff', { port, env: settings, path: '/api/providers' })).stop);
  for (const name of FRONT_ENDS) stops.push((await startFrontEnd(name)).stop);
  chromium = await startChromium();
  stops.push(chromium.stop);
});

after(async () => { for (const stop of stops.splice(0).reverse()) await stop(); });

/** What the page has people do in the example's folder, in one of its own; answers the key that it made. */
function prepared(folder) {
  copyFileSync(join(HERE, 'gatelodge.yaml'), join(folder, 'gatelodge.yaml'));
  const run = (...args) => execFileSync(program, args, { cwd: folder, encoding: 'utf8' });
  run('config', 'init');
  appendFileSync(join(folder, '.env'), readFileSync(join(HERE, '.env.example')));
  const { api_key: key, key_hash: hash } = JSON.parse(run('keys', 'generate', '--role', 'edge', '--name', 'web', '-o', 'json'));
  appendFileSync(join(folder, '.env'), `GATELODGE_API_KEY=${key}\nEDGE_KEY_HASH=${hash}\n`);
  run('config', 'check');
  return { GATELODGE_API_KEY: key };
}

const listens = (port) => new Promise((done) => {
  const socket = createConnection(port, '127.0.0.1', () => { socket.destroy(); done(true); });
  socket.on('error', () => done(false));
});

/** Builds a front end for this backend, and serves what was built. */
async function startFrontEnd(name) {
  const vite = need(join(HERE, name, 'node_modules', 'vite', 'bin', 'vite.js'), `what the front end ${name} is built with`);
  const out = join(ARTEFACTS, `front-${name}`);
  const [cwd, env] = [join(HERE, name), { ...process.env, VITE_BACKEND: base }];
  execFileSync('npm', ['run', '--silent', 'build', '--', '--outDir', out, '--emptyOutDir'], { cwd, env, stdio: 'pipe' });
  const { port } = new URL(fronts[name]);
  return start(`the front end ${name}`, process.execPath, [vite, 'preview', '--outDir', out, '--host', '127.0.0.1', '--port', port, '--strictPort'],
    { cwd, log: join(ARTEFACTS, 'logs', `front-${name}.log`), ready: async () => (await fetch(fronts[name])).ok });
}

const CALLBACK = (name) => encodeURIComponent(`${fronts[name]}/auth-callback`);

test('a login goes to the provider that was named, with PKCE, and comes back to a listed place alone', async () => {
  const begun = await ask(`${base}/auth/web/login?provider=keycloak&redirect_uri=${CALLBACK('vue')}`);
  assert.equal(begun.status, 302);
  const at = new URL(begun.headers.location);
  assert.equal(at.searchParams.get('redirect_uri'), `${base}/auth/web/callback`);
  assert.equal(at.searchParams.get('code_challenge_method'), 'S256');
  assert.ok(at.searchParams.get('state') && at.searchParams.get('nonce'));

  const elsewhere = await ask(`${base}/auth/web/login?provider=keycloak&redirect_uri=https%3A%2F%2Fevil.example%2F`);
  assert.deepEqual([elsewhere.status, elsewhere.headers.location], [400, undefined]);
  assert.ok(elsewhere.body.detail && elsewhere.body.remedy.includes(fronts.vue), elsewhere.text);
});

test('an unknown or missing provider is 400, and the known ones are listed', async () => {
  for (const query of ['', '?provider=facebook']) {
    const { status, text } = await ask(`${base}/auth/web/login${query}`);
    assert.equal(status, 400);
    for (const known of ['google', 'microsoft', 'keycloak']) assert.match(text, new RegExp(known));
  }
  const { body } = await ask(`${base}/api/providers`);
  assert.deepEqual(body.map(({ name }) => name), ['google', 'keycloak', 'microsoft']);
});

test('what does not belong to a login or a session is refused, and says why and what to do', async () => {
  const cases = [
    ['GET', '/auth/web/callback?code=x&state=y', {}, 400, 'Invalid state parameter'],
    ['GET', '/auth/me', {}, 401, undefined],
    ['GET', '/auth/me', { cookie: 'session=forged' }, 401, undefined],
    ['GET', '/api/notes', {}, 401, undefined],
    ['POST', '/auth/web/logout', { origin: 'https://evil.example' }, 403, undefined],
  ];
  for (const [method, path, headers, status, detail] of cases) {
    const answer = await ask(base + path, { method, headers });
    assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`);
    assert.ok(answer.body.detail && answer.body.reason && answer.body.remedy, answer.text);
    if (detail) assert.equal(answer.body.detail, detail);
  }
});

test('front ends of the listed origins may call, and others may not', async () => {
  for (const path of ['/auth/web/logout', '/api/notes']) {
    const preflight = (origin) => ask(base + path, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-csrf-token' },
    });
    const ours = (await preflight(fronts.react)).headers;
    assert.deepEqual([ours['access-control-allow-origin'], ours['access-control-allow-credentials']], [fronts.react, 'true'], path);
    assert.match(ours['access-control-allow-headers'].toLowerCase(), /x-csrf-token/);
    assert.equal((await preflight('https://evil.example')).headers['access-control-allow-origin'], undefined, path);
  }
  const { headers } = await ask(`${base}/auth/me`, { headers: { origin: fronts.vue } });
  assert.equal(headers['access-control-allow-origin'], fronts.vue, 'once, though two parts of the program know of origins');
});

/** A person who opens a front end and logs in at Keycloak; answers their page, and where the login had sent it. */
async function enters(name, user) {
  const person = await chromium.person();
  const page = await person.tab();
  const referrers = [];
  page.on('request', (request) => referrers.push(request.headers().referer ?? ''));
  await page.goto(fronts[name]);
  await page.locator('#login-keycloak').click();
  const landing = page.waitForRequest((request) => request.url().startsWith(`${fronts[name]}/auth-callback`));
  await LOGIN_PAGES.keycloak.enter(page, user, PASSWORD);
  const { searchParams } = new URL((await landing).url());
  await page.locator('#signed-in').waitFor();
  assert.ok(!referrers.some((address) => address.includes('csrf_token')), 'nobody is told the address that a login lands at');
  return { person, page, query: searchParams };
}

/** What a script of the front end asks the backend, and is answered. */
const asks = (page, path, init) => page.evaluate(async ([url, more]) => {
  const answer = await fetch(url, { credentials: 'include', ...more });
  return { status: answer.status, body: await answer.json() };
}, [base + path, init]);

for (const name of FRONT_ENDS) {
  describe(`the front end in ${name}`, () => {
    test('a person sees how to log in, does so at Keycloak, and nothing of it stays in the address', async () => {
      const person = await chromium.person();
      const page = await person.tab();
      await page.goto(fronts[name]);
      await page.locator('#login-keycloak').waitFor();
      assert.deepEqual(await page.locator('#signed-out button').allInnerTexts(), ['Log in with Google', 'Log in with Keycloak', 'Log in with Microsoft']);
      await screenshot(page, `bff ${name} signed out`);
      await person.leave();

      const { person: ann, page: hers, query } = await enters(name, ANN);
      const told = JSON.parse(query.get('user'));
      assert.deepEqual(Object.keys(told).sort(), ['email', 'name', 'provider', 'user_id']);
      assert.deepEqual([told.email, told.provider, told.user_id.startsWith('keycloak_')], [ANN, 'keycloak', true]);
      assert.match(query.get('csrf_token'), /^csrf_/);
      assert.equal(hers.url(), `${fronts[name]}/`);
      assert.equal(await hers.locator('#user-email').innerText(), ANN);
      await screenshot(hers, `bff ${name} signed in`);
      const cookie = (await ann.cookies()).find((one) => one.name === 'session');
      assert.deepEqual([cookie.httpOnly, cookie.sameSite], [true, 'Lax']);
      const kept = await hers.evaluate(() => JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }]));
      assert.ok(!/sess_|csrf_/.test(kept), kept);
      await hers.goBack();
      assert.ok(!hers.url().includes('csrf_token'), 'nor does it come back with the back button');
      await ann.leave();
    });

    test('who is logged in stays so, and changes something with the token alone', async () => {
      const { person, page } = await enters(name, ANN);
      const text = `A note of ${name}`;
      await page.locator('input[name=text]').fill(text);
      await page.locator('#add').click();
      await page.locator('#notes li', { hasText: text }).waitFor();
      await page.reload();
      await page.locator('#notes li', { hasText: text }).waitFor();
      await screenshot(page, `bff ${name} notes`);

      const note = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ text: 'x' }) };
      const refused = await asks(page, '/api/notes', note);
      assert.deepEqual([refused.status, refused.body.detail], [403, 'CSRF token mismatch']);
      assert.ok(refused.body.remedy);
      const { csrf_token: token } = (await asks(page, '/auth/me')).body;
      assert.equal((await asks(page, '/api/notes', { headers: { 'X-CSRF-Token': token } })).status, 200, 'it does no harm on a GET');
      const refresh = await asks(page, '/auth/web/refresh', { method: 'POST', headers: { 'X-CSRF-Token': token } });
      assert.deepEqual([refresh.status, refresh.body.reason], [409, 'no_refresh_token'], 'none is kept, as the settings say');
      const wrong = await asks(page, '/api/notes', { ...note, headers: { ...note.headers, 'X-CSRF-Token': token }, body: '{"text":""}' });
      assert.deepEqual([wrong.status, wrong.body.detail[0].loc], [422, ['body', 'text']], 'the rest is the application\'s to judge');
      await person.leave();
    });

    test('a logout ends it here and at Keycloak, and somebody else finds nothing of it', async () => {
      const { person, page } = await enters(name, ANN);
      const { value } = (await person.cookies()).find((one) => one.name === 'session');
      await page.locator('#logout').click();
      await page.waitForURL(`${fronts[name]}/`);
      await page.locator('#login-keycloak').waitFor();
      const agent = await page.evaluate(() => navigator.userAgent);
      const kept = await ask(`${base}/auth/me`, { headers: { cookie: `session=${value}`, 'user-agent': agent, 'accept-language': 'en-GB' } });
      assert.deepEqual([kept.status, kept.body.reason], [401, 'session_ended'], 'a cookie that somebody kept');
      await page.locator('#login-keycloak').click();
      await page.locator('#username').waitFor();
      await LOGIN_PAGES.keycloak.enter(page, BOB, PASSWORD);
      await page.locator('#signed-in').waitFor();
      assert.equal(await page.locator('#user-email').innerText(), BOB);
      assert.deepEqual(await page.locator('#notes li').allInnerTexts(), []);
      await person.leave();
    });

    test('a login that failed says so, and a link that names somebody logs nobody in', async () => {
      const person = await chromium.person();
      const page = await person.tab();
      await page.goto(`${fronts[name]}/auth-callback?error=access_denied&request_id=r`);
      assert.equal(await page.locator('#trouble').innerText(), 'The login was cancelled.');
      assert.equal(page.url(), `${fronts[name]}/`);
      await page.locator('#login-keycloak').waitFor();
      await screenshot(page, `bff ${name} cancelled`);
      const user = encodeURIComponent(JSON.stringify({ user_id: 'keycloak_1', email: 'evil@example.com', name: 'Evil', provider: 'keycloak' }));
      await page.goto(`${fronts[name]}/auth-callback?user=${user}&csrf_token=csrf_x`);
      await page.locator('#signed-out').waitFor();
      assert.equal(await page.locator('#signed-in').isVisible(), false);
      await page.goto(`${fronts[name]}/auth-callback?user=%7Bbroken`);
      await page.locator('#signed-out').waitFor();
      await person.leave();
    });
  });
}

// The last: it ends the authority.
test('while the authority is away the page says so, and nobody is logged out', async () => {
  const { person, page } = await enters('react', ANN);
  await authority.stop();
  await page.reload();
  await until('the page says so', async () => /can't check your session/.test(await page.locator('#trouble').innerText()));
  assert.equal(await page.locator('#signed-out').isVisible(), false);
  assert.ok((await person.cookies()).some((one) => one.name === 'session'));
  await screenshot(page, 'bff authority away');
});
