// Owns the demo page as a person uses it. Knows its element ids, and no rule of sessions.

import assert from 'node:assert/strict';
import { LOGIN_PAGES, PASSWORD } from './login_pages.mjs';

/** The demo page of a set-up, in one tab. */
export class DemoPage {
  constructor(world, page) {
    this.world = world;
    this.page = page;
    this.provider = LOGIN_PAGES[world.provider];
  }

  /** Opens the page, whoever is or is not signed in. */
  async open() {
    await this.page.goto(this.world.baseUrl);
  }

  /** Opens the page and goes to the provider's login page. */
  async startLogin() {
    await this.open();
    await this.signedOut();
    await this.page.locator(`#login-${this.world.provider}`).click();
    await this.page.waitForURL((url) => url.origin !== new URL(this.world.baseUrl).origin);
  }

  /** Fills in the provider's login page, and comes back signed in. */
  async finishLogin(user, password = PASSWORD) {
    await this.provider.enter(this.page, user, password);
    await this.#back();
    await this.signedIn(user);
  }

  /** The whole of it: from the page to the provider and back. Answers the public session id. */
  async logIn(user) {
    await this.startLogin();
    await this.finishLogin(user);
    return this.sessionId();
  }

  /** Waits until the browser is back at the page, past the provider's questions. */
  async #back() {
    const origin = new URL(this.world.baseUrl).origin;
    const back = this.page.waitForURL((url) => url.origin === origin, { waitUntil: 'commit' });
    if (this.provider.consent) await Promise.race([back, this.provider.consent(this.page).catch(() => {})]);
    await back;
  }

  /** Presses "Log out", and comes back signed out. */
  async logOut() {
    const posted = this.page.waitForResponse((response) => response.url().endsWith('/auth/web/logout'));
    await this.page.locator('#logout').click();
    assert.equal((await posted).status(), 200);
    if (this.provider.confirmLogout) {
      await this.provider.confirmLogout(this.page);
      await this.#back();
    }
    await this.signedOut();
  }

  async reload() {
    await this.page.reload();
  }

  async signedIn(user) {
    await this.page.locator('#signed-in').waitFor({ state: 'visible' });
    if (user) assert.equal(await this.page.locator('#user-email').innerText(), user);
  }

  async signedOut() {
    await this.page.locator('#signed-out').waitFor({ state: 'visible' });
    assert.equal(await this.page.locator('#signed-in').isVisible(), false);
  }

  /** Loads the page of a browser whose session was ended elsewhere: it says so, and offers a login. */
  async toldOfTheEnd() {
    await this.reload();
    await this.signedOut();
    assert.match(await this.page.locator('#error-text').innerText(), /session has ended/);
  }

  async sessionId() {
    const id = await this.page.locator('#session-id').innerText();
    assert.match(id, /^sid_\S{24}$/);
    return id;
  }

  /** Does what counts, with the CSRF token or without. Answers what the page says became of it. */
  async act(withToken) {
    return this.#pressAndRead(withToken ? '#csrf-action' : '#csrf-action-without', '#csrf-result');
  }

  /** Presses a button of "Ask the provider again". Answers what the page says became of it. */
  async askProvider(button) {
    return this.#pressAndRead(button, '#again-result');
  }

  /** The ids of the sessions in "My devices", the own one first told apart. */
  async devices() {
    await this.page.locator('#devices .badge').waitFor({ state: 'visible' });
    return this.page.locator('#devices li').evaluateAll((items) => items.map((item) => item.dataset.session));
  }

  /** Ends a session in "My devices"; or with `'others'` all but this one. Answers what the page says. */
  async endDevice(id) {
    return this.#pressAndRead(id === 'others' ? '#revoke-others' : `#devices li[data-session="${id}"] button`, '#devices-result');
  }

  async #pressAndRead(button, output) {
    const result = this.page.locator(output);
    await result.evaluate((element) => { element.hidden = true; });
    await this.page.locator(button).click();
    await result.waitFor({ state: 'visible' });
    return result.innerText();
  }

  /** What a script on the page can read of what the browser keeps. */
  async seenByScripts() {
    return this.page.evaluate(() => JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }]));
  }
}
