// The journeys against a set-up that runs already: BASE_URL and PROVIDER (dev), and for the admin's and backend's
// calls AUTHORITY, ADMIN_KEY and BACKEND_KEY, as `gatelodge dev` prints them.
//
//   BASE_URL=http://localhost:8000 AUTHORITY=127.0.0.1:50051 ADMIN_KEY=... BACKEND_KEY=... node --test given.test.mjs

import { authorityAt } from './authority.mjs';
import { runJourneys } from './journeys.mjs';

const { BASE_URL, PROVIDER = 'dev', AUTHORITY = '127.0.0.1:50051', ADMIN_KEY, BACKEND_KEY } = process.env;
if (!BASE_URL) throw new Error('BASE_URL is not set: where is the demo page?');

runJourneys(`${PROVIDER} at ${BASE_URL}`, () => ({
  name: `given ${PROVIDER}`,
  baseUrl: BASE_URL,
  provider: PROVIDER,
  authority: authorityAt({ address: AUTHORITY, adminKey: ADMIN_KEY, backendKey: BACKEND_KEY }),
}));
