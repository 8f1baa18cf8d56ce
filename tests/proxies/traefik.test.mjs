// Traefik asks Gatelodge before it lets a request through to an application that knows nothing of sessions (ForwardAuth).
// Traefik itself is not to be had here: something that asks and obeys as it does stands in for it.

import { standsBefore } from './journeys.mjs';
import { startTraefik } from './traefik.mjs';

standsBefore({ name: 'Traefik', start: startTraefik, onlyCookies: true, withoutEdge: 500 });
