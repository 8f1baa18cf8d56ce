// Owns a real Envoy with the configuration that people copy. Does not know what is asked of it.

import { join } from 'node:path';
import { start } from '../parts/process.mjs';
import { ARTEFACTS, CACHE, need } from '../parts/where.mjs';
import { copied, laidOut, listens } from './copied.mjs';

/** Starts it before these; answers `{ stop }`. */
export async function startEnvoy({ port, authority, edge, application, edgeKey }) {
  const text = copied('envoy.yaml', [
    ['0.0.0.0, port_value: 8080', `127.0.0.1, port_value: ${port}`],
    ['port_value: 50051', `port_value: ${authority}`], ['port_value: 8000', `port_value: ${edge}`],
    ['port_value: 3000', `port_value: ${application}`],
  ]);
  const { file, remove } = laidOut('envoy.yaml', text);
  const program = need(process.env.ENVOY ?? join(CACHE, 'bin', 'envoy'), 'Envoy');
  const log = join(ARTEFACTS, 'logs', 'envoy.log');
  // One process beside others of its kind: it shares no memory with them.
  const args = ['--config-path', file, '--disable-hot-restart', '--concurrency', '1', '--log-level', 'warning'];
  const running = await start('Envoy', program, args, { log, ready: listens(port), env: { GATELODGE_API_KEY: edgeKey } });
  return { stop: async () => { await running.stop(); remove(); } };
}
