// Envoy asks Gatelodge before it lets a request through to an application that knows nothing of sessions (ext_authz).

import { standsBefore } from './journeys.mjs';
import { startEnvoy } from './envoy.mjs';

standsBefore({ name: 'Envoy', start: startEnvoy, byHttp: false, upgrades: false });
