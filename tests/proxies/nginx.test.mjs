// nginx asks Gatelodge before it lets a request through to an application that knows nothing of sessions (auth_request).

import { standsBefore } from './journeys.mjs';
import { startNginx } from './nginx.mjs';

standsBefore({ name: 'nginx', start: startNginx, removes: false });
