// Owns a program that gets an access token at the development provider as the button "Authorize" of an API's page does: by
// the endpoints that the API's document names, with a code and PKCE. Does not know the API.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { PASSWORD } from '../browser/login_pages.mjs';

// The one client that the development provider has; `gatelodge dev` tells the authority the same.
const CLIENT = { id: 'gatelodge-dev', secret: 'not a secret: the provider is on this machine' };

/** Logs a user in at `authorizationUrl` and redeems the code at `tokenUrl`; answers the access token. */
export async function accessToken({ authorizationUrl, tokenUrl }, redirectUri, user, scope) {
  const verifier = randomBytes(32).toString('base64url');
  const query = new URLSearchParams({
    response_type: 'code', client_id: CLIENT.id, redirect_uri: redirectUri, scope, state: 's', nonce: 'n',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256', prompt: 'login',
  });
  const page = await fetch(`${authorizationUrl}?${query}`);
  const [, form] = (await page.text()).match(/name="form" value="([^"]+)"/) ?? [];
  assert.ok(form, `no login page at ${page.url}`);
  let cookies = page.headers.getSetCookie();
  let url = new URL('/login', page.url);
  let init = { method: 'POST', body: new URLSearchParams({ form, username: user, password: PASSWORD }) };
  while (!url.href.startsWith(redirectUri)) {
    const cookie = cookies.map((line) => line.split(';')[0]).join('; ');
    const answer = await fetch(url, { ...init, redirect: 'manual', headers: { cookie } });
    cookies = [...cookies, ...answer.headers.getSetCookie()];
    assert.ok(answer.headers.get('location'), `${url} answered ${answer.status}`);
    url = new URL(answer.headers.get('location'), url);
    init = {};
  }
  const redeemed = await fetch(tokenUrl, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${CLIENT.id}:${encodeURIComponent(CLIENT.secret)}`).toString('base64')}` },
    body: new URLSearchParams({
      grant_type: 'authorization_code', code: url.searchParams.get('code'), redirect_uri: redirectUri, code_verifier: verifier,
    }),
  });
  const tokens = await redeemed.json();
  assert.equal(redeemed.status, 200, JSON.stringify(tokens));
  return tokens.access_token;
}
