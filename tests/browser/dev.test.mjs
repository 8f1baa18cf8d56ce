// The journeys at the development provider, on each store.

import { AT_A_LIMIT } from './devices.mjs';
import { startWorld } from './gatelodge.mjs';
import { runJourneys } from './journeys.mjs';

const limit = { max: 2, on_exceed: 'ask' };

for (const store of ['embedded', 'redis']) {
  runJourneys(`the development provider, sessions in ${store}`, () => startWorld({ store }));
  runJourneys(`two sessions at most, in ${store}`, () => startWorld({ store, app: { sessions: { limit } } }), AT_A_LIMIT);
}
