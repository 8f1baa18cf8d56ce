// Owns the journeys: what a person does in a browser, and what must then hold. Does not know how the set-up that they
// run against was started, nor which provider and store it has.
//
// A world is { name, baseUrl, provider, authority }: see demo_page.mjs, login_pages.mjs, authority.mjs. One with
// `keysInStore()` can tell how many keys its store holds; one that `remembers` offers "remember me".

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { screenshot, startChromium } from './chromium.mjs';
import { DemoPage } from './demo_page.mjs';
import { DEVICES } from './devices.mjs';
import { USERS } from './login_pages.mjs';

const [ANN, BOB] = USERS;

export const JOURNEYS = {
  ...DEVICES,

  'a person logs in, reloads, and is still there': async ({ demo, world, show }) => {
    const page = await demo();
    await page.open();
    await page.signedOut();
    await show(page, 'signed out');
    await page.startLogin();
    await show(page, 'at the provider');
    await page.finishLogin(ANN);
    await show(page, 'signed in');
    if (world.keysInStore) assert.ok(await world.keysInStore() > 0, 'the session is in the store that was asked for');
    const id = await page.sessionId();
    await page.reload();
    await page.signedIn(ANN);
    assert.equal(await page.sessionId(), id);
  },

  'a wrong password is refused, and the right one then goes through': async ({ demo, show }) => {
    const page = await demo();
    await page.startLogin();
    await page.provider.enter(page.page, ANN, 'not-the-password');
    await page.provider.refused(page.page);
    await show(page, 'wrong password');
    await page.finishLogin(ANN);
  },

  'the cookie is opaque and out of reach of scripts': async ({ demo, world, person }) => {
    const page = await demo();
    await page.logIn(ANN);
    const cookie = await sessionCookie(world, person);
    const secure = new URL(world.baseUrl).protocol === 'https:';
    assert.equal(cookie.name, secure ? '__Host-session' : 'session');
    assert.deepEqual(
      { httpOnly: cookie.httpOnly, secure: cookie.secure, sameSite: cookie.sameSite, path: cookie.path },
      { httpOnly: true, secure, sameSite: 'Lax', path: '/' },
    );
    assert.ok(!cookie.domain.startsWith('.'), 'it belongs to this host alone');
    assert.ok(cookie.expires > Date.now() / 1000, 'it has an end');
    assert.match(cookie.value, /^sess_[A-Za-z0-9_-]+$/);
    for (const part of ['testuser1', 'example.com', 'eyJ']) {
      assert.ok(!Buffer.from(cookie.value.slice(5), 'base64url').toString('latin1').includes(part), `it holds ${part}`);
    }
    const others = (await person.cookies()).filter(({ domain }) => domain === cookie.domain);
    assert.deepEqual(others.filter(({ httpOnly }) => !httpOnly).map(({ name }) => name), [], 'all of them are HttpOnly');
    const seen = await page.seenByScripts() + await page.page.content();
    assert.ok(!/sess_[A-Za-z0-9]|eyJ[A-Za-z0-9]/.test(seen), `a script sees ${seen.match(/(sess_|eyJ).{0,20}/)?.[0]}`);
  },

  'two tabs log in at once, and both end up signed in': async ({ demo, show }) => {
    const [first, second] = [await demo(), await demo()];
    await first.startLogin();
    await second.startLogin();
    await first.finishLogin(ANN);
    await finishOrComeBack(second, ANN);
    await show(second, 'the second tab');
    await first.reload();
    await first.signedIn(ANN);
    assert.equal(await first.sessionId(), await second.sessionId(), 'one browser holds one session');
  },

  'a person logs out, and the old cookie is dead': async ({ demo, world, person, show }) => {
    const page = await demo();
    await page.logIn(ANN);
    const cookie = await sessionCookie(world, person);
    await page.logOut();
    await show(page, 'logged out');
    assert.equal(await sessionCookie(world, person), undefined);
    assert.equal(await statusOfMe(world, cookie), 401);
    await page.reload();
    await page.signedOut();
  },

  'the back button after a logout shows nobody': async ({ demo, show }) => {
    const page = await demo();
    await page.logIn(ANN);
    await page.page.goto(`${new URL(page.world.baseUrl).origin}/?elsewhere`);
    await page.signedIn(ANN);
    await page.logOut();
    // Back through the provider's pages, if it showed any, to the page as it was when signed in.
    await page.page.goBack();
    for (let steps = 0; steps < 3 && !page.page.url().startsWith(page.world.baseUrl); steps += 1) await page.page.goBack();
    await page.signedOut();
    assert.equal(await page.page.locator('#user-email').isVisible(), false);
    await show(page, 'back after a logout');
  },

  'an action without the CSRF token is refused, with it it is done': async ({ demo, show }) => {
    const page = await demo();
    await page.logIn(ANN);
    assert.match(await page.act(true), /^200/);
    assert.match(await page.act(false), /^403/);
    await show(page, 'refused without the token');
    assert.match(await page.act(true), /^200/);
    await page.reload();
    await page.signedIn(ANN);
  },

  'a page whose token is too old fetches another, and does what it was asked to': async ({ demo, world }) => {
    const [first, second] = [await demo(), await demo()];
    await first.logIn(ANN);
    await second.page.goto(new URL(`/auth/web/login?provider=${world.provider}&redirect_uri=/`, world.baseUrl).href);
    await finishOrComeBack(second, ANN);
    assert.match(await first.act(true), /^200/);
  },

  'who asks to be remembered is remembered': async ({ demo, world, person, show }) => {
    const page = await demo();
    await page.open();
    await page.signedOut();
    assert.equal(await page.page.locator('#remember').isVisible(), Boolean(world.remembers));
    if (!world.remembers) return;
    await page.page.locator('#remember').check();
    await show(page, 'asking to be remembered');
    await page.page.locator(`#login-${world.provider}`).click();
    await page.page.waitForURL((url) => url.origin !== new URL(world.baseUrl).origin);
    await page.finishLogin(ANN);
    assert.match(await page.page.locator('#remembered').innerText(), /^yes/);
    const days = ((await sessionCookie(world, person)).expires - Date.now() / 1000) / 86_400;
    assert.ok(days > 29 && days < 31, `the cookie lives for ${days} days`);
  },

  'new tokens and user info are fetched, and no token reaches the page': async ({ demo, world, show }) => {
    const page = await demo();
    await page.logIn(ANN);
    assert.match(await page.askProvider('#refresh-tokens'), world.provider === 'certified' ? /^(200|409)/ : /^200/);
    const said = await page.askProvider('#ask-user-info');
    assert.match(said, /^200/);
    assert.ok(said.includes(ANN), said);
    await show(page, 'asked again');
    assert.ok(!/eyJ[A-Za-z0-9]/.test(await page.page.content()));
  },

  'a backend sees who it is, an admin ends it, and the next load says so': async ({ demo, world, person, show }) => {
    const page = await demo();
    const id = await page.logIn(BOB);
    const cookie = await sessionCookie(world, person);
    const { active } = await world.authority.validate(cookie);
    assert.equal(active?.identity.email, BOB);
    assert.equal(active.session.sessionId, id);
    const listed = await world.authority.listSessions(active.identity.userId);
    assert.ok(listed.sessions.some(({ info }) => info.sessionId === id), 'the admin sees the session');
    assert.equal((await world.authority.revoke(id)).revokedCount, '1');
    await page.reload();
    await page.signedOut();
    await show(page, 'revoked');
    assert.equal((await world.authority.validate(cookie)).inactive?.reason, 'INACTIVE_REASON_REVOKED');
  },

  'a new login makes a new session, and the old cookie is dead': async ({ demo, world, person }) => {
    const page = await demo();
    const id = await page.logIn(ANN);
    const cookie = await sessionCookie(world, person);
    await page.page.goto(new URL(`/auth/web/login?provider=${world.provider}`, world.baseUrl).href);
    await finishOrComeBack(page, ANN);
    assert.notEqual(await page.sessionId(), id);
    assert.notEqual((await sessionCookie(world, person)).value, cookie.value);
    assert.equal(await statusOfMe(world, cookie), 401);
  },

  'a callback that the browser repeats changes nothing': async ({ demo }) => {
    const page = await demo();
    const callback = page.page.waitForRequest(isCallback);
    const id = await page.logIn(ANN);
    await page.page.goto((await callback).url());
    await page.open();
    await page.signedIn(ANN);
    assert.equal(await page.sessionId(), id);
  },

  'a callback in another browser logs nobody in': async ({ demo, another, world, show }) => {
    const page = await demo();
    await page.page.route((url) => url.pathname === '/auth/web/callback', (route) => route.abort());
    const callback = page.page.waitForRequest(isCallback);
    await page.startLogin();
    await page.provider.enter(page.page, ANN, 'password123');
    if (page.provider.consent) await Promise.race([callback, page.provider.consent(page.page).catch(() => {})]);
    const stranger = await another();
    const answer = await stranger.page.goto((await callback).url());
    await show(stranger, "another browser's login");
    assert.ok(answer.status() < 500, `it was answered with ${answer.status()}`);
    assert.equal(await sessionCookie(world, stranger.person), undefined);
    await stranger.open();
    await stranger.signedOut();
    // The login still belongs to the browser that began it.
    await page.page.unrouteAll();
    await page.page.goto((await callback).url());
    await page.open();
    await page.signedIn(ANN);
  },
};

