// Owns one real redis-server, empty, on a free port of loopback. Does not know what is kept in it.

import { connect } from 'node:net';
import { join } from 'node:path';
import { freePort, runAsProgram, start } from '../process.mjs';
import { ARTEFACTS } from '../where.mjs';

/** Starts it; answers `{ url, port, keys, stop }`, where `keys()` counts what it holds. */
export async function startRedis() {
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no',
    '--maxmemory-policy', 'noeviction'];
  const server = await start('redis-server', 'redis-server', args, {
    log: join(ARTEFACTS, 'logs', `redis-${port}.log`), ready: async () => (await ask(port, 'PING')) === '+PONG', seconds: 10,
  });
  const keys = async () => Number((await ask(port, 'DBSIZE')).slice(1));
  return { url: `redis://127.0.0.1:${port}`, port, keys, stop: server.stop };
}

/** One inline command and its one-line answer. */
function ask(port, command) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`${command}\r\n`)).once('error', reject);
    socket.once('data', (answer) => { socket.destroy(); resolve(answer.toString().trim()); });
  });
}

await runAsProgram(import.meta.url, startRedis);
