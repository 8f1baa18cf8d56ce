// Owns a real Envoy with the configuration that people copy, its addresses changed and nothing else. Does not know what is
// asked of it.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { start } from '../parts/process.mjs';
import { ARTEFACTS, CACHE, ROOT, need } from '../parts/where.mjs';

/** Starts it before these; answers `{ stop }`. */
export async function startEnvoy({ port, authority, edge, application, edgeKey, change = (text) => text }) {
  const copied = readFileSync(join(ROOT, 'config', 'proxies', 'envoy.yaml'), 'utf8');
  const placed = [['0.0.0.0, port_value: 8080', `127.0.0.1, port_value: ${port}`], ['50051', authority], ['8000', edge], ['3000', application]]
    .reduce((text, [from, to]) => {
      if (text.split(from).length !== 2) throw new Error(`config/proxies/envoy.yaml has "${from}" not just once`);
      return text.replace(from, to);
    }, copied);
  const folder = mkdtempSync(join(tmpdir(), 'envoy-'));
  const file = join(folder, 'envoy.yaml');
  writeFileSync(file, change(placed));
  const program = need(process.env.ENVOY ?? join(CACHE, 'bin', 'envoy'), 'Envoy');
  const log = join(ARTEFACTS, 'logs', 'envoy.log');
  // One process beside others of its kind: it shares no memory with them.
  const args = ['--config-path', file, '--disable-hot-restart', '--concurrency', '1', '--log-level', 'warning'];
  const listens = () => fetch(`http://127.0.0.1:${port}/`, { redirect: 'manual' }).then(() => true, () => false);
  const running = await start('Envoy', program, args, { log, ready: listens, env: { GATELODGE_API_KEY: edgeKey } });
  return { stop: async () => { await running.stop(); rmSync(folder, { recursive: true, force: true }); } };
}
