// Owns a real Caddy with the configuration that people copy. Does not know what is asked of it.

import { join } from 'node:path';
import { start } from '../parts/process.mjs';
import { ARTEFACTS, CACHE, need } from '../parts/where.mjs';
import { copied, laidOut, listens } from './copied.mjs';

/** Starts it before these; answers `{ stop }`. */
export async function startCaddy({ port, edge, application }) {
  const text = copied('Caddyfile', [['\n:8080 {', `\nhttp://localhost:${port} {\n\tbind 127.0.0.1`]]);
  // Nothing of the machine's: no port for its admin, no certificate.
  const { folder, file, remove } = laidOut('Caddyfile', `{\n\tadmin off\n\tauto_https off\n}\n${text}`);
  const program = need(process.env.CADDY ?? join(CACHE, 'bin', 'caddy'), 'Caddy');
  const log = join(ARTEFACTS, 'logs', 'caddy.log');
  const env = {
    GATELODGE_EDGE: `127.0.0.1:${edge}`, APPLICATION: `127.0.0.1:${application}`,
    HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder,
  };
  const args = ['run', '--config', file, '--adapter', 'caddyfile'];
  const running = await start('Caddy', program, args, { log, ready: listens(port), cwd: folder, env });
  return { stop: async () => { await running.stop(); remove(); } };
}
