// The example "github": login with GitHub, the code forwarded by the front end, users in the application's own database.
// It is set up as its page says, spoken to as that system's front ends do, and opened in Chromium, before a GitHub of our own.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { screenshot, startChromium } from '../browser/chromium.mjs';
import { freePort, start, until } from '../parts/process.mjs';
import { ARTEFACTS, TARGET, need } from '../parts/where.mjs';
import { ask } from './asking.mjs';
import { settings, startGitHub } from './fake_github.mjs';
import { EXAMPLES, startExample } from './python.mjs';

const HERE = join(EXAMPLES, 'github');
const program = need(process.env.GATELODGE_BIN ?? join(TARGET, 'debug', 'gatelodge'), 'the program');
const stops = [];
let authority, base, chromium, github, folder, startAuthority;

before(async () => {
  const [port, listen] = [await freePort(), await freePort()];
  base = `http://localhost:${port}`;
  github = await startGitHub(`${base}/auth/github`);
  stops.push(github.stop);
  folder = mkdtempSync(join(tmpdir(), 'gatelodge-'));
  stops.push(() => rmSync(folder, { recursive: true, force: true }));
  const env = {
    ...prepared(), ...settings(github), API_URL: base, APP_URL: base,
    GATELODGE__SERVER__LISTEN: `127.0.0.1:${listen}`, GATELODGE_ADDRESS: `http://127.0.0.1:${listen}`,
    DATABASE_URL: `sqlite:///${join(folder, 'users.db')}`,
  };
  const log = join(ARTEFACTS, 'logs', 'systems-github.log');
  startAuthority = () => start('gatelodge serve', program, ['serve'], { log, cwd: folder, env, ready: () => listens(listen) });
  authority = await startAuthority();
  stops.push(() => authority.stop());
  stops.push((await startExample('github', { port, env })).stop);
  chromium = await startChromium();
  stops.push(chromium.stop);
});

after(async () => { for (const stop of stops.splice(0).reverse()) await stop(); });

/** What the page has people do in the example's folder, in one of its own; answers the keys that it made. */
function prepared() {
  copyFileSync(join(HERE, 'gatelodge.yaml'), join(folder, 'gatelodge.yaml'));
  const run = (...args) => execFileSync(program, args, { cwd: folder, encoding: 'utf8', env: { ...process.env, GITHUB_CLIENT_ID: 'x', GITHUB_CLIENT_SECRET: 'y' } });
  run('config', 'init');
  const made = (role, name) => JSON.parse(run('keys', 'generate', '--role', role, '--name', name, '-o', 'json'));
  const [edge, backend] = [made('edge', 'web'), made('backend', 'api')];
  appendFileSync(join(folder, '.env'), `EDGE_KEY_HASH=${edge.key_hash}\nBACKEND_KEY_HASH=${backend.key_hash}\n`);
  run('config', 'check');
  return { GATELODGE_API_KEY: edge.api_key, BACKEND_KEY: backend.api_key };
}

const listens = (port) => new Promise((done) => {
  const socket = createConnection(port, '127.0.0.1', () => { socket.destroy(); done(true); });
  socket.on('error', () => done(false));
});

/** A front end in a browser of its own: it keeps the cookie that binds its logins, and nothing else. */
function frontEnd() {
  let cookie;
  const send = (path, { headers = {}, ...how } = {}) => ask(base + path, { ...how, headers: { ...(cookie && { cookie }), ...headers } });
  const begin = async () => {
    const begun = await send('/login');
    assert.deepEqual([begun.status, Object.keys(begun.body)], [200, ['url']]);
    [cookie] = begun.headers['set-cookie'][0].split(';');
    return begun.body.url;
  };
  const authorize = (body) => send('/authorize', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  /** What GitHub sends to the front end's page, once the user has clicked there. */
  const brought = async (link = 'authorize') => {
    const { text } = await ask(await begin());
    const [, href] = text.match(new RegExp(`id="${link}" href="([^"]+)"`));
    return Object.fromEntries(new URL(href.replaceAll('&amp;', '&')).searchParams);
  };
  const me = (authorization) => send('/me', { headers: authorization === undefined ? {} : { authorization } });
  return { begin, brought, authorize, me, logIn: async () => authorize(await brought()) };
}

const octocat = () => ({
  id: 1, login: 'octocat', name: 'The Octocat', company: '@github', location: 'San Francisco', email: 'octocat@example.com',
  picture: github.user.avatar_url,
});

/** The claims of a token, as anybody reads them. */
const claims = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());

