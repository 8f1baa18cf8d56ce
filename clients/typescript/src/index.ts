/**
 * Client and edge of Gatelodge, the session authority. The frameworks are in `gatelodge/express`, `gatelodge/fastify`,
 * `gatelodge/hono` and `gatelodge/next`; an authority for tests is in `gatelodge/testing`.
 *
 * @module
 */
export type { CallOptions, StreamOptions } from "./caller.js";
export type { Token, TokenNeeds } from "./bearer.js";
export { Client, type Calls, type Sessions, type Tokens } from "./client.js";
export { Edge, type EdgeOptions } from "./edge.js";
export * from "./errors.js";
export { Gate, rule, type Admission, type Outcome, type Rule } from "./gate.js";
export type { Answer } from "./answer.js";
export type { Logger } from "./log.js";
export { guard, rawOf, send } from "./node.js";
export type { ClientOptions } from "./options.js";
export type { RawRequest } from "./presented.js";
export type { Needs, PersonalNeeds } from "./requirements.js";
export type { Session } from "./session.js";
export type { TokenVerdict } from "./token-verdict.js";
export type { Attempt, OpenStream, StreamAttempt, StreamListener, Transport } from "./transport.js";
export type { Active, Denied, Inactive, Verdict } from "./verdict.js";
