// Owns where things lie: what was downloaded, what was built, what a test leaves behind.
// Does not know what any of it is.

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = resolve(fileURLToPath(import.meta.url), '../../..');
export const CACHE = join(ROOT, 'tests', '.cache');
export const ARTEFACTS = join(ROOT, 'tests', 'artefacts');
export const TARGET = resolve(ROOT, process.env.CARGO_TARGET_DIR ?? 'target');

/** The path of something that `tests/run` builds or gets; a clear error when it is not there. */
export function need(path, what) {
  if (!existsSync(path)) throw new Error(`${what} is missing (${path}): tests/run gets it, "tests/run --list" says for which suite`);
  return path;
}