test('the GitHub that the page offers for a trial serves what it prints for .env', async () => {
  const page = 'http://localhost:8000/auth/github';
  const trial = spawn('node', [join(import.meta.dirname, 'fake_github.mjs'), page], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    let printed = '';
    trial.stdout.on('data', (text) => { printed += text; });
    const names = Object.keys(settings(github));
    await until('it prints its lines', () => printed.trimEnd().split('\n').length === names.length);
    const lines = Object.fromEntries(printed.trimEnd().split('\n').map((line) => line.split(/=(.*)/s)));
    assert.deepEqual(Object.keys(lines), names);
    const query = new URLSearchParams({ client_id: lines.GITHUB_CLIENT_ID, redirect_uri: page, state: 's' });
    const { status, text } = await ask(`${lines.GATELODGE__OIDC__PROVIDERS__GITHUB__ISSUER}/login/oauth/authorize?${query}`);
    assert.equal(status, 200);
    assert.match(text, /Authorize/);
  } finally {
    trial.kill();
  }
});

test('a login begins with an address at GitHub that has our own state and the page of the front end', async () => {
  const url = new URL(await frontEnd().begin());
  assert.equal(url.origin + url.pathname, `${github.origin}/login/oauth/authorize`);
  assert.equal(url.searchParams.get('redirect_uri'), `${base}/auth/github`);
  assert.ok(url.searchParams.get('state').length > 60 && url.searchParams.get('client_id') === github.client.id);
});

test('the first login makes the user, and brings a token for an hour with the row in it', async () => {
  const { status, body, headers } = await frontEnd().logIn();
  assert.deepEqual([status, Object.keys(body).sort()], [200, ['access_token', 'token_type', 'user']]);
  assert.deepEqual([body.token_type, body.user, headers['set-cookie']], ['bearer', octocat(), undefined]);
  const { sub, user, iat, exp } = claims(body.access_token);
  assert.deepEqual({ sub, user }, { sub: 'github_583231', user: 1 });
  assert.ok(exp - iat <= 3600 && exp - iat > 3590, `${exp - iat} s, of the hour that began with the login`);
  assert.deepEqual((await frontEnd().me(`Bearer ${body.access_token}`)).body, octocat());
});

test('a user who was renamed, and shows nothing any more, is the same user', async () => {
  const before = github.user;
  github.user = { ...before, login: 'monalisa', name: null, company: null, location: null };
  github.emails = [];
  const { status, body } = await frontEnd().logIn();
  const renamed = { ...octocat(), login: 'monalisa', name: null, company: null, location: null, email: null };
  assert.deepEqual([status, body.user], [200, renamed]);
  assert.deepEqual((await frontEnd().me(`bearer ${body.access_token}`)).body, renamed, 'the scheme is read without case');
  // Somebody else takes the name that is free now: another user.
  github.user = { ...before, id: 9001 };
  assert.equal((await frontEnd().logIn()).body.user.id, 2);
  github.user = before;
  github.emails = [{ email: 'octocat@example.com', primary: true, verified: true }];
});

test('without a good token it is 401 with the challenge', async () => {
  const { body } = await frontEnd().logIn();
  const [head, payload, signature] = body.access_token.split('.');
  const bent = `${head}.${Buffer.from(JSON.stringify({ ...claims(body.access_token), user: 2 })).toString('base64url')}.${signature}`;
  for (const authorization of [undefined, '', 'Bearer', 'Bearer x', 'Basic eDp5', `Bearer ${bent}`, `Bearer ${head}.${payload}.`]) {
    const { status, headers, body: { detail } } = await frontEnd().me(authorization);
    assert.deepEqual([status, headers['www-authenticate'], detail], [401, 'Bearer', 'Could not validate credentials'], authorization);
  }
});

test('a user whose row is gone is 404, and the next login makes another', async () => {
  const { access_token: token } = (await frontEnd().logIn()).body;
  const python = process.env.PYTHON_FOR_SYSTEMS ?? 'python3';
  const sql = 'import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute("DELETE FROM users WHERE github_id = \'583231\'"); db.commit()';
  execFileSync(python, ['-c', sql, join(folder, 'users.db')]);
  const { status, body } = await frontEnd().me(`Bearer ${token}`);
  assert.deepEqual([status, body.detail], [404, 'User not found']);
  const again = await frontEnd().logIn();
  assert.deepEqual([again.status, again.body.user.login], [200, 'octocat']);
});

