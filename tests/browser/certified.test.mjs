// The journeys at node oidc-provider, a certified OpenID provider.

import { startOidcProvider, startStrictOidcProvider } from '../parts/oidc-provider/start.mjs';
import { startWorld } from './gatelodge.mjs';
import { JOURNEYS, runJourneys } from './journeys.mjs';

runJourneys('oidc-provider, sessions in embedded', () => startWorld({ store: 'embedded', startProvider: startOidcProvider }));

// What the provider is asked, and by whom: a login, new tokens and userinfo, a logout that revokes.
const ASKED = [
  'a person logs in, reloads, and is still there',
  'new tokens and user info are fetched, and no token reaches the page',
  'a person logs out, and the old cookie is dead',
];

runJourneys(
  'oidc-provider, by private_key_jwt, pushed requests, signed userinfo and bound tokens',
  () => startWorld({ store: 'embedded', startProvider: startStrictOidcProvider }),
  Object.fromEntries(ASKED.map((name) => [name, JOURNEYS[name]])),
);
