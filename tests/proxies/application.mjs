// Owns an application that knows nothing of sessions: it says what a proxy let through to it. Does not know the proxy.

import { createServer } from 'node:http';

/** Starts it; answers `{ port, requests, stop }`, with the requests that it saw, the latest last. */
export async function startApplication() {
  const requests = [];
  const server = createServer((request, response) => {
    // A browser asks for it when it likes.
    if (request.url === '/favicon.ico') return response.writeHead(404).end();
    const seen = { method: request.method, path: request.url, headers: request.headers };
    requests.push(seen);
    response.setHeader('content-type', 'text/html; charset=utf-8');
    return response.end(page(seen));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = () => new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); });
  return { port: server.address().port, requests, stop };
}

function page({ method, path, headers }) {
  const escape = (text) => String(text).replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
  const rows = Object.entries(headers).map(([name, value]) => `<tr><td>${escape(name)}<td id="${escape(name)}">${escape(value)}`);
  return `<!doctype html><title>The application</title><style>body { font: 16px sans-serif; margin: 2em } td { padding: .2em 1em }</style>
<h1>The application</h1><p>It was asked: <b>${escape(method)} ${escape(path)}</b></p><table>${rows.join('\n')}</table>`;
}
