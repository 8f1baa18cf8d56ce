// Owns the browser: one headless Chromium, a fresh profile for each person, screenshots. Knows no page.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { ARTEFACTS, need } from '../parts/where.mjs';

const ARGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'];

/** Starts Chromium; answers `{ person, stop }`. */
export async function startChromium() {
  const executablePath = need(process.env.CHROMIUM ?? '/usr/bin/chromium', 'Chromium');
  const browser = await chromium.launch({ executablePath, headless: true, chromiumSandbox: false, args: ARGS });
  return { person: (userAgent) => person(browser, userAgent), stop: () => browser.close() };
}

/** A person with an empty browser profile, and a user agent of another browser if one is given. `tab()` opens a page; `leave()` closes all of them. */
async function person(browser, userAgent) {
  const context = await browser.newContext({ viewport: { width: 1100, height: 860 }, locale: 'en-GB', userAgent });
  context.setDefaultTimeout(15_000);
  return { context, tab: () => context.newPage(), cookies: () => context.cookies(), leave: () => context.close() };
}

/** Keeps what a page looks like now, as `tests/artefacts/screens/NAME.png`. */
export async function screenshot(page, name) {
  const folder = join(ARTEFACTS, 'screens');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name.replace(/[^a-z0-9]+/gi, '-').toLowerCase()}.png`);
  await page.screenshot({ path, fullPage: true });
}
