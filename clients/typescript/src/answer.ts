/**
 * Owns how an answer becomes an HTTP response: the authority's copied, or one of the edge's few own.
 *
 * Decides no status and writes no cookie. Does not know frameworks.
 */
import { GatelodgeError, InconclusiveError } from "./errors.js";
import type { HttpAnswer } from "./gen/gatelodge/v1/http_answer_pb.js";
import { logFailure, type Logger } from "./log.js";
import type { Active } from "./verdict.js";
import { isHeaderName, isHeaderValue } from "./settings.js";

/** A header line. */
export type Header = [name: string, value: string];

/** An answer, whole before any of it is sent: part of one may be a login without its cookie. */
export interface Answer {
  readonly status: number;
  /** Names are in lower case; `set-cookie` and `vary` may come several times. */
  readonly headers: Header[];
  readonly body: Uint8Array<ArrayBuffer>;
}

/** One request that is being answered: what each answer to it needs to know. */
export interface Asker {
  readonly requestId: string;
  readonly logger: Logger;
}

const CONNECTION_HEADERS: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
const ON_EVERY_ANSWER = [
  ["cache-control", "no-store"],
  ["x-content-type-options", "nosniff"],
  ["referrer-policy", "no-referrer"],
  ["content-security-policy", "frame-ancestors 'none'"],
] as const;

/** Copies a finished answer, or none of it. */
export function copy(asker: Asker, answer: HttpAnswer | undefined): Answer {
  const fault = answer ? faultOf(answer) : "there is none";
  if (!answer || fault) {
    const { logger, requestId } = asker;
    logger.error("the authority's answer can't be passed on", { requestId, fault });
    return unavailable(asker);
  }
  return finish(answer.status, headersOf(answer), Uint8Array.from(answer.body));
}

function headersOf(answer: HttpAnswer): [string, string][] {
  const headers: [string, string][] = answer.headers.map(({ name, value }) => [name.toLowerCase(), value]);
  headers.push(...answer.setCookies.map((cookie): [string, string] => ["set-cookie", cookie]));
  for (const [name, value] of [
    ["location", answer.location],
    ["content-type", answer.contentType],
  ] as const) {
    if (value) {
      headers.push([name, value]);
    }
  }
  return headers;
}

function faultOf(answer: HttpAnswer): string | undefined {
  if (answer.status < 200 || answer.status > 599) {
    return "its status is none of HTTP";
  }
  for (const [name, value] of headersOf(answer)) {
    if (!isHeaderName(name) || CONNECTION_HEADERS.has(name)) {
      return "a header's name is none, or one that belongs to the connection";
    }
    if (!isHeaderValue(value)) {
      return `a value is none of the header ${name}`;
    }
  }
  return undefined;
}

/** For a path that is none of ours, where no framework is left to answer it. */
export function unknownPath(): Answer {
  return { status: 404, headers: [], body: new Uint8Array() };
}

/** What an answer varies by, in one line, each name once: an outer guard may have said it, or the authority. */
export function varying(...lines: readonly string[]): string {
  const names = new Map<string, string>();
  for (const name of lines.flatMap((line) => line.split(",")).map((name) => name.trim())) {
    const known = name.toLowerCase();
    if (name !== "" && !names.has(known)) {
      names.set(known, name);
    }
  }
  return [...names.values()].join(", ");
}

/** Adds what belongs on every answer. */
export function finish(
  status: number,
  headers: [string, string][],
  body: Uint8Array<ArrayBuffer> = new Uint8Array(),
): Answer {
  for (const [name, value] of ON_EVERY_ANSWER) {
    if (!headers.some(([set]) => set === name)) {
      headers.push([name, value]);
    }
  }
  headers.push(["vary", "Cookie"]);
  return { status, headers, body };
}

/** An answer of JSON. */
export function json(status: number, body: object, headers: readonly [string, string][] = []): Answer {
  return finish(status, [["content-type", "application/json"], ...headers], Buffer.from(JSON.stringify(body)));
}

/** One of the edge's own error answers. */
export function problem(
  { requestId }: Asker,
  status: number,
  reason: string,
  detail: string,
  headers: readonly [string, string][] = [],
): Answer {
  return json(status, { detail, reason, request_id: requestId }, headers);
}

/** "Could not say": 503, with the browser's cookies left alone. */
export function unavailable(asker: Asker, retryAfterMs = 0): Answer {
  const detail = "The service can't check your session right now. Try again in a moment.";
  const wait = String(Math.max(1, Math.ceil(retryAfterMs / 1000)));
  return problem(asker, 503, "AUTHORITY_UNAVAILABLE", detail, [["retry-after", wait]]);
}

/** Says in the log why there was no answer, and answers as the authority wishes, or "could not say". */
export function failed(asker: Asker, failure: unknown): Answer {
  if (failure instanceof GatelodgeError && failure.answer) {
    const { logger, requestId } = asker;
    logger.debug("the authority answers for its provider's trouble", { requestId, error: failure.message });
    return copy(asker, failure.answer);
  }
  logFailure(asker.logger, failure, { requestId: asker.requestId });
  return unavailable(asker, failure instanceof GatelodgeError ? failure.retryAfterMs : 0);
}

/** For a route that needs a session which is not there. */
export function notSignedIn(asker: Asker, answer: HttpAnswer | undefined): Answer {
  return answer ? copy(asker, answer) : problem(asker, 401, "NOT_SIGNED_IN", "You are not signed in.");
}

/** For a session that may not make this request. */
export function forbidden(asker: Asker, answer: HttpAnswer | undefined): Answer {
  const detail = "This session may not make this request.";
  return answer ? copy(asker, answer) : problem(asker, 403, "FORBIDDEN", detail);
}

/** Throws where the authority's cookies and token can't be headers at all. */
export function checkDelivery({ setCookies, csrfToken }: Active): void {
  if (![...setCookies, csrfToken].every(isHeaderValue)) {
    throw new InconclusiveError("the authority's cookie or token is no header value");
  }
}
