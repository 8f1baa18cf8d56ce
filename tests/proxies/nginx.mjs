// Owns a real nginx with the configuration that people copy. Does not know what is asked of it.

import { join } from 'node:path';
import { start } from '../parts/process.mjs';
import { ARTEFACTS, need } from '../parts/where.mjs';
import { copied, laidOut, listens } from './copied.mjs';

const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

/** Starts it before these; answers `{ stop }`. */
export async function startNginx({ port, edge, application }) {
  const text = copied('nginx.conf', [
    ['listen 0.0.0.0:8080', `listen 127.0.0.1:${port}`],
    ['server 127.0.0.1:8000', `server 127.0.0.1:${edge}`], ['server 127.0.0.1:3000', `server 127.0.0.1:${application}`],
    // A folder of the test's own in place of the system's.
    ['http {', `http { access_log off; ${TEMPORARY.map((what) => `${what}_temp_path ${what};`).join(' ')}`],
  ]);
  const { folder, file, remove } = laidOut('nginx.conf', text);
  const program = need(process.env.NGINX ?? '/usr/sbin/nginx', 'nginx');
  const log = join(ARTEFACTS, 'logs', 'nginx.log');
  const args = ['-p', `${folder}/`, '-c', file, '-e', 'stderr', '-g', 'daemon off; pid nginx.pid; error_log stderr warn;'];
  const running = await start('nginx', program, args, { log, ready: listens(port) });
  return { stop: async () => { await running.stop(); remove(); } };
}
