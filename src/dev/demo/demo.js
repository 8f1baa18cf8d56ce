// The demo page: asks who is logged in, shows it, and tells apart "no session" (401), "not this request" (403) and
// "the authority could not say" (503). It holds no credential: the browser adds the cookie, the CSRF token lives in
// one variable and dies with the page.

const at = (id) => document.getElementById(id);
const show = (id, shown) => { at(id).hidden = !shown; };
const text = (id, value) => { at(id).textContent = value; };

let options = { providers: [], csrf_header: 'x-csrf-token', test_users: [] };
let session = null;
let csrfToken = '';
let asking = null;
let troubled = false;

const UNREACHABLE = "The session authority can't be reached; you are still logged in. Your cookie is untouched: "
  + 'nobody is logged out because a server is away.';
const ENDED = 'Your session has ended: it ran out, or it was ended from elsewhere. Log in again to go on.';
const LOGIN_ERRORS = {
  access_denied: 'The provider says that the login was cancelled.',
  login_required: 'The provider wants you to log in again.',
  login_cancelled: 'You did not log in here. Everything else is as it was.',
  too_many_sessions: 'You are logged in in too many places: log out somewhere else first.',
  user_disabled: 'This account is disabled. Ask whoever runs this application.',
};

/** Asks the edge. Resolves with status 0 when it does not answer at all; never rejects. */
async function ask(path, init = {}) {
  try {
    const response = await fetch(path, {
      credentials: 'same-origin',
      cache: 'no-store',
      ...init,
      headers: { accept: 'application/json', ...init.headers },
    });
    csrfToken = response.headers.get(options.csrf_header) ?? csrfToken;
    const body = await response.json().catch(() => ({}));
    return { status: response.status, body };
  } catch {
    return { status: 0, body: {} };
  }
}

/** Sends a change with the page's CSRF token. One that is too old by now is fetched anew, once. */
async function change(path, said) {
  const send = () => ask(path, {
    method: 'POST',
    headers: { [options.csrf_header]: csrfToken, ...(said && { 'content-type': 'application/json' }) },
    ...(said && { body: JSON.stringify(said) }),
  });
  const answer = await send();
  if (answer.status !== 403 || answer.body.reason !== 'csrf_mismatch') return answer;
  const me = await ask('/auth/me');
  if (me.status !== 200) return me;
  csrfToken = me.body.csrf_token ?? csrfToken;
  return send();
}

function notice(message, isTrouble = false) {
  troubled = isTrouble;
  text('error-text', message);
  show('error', Boolean(message));
  show('retry', isTrouble);
}

/** Says what an answer other than "yes" means, and turns the page to match. */
function turnTo({ status, body }) {
  if (status === 401) {
    if (session || body.reason === 'session_ended') signedOut(ENDED);
    else signedOut(troubled ? '' : at('error-text').textContent);
  } else if (status === 503) {
    notice(UNREACHABLE, true);
  } else if (status === 0) {
    notice("This page's own server does not answer. Is gatelodge dev still running?", true);
  } else {
    notice(`${body.detail ?? 'That did not work.'} (HTTP ${status})`, true);
  }
}

function signedOut(message) {
  session = null;
  csrfToken = '';
  notice(message);
  show('signed-in', false);
  show('logout', false);
  show('signed-out', true);
}

/** Asks who is logged in, and shows it. Asked twice at once, it asks once. */
function refresh() {
  asking ??= lookUp().finally(() => { asking = null; });
  return asking;
}

async function lookUp() {
  const me = await ask('/auth/me');
  const facts = me.status === 200 ? await ask('/demo/session') : me;
  show('asking', false);
  if (facts.status !== 200) {
    turnTo(facts);
    return;
  }
  csrfToken = me.body.csrf_token ?? csrfToken;
  session = facts.body;
  notice('');
  signedIn();
  await listDevices();
}

function signedIn() {
  text('user-name', session.name || session.user_id);
  text('user-email', session.email);
  text('user-id', session.user_id);
  text('user-provider', providerName(session.provider));
  text('user-initial', (session.name || session.user_id).slice(0, 1).toUpperCase());
  const picture = at('user-picture');
  picture.hidden = !session.picture;
  if (session.picture) picture.src = session.picture;
  text('session-id', session.session_id);
  for (const [id, moment] of [
    ['created', session.created],
    ['last-active', session.last_active],
    ['idle-end', session.idle_end],
    ['absolute-end', session.absolute_end],
  ]) {
    const date = new Date(moment);
    at(id).dateTime = date.toISOString();
    text(id, date.toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'medium' }));
  }
  text('remembered', session.remembered ? 'yes, this device was asked to' : 'no');
  text('cookie-seen', JSON.stringify(document.cookie));
  text('cookie-name', options.session_cookie);
  text('revoke-command', revokeCommand());
  tick();
  show('signed-out', false);
  show('signed-in', true);
  show('logout', true);
}

