// The journeys at node oidc-provider, a certified OpenID provider.

import { startOidcProvider } from '../parts/oidc-provider/start.mjs';
import { startWorld } from './gatelodge.mjs';
import { runJourneys } from './journeys.mjs';

runJourneys('oidc-provider, sessions in embedded', () => startWorld({ store: 'embedded', startProvider: startOidcProvider }));
