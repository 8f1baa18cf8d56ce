/**
 * Owns how an HTTP request becomes what the authority is asked about: bytes as they came, cut where the settings say.
 *
 * Judges none of it, and does not know which framework the request came through. Texts are Latin-1, as Node reads them:
 * each character is a byte.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { randomUUID } from "node:crypto";
import { isIP } from "node:net";
import type { CookieSchema, RequestContextSchema } from "./gen/gatelodge/v1/presented_pb.js";
import type { Settings } from "./settings.js";

type Cookie = MessageInitShape<typeof CookieSchema>;
type Context = MessageInitShape<typeof RequestContextSchema>;

/** An HTTP request as it came: nothing decoded, nothing trimmed, doubled header lines apart. */
export interface RawRequest {
  readonly method: string;
  /** Path and query, as in the request line. */
  readonly target: string;
  /** Every header line; names are in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The address of the TCP peer. */
  readonly peer: string | undefined;
  /** The body as it comes, which is read by the routes that take one; absent where somebody else has read it already. */
  readonly body: () => AsyncIterable<Uint8Array> | undefined;
  readonly requestId: string;
}

const MOST_LINES = 64;
const SINGLE_HEADERS = {
  host: "host",
  userAgent: "user-agent",
  acceptLanguage: "accept-language",
  accept: "accept",
  contentType: "content-type",
  upgrade: "upgrade",
  origin: "origin",
  secFetchSite: "sec-fetch-site",
  secFetchMode: "sec-fetch-mode",
  secFetchDest: "sec-fetch-dest",
  xRequestedWith: "x-requested-with",
  xTenantId: "x-tenant-id",
} as const;

type SingleField = keyof typeof SINGLE_HEADERS | "csrfToken" | "place";
const FIELDS = new WeakMap<Settings, ReadonlyMap<string, readonly SingleField[]>>();

/** Every value that came under a header's name, in order. */
export function lines(request: RawRequest, name: string): string[] {
  return request.headers.filter(([key]) => key === name).map(([, value]) => value);
}

/** The Host of a request, as it came; empty for none. */
export function hostOf(request: RawRequest): string {
  return lines(request, "host").join(", ");
}

/** Path and query of a request line's target, which may be a whole URL (RFC 9112, 3.2.2). */
export function pathAndQuery(target: string): string {
  const absolute = /^[a-z][a-z0-9+.-]*:\/\/[^/?]*(.*)$/i.exec(target);
  return absolute ? (absolute[1] ?? "").replace(/^(?!\/)/, "/") : target;
}

/** The path of a request: what comes before its query. */
export function path({ target }: RawRequest): string {
  const at = target.indexOf("?");
  return at < 0 ? target : target.slice(0, at);
}

/** Whether a browser asks on behalf of a page of another origin (Fetch, "CORS protocol"). */
export function isPreflight(request: RawRequest): boolean {
  const came = (name: string): boolean => lines(request, name).length > 0;
  return request.method === "OPTIONS" && came("origin") && came("access-control-request-method");
}

/** Every cookie that came under a session cookie name. */
export function sessionCookies(request: RawRequest, settings: Settings): Cookie[] {
  return cookiesNamed(request, settings.sessionCookies, settings);
}

/** Every cookie that came under a session or binding cookie name. */
export function loginCookies(request: RawRequest, settings: Settings): Cookie[] {
  return [...sessionCookies(request, settings), ...cookiesNamed(request, settings.bindingCookies, settings)];
}

/** Cuts each Cookie header at ";" and each pair at its first "=", and reads no further (RFC 6265, 5.4). */
function cookiesNamed(request: RawRequest, names: ReadonlySet<string>, { limits }: Settings): Cookie[] {
  const cookies: Cookie[] = [];
  for (const line of lines(request, "cookie")) {
    for (const untrimmed of line.split(";")) {
      const pair = trimmed(untrimmed);
      const at = pair.indexOf("=");
      if (at < 0 || !names.has(pair.slice(0, at))) {
        continue;
      }
      if (limits.cookies > 0 && cookies.length === limits.cookies) {
        return cookies;
      }
      const name = Buffer.from(pair.slice(0, at), "latin1").toString();
      cookies.push({ name, value: cutPast(pair.slice(at + 1), limits.cookieBytes) });
    }
  }
  return cookies;
}

