// Owns the admin's and the backend's own calls, made with grpcurl as a person would make them.
// Knows the contract's names; does not know how the authority was started.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CACHE, need } from '../parts/where.mjs';

/** The authority at `address`, asked with these keys. */
export function authorityAt({ address, adminKey, backendKey }) {
  const grpcurl = process.env.GRPCURL ?? need(join(CACHE, 'bin', 'grpcurl'), 'grpcurl');
  const call = async (key, method, request) => {
    const { stdout } = await promisify(execFile)(grpcurl, ['-plaintext', '-H', `authorization: Bearer ${key}`,
      '-d', JSON.stringify(request), address, `gatelodge.v1.${method}`], { timeout: 15_000 });
    return JSON.parse(stdout);
  };
  return {
    listSessions: (userId = '') => call(adminKey, 'AdminService/ListSessions', { user_id: userId }),
    revoke: (sessionId) => call(adminKey, 'AdminService/Revoke', { session_id: sessionId, reason: 'a browser journey' }),
    validate: ({ name, value }, requirements = {}) => call(backendKey, 'SessionService/ValidateSession', {
      cookies: [{ name, value: Buffer.from(value).toString('base64') }], requirements,
    }),
    refresh: ({ name, value }) => call(backendKey, 'SessionService/RefreshTokens', {
      cookies: [{ name, value: Buffer.from(value).toString('base64') }],
    }),
  };
}
