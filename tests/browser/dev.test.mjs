// The journeys at the development provider, on each store.

import { startWorld } from './gatelodge.mjs';
import { runJourneys } from './journeys.mjs';

for (const store of ['embedded', 'redis']) {
  runJourneys(`the development provider, sessions in ${store}`, () => startWorld({ store }));
}
