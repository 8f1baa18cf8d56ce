// Owns what holds before an application that knows nothing of sessions, whichever proxy stands there. Does not know how the
// proxy asks.

import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, test } from 'node:test';
import { screenshot, startChromium } from '../browser/chromium.mjs';
import { startWorld } from '../browser/gatelodge.mjs';
import { LOGIN_PAGES, PASSWORD, USERS } from '../browser/login_pages.mjs';
import { freePort } from '../parts/process.mjs';
import { startApplication } from './application.mjs';

const [ADMIN, READER] = USERS;
const NAVIGATION = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', 'sec-fetch-site': 'none' };
/**
 * The tests of a proxy that `start` starts. `byHttp`: it asks the edge, in place of the authority; `onlyCookies`: of what a
 * response is to get it can pass on cookies alone; `upgrades`: it passes WebSockets on; `removes`: it can take away headers
 * that its configuration does not name one by one; `withoutEdge`: what it answers when nobody answers it.
 */
export function standsBefore({
  name, start, byHttp = true, onlyCookies = false, upgrades = true, removes = true, withoutEdge = 503,
}) {
  const stops = [];
  let application, chromium, origin, world;

  before(async () => {
    const port = await freePort();
    origin = `http://localhost:${port}`;
    application = await startApplication();
    stops.push(application.stop);
    const sessions = { cookie: { former_names: ['earlier'] } };
    const app = { redirects: { public_base_url: origin }, sessions, ...(byHttp && { trusted_proxies: ['127.0.0.1/32'] }) };
    world = await startWorld({ store: 'embedded', app, more: byHttp ? { edge: { routes: ['web', 'proxy'] } } : {} });
    stops.push(world.stop);
    const portOf = (address) => new URL(address).port;
    const proxy = await start({
      port, application: application.port, edgeKey: world.edgeKey,
      authority: portOf(`http://${world.address}`), edge: portOf(world.baseUrl),
    });
    stops.push(proxy.stop);
    chromium = await startChromium();
    stops.push(chromium.stop);
  });

  after(async () => { for (const stop of stops.splice(0).reverse()) await stop(); });

  /** A person who logs in where they are led, and their page. */
  async function enters(user, path) {
    const person = await chromium.person();
    const page = await person.tab();
    await page.goto(origin + path);
    await LOGIN_PAGES.dev.enter(page, user, PASSWORD);
    await page.waitForURL(origin + path);
    return { person, page };
  }

  /** What a person's browser sends with every request: the session is bound to it. */
  async function sentBy(person) {
    const found = (await person.cookies()).find(({ name }) => name === 'session');
    assert.ok(found, 'the browser has a session cookie');
    const { 'user-agent': agent, 'accept-language': language } = application.requests.findLast(({ headers }) => /Chrom/.test(headers['user-agent'])).headers;
    return { 'user-agent': agent, 'accept-language': language, cookie: `session=${found.value}` };
  }

  /** Asks as a script of the application's page does, byte for byte: fetch() has its own mind about headers and paths. */
  function asks(path, { method = 'GET', headers = {} } = {}) {
    return new Promise((resolve, reject) => {
      const { hostname, port } = new URL(origin);
      const sent = { 'sec-fetch-mode': 'cors', 'sec-fetch-site': 'same-origin', ...headers };
      const asked = request({ hostname, port, path, method, headers: sent, agent: false }, (answer) => {
        const chunks = [];
        answer.on('data', (chunk) => chunks.push(chunk)).on('error', reject);
        answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, text: Buffer.concat(chunks).toString() }));
      });
      asked.on('error', reject).end();
    });
  }

  /** What the application saw of a request that was let through. */
  async function lets(path, init) {
    const before = application.requests.length;
    const response = await asks(path, init);
    assert.equal(response.status, 200, response.text);
    assert.equal(application.requests.length, before + 1, 'the application was asked once');
    return { response, headers: application.requests.at(-1).headers };
  }

  /** The answer to a request that never reached the application. */
  async function keeps(path, init) {
    const before = application.requests.length;
    const response = await asks(path, init);
    assert.equal(application.requests.length, before, 'the application was not asked');
    return response;
  }

  const identity = (headers) => Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('x-gatelodge-')));

  test('a browser is led to the login and back to the very page, and the application knows who it is', async () => {
    const { person, page } = await enters(ADMIN, '/orders/2025?page=2&of=a%2Fb');
    assert.equal((await page.locator('#x-gatelodge-email').textContent()).trim(), ADMIN);
    await screenshot(page, `behind ${name}, signed in`);
    const { headers } = await lets('/orders', { headers: await sentBy(person) });
    assert.equal(headers['x-gatelodge-provider'], 'dev');
    assert.equal(headers['x-gatelodge-user-id'], `dev_${headers['x-gatelodge-sub']}`);
    assert.equal(headers['x-gatelodge-roles'], 'reader editor admin');
    assert.equal(headers['x-gatelodge-email-verified'], 'true');
    assert.match(headers['x-gatelodge-auth-time'], /^\d{10}$/);
    await person.leave();
  });

  test('without a session a script gets 401 and a navigation is led to the login', async () => {
    const refused = await keeps('/orders');
    assert.equal(refused.status, 401);
    assert.equal(JSON.parse(refused.text).detail, 'Not signed in');
    assert.equal(refused.headers['cache-control'], 'no-store');
    const led = await keeps('/orders?a=b', { headers: NAVIGATION });
    assert.equal(led.status, 302);
    assert.equal(led.headers['location'], '/auth/web/login?redirect_uri=%2Forders%3Fa%3Db');
  });

  test('what a request claims of an identity is taken away, and ours is not passed on twice', async () => {
    const { person } = await enters(READER, '/');
    const sent = await sentBy(person);
    const spoofed = { 'x-gatelodge-user-id': 'mallory', 'X-Gatelodge-Permissions': 'everything', 'x-gatelodge-new': 'x' };
    if (!removes) {
      for (const path of ['/orders', '/public/news']) {
        assert.equal((await keeps(path, { headers: { ...spoofed, ...sent } })).status, 403, path);
      }
      delete spoofed['x-gatelodge-new'];
      delete spoofed['X-Gatelodge-Permissions'];
    }
    const { headers } = await lets('/orders', { headers: { ...spoofed, ...sent } });
    assert.notEqual(headers['x-gatelodge-user-id'], 'mallory');
    assert.ok(!headers['x-gatelodge-user-id'].includes(','), 'one user');
    assert.notEqual(headers['x-gatelodge-permissions'], 'everything');
    assert.equal(headers['x-gatelodge-new'], undefined);
    const nobody = await asks('/public/news', { headers: spoofed });
    assert.equal(nobody.status, removes ? 200 : 403);
    if (removes) assert.deepEqual(identity(application.requests.at(-1).headers), {});
    for (const header of ['x_gatelodge_user_id', 'X-Gatelodge_User-Id', 'x_gatelodge_new']) {
      const before = application.requests.length;
      const { status } = await asks('/public/news', { headers: { [header]: 'mallory' } });
      if (status === 400) continue;
      assert.equal(status, 200, header);
      const reached = Object.keys(application.requests.at(before).headers).filter((one) => /^x[-_.]gatelodge/i.test(one));
      assert.deepEqual(reached, [], header);
    }
    await person.leave();
  });

  test('the application gets no credential, and all other cookies as they came', async () => {
    const { person } = await enters(READER, '/');
    const sent = await sentBy(person);
    const others = 'a="1, 2"; theme=d\u00c3\u00a4rk; sessions=x; empty=';
    const { headers } = await lets('/orders', { headers: { ...sent, cookie: `theme=first; ${sent.cookie}; ${others}; ${sent.cookie}` } });
    assert.equal(headers.cookie, `theme=first; ${others}`);
    const alone = await lets('/orders', { headers: sent });
    assert.equal(alone.headers.cookie, undefined);
    await person.leave();
  });

  test('a route for everybody knows who is logged in, and asks nobody to log in', async () => {
    const { person } = await enters(READER, '/');
    const known = await lets('/public/news', { headers: await sentBy(person) });
    assert.equal(known.headers['x-gatelodge-email'], READER);
    if (!onlyCookies) assert.match(known.response.headers['vary'] ?? '', /cookie/i);
    const nobody = await lets('/public/news', { headers: { cookie: 'session=sess_garbage; a=b' } });
    assert.deepEqual(identity(nobody.headers), {});
    assert.equal(nobody.headers.cookie, 'a=b');
    await person.leave();
  });

  test('a route asks for what it wants, and says what is missing', async () => {
    const [admin, reader] = [await enters(ADMIN, '/'), await enters(READER, '/')];
    await lets('/admin/users', { headers: await sentBy(admin.person) });
    const refused = await keeps('/admin/users', { headers: await sentBy(reader.person) });
    assert.equal(refused.status, 403);
    assert.equal(JSON.parse(refused.text).reason, 'role_missing');
    // What a route matches is what the application reads.
    for (const around of ['/public/../admin/users', '/public/%2e%2e/admin/users', '//admin/users']) {
      const response = await keeps(around, { headers: await sentBy(reader.person) });
      assert.ok([302, 307, 403].includes(response.status), `${around}: ${response.status}`);
    }
    await Promise.all([admin.person.leave(), reader.person.leave()]);
  });

  test('what changes something needs the CSRF token', async () => {
    const { person, page } = await enters(READER, '/');
    const sent = await sentBy(person);
    const post = (headers) => ({ method: 'POST', headers: { origin, ...sent, ...headers } });
    const refused = await keeps('/orders', post({}));
    assert.equal(refused.status, 403);
    assert.equal(JSON.parse(refused.text).reason, 'csrf_mismatch');
    const token = await page.evaluate(async () => (await (await fetch('/auth/me')).json()).csrf_token);
    await lets('/orders', post({ 'x-csrf-token': token }));
    await person.leave();
  });

  // CVE-2026-40575 and its like: what a browser says of a request is not what the proxy says of it.
  test('what a browser says that it was asked is not believed', async () => {
    const { person } = await enters(READER, '/');
    const sent = await sentBy(person);
    const told = { 'x-forwarded-method': 'GET', 'x-forwarded-uri': '/public/', 'x-forwarded-host': 'other.example' };
    const refused = await keeps('/orders', { method: 'POST', headers: { origin, ...sent, ...told } });
    assert.equal(JSON.parse(refused.text).reason, 'csrf_mismatch');
    const query = await keeps('/orders?session=optional&answer=copied', {});
    assert.equal(query.status, 401, 'what a browser asks for is no wish of the route');
    const role = await keeps('/admin/users?roles=reader&session=optional', { headers: { ...sent, ...told } });
    assert.equal(role.status, 403);
    const led = await keeps('/orders', { headers: { ...NAVIGATION, ...told } });
    assert.equal(led.headers['location'], '/auth/web/login?redirect_uri=%2Forders');
    await person.leave();
  });

  test('nobody but the proxy gets to what the proxy asks', async () => {
    const { person } = await enters(READER, '/');
    const told = { 'x-forwarded-method': 'GET', 'x-forwarded-uri': '/' };
    for (const path of ['/auth/verify', '/auth/verify?session=optional', '/auth//verify', '/auth/./verify', '/auth/%76erify']) {
      const before = application.requests.length;
      const { status, headers } = await asks(path, { headers: { ...(await sentBy(person)), ...told } });
      const isApplications = application.requests.length > before;
      assert.ok(isApplications || [307, 308, 400, 404].includes(status), `${path}: ${status}`);
      assert.deepEqual(identity(headers), {}, path);
    }
    await person.leave();
  });

  // contract.md 4: a browser opens a WebSocket with its cookies from whatever page, and no token can come with it.
  if (upgrades) test('a WebSocket is opened by a page of this origin, and by no other', async () => {
    const { person } = await enters(READER, '/');
    const opens = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' };
    const handshake = { ...opens, 'sec-websocket-version': '13', ...(await sentBy(person)) };
    for (const other of [{ origin: 'https://other.example' }, {}]) {
      const refused = await keeps('/live', { headers: { ...handshake, ...other } });
      assert.equal(JSON.parse(refused.text).reason, 'origin_refused');
    }
    await lets('/live', { headers: { ...handshake, origin } });
    await person.leave();
  });

  test('a cookie that is due reaches the browser', async () => {
    const { person } = await enters(READER, '/');
    // A session that was begun when the cookie had another name is given the present one.
    const sent = await sentBy(person);
    const cookie = sent.cookie.replace(/^session=/, 'earlier=');
    const { response, headers } = await lets('/orders', { headers: { ...sent, cookie } });
    assert.match(response.headers['set-cookie']?.[0] ?? '', /^session=sess_[\w-]+; .*HttpOnly/);
    if (!onlyCookies) assert.match(response.headers['cache-control'], /no-store/);
    assert.equal(headers.cookie, undefined);
    await person.leave();
  });

  test('who comes back from a login that failed gets a page, and a way to try again', async () => {
    const page = await keeps('/orders?error=access_denied&request_id=1', { headers: NAVIGATION });
    assert.equal(page.status, 401);
    assert.match(page.headers['content-type'], /^text\/html/);
    assert.match(page.text, /href="\/auth\/web\/login\?redirect_uri=%2Forders"/);
  });

  test('who is revoked gets no further', async () => {
    const { person } = await enters(READER, '/');
    const sent = await sentBy(person);
    const { headers } = await lets('/orders', { headers: sent });
    await world.authority.revoke(headers['x-gatelodge-session-id']);
    const refused = await keeps('/orders', { headers: sent });
    assert.equal(refused.status, 401);
    await person.leave();
  });

  test('without the authority nobody passes, and nobody is logged out', async () => {
    const { person } = await enters(READER, '/');
    const sent = await sentBy(person);
    await world.stop();
    for (const path of ['/orders', '/public/news', '/admin/users']) {
      const response = await keeps(path, { headers: sent });
      assert.equal(response.status, withoutEdge, path);
      assert.equal(response.headers['set-cookie'], undefined);
    }
    await person.leave();
  });
}
