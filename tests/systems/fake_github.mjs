// Owns a GitHub on this machine: its authorization page, its token endpoint with errors under the status 200, its API.
// Does not know who asks. Run as a program, with the registered callback address, it serves one until it is ended, and
// prints what the authority's .env says of it.

import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';

const CLIENT = { id: 'Iv1.0123456789abcdef', secret: '0123456789abcdef0123456789abcdef01234567' };
const OCTOCAT = {
  id: 583231, login: 'octocat', name: 'The Octocat', company: '@github', location: 'San Francisco', email: null,
};

const PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 4"><circle cx="2" cy="2" r="2" fill="#57606a"/></svg>';

/** Starts it; `page` is the registered callback address. `user` and `emails` may be changed, `trouble` be set. */
export async function startGitHub(page) {
  const github = { client: CLIENT, user: { ...OCTOCAT }, emails: [{ email: 'octocat@example.com', primary: true, verified: true }], trouble: undefined, asked: [] };
  const codes = new Map();
  const tokens = new Set();
  const routes = {
    'GET /login/oauth/authorize': ({ query }) => {
      if (query.get('client_id') !== CLIENT.id || query.get('redirect_uri') !== page) return [404, 'Not Found'];
      const code = randomBytes(10).toString('hex');
      codes.set(code, { challenge: query.get('code_challenge'), page });
      const back = new URL(page);
      const brought = { code, state: query.get('state'), iss: `${github.origin}/login/oauth` };
      for (const [name, value] of Object.entries(brought)) back.searchParams.set(name, value);
      const deny = new URL(page);
      deny.search = new URLSearchParams({ error: 'access_denied', state: brought.state });
      return [200, `<!doctype html><title>Authorize</title><a id="authorize" href="${back}">Authorize</a> <a id="cancel" href="${deny}">Cancel</a>`.replaceAll('&', '&amp;'), 'text/html'];
    },
    'POST /login/oauth/access_token': ({ form }) => {
      const kept = codes.get(form.get('code'));
      codes.delete(form.get('code'));
      if (form.get('client_secret') !== CLIENT.secret) return [200, { error: 'incorrect_client_credentials' }];
      const proven = createHash('sha256').update(form.get('code_verifier') ?? '').digest('base64url');
      if (!kept || kept.challenge !== proven || form.get('redirect_uri') !== kept.page) return [200, { error: 'bad_verification_code' }];
      const access_token = `gho_${randomBytes(18).toString('base64url')}`;
      tokens.add(`Bearer ${access_token}`);
      return [200, { access_token, scope: 'read:user,user:email', token_type: 'bearer' }];
    },
    'GET /api/v3/user': ({ authorization }) => (tokens.has(authorization) ? [200, github.user] : [401, { message: 'Bad credentials' }]),
    'GET /api/v3/user/emails': ({ authorization }) => (tokens.has(authorization) ? [200, github.emails] : [401, { message: 'Bad credentials' }]),
  };
  routes['GET /u/583231.png'] = () => [200, PICTURE, 'image/svg+xml'];
  const server = createServer((request, answer) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk)).on('end', () => {
      const url = new URL(request.url, 'http://github');
      const route = `${request.method} ${url.pathname}`;
      github.asked.push(route);
      const form = new URLSearchParams(Buffer.concat(chunks).toString());
      const asked = { query: url.searchParams, form, authorization: request.headers.authorization };
      const isPage = url.pathname === '/login/oauth/authorize';
      const [status, body, type = 'application/json'] = (!isPage && github.trouble) || routes[route]?.(asked) || [404, 'Not Found'];
      answer.writeHead(status, { 'content-type': type }).end(typeof body === 'string' ? body : JSON.stringify(body));
    });
  });
  await new Promise((listens) => server.listen(0, '127.0.0.1', listens));
  github.origin = `http://127.0.0.1:${server.address().port}`;
  github.user.avatar_url = `${github.origin}/u/583231.png`;
  github.stop = () => new Promise((done) => { server.closeAllConnections(); server.close(done); });
  return github;
}

/** What the authority's .env says to have it in place of GitHub. */
export const settings = ({ client, origin }) => ({
  GITHUB_CLIENT_ID: client.id,
  GITHUB_CLIENT_SECRET: client.secret,
  GATELODGE__OIDC__PROVIDERS__GITHUB__ISSUER: origin,
  // Lets a provider by plain http pass.
  GATELODGE__DEVELOPMENT: 'true',
});

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const github = await startGitHub(process.argv[2]);
  for (const [name, value] of Object.entries(settings(github))) console.log(`${name}=${value}`);
}