/** What follows the first "?" of the request line. */
export function query({ target }: RawRequest, { limits }: Settings): Uint8Array<ArrayBuffer> {
  const at = target.indexOf("?");
  return cutPast(at < 0 ? "" : target.slice(at + 1), limits.queryBytes);
}

/** What the authority has to know of a request beside its cookies. */
export function contextOf(request: RawRequest, settings: Settings): Context {
  const longest = settings.limits.headerBytes;
  const fields = fieldsOf(settings);
  const came = new Map<SingleField, string>();
  for (const [name, value] of request.headers) {
    for (const field of fields.get(name) ?? []) {
      const earlier = came.get(field);
      came.set(field, earlier === undefined ? value : `${earlier}, ${value}`);
    }
  }
  const context: Context = {
    method: cut(request.method, longest),
    target: cut(request.target, longest),
    xForwardedFor: end(lines(request, "x-forwarded-for"), longest),
    forwarded: end(lines(request, "forwarded"), longest),
  };
  for (const [field, value] of came) {
    context[field] = cut(value, longest);
  }
  const peer = addressOf(request.peer);
  if (peer !== undefined) {
    context.peerAddress = bytes(peer);
  }
  return context;
}

/** The fields of a context that each header goes into. */
function fieldsOf(settings: Settings): ReadonlyMap<string, readonly SingleField[]> {
  let fields = FIELDS.get(settings);
  if (!fields) {
    const named = { ...SINGLE_HEADERS, csrfToken: settings.csrfHeader, place: settings.placeHeader };
    const made = new Map<string, SingleField[]>();
    for (const [field, name] of Object.entries(named)) {
      made.set(name, [...(made.get(name) ?? []), field as SingleField]);
    }
    FIELDS.set(settings, (fields = made));
  }
  return fields;
}

/** The end of a header that proxies append to: of the last lines one byte more than the authority reads. */
function end(values: readonly string[], longest: number): Uint8Array<ArrayBuffer>[] {
  let room = longest > 0 ? longest + 1 : Infinity;
  const kept: Uint8Array<ArrayBuffer>[] = [];
  for (const value of values.slice(-MOST_LINES).reverse()) {
    if (room <= 0) {
      break;
    }
    kept.push(bytes(value.slice(-room)));
    room -= value.length;
  }
  return kept.reverse();
}

/** The peer's address in its usual form; nothing for what is none, such as a Unix socket's peer. */
function addressOf(peer: string | undefined): string | undefined {
  const address = (peer ?? "").replace(/%.*$/, "").replace(/^::ffff:(?=[0-9]+\.)/i, "");
  return isIP(address) ? address : undefined;
}

/** What joins a browser's answer with the authority's log: the id that came if it is plain, else a new one. */
export function requestIdOf(came: string | undefined): string {
  return came !== undefined && isRequestId(came) ? came : randomUUID();
}

/** Whether a text can be a request id. */
export function isRequestId(id: string): boolean {
  return /^[A-Za-z0-9_.-]{1,64}$/.test(id);
}

/** Without the spaces and tabs around it. */
export function trimmed(text: string): string {
  const isBlank = (at: number): boolean => text[at] === " " || text[at] === "\t";
  let [begin, end] = [0, text.length];
  while (begin < end && isBlank(begin)) {
    begin += 1;
  }
  while (end > begin && isBlank(end - 1)) {
    end -= 1;
  }
  return text.slice(begin, end);
}

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return Buffer.from(text, "latin1");
}

function cut(text: string, longest: number): Uint8Array<ArrayBuffer> {
  return bytes(longest > 0 ? text.slice(0, longest) : text);
}

/** Cuts to one byte more than the limit, so that the authority sees that it is too long. */
function cutPast(text: string, limit: number): Uint8Array<ArrayBuffer> {
  return bytes(limit > 0 ? text.slice(0, limit + 1) : text);
}
