// Owns the program under test: `gatelodge dev` on free ports, with a provider and a store of the test's choice.
// Does not know what a browser then does.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answers, freePort, start } from '../parts/process.mjs';
import { startRedis } from '../parts/redis/start.mjs';
import { ARTEFACTS, TARGET, need } from '../parts/where.mjs';
import { authorityAt } from './authority.mjs';

const STORES = {
  embedded: async () => ({ config: {}, stop: () => {} }),
  redis: async () => {
    const redis = await startRedis();
    return { config: { store: { kind: 'redis', redis: { urls: [redis.url] } } }, keysInStore: redis.keys, stop: redis.stop };
  },
};

const APP = { sessions: { remember_me: { enabled: true } } };

/**
 * Starts the store, the provider and the program; answers a world for the journeys. `startProvider(callback,
 * loggedOut, backchannel)` starts a provider beside the development provider, which is there in any case; `app` and `more` are
 * what is configured of the application, and beside it. What a provider has of `more` is configured for it too.
 */
export async function startWorld({ store, startProvider, app = APP, more = {} }) {
  const stops = [];
  const stop = async () => { for (const one of stops.splice(0).reverse()) await one(); };
  try {
    const [authority, edge, dev] = [await freePort(), await freePort(), await freePort()];
    const baseUrl = `http://localhost:${edge}`;
    const kept = await STORES[store]();
    stops.push(kept.stop);
    const provider = await startProvider?.(
      `${baseUrl}/auth/web/callback`,
      `${baseUrl}/auth/web/logged-out`,
      // Its server knows nothing of names.
      `http://127.0.0.1:${edge}/auth/web/backchannel-logout`,
    );
    if (provider) stops.push(provider.stop);

    const folder = mkdtempSync(join(tmpdir(), 'gatelodge-'));
    stops.push(() => rmSync(folder, { recursive: true, force: true }));
    const name = `${provider?.name ?? 'dev'} ${store}`;
    const log = join(ARTEFACTS, 'logs', `gatelodge-${name.replace(' ', '-')}.log`);
    // YAML is a superset of JSON.
    writeFileSync(join(folder, 'gatelodge.yaml'), JSON.stringify({ development: true, app, ...more, ...kept.config, ...providers(provider) }, null, 2));
    const args = ['dev', '--config', join(folder, 'gatelodge.yaml'), '--folder', join(folder, 'kept'),
      '--listen', `127.0.0.1:${authority}`, '--edge-listen', `127.0.0.1:${edge}`, '--provider-listen', `127.0.0.1:${dev}`];
    const program = need(join(TARGET, 'debug', 'gatelodge'), 'the program');
    const running = await start('gatelodge dev', program, args, { log, cwd: folder, ready: () => answers(baseUrl), seconds: 20 });
    stops.push(running.stop);

    const printed = readFileSync(log, 'utf8');
    const key = (role) => {
      const [, found] = printed.match(new RegExp(`^ +${role} +(\\S+)$`, 'm')) ?? [];
      if (!found) throw new Error(`gatelodge dev printed no key of the role ${role}; see ${log}`);
      return found;
    };
    const address = `127.0.0.1:${authority}`;
    return {
      name, baseUrl, provider: provider?.name ?? 'dev', remembers: true, keysInStore: kept.keysInStore, stop,
      address, edgeKey: key('edge'),
      authority: authorityAt({ address, adminKey: key('admin'), backendKey: key('backend') }),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function providers(provider) {
  if (!provider) return {};
  const { name, issuer, clientId, clientSecret, more } = provider;
  const scopes = ['openid', 'email', 'profile'];
  const settings = { issuer, client_id: clientId, client_secret: clientSecret, scopes, ...more };
  return { oidc: { providers: { [name]: settings } } };
}
