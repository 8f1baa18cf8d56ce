// Owns one node oidc-provider, a certified OpenID provider, in a process of its own. Does not know who logs in at it.

import { createServer } from 'node:http';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { answers, freePort, runAsProgram, start } from '../process.mjs';
import { ARTEFACTS } from '../where.mjs';

/**
 * The same with a client that it knows by a key alone, whose requests have to be handed over before the browser leaves, whose
 * userinfo it signs, and whose tokens it binds to another key, with a nonce of its own in every proof.
 */
export async function startStrictOidcProvider(callback, loggedOut) {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'ours', use: 'sig', alg: 'ES256' };
  const provider = await startOidcProvider(callback, loggedOut, undefined, { OIDC_CLIENT_KEY: JSON.stringify(jwk) });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
  const dpop = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
  const more = { client_auth: 'private_key_jwt', private_key: key, key_id: 'ours', dpop_key: dpop, userinfo: 'always' };
  return { ...provider, clientSecret: undefined, more };
}

/**
 * Starts it with one confidential client, whose callback is `callback` and whose way back from a logout is
 * `loggedOut`. Its login page takes any name; only the password "password123" is right.
 * Answers `{ issuer, clientId, clientSecret, stop }`.
 */
export async function startOidcProvider(callback, loggedOut, _backchannel, more = {}) {
  const port = await freePort();
  const clientSecret = randomBytes(24).toString('hex');
  const issuer = `http://127.0.0.1:${port}`;
  const program = fileURLToPath(import.meta.url);
  const server = await start('oidc-provider', process.execPath, [program, 'serve'], {
    env: {
      OIDC_PORT: String(port), OIDC_ISSUER: issuer, OIDC_CLIENT_SECRET: clientSecret,
      OIDC_CALLBACK: callback, OIDC_LOGGED_OUT: loggedOut ?? new URL('/', callback).href,
      ...more,
    },
    log: join(ARTEFACTS, 'logs', `oidc-provider-${port}.log`),
    ready: () => answers(`${issuer}/.well-known/openid-configuration`),
    seconds: 20,
  });
  return { name: 'certified', issuer, clientId: 'gatelodge', clientSecret, stop: server.stop };
}

async function serve({ OIDC_PORT, OIDC_ISSUER, OIDC_CLIENT_SECRET, OIDC_CALLBACK, OIDC_LOGGED_OUT, OIDC_CLIENT_KEY }) {
  const { Provider } = await import('oidc-provider');
  const byKey = OIDC_CLIENT_KEY && {
    client_secret: undefined,
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES256',
    jwks: { keys: [JSON.parse(OIDC_CLIENT_KEY)] },
    userinfo_signed_response_alg: 'RS256',
    dpop_bound_access_tokens: true,
  };
  const provider = new Provider(OIDC_ISSUER, {
    clients: [{
      client_id: 'gatelodge',
      client_secret: OIDC_CLIENT_SECRET,
      redirect_uris: [OIDC_CALLBACK],
      post_logout_redirect_uris: [OIDC_LOGGED_OUT],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      ...byKey,
    }],
    features: {
      devInteractions: { enabled: true },
      revocation: { enabled: true },
      introspection: { enabled: true },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: { enabled: true },
      pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: Boolean(byKey) },
      jwtUserinfo: { enabled: Boolean(byKey) },
      dPoP: { enabled: Boolean(byKey), nonceSecret: randomBytes(32), requireNonce: () => true },
    },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'picture'] },
    conformIdTokenClaims: false,
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: id, email_verified: true, name: `User ${id.split('@')[0]}` }),
    }),
    cookies: { keys: [randomBytes(16).toString('hex')] },
    issueRefreshToken: () => true,
    rotateRefreshToken: true,
    pkce: { required: () => true },
    // Its own calls to loopback go nowhere, silently, unless its dispatcher is taken off.
    fetch: (url, { dispatcher, ...options }) => globalThis.fetch(url, options),
  });
  const answer = provider.callback();
  createServer((request, response) => passwordIsRight(request, response, answer)).listen(Number(OIDC_PORT), '127.0.0.1');
}

/** The development pages take any password; a browser journey needs one that is wrong. */
function passwordIsRight(request, response, answer) {
  if (request.method !== 'POST' || !request.url.startsWith('/interaction/')) return answer(request, response);
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    if (form.get('prompt') === 'login' && form.get('password') !== 'password123') {
      response.writeHead(401, { 'content-type': 'text/html' });
      return response.end('<!doctype html><title>Sign in</title><p id="wrong-password">Wrong password.</p>');
    }
    request.body = Object.fromEntries(form);
    return answer(request, response);
  });
}

if (process.argv[2] === 'serve') await serve(process.env);
else await runAsProgram(import.meta.url, startOidcProvider);
