// Owns an example of the Python client as its users run it: uvicorn on a port of this machine. Does not know what it does.

import { join } from 'node:path';
import { start } from '../parts/process.mjs';
import { ARTEFACTS, CACHE, ROOT, need } from '../parts/where.mjs';

export const EXAMPLES = join(ROOT, 'clients', 'python', 'examples');

/** Starts `main:app` of an example at `localhost:port`; `env` are its settings. It is up when `path` is answered. */
export async function startExample(name, { port, env, path = '/openapi.json' }) {
  const python = need(process.env.PYTHON_FOR_SYSTEMS ?? join(CACHE, 'python-client', 'bin', 'python'), "the client's Python");
  const args = ['-m', 'uvicorn', 'main:app', '--host', '127.0.0.1', '--port', String(port), '--no-proxy-headers'];
  return start(`the example ${name}`, python, args, {
    cwd: join(EXAMPLES, name), env: { PYTHONDONTWRITEBYTECODE: '1', ...env },
    log: join(ARTEFACTS, 'logs', `example-${name}-${port}.log`),
    ready: async () => (await fetch(`http://localhost:${port}${path}`)).ok, seconds: 30,
  });
}
