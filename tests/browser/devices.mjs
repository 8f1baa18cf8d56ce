// Owns the journeys of one person with several browsers: my devices, and the choice at a limit. Does not know the set-up.

import assert from 'node:assert/strict';
import { USERS } from './login_pages.mjs';

const [ANN, BOB] = USERS;
const IPHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1';
const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0';

/** At any set-up. */
export const DEVICES = {
  'my devices: one other is logged out, then all others, and each is told at its next load': async ({ demo, another, show }) => {
    const [mine, phone, library] = [await demo(), await another(IPHONE), await another(FIREFOX)];
    const [own, other, last] = [await mine.logIn(ANN), await phone.logIn(ANN), await library.logIn(ANN)];
    await mine.reload();
    await mine.signedIn(ANN);
    const listed = await mine.devices();
    assert.ok([own, other, last].every((id) => listed.includes(id)), `${listed}`);
    for (const device of ['Safari on iPhone', 'Firefox on Windows']) await mine.page.getByText(device).first().waitFor();
    await show(mine, 'my devices');
    assert.match(await mine.endDevice(other), /^200: 1 session was ended/);
    assert.ok(!(await mine.devices()).includes(other));
    await phone.toldOfTheEnd();
    await show(phone, 'ended from elsewhere');
    await library.reload();
    await library.signedIn(ANN);
    assert.match(await mine.endDevice('others'), /^200: /);
    assert.deepEqual(await mine.devices(), [own]);
    await library.toldOfTheEnd();
    await mine.reload();
    await mine.signedIn(ANN);
  },
};

/** At a limit of two sessions that asks: to be run at a world of its own. */
export const AT_A_LIMIT = {
  'who is logged in in too many places chooses where to log out': async ({ demo, another, show }) => {
    const [first, second, third] = [await demo(), await another(), await another()];
    const ids = [await first.logIn(ANN), await second.logIn(ANN)];
    await third.startLogin();
    await third.provider.enter(third.page, ANN, 'password123');
    await third.page.waitForURL((url) => url.pathname === '/auth/web/callback');
    await show(third, 'too many places');
    assert.ok(!(await third.person.cookies()).some(({ name }) => /^(__Host-)?session$/.test(name)), 'no session yet');
    await third.page.reload();
    await third.page.locator(`button[value="${ids[0]}"]`).click();
    await third.signedIn(ANN);
    await first.toldOfTheEnd();
    await second.reload();
    await second.signedIn(ANN);
  },

  'who does not want to choose is not logged in, and nobody is logged out': async ({ demo, another, show }) => {
    const [first, second, third] = [await demo(), await another(), await another()];
    await first.logIn(BOB);
    await second.logIn(BOB);
    await third.startLogin();
    await third.provider.enter(third.page, BOB, 'password123');
    await third.page.locator('button[value=cancel]').click();
    await third.signedOut();
    assert.match(await third.page.locator('#error-text').innerText(), /did not log in/);
    await show(third, 'a login that was given up');
    for (const page of [first, second]) {
      await page.reload();
      await page.signedIn(BOB);
    }
  },
};
