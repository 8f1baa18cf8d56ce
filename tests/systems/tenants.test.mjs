// The example "tenants": a multi-tenant OIDC session API. It is set up as its page says, spoken to as that system's own callers
// and front ends do, by the very lines of its page too, and opened in Chromium.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { screenshot, startChromium } from '../browser/chromium.mjs';
import { LOGIN_PAGES, PASSWORD } from '../browser/login_pages.mjs';
import { answers, freePort, start, until } from '../parts/process.mjs';
import { ARTEFACTS, TARGET, need } from '../parts/where.mjs';
import { ask } from './asking.mjs';
import { EXAMPLES, startExample } from './python.mjs';

const HERE = join(EXAMPLES, 'tenants');
const program = need(process.env.GATELODGE_BIN ?? join(TARGET, 'debug', 'gatelodge'), 'the program');
const stops = [];
let base, provider, backendKey, adminKey, chromium, folder, authority, startAuthority;

before(async () => {
  const [port, listen, edge, dev] = [await freePort(), await freePort(), await freePort(), await freePort()];
  base = `http://localhost:${port}`;
  provider = `http://127.0.0.1:${dev}`;
  folder = mkdtempSync(join(tmpdir(), 'gatelodge-'));
  stops.push(() => rmSync(folder, { recursive: true, force: true }));
  const log = join(ARTEFACTS, 'logs', 'systems-tenants.log');
  const args = ['--config', join(HERE, 'gatelodge.yaml'), 'dev', '--folder', join(folder, 'kept'), '--listen', `127.0.0.1:${listen}`,
    '--edge-listen', `127.0.0.1:${edge}`, '--provider-listen', `127.0.0.1:${dev}`];
  const ready = () => answers(`http://127.0.0.1:${edge}`);
  startAuthority = () => start('gatelodge dev', program, args, { log, cwd: folder, env: { API_URL: base }, ready, seconds: 30 });
  authority = await startAuthority();
  stops.push(() => authority.stop());
  const printed = readFileSync(log, 'utf8');
  const key = (role) => printed.match(new RegExp(`^ +${role} +(\\S+)$`, 'm'))[1];
  [backendKey, adminKey] = [key('backend'), key('admin')];
  const env = { GATELODGE_ADDRESS: `http://127.0.0.1:${listen}`, GATELODGE_API_KEY: key('edge') };
  stops.push((await startExample('tenants', { port, env })).stop);
  chromium = await startChromium();
  stops.push(chromium.stop);
});

after(async () => { for (const stop of stops.splice(0).reverse()) await stop(); });

const START = '/v1/auth/oidc/dev/start';
const SESSION = '/v1/auth/oidc/session';
const FRONT_END = '?frontend_redirect_uri=/signed-in';

