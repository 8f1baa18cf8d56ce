// Owns one real Keycloak with the realm of realm.json, from the template that prepare.sh made, on a free port.
// Does not know who logs in at it.

import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { answers, freePort, runAsProgram, start } from '../process.mjs';
import { ARTEFACTS, CACHE, need } from '../where.mjs';

const VERSION = '26.7.3';
const REALM = 'test-realm';
const CLIENT = { clientId: 'test-client', clientSecret: 'test-client-secret-for-tests-only' };
const SMALL = '-Xms64m -Xmx256m -XX:MaxMetaspaceSize=256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1';

/**
 * Starts it with `callback` and `loggedOut` as the only addresses that it sends browsers to, and `backchannel`, if
 * given, told of every logout. Answers `{ issuer, clientId, clientSecret, admin, stop }`; `admin(method, path, body)`
 * calls the admin REST API of the realm.
 */
export async function startKeycloak(callback, loggedOut, backchannel) {
  const home = need(join(CACHE, `keycloak-${VERSION}`), 'Keycloak');
  const template = need(join(home, 'template'), "Keycloak's prepared data");
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const issuer = `${origin}/realms/${REALM}`;
  // Its data lies beside its program, so each run gets a program folder of its own, made of links.
  const own = mkdtempSync(join(CACHE, 'keycloak-run-'));
  execFileSync('cp', ['-al', ...readdirSync(join(home, 'dist')).map((name) => join(home, 'dist', name)), own]);
  cpSync(template, join(own, 'data'), { recursive: true });
  const removeOwn = () => rmSync(own, { recursive: true, force: true });
  process.once('exit', removeOwn);
  const args = ['start', '--optimized', '--cache=local', '--http-enabled=true', '--http-host=127.0.0.1',
    `--http-port=${port}`, `--hostname=${origin}`];
  const server = await start('Keycloak', join(own, 'bin', 'kc.sh'), args, {
    log: join(ARTEFACTS, 'logs', `keycloak-${port}.log`),
    env: { JAVA_OPTS: SMALL },
    ready: () => answers(`${issuer}/.well-known/openid-configuration`),
    seconds: 120,
  });
  const stop = async () => { await server.stop(); removeOwn(); };
  try {
    const admin = adminOf(origin);
    await pointClientAt(admin, callback, loggedOut ?? new URL('/auth/web/logged-out', callback).href, backchannel);
    return { name: 'keycloak', issuer, ...CLIENT, admin, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function pointClientAt(admin, callback, loggedOut, backchannel) {
  const [client] = await admin('GET', `clients?clientId=${CLIENT.clientId}`);
  await admin('PUT', `clients/${client.id}`, {
    ...client,
    redirectUris: [callback],
    attributes: {
      ...client.attributes,
      'post.logout.redirect.uris': loggedOut,
      ...(backchannel && { 'backchannel.logout.url': backchannel }),
    },
  });
}

function adminOf(origin) {
  return async (method, path, body) => {
    // A token lives for a minute only, so each call gets its own.
    const token = await json(await fetch(`${origin}/realms/master/protocol/openid-connect/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'password', client_id: 'admin-cli', username: 'admin', password: 'admin-for-tests-only',
      }),
    }));
    return json(await fetch(`${origin}/admin/realms/${REALM}/${path}`, {
      method,
      headers: { authorization: `Bearer ${token.access_token}`, 'content-type': 'application/json' },
      body: body && JSON.stringify(body),
    }));
  };
}

async function json(response) {
  const text = await response.text();
  if (!response.ok) throw new Error(`Keycloak answered ${response.status}: ${text.slice(0, 300)}`);
  return text ? JSON.parse(text) : undefined;
}

await runAsProgram(import.meta.url, startKeycloak);
