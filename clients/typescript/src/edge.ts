/** Owns the edge: the routes that log people in and out, and the gate for the application's own. Decides nothing. */
import { failed, problem, unavailable, type Answer, type Asker } from "./answer.js";
import { Client } from "./client.js";
import { preflight, shared } from "./cors.js";
import { OptionsError } from "./errors.js";
import { Gate } from "./gate.js";
import { RouteSet } from "./gen/gatelodge/v1/login_pb.js";
import type { ClientOptions } from "./options.js";
import { path, type RawRequest } from "./presented.js";
import { CALLBACK_PATH, ROUTES, type Route } from "./routes.js";
import type { Settings } from "./settings.js";

/** Where an edge's routes are, which, and how it asks. All else comes from the authority. */
export interface EdgeOptions {
  /** What stands before the paths of the contract, such as `/app`. It has to be the authority's. Default: nothing. */
  readonly mountPrefix?: string | undefined;
  /** Which routes to mount. A mounted set answers once the authority says that it is on. Default: `["web"]`. */
  readonly routeSets?: readonly "web"[] | undefined;
  /** How to reach the authority, or a client. Default: what the environment says. */
  readonly client?: Client | ClientOptions | undefined;
}

/**
 * The routes of the contract, under a mount prefix:
 *
 *     GET /auth/web/login   GET /auth/web/callback   GET /auth/me   POST /auth/web/logout   GET /auth/web/logged-out
 *     POST /auth/web/refresh   GET or POST /auth/web/userinfo   POST /auth/web/callback
 *     GET /auth/web/sessions   POST /auth/web/sessions/revoke
 *     POST /auth/web/backchannel-logout   GET /auth/web/frontchannel-logout
 *
 * It begins at once to ask the authority for its settings; until they have come, the routes answer 503.
 *
 * @throws OptionsError a setting is missing or can't be used.
 */
export class Edge {
  readonly client: Client;
  /** Sessions on the application's own routes. */
  readonly gate: Gate;
  readonly mountPrefix: string;
  readonly #routes: ReadonlyMap<string, Route>;

  constructor({ mountPrefix = "", routeSets = ["web"], client = {} }: EdgeOptions = {}) {
    if (!isMountPrefix(mountPrefix)) {
      const problem = `is ${JSON.stringify(mountPrefix)}: expected nothing, or a path like /app without a slash at its end`;
      throw new OptionsError("mountPrefix", problem);
    }
    this.mountPrefix = mountPrefix;
    this.client = client instanceof Client ? client : new Client(client);
    const mounted = ROUTES.filter(({ routeSet }) => routeSet === RouteSet.WEB && routeSets.includes("web"));
    this.#routes = new Map(mounted.map((route) => [mountPrefix + route.path, route]));
    this.gate = new Gate(this.client, (settings) => {
      this.#checkCallbacks(settings);
    });
    this.gate.keeper.start();
  }

  /** Waits for the authority's settings: from then on requests are answered. */
  async ready({ signal = AbortSignal.timeout(10_000) }: { signal?: AbortSignal } = {}): Promise<void> {
    await this.gate.keeper.ready(signal);
  }

  /** Answers a request of a route; nothing where it is to be as an unknown path. */
  answer(request: RawRequest): Promise<Answer> | undefined {
    const route = this.#routes.get(path(request));
    if (!route) {
      return undefined;
    }
    const settings = this.gate.settings(request);
    const asker: Asker = { requestId: request.requestId, logger: this.client.logger };
    if (!settings) {
      return Promise.resolve(unavailable(asker));
    }
    return settings.routeSets.includes(route.routeSet) ? this.#answer(route, request, settings, asker) : undefined;
  }

  /** Ends the client, and all that runs for it. */
  close(): void {
    this.client.close();
  }

  async #answer(route: Route, request: RawRequest, settings: Settings, asker: Asker): Promise<Answer> {
    return shared(request, settings, await this.#unshared(route, request, settings, asker));
  }

  async #unshared(route: Route, request: RawRequest, settings: Settings, asker: Asker): Promise<Answer> {
    const allow = [...route.methods, "OPTIONS"].join(", ");
    if (request.method === "OPTIONS") {
      return preflight(request, settings.cors, allow);
    }
    if (!route.methods.includes(request.method)) {
      const detail = "This address does not take this method.";
      return problem(asker, 405, "METHOD_NOT_ALLOWED", detail, [["allow", allow]]);
    }
    try {
      return await route.pass({ gate: this.gate, settings, request, asker });
    } catch (failure) {
      return failed(asker, failure);
    }
  }

  /** A browser that comes back from a provider to a path that is not ours ends in an unknown page: say so at start. */
  #checkCallbacks({ callbacks }: Settings): void {
    const ours = this.mountPrefix + CALLBACK_PATH;
    const urls = callbacks.filter(({ routeSet }) => routeSet === RouteSet.WEB).map(({ url }) => url);
    const isOurs = (url: string): boolean => URL.canParse(url) && new URL(url).pathname === ours;
    if (this.#routes.has(ours) && urls.length > 0 && !urls.some(isOurs)) {
      this.client.logger.error(
        "providers send browsers back to another path than this edge's callback: logins will fail. " +
          "Give this edge and the authority the same mount prefix",
        { ours, configured: urls[0] },
      );
    }
  }
}

function isMountPrefix(prefix: string): boolean {
  return /^(\/(?!\.{1,2}(\/|$))[A-Za-z0-9._~-]+)*$/.test(prefix);
}