test('what is missing or not of this browser is 400, and spends no code', async () => {
  const front = frontEnd();
  const brought = await front.brought();
  const before = github.asked.length;
  for (const body of [{}, { code: brought.code }, { state: brought.state }, { ...brought, state: 'made up' }, { code: null, state: brought.state }]) {
    const answer = await front.authorize(body);
    assert.equal(answer.status, 400, JSON.stringify(body));
    assert.ok(answer.body.detail && answer.body.reason && answer.body.remedy, answer.text);
  }
  const other = frontEnd();
  assert.deepEqual([(await other.authorize(brought)).status, (await other.authorize(brought)).body.reason], [400, 'other_browser']);
  await other.begin();
  assert.equal((await other.authorize(brought)).body.reason, 'other_browser', 'which the original forgot');
  assert.equal(github.asked.length, before, 'GitHub was not asked');
  assert.equal((await front.authorize(brought)).status, 200);
  assert.equal((await front.authorize(brought)).status, 200, 'sent again by the same page');
});

test("GitHub's errors come with the status 200, and are errors", async () => {
  const front = frontEnd();
  const brought = await front.brought();
  const spent = await front.authorize({ ...brought, code: '0123456789abcdef0123' });
  assert.deepEqual([spent.status, spent.body.reason], [401, 'code_refused']);
  const mixed = frontEnd();
  const cancelled = await mixed.authorize(await mixed.brought('cancel'));
  assert.deepEqual([cancelled.status, cancelled.body.reason], [403, 'access_denied']);
});

test('while GitHub is away a login is 503, and never 401', async () => {
  const front = frontEnd();
  const brought = await front.brought();
  github.trouble = [503, 'No server is currently available to service your request.', 'text/html'];
  const away = await front.authorize(brought);
  github.trouble = undefined;
  assert.deepEqual([away.status, away.body.reason], [503, 'provider_unavailable']);
});

test('anybody checks a token by the public key: there is no secret to share', async () => {
  const { access_token: token } = (await frontEnd().logIn()).body;
  const header = JSON.parse(Buffer.from(token.split('.')[0], 'base64url').toString());
  assert.deepEqual([header.alg, header.typ], ['ES256', 'at+jwt']);
});

test('a person logs in with the page, which takes the code out of its address', async () => {
  const person = await chromium.person();
  const page = await person.tab();
  await page.goto(base);
  await page.getByRole('button', { name: 'Log in with GitHub' }).click();
  await page.getByRole('link', { name: 'Authorize' }).click();
  await page.getByText('Hello, The Octocat').waitFor();
  assert.equal(page.url(), `${base}/`);
  await screenshot(page, 'system github signed in');
  await page.getByRole('button', { name: 'Who am I?' }).click();
  assert.equal(JSON.parse(await page.locator('#user').innerText()).login, 'octocat');
  assert.ok((await person.cookies()).every(({ name }) => name === 'login_binding'), 'no cookie speaks for anybody');
  await person.leave();
});

test('a person who gives up at GitHub is told so, and can try again', async () => {
  const person = await chromium.person();
  const page = await person.tab();
  await page.goto(base);
  await page.getByRole('button', { name: 'Log in with GitHub' }).click();
  await page.getByRole('link', { name: 'Cancel' }).click();
  await page.getByText('The login was refused at the provider').waitFor();
  await page.getByRole('button', { name: 'Log in with GitHub' }).waitFor();
  await person.leave();
});

test('while the authority is away a good token is 503, and good again afterwards', async () => {
  const { access_token: token } = (await frontEnd().logIn()).body;
  await authority.stop();
  const away = await frontEnd().me(`Bearer ${token}`);
  assert.deepEqual([away.status, away.body.reason], [503, 'AUTHORITY_UNAVAILABLE']);
  authority = await startAuthority();
  // An edge that could not connect waits for a moment before it tries again.
  await until('the token is good again', async () => (await frontEnd().me(`Bearer ${token}`)).body.login === 'octocat');
});
