// Owns a person at a real Keycloak, by plain requests: what its pages look like is shown elsewhere. Does not know what they
// are there for.

import assert from 'node:assert/strict';

const USER = 'testuser1@example.com';
const PASSWORD = 'password123';

/** A browser's cookies, by host and port, and its way along redirects. */
export class Person {
  #jars = new Map();
  #world;

  constructor(world) {
    this.#world = world;
  }

  jar(url) {
    const { host } = new URL(url);
    if (!this.#jars.has(host)) this.#jars.set(host, new Map());
    return this.#jars.get(host);
  }

  /** Follows redirects to the page at their end, or to one that `stops` says. */
  async go(url, { stops = () => false, ...init } = {}) {
    for (let steps = 0; steps < 20; steps += 1) {
      const cookie = [...this.jar(url)].map(([name, value]) => `${name}=${value}`).join('; ');
      const headers = { accept: 'text/html', 'sec-fetch-mode': 'navigate', cookie, ...init.headers };
      const response = await fetch(url, { ...init, headers, redirect: 'manual' });
      for (const line of response.headers.getSetCookie()) {
        const [, name, value] = line.match(/^([^=]+)=([^;]*)/);
        if (/max-age=0/i.test(line)) this.jar(url).delete(name);
        else this.jar(url).set(name, value);
      }
      const location = response.headers.get('location');
      if (!location) return { url, status: response.status, text: await response.text() };
      url = new URL(location, url).href;
      init = {};
      if (stops(url)) return { url, status: response.status, text: '' };
    }
    throw new Error(`redirected without end, last to ${url}`);
  }

  /** From Keycloak's login page on. */
  async enter(page, stops) {
    const [, action] = page.text.match(/<form[^>]*action="([^"]+)"/) ?? [];
    assert.ok(action, `no form at ${page.url}`);
    const asked = /name="username"[^>]*type="text"|id="username"/.test(page.text);
    const body = new URLSearchParams({ ...(asked && { username: USER }), password: PASSWORD, credentialId: '' });
    return this.go(action.replaceAll('&amp;', '&'), { method: 'POST', body, stops });
  }

  session() {
    const value = this.jar(this.#world.baseUrl).get('session');
    return value && { name: 'session', value };
  }
}
