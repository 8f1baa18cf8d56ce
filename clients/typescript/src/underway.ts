/**
 * Owns what an edge knows of Next's server beyond what Next shows: when it starts, and each request as it came. Answers
 * none.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe } from "node:diagnostics_channel";
import type { IncomingMessage, ServerResponse } from "node:http";
import { rawOf } from "./node.js";
import { pathAndQuery, type RawRequest } from "./presented.js";
import { ROUTES } from "./routes.js";

/** The methods that a route's file may have handlers for. */
export const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

const NAMED: ReadonlySet<string> = new Set(METHODS);

/** A request as it came, and Node's own response to it. */
interface UnderWay {
  readonly request: RawRequest;
  readonly response: ServerResponse;
}

/** What all copies of this module share: Next may load one for each bundle. */
interface Shared {
  /** The request that is under way, from {@link register} on. */
  underWay?: AsyncLocalStorage<UnderWay>;
  /** Begin the edges that were got ready before it. */
  readonly waiting: (() => void)[];
}

const KEY = Symbol.for("gatelodge.next");
const everywhere = globalThis as { [KEY]?: Shared | undefined };
const shared: Shared = everywhere[KEY] ?? { waiting: [] };
everywhere[KEY] = shared;

/**
 * For `instrumentation.ts`: begins every edge as the server starts, which else asks for its settings at its first request,
 * and then only tells of a key that is wrong. And it lets the edge see requests as they came, and answer them with all
 * lines. Next joins doubled lines, adds forwarded headers of its own, hides the peer's address, redirects a request line
 * that names a host (RFC 9112, 3.2.2) to that host, and shows no handler a method that it has no name for; without this,
 * the authority sees what Next shows.
 *
 * @throws OptionsError a setting is missing or can't be used: the server does not start.
 */
export function register(): void {
  if (process.env["NEXT_RUNTIME"] === "edge" || shared.underWay) {
    return;
  }
  const underWay = (shared.underWay = new AsyncLocalStorage());
  for (const begin of shared.waiting.splice(0)) {
    begin();
  }
  subscribe("http.server.request.start", (message) => {
    const { request, response } = message as { request: IncomingMessage; response: ServerResponse };
    underWay.enterWith({ request: rawOf(request), response }); // read now: Next will change its URL and headers
    request.url = pathAndQuery(request.url ?? "/");
    if (!NAMED.has(request.method ?? "") && isOurs(request.url)) {
      request.method = "OPTIONS"; // for Next alone, which then finds the edge's handler; it changes nothing elsewhere
    }
  });
}

/** Whether it may be a route of the edge, under whichever prefix. */
function isOurs(url: string): boolean {
  const [path = ""] = url.split("?");
  return ROUTES.some((route) => path.endsWith(route.path));
}

/** Calls back as the server starts, where {@link register} says so; never while `next build` looks at an application. */
export function onStart(begin: () => void): void {
  if (process.env["NEXT_PHASE"] === "phase-production-build") {
    return;
  }
  if (shared.underWay) {
    begin();
  } else {
    shared.waiting.push(begin);
  }
}

/** The request that is under way, where {@link register} has run. */
export function underWay(): UnderWay | undefined {
  return shared.underWay?.getStore();
}