/** A caller that keeps cookies and follows nothing by itself, as curl does. */
function caller(tenant) {
  const jar = {};
  const send = async (url, { headers = {}, ...how } = {}) => {
    const cookie = Object.entries(jar).map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await ask(new URL(url, base).href, { ...how, headers: { accept: '*/*', ...(cookie && { cookie }), ...headers } });
    for (const line of answer.headers['set-cookie'] ?? []) {
      const [, name, value] = line.match(/^([^=]+)=([^;]*)/);
      jar[name] = value;
    }
    return answer;
  };
  const begin = (query = FRONT_END) => send(START + query, { headers: tenant ? { 'x-tenant-id': tenant } : {} });
  /** What the provider sends to the callback, once the user has typed in who they are. */
  const atCallback = async (user = 'testuser1@example.com') => {
    const page = await ask((await begin()).headers.location);
    const [, form] = page.text.match(/name="form" value="([^"]+)"/);
    const body = new URLSearchParams({ form, username: user, password: PASSWORD }).toString();
    const cookie = (page.headers['set-cookie'] ?? []).map((line) => line.split(';')[0]).join('; ');
    const headers = { cookie, 'content-type': 'application/x-www-form-urlencoded' };
    return (await ask(`${provider}/login`, { method: 'POST', headers, body })).headers.location;
  };
  /** What the front end gets. */
  const brought = async (user) => Object.fromEntries(new URL((await send(await atCallback(user))).headers.location, base).searchParams);
  // The content type is curl's own for whatever is sent with -d.
  const collect = (body, key, type = 'application/x-www-form-urlencoded') => send(SESSION, {
    method: 'POST', headers: { 'content-type': type, ...(key !== undefined && { 'idempotency-key': key }) }, body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const refresh = (key) => send('/v1/refresh', { method: 'POST', headers: key === undefined ? {} : { 'x-api-key': key } });
  return { jar, send, begin, atCallback, brought, collect, refresh, logIn: async (user) => collect(await brought(user), crypto.randomUUID()) };
}

function refused({ status, body, headers }, expected, reason) {
  assert.deepEqual([status, body?.reason, headers['set-cookie']], [expected, reason, undefined]);
  assert.ok(body.detail && body.remedy && body.request_id, JSON.stringify(body));
}

test('a login begins at the provider, and comes back with code and state to the front end, and no session yet', async () => {
  const one = caller('acme');
  const { status, headers } = await one.begin();
  assert.equal(status, 302);
  const asked = new URL(headers.location);
  assert.deepEqual([asked.origin, asked.searchParams.get('redirect_uri')], [provider, `${base}/v1/auth/oidc/dev/callback`]);
  const callback = await one.atCallback();
  const came = new URL(callback).searchParams;
  assert.ok(came.get('iss'), 'the provider says who it is, at the callback alone');
  const back = await one.send(callback);
  assert.deepEqual([back.status, back.headers['set-cookie']], [302, undefined]);
  const place = new URL(back.headers.location, base);
  assert.deepEqual([place.pathname, [...place.searchParams]], ['/signed-in', [['code', came.get('code')], ['state', came.get('state')]]]);
});

test('the session is collected with 201, the same again with 200, another body with 409, no key with 400', async () => {
  const one = caller('acme');
  const body = await one.brought();
  refused(await one.collect(body), 400, 'idempotency_key_missing');
  const first = await one.collect(body, 'my own words');
  assert.deepEqual([first.status, first.body.tenant, first.body.user.user_id], [201, 'acme', 'dev_testuser1']);
  const again = await one.collect(body, 'my own words');
  assert.deepEqual([again.status, again.body, again.headers['set-cookie']], [200, first.body, first.headers['set-cookie']]);
  refused(await one.collect({ ...body, more: 1 }, 'my own words'), 409, 'idempotency_key_reused');
  refused(await one.collect(body, 'other words'), 409, 'already_complete');
  assert.deepEqual((await one.send('/orders')).body, { tenant: 'acme', orders: ['anvils', 'rockets'] });
});

test('each tenant has its own users, sessions and limits at the same address', async () => {
  const [acme, globex] = [caller('acme'), caller('globex')];
  const [one, other] = [await acme.logIn(), await globex.logIn()];
  assert.deepEqual([one.body.tenant, other.body.tenant], ['acme', 'globex']);
  assert.notEqual(one.body.session.session_id, other.body.session.session_id);
  assert.equal(other.body.session.expires_at - other.body.session.created_at, 8 * 3600);
  assert.deepEqual((await globex.send('/orders')).body.tenant, 'globex');
  const asOther = await acme.send('/orders', { headers: { 'x-tenant-id': 'globex' } });
  assert.notEqual(asOther.status, 200, 'no header makes a session one of another tenant');
});

test('a missing or unknown tenant is 400, an unknown provider 404, a missing or foreign front end 400', async () => {
  for (const tenant of [undefined, 'nobody', 'acme, globex']) refused(await caller(tenant).begin(), 400, 'tenant_unknown');
  const acme = caller('acme');
  refused(await acme.send(`/v1/auth/oidc/nobody/start${FRONT_END}`, { headers: { 'x-tenant-id': 'acme' } }), 404, 'provider_unknown');
  refused(await acme.begin(''), 400, 'frontend_redirect_uri_missing');
  refused(await acme.begin('?frontend_redirect_uri=https://evil.example/'), 400, 'redirect_not_allowed');
});

test('what is missing, made up or of another browser collects nothing', async () => {
  const [one, other] = [caller('acme'), caller('acme')];
  const body = await one.brought();
  refused(await one.collect('code=x&state=y', 'a'), 400, 'request_malformed');
  refused(await one.collect({ code: body.code }, 'b'), 400, 'request_malformed');
  refused(await one.collect({ ...body, state: 'made up' }, 'c'), 400, 'state_invalid');
  refused(await one.collect({ ...body, code: 'made up' }, 'd'), 401, 'code_refused');
  refused(await other.collect(body, 'e'), 401, 'other_browser');
  await other.begin();
  refused(await other.collect(body, 'e'), 401, 'other_browser');
  assert.equal((await one.collect(body, 'f', 'application/json')).status, 201);
});

test('a refusal at the provider is told to the front end, and is 401 to who collects it', async () => {
  const one = caller('acme');
  const came = new URL(await one.atCallback());
  const state = came.searchParams.get('state');
  const refusal = new URLSearchParams({ error: 'access_denied', state, iss: came.searchParams.get('iss') });
  const back = await one.send(`${came.pathname}?${refusal}`);
  assert.equal(new URL(back.headers.location, base).searchParams.get('error'), 'access_denied');
  refused(await one.collect({ code: 'x', state }, 'k'), 401, 'access_denied');
});

test("a caller's API key refreshes tokens and idle time, and nothing else does", async () => {
  const one = caller('globex');
  const { body: { session } } = await one.logIn();
  const refreshed = await one.refresh(backendKey);
  assert.equal(refreshed.status, 200, refreshed.text);
  assert.ok(refreshed.body.expires_at && refreshed.body.session.idle_expires_at >= session.idle_expires_at, refreshed.text);
  assert.equal(refreshed.body.session.expires_at, session.expires_at, 'its end stays');
  refused(await one.refresh(), 401, 'api_key_missing');
  refused(await one.refresh('glk_made_up'), 401, 'api_key_invalid');
  refused(await one.refresh(adminKey), 401, 'api_key_invalid');
  const nobody = await caller('globex').refresh(backendKey);
  assert.deepEqual([nobody.status, Boolean(nobody.body.reason)], [401, true]);
});

test('the lines of the page do what they say', async () => {
  const blocks = [...readFileSync(join(HERE, 'README.md'), 'utf8').matchAll(/```sh\n([^`]*)```/g)].map(([, lines]) => lines);
  const lines = blocks.find((block) => block.startsWith('api='));
  const script = lines.replaceAll('http://localhost:8080', base).replaceAll('http://127.0.0.1:8090', provider);
  const { stdout } = await promisify(execFile)('bash', ['-euc', script], { cwd: folder, env: { PATH: process.env.PATH, BACKEND_KEY: backendKey } });
  assert.deepEqual(stdout.split('\n').filter((line) => /^\d{3}$/.test(line)), ['201', '200', '409', '400', '200'], stdout);
  assert.ok(stdout.includes('"orders":["anvils","rockets"]'), stdout);
});

test('a person logs in at one tenant and then at the other with the page, which takes the code out of its address', async () => {
  const person = await chromium.person();
  const page = await person.tab();
  await page.goto(base);
  for (const [label, tenant, order] of [['Acme', 'acme', 'anvils'], ['Globex', 'globex', 'hammock']]) {
    await page.getByRole('button', { name: `Log in at ${label}` }).click();
    const name = page.locator('#username');
    await name.or(page.getByText(`of ${tenant}`)).first().waitFor();
    // The provider remembers whom it has let in.
    if (await name.count()) await LOGIN_PAGES.dev.enter(page, 'testuser2@example.com', PASSWORD);
    await page.getByText(`of ${tenant}`).waitFor();
    assert.equal(page.url(), `${base}/`);
    await page.getByRole('button', { name: 'Orders' }).click();
    await page.getByText(order).waitFor();
    await screenshot(page, `system tenants ${tenant}`);
  }
  await person.leave();
});

test('while the authority is away everything is 503, and goes on afterwards', async () => {
  const one = caller('acme');
  const collected = await one.brought();
  await authority.stop();
  for (const answer of [await one.collect(collected, 'k'), await one.refresh(backendKey), await one.begin()]) {
    assert.deepEqual([answer.status, answer.body.reason, answer.headers['set-cookie']], [503, 'AUTHORITY_UNAVAILABLE', undefined]);
  }
  authority = await startAuthority();
  // An edge that could not connect waits for a moment before it tries again.
  await until('the session is collected', async () => (await one.collect(collected, 'k')).status === 201);
});
