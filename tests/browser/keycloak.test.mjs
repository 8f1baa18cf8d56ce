// The journeys at a real Keycloak.

import { startKeycloak } from '../parts/keycloak/start.mjs';
import { startWorld } from './gatelodge.mjs';
import { runJourneys } from './journeys.mjs';

runJourneys('Keycloak, sessions in redis', () => startWorld({ store: 'redis', startProvider: startKeycloak }));
