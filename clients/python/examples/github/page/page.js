// The front end. The token is kept in memory alone: no other script of the page's site can read it later.
const at = (id) => document.getElementById(id);
let token;

/** Asks the backend; the cookie that binds a login to this browser goes along. */
async function ask(path, options = {}) {
  const answer = await fetch(path, { credentials: 'include', ...options });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.detail);
  return body;
}

function show(user) {
  at('says').textContent = `Hello, ${user.name ?? user.login ?? user.id}`;
  if (user.picture) Object.assign(at('picture'), { src: user.picture, hidden: false });
  at('user').textContent = JSON.stringify(user, null, 2);
  Object.assign(at('me'), { hidden: false });
}

/** GitHub has sent the browser back: what it brought goes to the backend, and out of the address at once. */
async function forward() {
  const brought = Object.fromEntries(new URLSearchParams(location.search));
  history.replaceState(null, '', '/');
  const { access_token, user } = await ask('/authorize', {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(brought),
  });
  token = access_token;
  show(user);
}

at('login').onclick = async () => location.assign((await ask('/login')).url);
at('me').onclick = async () => show(await ask('/me', { headers: { authorization: `Bearer ${token}` } }));

try {
  if (location.pathname.startsWith('/auth/')) await forward();
} catch (error) {
  at('says').textContent = error.message;
}
at('login').hidden = Boolean(token);
