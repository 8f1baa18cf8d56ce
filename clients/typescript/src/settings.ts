/** Owns the edge settings, checked: what can't become a header is found here and not at a request. */
import type { Duration } from "@bufbuild/protobuf/wkt";
import { milliseconds } from "./duration.js";
import { InconclusiveError } from "./errors.js";
import type { CallbackAddress, EdgeSettings, GetEdgeSettingsResponse, RouteSet } from "./gen/gatelodge/v1/login_pb.js";

/** The settings of one tenant. */
export interface Settings {
  readonly version: string;
  /** Where the tenant is reached, in lower case, each perhaps with a port. */
  readonly hosts: ReadonlySet<string>;
  readonly askAgainAfterMs: number;
  /** Whether browsers reach the edge by https, as the configuration says; never what a request looked like. */
  readonly isHttps: boolean;
  readonly sessionCookies: ReadonlySet<string>;
  readonly bindingCookies: ReadonlySet<string>;
  /** In lower case. */
  readonly csrfHeader: string;
  /** Empty: none. */
  readonly placeHeader: string;
  readonly callbacks: readonly CallbackAddress[];
  readonly cors: Cors;
  readonly limits: Limits;
  readonly routeSets: readonly RouteSet[];
}

/** How to answer other origins, as header values. An empty one is not sent. */
export interface Cors {
  readonly allowedOrigins: readonly string[];
  readonly allowedMethods: string;
  readonly allowedHeaders: string;
  readonly exposedHeaders: string;
  readonly maxAge: string;
}

/** How much to pass on, in bytes; cookies are counted. 0 means: not cut. */
export interface Limits {
  readonly cookieBytes: number;
  readonly cookies: number;
  readonly headerBytes: number;
  readonly queryBytes: number;
  readonly bodyBytes: number;
}

/** How often to ask when the authority does not say. */
const ASK_AGAIN_AFTER_MS = 60_000;
/** However short the time to ask again is, an authority is not asked in a tight circle. */
export const SHORTEST_PAUSE_MS = 1000;
/** Longer ones are more than a timer can count. */
const LONGEST_PAUSE_MS = 24 * 3600 * 1000;

/** The settings of every tenant whose requests come to an edge. */
export class Tenants {
  /** Of requests for whose host there are no others, too. */
  readonly first: Settings;
  readonly all: readonly Settings[];

  /** Reads an answer, or throws and names the field that can't be used. */
  constructor({ settings, others }: GetEdgeSettingsResponse) {
    if (!settings) {
      throw new InconclusiveError("the authority's answer holds no settings");
    }
    this.first = readSettings(settings);
    this.all = [this.first, ...others.map(readSettings)];
  }

  /** The settings for requests with this Host: of the tenant that is reached there, else the first. */
  of(host: string): Settings {
    if (this.all.length === 1) {
      return this.first;
    }
    const wanted = host.toLowerCase();
    const at = (name: string): Settings | undefined => this.all.find(({ hosts }) => hosts.has(name));
    return at(wanted) ?? at(wanted.replace(/:[0-9]*$/, "")) ?? this.first;
  }
}

function readSettings(given: EdgeSettings): Settings {
  const { cors, limits } = given;
  const csrfHeader = given.csrfHeader.toLowerCase();
  const shared = {
    allowedMethods: (cors?.allowedMethods ?? []).join(", "),
    allowedHeaders: (cors?.allowedHeaders ?? []).join(", "),
    exposedHeaders: (cors?.exposedHeaders ?? []).join(", "),
  };
  check("session_cookie_names", given.sessionCookieNames.length > 0);
  check("csrf_header", isHeaderName(csrfHeader));
  const placeHeader = given.placeHeader.toLowerCase();
  check("place_header", placeHeader === "" || isHeaderName(placeHeader));
  check("cors", Object.values(shared).every(isHeaderValue));
  return {
    version: given.version,
    hosts: new Set(given.hosts.map((host) => host.toLowerCase())),
    askAgainAfterMs: pause(given.askAgainAfter),
    isHttps: given.publicBaseUrl.startsWith("https://"),
    sessionCookies: new Set(given.sessionCookieNames.map(asItComes)),
    bindingCookies: new Set(given.bindingCookieNames.map(asItComes)),
    csrfHeader,
    placeHeader,
    callbacks: given.callbackAddresses,
    cors: {
      ...shared,
      allowedOrigins: cors?.allowedOrigins ?? [],
      maxAge: cors?.maxAge ? String(cors.maxAge.seconds) : "",
    },
    limits: {
      cookieBytes: limits?.maxCookieBytes ?? 0,
      cookies: limits?.maxCookies ?? 0,
      headerBytes: limits?.maxHeaderBytes ?? 0,
      queryBytes: limits?.maxQueryBytes ?? 0,
      bodyBytes: limits?.maxBodyBytes ?? 0,
    },
    routeSets: given.routeSets,
  };
}

function check(field: string, isUsable: boolean): void {
  if (!isUsable) {
    throw new InconclusiveError(`the settings' field ${field} can't be used`);
  }
}

function pause(after: Duration | undefined): number {
  const ms = after ? milliseconds(after) : ASK_AGAIN_AFTER_MS;
  return Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, ms));
}

/** A name as it stands in a header line, whose bytes are read as Latin-1. */
function asItComes(name: string): string {
  return Buffer.from(name).toString("latin1");
}

/** Whether a text is a token (RFC 9110, 5.6.2). */
export function isHeaderName(text: string): boolean {
  return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(text);
}

/** Whether a text is printable ASCII, as the contract promises of header values. */
export function isHeaderValue(text: string): boolean {
  return /^[ -~]*$/.test(text);
}
