/** Owns what requests and responses are in Node's own HTTP server, which most frameworks stand on. */
import type { IncomingMessage, OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { admit, type Admitted } from "./admitted.js";
import { varying, type Answer } from "./answer.js";
import type { Gate, Rule } from "./gate.js";
import { pathAndQuery, requestIdOf, type RawRequest } from "./presented.js";

const RAW = new WeakMap<IncomingMessage, RawRequest>();

/** A request as it came over the wire: `rawHeaders`, since Node joins and drops doubled lines in `headers`. */
export function rawOf(incoming: IncomingMessage): RawRequest {
  let raw = RAW.get(incoming);
  if (!raw) {
    raw = read(incoming);
    RAW.set(incoming, raw);
  }
  return raw;
}

function read(incoming: IncomingMessage): RawRequest {
  const headers: [string, string][] = [];
  for (let at = 0; at + 1 < incoming.rawHeaders.length; at += 2) {
    const name = incoming.rawHeaders[at]?.toLowerCase() ?? "";
    headers.push([name === ":authority" ? "host" : name, incoming.rawHeaders[at + 1] ?? ""]);
  }
  // Routers that mount others under a path take that path out of `url`.
  const { originalUrl = incoming.url ?? "/" } = incoming as { originalUrl?: string };
  return {
    method: incoming.method ?? "GET",
    target: pathAndQuery(originalUrl),
    headers,
    peer: incoming.socket.remoteAddress,
    body: () =>
      // Whoever stops reading early does not end the connection: the answer has yet to go out.
      incoming.readableDidRead ? undefined : incoming.iterator({ destroyOnReturn: false }),
    requestId: requestIdOf(headers.find(([name]) => name === "x-request-id")?.[1]),
  };
}

/** Sends an answer over what others have set: their values stay only where several may stand. */
export function send(response: ServerResponse, { status, headers, body }: Answer): void {
  if (response.headersSent) {
    return;
  }
  for (const [name, values] of grouped(headers)) {
    put(response, name, values);
  }
  response.statusCode = status;
  const isBodiless = status === 204 || status === 304;
  if (!isBodiless) {
    response.setHeader("content-length", body.length);
  }
  response.end(isBodiless ? undefined : body); // Node leaves the body of an answer to HEAD out
}

/** The values of each name. */
export function grouped(headers: Answer["headers"]): Map<string, string[]> {
  const values = new Map<string, string[]>();
  for (const [name, value] of headers) {
    values.set(name, [...(values.get(name) ?? []), value]);
  }
  return values;
}

/**
 * Leaves in an answer what a Fetch response can say. Its headers join lines that came twice, so these go by Node's own
 * response.
 */
export function keepApart(response: ServerResponse, { headers, ...rest }: Answer): Answer {
  const doubled = new Map(
    [...grouped(headers)].filter(
      ([name, values]) => values.length > 1 && name !== "vary" && name !== "set-cookie", // which Fetch keeps apart
    ),
  );
  for (const [name, values] of doubled) {
    response.setHeader(name, values);
  }
  return { ...rest, headers: headers.filter(([name]) => !doubled.has(name)) };
}

function put(response: ServerResponse, name: string, values: readonly string[]): void {
  if (name === "vary") {
    response.setHeader(name, varying(...linesOf(response.getHeader(name)), ...values));
  } else if (name === "set-cookie") {
    response.setHeader(name, [...linesOf(response.getHeader(name)), ...values]);
  } else {
    response.setHeader(name, values.length === 1 ? (values[0] ?? "") : values);
  }
}

function linesOf(value: OutgoingHttpHeader | undefined): string[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [String(value)];
}

/** Asks a gate about a request. It either has its answer, or goes ahead, and its response will have what belongs on it. */
export async function guard(
  gate: Gate,
  rule: Rule,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<Answer | undefined> {
  const outcome = await admit(gate, rule, rawOf(incoming), incoming);
  if ("answer" in outcome) {
    return outcome.answer;
  }
  if (outcome.isOutermost && outcome.admitted.admission.checked) {
    deliver(response, outcome.admitted);
  }
  return undefined;
}

/** Adds to a response what belongs on it, when its head is written. */
function deliver(response: ServerResponse, admitted: Admitted): void {
  beforeHead(response, () => {
    putNow(response, admitted);
  });
}

/** Has the last word on a response's headers, when they are written with this status. */
export function beforeHead(response: ServerResponse, change: (status: number) => void): void {
  const writeHead = response.writeHead.bind(response);
  const changed = (status: number, ...rest: unknown[]): ServerResponse => {
    response.writeHead = writeHead;
    const message = typeof rest[0] === "string" ? rest[0] : undefined;
    adopt(response, rest[message === undefined ? 0 : 1]);
    change(status);
    return message === undefined ? writeHead(status) : writeHead(status, message);
  };
  response.writeHead = changed;
}

/** Adds to a response what belongs on it, now. */
export function putNow(response: ServerResponse, admitted: Admitted): void {
  for (const [name, value] of [["vary", "Cookie"] as const, ...admitted.headers]) {
    put(response, name, [value]);
  }
}

/** Takes on the headers that a call of `writeHead` brings, which would else come over those that are set. */
function adopt(response: ServerResponse, headers: unknown): void {
  if (Array.isArray(headers)) {
    for (const [name, values] of grouped(linesIn(headers))) {
      response.setHeader(name, values.length === 1 ? (values[0] ?? "") : values);
    }
  } else if (typeof headers === "object" && headers !== null) {
    for (const [name, value] of Object.entries(headers as OutgoingHttpHeaders)) {
      if (value !== undefined) {
        response.setHeader(name, value);
      }
    }
  }
}

/** Each line of headers in an array: names and values in turn, or in pairs. A value may be an array of lines itself. */
function linesIn(headers: readonly unknown[]): [string, string][] {
  const turns: readonly unknown[] = Array.isArray(headers[0]) ? headers.flat(1) : headers;
  return Array.from({ length: Math.floor(turns.length / 2) }, (_, at) => at * 2).flatMap((at) => {
    const value = turns[at + 1] as OutgoingHttpHeader;
    return linesOf(value).map((line): [string, string] => [String(turns[at]).toLowerCase(), line]);
  });
}
