/** Owns what the fake authority remembers. Answers nothing. */
import type { EdgeSettings } from "../gen/gatelodge/v1/login_pb.js";
import type { DeniedReason } from "../gen/gatelodge/v1/session_pb.js";
import { begin, type Kept, type Who } from "./session.js";

/** A login under way. There is no provider: the browser is sent straight on to the callback. */
export interface LoginUnderWay {
  readonly binding: string;
  readonly returnTo: string;
  readonly who: Who;
}

/** What the fake's methods work on. */
export interface State {
  settings: EdgeSettings;
  /** By the cookie's value; those that are dead too. */
  readonly sessions: Map<string, Kept>;
  /** By their state. */
  readonly logins: Map<string, LoginUnderWay>;
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
