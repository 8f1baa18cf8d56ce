// Owns the configuration that people copy, its addresses changed and nothing else. Does not know what runs it.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../parts/where.mjs';

/** The text of config/proxies/`name` with each of these changes, what is changed being there just once. */
export function copied(name, changes) {
  const text = readFileSync(join(ROOT, 'config', 'proxies', name), 'utf8');
  return changes.reduce((changed, [from, to]) => {
    if (changed.split(from).length !== 2) throw new Error(`config/proxies/${name} has "${from}" not just once`);
    return changed.replace(from, () => to);
  }, text);
}

/** A folder with that file alone; answers `{ folder, file, remove }`. */
export function laidOut(name, text) {
  const folder = mkdtempSync(join(tmpdir(), 'gatelodge-proxy-'));
  const file = join(folder, name);
  writeFileSync(file, text);
  return { folder, file, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Whether anything answers at this port, whatever it says. */
export const listens = (port) => () => fetch(`http://127.0.0.1:${port}/public/`, { redirect: 'manual' }).then(() => true, () => false);
