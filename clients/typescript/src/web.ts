/** Owns what requests and responses are in the Fetch standard. Used where Node's own request can't be had. */
import type { Admitted } from "./admitted.js";
import { varying, type Answer } from "./answer.js";
import { pathAndQuery, requestIdOf, type RawRequest } from "./presented.js";

/**
 * A request as the Fetch standard keeps it: doubled header lines are joined, and the peer is not known. That is as good
 * as it gets in tests and in runtimes that show no more.
 */
export function rawOfFetch(request: Request): RawRequest {
  const headers = [...request.headers].map(([name, value]): [string, string] => [name, value]);
  if (!request.headers.has("host") && URL.canParse(request.url)) {
    headers.push(["host", new URL(request.url).host]);
  }
  return {
    method: request.method,
    target: pathAndQuery(request.url.replace(/#.*$/s, "")),
    headers,
    peer: undefined,
    body: () => (request.bodyUsed ? undefined : (request.body ?? nothing())),
    requestId: requestIdOf(request.headers.get("x-request-id") ?? undefined),
  };
}

// eslint-disable-next-line @typescript-eslint/require-await -- an async iterable of nothing
async function* nothing(): AsyncIterable<Uint8Array> {
  yield* [];
}

/** An answer as a response. */
export function responseOf({ status, headers, body }: Answer, method: string): Response {
  const made = new Headers();
  for (const [name, value] of headers) {
    append(made, name, value);
  }
  const isBodiless = status === 204 || status === 205 || status === 304;
  if (!isBodiless) {
    made.set("content-length", String(body.length));
  }
  return new Response(isBodiless || method === "HEAD" ? null : body, { status, headers: made });
}

/** Adds to a response what belongs on it. */
export function deliver(headers: Headers, admitted: Admitted): void {
  append(headers, "vary", "Cookie");
  for (const [name, value] of admitted.headers) {
    headers[name === "set-cookie" ? "append" : "set"](name, value);
  }
}

function append(headers: Headers, name: string, value: string): void {
  if (name === "vary") {
    headers.set(name, varying(headers.get(name) ?? "", value));
  } else {
    headers.append(name, value);
  }
}
