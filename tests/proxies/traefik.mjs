// Owns what stands in for Traefik: it routes by the configuration that people copy, and asks and obeys as its ForwardAuth
// does (pkg/middlewares/auth/forward.go, v3.7). Does not know what is asked of it.

import { execFileSync } from 'node:child_process';
import { createServer, request } from 'node:http';
import { join, posix } from 'node:path';
import { CACHE, need } from '../parts/where.mjs';
import { copied } from './copied.mjs';

const HOP = ['connection', 'keep-alive', 'te', 'trailers', 'transfer-encoding', 'upgrade'];
const FORWARDED = ['for', 'proto', 'host', 'port', 'uri', 'method', 'prefix', 'server', 'tls-client-cert', 'tls-client-cert-info'];

/** Starts it before these; answers `{ stop }`. */
export async function startTraefik({ port, edge, application }) {
  const text = copied('traefik.yaml', [['[__Host-session]', '[session]']])
    .replaceAll('127.0.0.1:8000', `127.0.0.1:${edge}`).replaceAll('127.0.0.1:3000', `127.0.0.1:${application}`);
  const python = need(join(CACHE, 'python', 'bin', 'python'), "the tests' Python");
  const read = 'import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin)))';
  const { routers, middlewares, services } = JSON.parse(execFileSync(python, ['-c', read], { input: text })).http;
  // The longest rule is asked first, where no priority is given.
  const priority = (route) => route.priority ?? route.rule.length;
  const routes = Object.values(routers).sort((a, b) => priority(b) - priority(a));
  const server = createServer((asked, answer) => handle(asked, answer).catch(() => answer.writeHead(500).end()));
  // Who speaks HTTP alone takes a handshake for a request.
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));

  async function handle(asked, answer) {
    // http.sanitizePath, which is on by default, of what is decoded but for %2F.
    const [path, query] = split(asked.url);
    const clean = posix.normalize(decodeURI(path));
    const route = routes.find(({ rule }) => matches(rule, clean));
    if (!route) return answer.writeHead(404).end();
    const headers = pairs(asked.rawHeaders);
    const cookies = [];
    for (const name of route.middlewares ?? []) {
      const own = middlewares[name].forwardAuth;
      const said = await ask(own, asked, headers);
      if (said.statusCode < 200 || said.statusCode >= 300) {
        const copies = pairs(said.rawHeaders).filter(([header]) => !HOP.includes(header.toLowerCase()));
        return answer.writeHead(said.statusCode, copies.flat()).end(said.body);
      }
      obey(own, headers, pairs(said.rawHeaders), cookies);
    }
    const [target] = services[route.service].loadBalancer.servers;
    const passed = await send(target.url, { method: asked.method, path: clean + query, headers: headers.flat() }, asked);
    const kept = pairs(passed.rawHeaders).filter(([header]) => header.toLowerCase() !== 'transfer-encoding');
    return answer.writeHead(passed.statusCode, [...kept, ...cookies.map((cookie) => ['Set-Cookie', cookie])].flat()).end(passed.body);
  }
  return { stop: () => new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); }) };
}

function split(target) {
  const at = target.indexOf('?');
  return at < 0 ? [target, ''] : [target.slice(0, at), target.slice(at)];
}

function pairs(raw) {
  return raw.flatMap((name, at) => (at % 2 ? [] : [[name, raw[at + 1]]]));
}

function matches(rule, path) {
  return rule.split(' && ').every((part) => {
    const [, not, kind, wanted] = part.match(/^(!?)(Path|PathPrefix)\(`([^`]+)`\)$/);
    return (kind === 'Path' ? path === wanted : path.startsWith(wanted)) !== (not === '!');
  });
}

/** A new request, always a GET, with the headers that came, less what belongs to the connection and what was forwarded. */
function ask({ address, trustForwardHeader, authRequestHeaders }, asked, headers) {
  if (trustForwardHeader !== false || authRequestHeaders) throw new Error('this stand-in knows one way to ask');
  const listed = (asked.headers.connection ?? '').toLowerCase().split(',').map((name) => name.trim());
  const goes = ([name]) => {
    const lower = name.toLowerCase();
    return ![...HOP, ...listed, 'host', 'content-length'].includes(lower) && !FORWARDED.some((own) => lower === `x-forwarded-${own}`);
  };
  const { host, pathname, search } = new URL(address);
  const told = [
    ['X-Forwarded-For', '127.0.0.1'], ['X-Forwarded-Method', asked.method], ['X-Forwarded-Proto', 'http'],
    ['X-Forwarded-Port', '80'], ['X-Forwarded-Host', asked.headers.host], ['X-Forwarded-Uri', asked.url],
  ];
  const all = [['Host', host], ...headers.filter(goes), ...told];
  return send(address, { method: 'GET', path: pathname + search, headers: all.flat() });
}

/** What passes: headers that match lose what came and get what was answered, and of cookies those that are named. */
function obey({ authResponseHeadersRegex, addAuthCookiesToResponse }, headers, said, cookies) {
  const is = new RegExp(authResponseHeadersRegex.replace('(?i)', ''), 'i');
  const kept = headers.filter(([name]) => !is.test(name));
  headers.splice(0, headers.length, ...kept, ...said.filter(([name]) => is.test(name)));
  const due = said.filter(([name, value]) => name.toLowerCase() === 'set-cookie' && addAuthCookiesToResponse.includes(value.split('=')[0]));
  cookies.push(...due.map(([, value]) => value));
}

function send(address, options, body) {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(address);
    const asking = request({ hostname, port, agent: false, setHost: false, ...options }, (answer) => {
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk)).on('error', reject);
      answer.on('end', () => resolve(Object.assign(answer, { body: Buffer.concat(chunks) })));
    }).on('error', reject);
    if (body) body.pipe(asking);
    else asking.end();
  });
}
