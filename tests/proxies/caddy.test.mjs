// Caddy asks Gatelodge before it lets a request through to an application that knows nothing of sessions (forward_auth).

import { standsBefore } from './journeys.mjs';
import { startCaddy } from './caddy.mjs';

standsBefore({ name: 'Caddy', start: startCaddy });
