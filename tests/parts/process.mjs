// Owns the life of a process that a test needs: a free port, a start that is waited for, an end by its id.
// Does not know what the process is.

import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';

const started = new Set();

// An exit that was not waited for must not leave a process behind.
process.on('exit', () => started.forEach((child) => signal(child, 'SIGKILL')));
for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => process.exit(1));

const PORTS = { first: 10_240, end: 32_000 };
let lastPort = randomInt(PORTS.first, PORTS.end);

/**
 * A port that nobody listens on. It is below what systems give to outgoing connections and to whoever listens on
 * port 0, and no other call gets it: nobody else comes to have it until the program that is told it listens there.
 */
export async function freePort() {
  for (let tried = PORTS.first; tried < PORTS.end; tried += 1) {
    lastPort = lastPort + 1 < PORTS.end ? lastPort + 1 : PORTS.first;
    if (await isFree(lastPort)) return lastPort;
  }
  throw new Error('no port is free');
}

function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(false));
    server.listen(port, () => server.close(() => resolve(true)));
  });
}

/**
 * Starts a process in a group of its own, its output going to `log`, and waits until `ready()` is true.
 * Fails with the end of the log when the process ends first, or when `seconds` have passed.
 * Answers `{ pid, stop }`; `stop` ends the whole group and waits for it.
 */
export async function start(name, command, args, { log, ready, seconds = 60, env = {}, cwd }) {
  mkdirSync(dirname(log), { recursive: true });
  const output = openSync(log, 'w');
  const child = spawn(command, args, {
    cwd, env: { ...process.env, ...env }, stdio: ['ignore', output, output], detached: true,
  });
  closeSync(output);
  let ended;
  const end = new Promise((resolve) => {
    child.once('error', (error) => resolve((ended = `could not be run: ${error.message}`)));
    child.once('exit', (code, by) => resolve((ended = `ended with ${code ?? by}`)));
  });
  started.add(child);
  end.then(() => started.delete(child));
  const stop = () => stopGroup(child, end);
  try {
    await until(`${name} is up`, async () => {
      if (ended) throw new Fatal(`${name} ${ended}`);
      return ready();
    }, seconds);
  } catch (error) {
    await stop();
    throw new Error(`${error.message}\n--- the end of ${log}\n${readFileSync(log, 'utf8').slice(-3000)}`);
  }
  return { pid: child.pid, stop };
}

/** Waits until `holds()` is true; its errors count as "not yet". */
export async function until(what, holds, seconds = 10, everyMs = 100) {
  const deadline = Date.now() + seconds * 1000;
  let last = '';
  while (Date.now() < deadline) {
    try {
      if (await holds()) return;
    } catch (error) {
      if (error instanceof Fatal) throw error;
      last = `: ${error.message}`;
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  throw new Error(`waited ${seconds} s in vain until ${what}${last}`);
}

/** True when an HTTP GET of `url` answers 200. */
export async function answers(url) {
  const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
  await response.arrayBuffer();
  return response.status === 200;
}

/** When `module` is the program being run: starts its part, prints it as one JSON line, ends it when told to. */
export async function runAsProgram(module, startPart) {
  if (!process.argv[1] || module !== pathToFileURL(process.argv[1]).href) return;
  const part = await startPart(...process.argv.slice(2));
  const { stop, ...facts } = part;
  console.log(JSON.stringify(facts));
  const finish = async () => { await stop(); process.exit(0); };
  for (const name of ['SIGINT', 'SIGTERM']) process.removeAllListeners(name).once(name, finish);
  setInterval(() => {}, 1 << 30);
}

class Fatal extends Error {}

async function stopGroup(child, end) {
  signal(child, 'SIGTERM');
  const hard = setTimeout(() => signal(child, 'SIGKILL'), 15_000);
  await end;
  clearTimeout(hard);
  // The leader may leave children behind; a group that is empty is no error.
  signal(child, 'SIGKILL');
}

function signal(child, name) {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, name);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}