/**
 * Runs every journey against a set-up, each by a person with an empty browser. `setUp()` answers a world, and
 * `world.stop()` ends what it started.
 */
export function runJourneys(title, setUp, journeys = JOURNEYS) {
  describe(title, { timeout: 600_000 }, () => {
    let world;
    let chromium;
    before(async () => {
      world = await setUp();
      chromium = await startChromium();
    });
    after(async () => {
      await chromium?.stop();
      await world?.stop?.();
    });
    for (const [name, journey] of Object.entries(journeys)) {
      test(name, { timeout: 90_000 }, () => walk(journey, name, world, chromium));
    }
  });
}

async function walk(journey, name, world, chromium) {
  const people = [];
  const pages = [];
  const newPerson = async (userAgent) => {
    people.push(await chromium.person(userAgent));
    return people.at(-1);
  };
  const tabOf = async (person) => {
    const page = new DemoPage(world, await person.tab());
    pages.push(page);
    return Object.assign(page, { person });
  };
  const person = await newPerson();
  const show = (page, what) => screenshot(page.page, `${world.name} ${what}`);
  try {
    await journey({ world, person, show, demo: () => tabOf(person), another: async (userAgent) => tabOf(await newPerson(userAgent)) });
  } catch (error) {
    for (const [at, page] of pages.entries()) {
      await screenshot(page.page, `FAILED ${world.name} ${name} tab ${at + 1}`).catch(() => {});
      error.message += `\n  tab ${at + 1} was at ${page.page.url().split('?')[0]}`;
    }
    throw error;
  } finally {
    for (const one of people) await one.leave();
  }
}

/** A provider that knows the browser already may send it straight back, or ask once more. */
async function finishOrComeBack(page, user) {
  const home = new URL(page.world.baseUrl).origin;
  const back = page.page.waitForURL((url) => url.origin === home, { waitUntil: 'commit' }).then(() => true);
  const asked = page.provider.enter(page.page, user, 'password123').then(() => false);
  await Promise.any([back, asked]);
  asked.catch(() => {});
  if (page.provider.consent) await Promise.race([back, page.provider.consent(page.page).catch(() => {})]);
  await back;
  await page.signedIn(user);
}

const isCallback = (request) => new URL(request.url()).pathname === '/auth/web/callback';

async function sessionCookie(world, person) {
  const { hostname } = new URL(world.baseUrl);
  return (await person.cookies()).find(({ name, domain }) => /^(__Host-)?session$/.test(name) && domain === hostname);
}

/** What /auth/me answers to a bare request with this cookie: no browser, no other cookie. */
async function statusOfMe(world, { name, value }) {
  const response = await fetch(new URL('/auth/me', world.baseUrl), {
    headers: { cookie: `${name}=${value}`, accept: 'application/json' }, redirect: 'manual',
  });
  return response.status;
}
