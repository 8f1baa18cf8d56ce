// The front end. Its session is a cookie that no script reads.
const at = (id) => document.getElementById(id);

/** Asks the application; cookies go along. */
async function ask(path, options = {}) {
  const answer = await fetch(path, { credentials: 'include', ...options });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.detail);
  return body;
}

/** Begins a login of a tenant's. A page can send X-Tenant-Id only with a fetch, so it asks for the address, and goes there. */
async function begin(tenant) {
  const query = new URLSearchParams({ frontend_redirect_uri: `${location.origin}/signed-in` });
  const headers = { accept: 'application/json', 'x-tenant-id': tenant };
  location.assign((await ask(`/v1/auth/oidc/dev/start?${query}`, { headers })).url);
}

/** A login has come back: collects its session with what it brought, which leaves the address at once. */
async function collect() {
  const { error, code, state } = Object.fromEntries(new URLSearchParams(location.search));
  history.replaceState(null, '', '/');
  if (error) throw new Error(`You are not logged in: ${error}`);
  // One key for this session: whatever is sent again after a lost answer gets the same session.
  const headers = { 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() };
  const send = () => ask('/v1/auth/oidc/session', { method: 'POST', headers, body: JSON.stringify({ code, state }) });
  const { tenant, user } = await send().catch((problem) => (problem instanceof TypeError ? send() : Promise.reject(problem)));
  at('says').textContent = `Hello, ${user.name ?? user.user_id} of ${tenant}`;
  at('orders').hidden = false;
}

for (const button of document.querySelectorAll('[data-tenant]')) {
  button.onclick = () => begin(button.dataset.tenant).catch(tell);
}
at('orders').onclick = async () => {
  at('shown').textContent = JSON.stringify(await ask('/orders', { headers: { accept: 'application/json' } }), null, 2);
};

function tell(problem) {
  at('says').textContent = problem.message;
}

if (location.pathname === '/signed-in') await collect().catch(tell);
