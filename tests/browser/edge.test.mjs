// A person in Chromium at a page behind an edge-under-test, whose language EDGE names (clients/LANGUAGE; FRAMEWORK
// chooses among several; or the path of one): login, who it is, a change with its token, logout.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { freePort, start } from '../parts/process.mjs';
import { ARTEFACTS, ROOT, TARGET, need } from '../parts/where.mjs';
import { screenshot, startChromium } from './chromium.mjs';
import { LOGIN_PAGES, PASSWORD, USERS } from './login_pages.mjs';

const EDGE = process.env.EDGE ?? '';
const COMMAND = EDGE.includes('/') ? resolve(EDGE) : join(ROOT, 'clients', EDGE, 'edge-under-test');
const NAME = [EDGE.includes('/') ? EDGE.split('/').at(-2) : EDGE, process.env.FRAMEWORK].filter(Boolean).join(' ');
const [ANN] = USERS;

/** What the page's own script asks, and is answered. */
const ask = (page, method, path, headers = {}) => page.evaluate(async (asked) => {
  const response = await fetch(asked.path, { method: asked.method, headers: { accept: 'application/json', ...asked.headers } });
  return { status: response.status, body: await response.json() };
}, { method, path, headers });

const listens = (port) => new Promise((done) => {
  const socket = createConnection(port, '127.0.0.1', () => { socket.destroy(); done(true); });
  socket.on('error', () => done(false));
});

describe(`a page behind the edge ${NAME}`, { skip: EDGE ? false : 'EDGE names none: each language has its suite' }, () => {
  const stops = [];
  let baseUrl, page, person;

  before(async () => {
    const [authority, edge, dev] = [await freePort(), await freePort(), await freePort()];
    baseUrl = `http://localhost:${edge}`;
    const folder = mkdtempSync(join(tmpdir(), 'gatelodge-'));
    stops.push(() => rmSync(folder, { recursive: true, force: true }));
    const program = need(process.env.GATELODGE_BIN ?? join(TARGET, 'debug', 'gatelodge'), 'the program');
    const log = (of) => join(ARTEFACTS, 'logs', `browser-${of.replaceAll(' ', '-')}.log`);
    // The authority's own edge is kept out of the way, on another address.
    const args = ['dev', '--folder', join(folder, 'kept'), '--listen', `127.0.0.1:${authority}`,
      '--edge-listen', `127.0.0.2:${edge}`, '--provider-listen', `127.0.0.1:${dev}`];
    const keys = join(folder, 'kept', 'api-keys');
    const ready = () => existsSync(keys) && listens(authority);
    stops.push((await start('gatelodge dev', program, args, { log: log(`authority of ${NAME}`), cwd: folder, ready, seconds: 30 })).stop);
    const [, key] = readFileSync(keys, 'utf8').match(/^edge\s+(\S+)$/m);
    const env = { GATELODGE_ADDRESS: `http://127.0.0.1:${authority}`, GATELODGE_API_KEY: key, LISTEN: `127.0.0.1:${edge}` };
    const me = async () => (await fetch(`${baseUrl}/auth/me`)).status === 401;
    stops.push((await start(NAME, need(COMMAND, 'the edge-under-test'), [], { log: log(NAME), env, ready: me })).stop);
    const chromium = await startChromium();
    stops.push(chromium.stop);
    person = await chromium.person();
    page = await person.tab();
  });

  after(async () => { for (const stop of stops.reverse()) await stop(); });

  const show = (what) => screenshot(page, `edge ${NAME} ${what}`);

  test('a person without a session is sent to log in, and comes back to where they were', async () => {
    await page.goto(`${baseUrl}/private?from=here`);
    await show('at the provider');
    await LOGIN_PAGES.dev.enter(page, ANN, PASSWORD);
    await page.waitForURL(`${baseUrl}/private?from=here`);
    assert.deepEqual(JSON.parse(await page.locator('body').innerText()), { user_id: 'dev_testuser1' });
    await show('signed in');
  });

  test('the cookie is out of reach of scripts', async () => {
    const cookie = (await person.cookies()).find(({ name }) => name === 'session');
    assert.deepEqual({ httpOnly: cookie.httpOnly, sameSite: cookie.sameSite }, { httpOnly: true, sameSite: 'Lax' });
    assert.ok(!(await page.evaluate(() => document.cookie)).includes('sess_'));
  });

  test('a script is told who it is, and changes something with its token alone', async () => {
    const me = await ask(page, 'GET', '/auth/me');
    assert.deepEqual([me.status, me.body.user_id, me.body.email], [200, 'dev_testuser1', ANN]);
    assert.equal((await ask(page, 'POST', '/private')).body.reason, 'csrf_mismatch');
    const changed = await ask(page, 'POST', '/private', { 'x-csrf-token': me.body.csrf_token });
    assert.deepEqual([changed.status, changed.body], [200, { user_id: 'dev_testuser1' }]);
  });

  test('a form logs out: the script, the page, the provider, and a cookie that somebody kept', async () => {
    const { value } = (await person.cookies()).find(({ name }) => name === 'session');
    const { body } = await ask(page, 'GET', '/auth/me');
    await page.evaluate((token) => {
      const form = Object.assign(document.createElement('form'), { method: 'post', action: '/auth/web/logout?redirect_uri=/open' });
      form.append(Object.assign(document.createElement('input'), { name: 'csrf_token', value: token }));
      document.body.append(form);
      form.submit();
    }, body.csrf_token);
    await page.waitForURL(`${baseUrl}/open`); // by way of the provider, whose own session ends with it
    assert.equal((await ask(page, 'GET', '/private')).status, 401);
    const kept = await fetch(`${baseUrl}/auth/me`, { headers: { cookie: `session=${value}`, accept: 'application/json' } });
    assert.equal((await kept.json()).reason, 'session_ended');
    await page.goto(`${baseUrl}/private`);
    await page.locator('#username').waitFor();
    await show('logged out');
  });
});