const providerName = (name) => options.providers.find((one) => one.name === name)?.display_name ?? name;

function revokeCommand() {
  return 'grpcurl -plaintext'
    + ' -H "authorization: Bearer ${GATELODGE_ADMIN_KEY:?paste the export line first}"'
    + ` -d '{"session_id":"${session.session_id}"}'`
    + ` ${options.authority} gatelodge.v1.AdminService/Revoke`;
}

/** Moves the countdowns; asks again once one has run out. */
function tick() {
  if (!session) return;
  const now = Date.now();
  countdown('idle', session.last_active, session.idle_end, now);
  countdown('absolute', session.created, session.absolute_end, now);
  const end = Math.min(session.idle_end, session.absolute_end);
  if (now >= end && !session.overdue) {
    session.overdue = true;
    refresh();
  }
}

function countdown(kind, start, end, now) {
  text(`${kind}-left`, duration(Math.max(0, end - now)));
  at(`${kind}-bar`).value = Math.min(1, Math.max(0, (end - now) / (end - start)));
}

function duration(millis) {
  const seconds = Math.round(millis / 1000);
  const parts = [[Math.floor(seconds / 86400), 'd'], [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'], [seconds % 60, 's']];
  const first = parts.findIndex(([amount]) => amount > 0);
  const shown = first < 0 ? [[0, 's']] : parts.slice(first, first + 3);
  return shown.map(([amount, unit]) => `${amount} ${unit}`).join(' ');
}

async function act(withToken) {
  const answer = await (withToken ? change('/demo/action') : ask('/demo/action', { method: 'POST' }));
  at('csrf-result').hidden = true;
  if (answer.status !== 200 && answer.status !== 403) {
    turnTo(answer);
    return;
  }
  notice('');
  tell('csrf-result', answer, answer.status === 200 ? answer.body.message
    : `${sentence(answer)}${withToken ? ''
      : ' So it would go for another site: your browser sent the cookie, but no token, and nothing was done.'}`);
}

const sentence = ({ body }) => `${(body.detail ?? 'That did not work').replace(/\.$/, '')}. ${body.remedy ?? ''}`.trim();

/** Shows what became of a change, with its status. */
function tell(id, { status }, message) {
  const result = at(id);
  result.className = status === 200 ? 'result good' : 'result bad';
  result.textContent = `${status}: ${message}`;
  result.hidden = false;
}

/** Has the authority ask the provider; an answer of the provider's trouble is told here, and is no trouble of ours. */
async function askProvider(path, say) {
  at('again-result').hidden = true;
  const answer = await change(path);
  if (answer.status === 200) {
    notice('');
    tell('again-result', answer, say(answer.body));
    lookUp();
  } else if (answer.status === 409 || answer.body.reason === 'provider_unavailable') {
    tell('again-result', answer, sentence(answer));
  } else {
    turnTo(answer);
  }
}

const refreshTokens = () => askProvider('/auth/web/refresh', ({ expires_at: end }) => (end
  ? `New tokens, kept by the authority. The access token is good until ${new Date(end * 1000).toLocaleTimeString('en-GB')}.`
  : 'New tokens, kept by the authority.'));

const askUserInfo = () => askProvider('/auth/web/userinfo', (who) => `The provider says: ${[who.name, who.email && (
  `${who.email}, ${who.email_verified ? 'verified' : 'not verified'}`), `sub ${who.sub}`].filter(Boolean).join('; ')}.`);

/** Lists where the user is logged in; `from` is where a further page goes on. */
async function listDevices(from = '') {
  const answer = await ask(`/auth/web/sessions${from && `?${new URLSearchParams({ page_token: from })}`}`);
  if (answer.status !== 200) {
    turnTo(answer);
    return;
  }
  const { sessions, next_page_token: next } = answer.body;
  const items = sessions.toSorted((one, other) => other.current - one.current).map(deviceItem);
  if (from) at('devices').append(...items);
  else at('devices').replaceChildren(...items);
  show('revoke-others', at('devices').childElementCount > 1);
  show('more-devices', Boolean(next));
  at('more-devices').onclick = () => listDevices(next);
}

function deviceItem({ session_id: id, current, device, place, client_address: address, created, last_active: active }) {
  const item = document.createElement('li');
  item.dataset.session = id;
  const facts = document.createElement('div');
  const name = document.createElement('b');
  name.textContent = device;
  facts.append(name);
  if (current) {
    const badge = document.createElement('span');
    badge.className = 'badge';
    badge.textContent = 'this device';
    facts.append(badge);
  }
  const line = document.createElement('p');
  line.className = 'soft';
  line.textContent = [place, address, `last used ${ago(active)}`, `since ${moment(created)}`].filter(Boolean).join(' · ');
  facts.append(line);
  item.append(facts);
  if (!current) {
    const button = document.createElement('button');
    button.className = 'quiet';
    button.type = 'button';
    button.textContent = 'Log out there';
    button.setAttribute('aria-label', `Log out there: ${device}, since ${moment(created)}`);
    button.addEventListener('click', () => endSessions(id));
    item.append(button);
  }
  return item;
}

const moment = (seconds) => new Date(seconds * 1000).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' });

function ago(seconds) {
  const past = Math.max(0, Date.now() / 1000 - seconds);
  const [amount, unit] = [[past / 86400, 'day'], [past / 3600, 'hour'], [past / 60, 'minute']]
    .find(([number]) => number >= 1) ?? [];
  if (!unit) return 'just now';
  return `${Math.floor(amount)} ${unit}${amount < 2 ? '' : 's'} ago`;
}

async function endSessions(end) {
  at('devices-result').hidden = true;
  const answer = await change('/auth/web/sessions/revoke', { end });
  if (answer.status !== 200) {
    turnTo(answer);
    return;
  }
  notice('');
  await listDevices();
  tell('devices-result', answer, `${answer.body.message}.`);
}

async function logOut() {
  const answer = await change('/auth/web/logout');
  if (answer.status !== 200) {
    turnTo(answer);
    return;
  }
  signedOut('You are logged out.');
  const next = answer.body.logout_url ?? '';
  if (/^https?:\/\//.test(next)) location.assign(next);
}

async function copyCommand() {
  const button = at('copy');
  try {
    await navigator.clipboard.writeText(at('revoke-command').textContent);
    button.textContent = 'Copied';
  } catch {
    getSelection().selectAllChildren(at('revoke-command'));
    button.textContent = 'Selected';
  }
  setTimeout(() => { button.textContent = 'Copy'; }, 1500);
}

function offerProviders() {
  at('providers').replaceChildren(...options.providers.map(({ name, display_name: label }) => {
    const link = document.createElement('a');
    link.id = `login-${name}`;
    link.className = 'button';
    const query = { provider: name, redirect_uri: '/', ...(at('remember').checked && { remember_me: true }) };
    link.href = `/auth/web/login?${new URLSearchParams(query)}`;
    link.textContent = `Log in with ${label}`;
    return link;
  }));
  if (options.remember_seconds) {
    const days = Math.round(options.remember_seconds / 86400);
    text('remember-time', days > 1 ? `${days} days` : duration(options.remember_seconds * 1000));
    show('remember-row', true);
  }
  if (options.test_users.length > 0) {
    text('test-users', `Test users: ${options.test_users.join(', ')}; password ${options.test_password}`);
    show('test-users', true);
  }
}

/** A login that failed comes back here with `error` in the address: shown once, then gone from the address. */
function failedLogin() {
  const query = new URLSearchParams(location.search);
  const error = query.get('error');
  if (!error) return '';
  history.replaceState(null, '', location.pathname);
  return LOGIN_ERRORS[error.toLowerCase()] ?? `The login did not succeed: ${error.slice(0, 80)}. Please try again.`;
}

async function begin() {
  const failure = failedLogin();
  const answer = await ask('/demo/options');
  if (answer.status === 200) options = answer.body;
  offerProviders();
  await refresh();
  if (failure && !session) notice(failure);
}

at('csrf-action').addEventListener('click', () => act(true));
at('csrf-action-without').addEventListener('click', () => act(false));
at('refresh-tokens').addEventListener('click', refreshTokens);
at('ask-user-info').addEventListener('click', askUserInfo);
at('revoke-others').addEventListener('click', () => endSessions('others'));
at('remember').addEventListener('change', offerProviders);
at('logout').addEventListener('click', logOut);
at('check').addEventListener('click', refresh);
at('retry').addEventListener('click', refresh);
at('copy').addEventListener('click', copyCommand);
at('user-picture').addEventListener('error', () => show('user-picture', false));
document.addEventListener('visibilitychange', () => { if (!document.hidden) refresh(); });
addEventListener('focus', refresh);
addEventListener('pageshow', (event) => { if (event.persisted) refresh(); });
setInterval(tick, 1000);
begin();
