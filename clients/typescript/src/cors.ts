/**
 * Owns how the edge's routes answer requests from other origins (Fetch, "CORS protocol").
 *
 * Goes by the settings alone, and guards nothing: what an origin may do is the authority's to judge.
 */
import { finish, type Answer } from "./answer.js";
import { isPreflight, lines, type RawRequest } from "./presented.js";
import type { Cors, Settings } from "./settings.js";

/** The answer to OPTIONS; what a preflight may know is added for an allowed origin alone. */
export function preflight(request: RawRequest, cors: Cors, allow?: string): Answer {
  const headers: [string, string][] = allow === undefined ? [] : [["allow", allow]];
  if (allowedOrigin(request, cors) !== undefined && isPreflight(request)) {
    headers.push(
      ...given([
        ["access-control-allow-methods", cors.allowedMethods],
        ["access-control-allow-headers", cors.allowedHeaders],
        ["access-control-max-age", cors.maxAge],
      ]),
    );
  }
  return finish(204, headers);
}

/** An answer with what the settings say of every answer of the edge's own. */
export function shared(request: RawRequest, { isHttps, cors }: Settings, answer: Answer): Answer {
  if (isHttps) {
    answer.headers.push(["strict-transport-security", "max-age=31536000"]); // security.md 66
  }
  answer.headers.push(...sharing(request, cors));
  return answer;
}

/** What lets an allowed origin read an answer. Caches have to know that others may not. */
function sharing(request: RawRequest, cors: Cors): [string, string][] {
  const origin = allowedOrigin(request, cors);
  return origin === undefined
    ? [["vary", "Origin"]]
    : given([
        ["vary", "Origin"],
        ["access-control-allow-origin", origin],
        ["access-control-allow-credentials", "true"],
        ["access-control-expose-headers", cors.exposedHeaders],
      ]);
}

/** The request's origin, if it came once and equals an allowed one byte for byte (security.md 72). */
function allowedOrigin(request: RawRequest, { allowedOrigins }: Cors): string | undefined {
  const [origin, ...others] = lines(request, "origin");
  return origin !== undefined && others.length === 0 && allowedOrigins.includes(origin) ? origin : undefined;
}

function given(headers: [string, string][]): [string, string][] {
  return headers.filter(([, value]) => value !== "");
}
