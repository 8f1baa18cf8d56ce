// Owns one real redis-server, empty, on a free port of loopback. Does not know what is kept in it.

import { connect } from 'node:net';
import { join } from 'node:path';
import { freePort, runAsProgram, start } from '../process.mjs';
import { ARTEFACTS } from '../where.mjs';

/** Starts it; answers `{ url, port, stop }`. */
export async function startRedis() {
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no',
    '--maxmemory-policy', 'noeviction'];
  const server = await start('redis-server', 'redis-server', args, {
    log: join(ARTEFACTS, 'logs', `redis-${port}.log`), ready: () => pong(port), seconds: 10,
  });
  return { url: `redis://127.0.0.1:${port}`, port, stop: server.stop };
}

function pong(port) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n')).once('error', reject);
    socket.once('data', (answer) => { socket.destroy(); resolve(answer.toString().startsWith('+PONG')); });
  });
}

await runAsProgram(import.meta.url, startRedis);
