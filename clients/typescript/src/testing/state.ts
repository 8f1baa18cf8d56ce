/** Owns what the fake authority remembers. Answers nothing. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { CallerKeySchema } from "../gen/gatelodge/v1/caller_pb.js";
import type { EdgeSettings } from "../gen/gatelodge/v1/login_pb.js";
import type { Cookie } from "../gen/gatelodge/v1/presented_pb.js";
import type { DeniedReason } from "../gen/gatelodge/v1/session_pb.js";
import type { Events } from "./events.js";
import { begin, presented, type Kept, type Who } from "./session.js";
import type { KeptToken } from "./tokens.js";

/** A login under way. There is no provider: the browser is sent straight on to the callback. */
export interface LoginUnderWay {
  readonly binding: string;
  readonly returnTo: string;
  readonly who: Who;
}

/** What an application keeps with a session. */
export interface KeptAttributes {
  readonly values: Readonly<Record<string, Uint8Array>>;
  readonly version: bigint;
}

/** What the fake's methods work on. */
export interface State {
  settings: EdgeSettings;
  /** By the cookie's value; those that are dead too. */
  readonly sessions: Map<string, Kept>;
  /** By their state. */
  readonly logins: Map<string, LoginUnderWay>;
  /** Bearer tokens, by themselves. */
  readonly tokens: Map<string, KeptToken>;
  /** Whose end a provider's server has told of: each token is carried out once. */
  readonly carriedOut: Set<string>;
  /** What those hear who watch. */
  readonly events: Events;
  /** By the session's id. */
  readonly attributes: Map<string, KeptAttributes>;
  /** Users' ids. */
  readonly disabled: Set<string>;
  readonly deleted: Set<string>;
  readonly callerKeys: Map<string, MessageInitShape<typeof CallerKeySchema>>;
  next: Who;
  denial: DeniedReason;
}

/** Makes a session and keeps it. */
export function remember({ sessions }: State, who: Who): Kept {
  const made = begin(who);
  sessions.set(made.cookie, made);
  if (made.renewedCookie !== undefined) {
    sessions.set(made.renewedCookie, made);
  }
  return made;
}

/** Those that live, each once. */
export function living({ sessions }: State): Kept[] {
  return [...new Set(sessions.values())].filter(({ state }) => state === "active");
}

/** The living sessions of somebody's user. */
export function of(state: State, own: Kept): Kept[] {
  return living(state).filter(({ identity }) => identity.userId === own.identity.userId);
}

/** The living session behind cookies. */
export function found(state: State, cookies: readonly Cookie[]): Kept | undefined {
  const one = presented(state.sessions, cookies);
  return typeof one === "number" ? undefined : one;
}

/** Ends sessions, and says how many. */
export function ended({ events }: State, ...sessions: (Kept | undefined)[]): number {
  const there = sessions.filter((one) => one !== undefined);
  for (const one of there) {
    one.state = "revoked";
    events.changed(one.info.sessionId);
  }
  return there.length;
}
