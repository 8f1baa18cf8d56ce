/** Owns which calls change sessions, so that what is kept of them is forgotten. Does not know how. */
import type { Message } from "@bufbuild/protobuf";
import { textOf } from "../latin1.js";
import type { Kept } from "./kept.js";

/**
 * What a call may change: the session that its cookies present and, in a logout, the user's others; what its target names;
 * what a provider says has ended there; or any.
 */
const CHANGES: Readonly<Record<string, "presented" | "logout" | "target" | "told" | "any">> = {
  "gatelodge.v1.LoginService/CompleteCallback": "presented",
  "gatelodge.v1.LoginService/StartLogout": "logout",
  "gatelodge.v1.LoginService/HandleBackchannelLogout": "told",
  "gatelodge.v1.LoginService/HandleFrontchannelLogout": "told",
  "gatelodge.v1.SessionService/RefreshTokens": "presented",
  "gatelodge.v1.SessionService/GetUserInfo": "presented",
  "gatelodge.v1.SessionService/Revoke": "target",
  "gatelodge.v1.AdminService/Revoke": "any",
  "gatelodge.v1.AdminService/DisableUser": "any",
  "gatelodge.v1.AdminService/DeleteUser": "any",
};

/** The parameter of a logout that ends more than the session that is presented. */
const EVERYWHERE = "everywhere";

/** As much of a question as tells what its call changes. */
interface Changing {
  readonly cookies?: readonly { readonly value?: Uint8Array }[];
  readonly query?: unknown;
  readonly refresh?: boolean;
  readonly target?: { readonly case?: string | undefined; readonly value?: unknown };
}

/** As much of an answer as tells what became of it. */
interface Changed {
  readonly eventPosition?: Uint8Array;
  readonly revokedCount?: number | bigint;
  readonly inactive?: object | undefined;
  readonly denied?: object | undefined;
}

/**
 * Forgets what a call may have changed, whatever came of it, and notes up to where its authority has told of it. `method`
 * is its full name; there is no answer where the call failed.
 */
export function forgetChanged(kept: Kept, method: string, question: Message, answer: Message | undefined): void {
  const changes = CHANGES[method];
  const { cookies = [], query, refresh, target } = question as Changing;
  if (changes === undefined || refresh === false) {
    return;
  }
  const { eventPosition, revokedCount, inactive, denied } = (answer ?? {}) as Changed;
  kept.hasTold(textOf(eventPosition));
  kept.forgetCookies(cookies.map(({ value }) => textOf(value)));
  // A refusal has ended nothing, and costs nobody else anything.
  const isRefused = inactive !== undefined || denied !== undefined;
  if (changes === "any") {
    kept.forgetAll();
  } else if (changes === "told") {
    // Anybody can send one: so what is kept stays where it ended none. Without an answer nobody knows.
    if (revokedCount !== 0) {
      kept.forgetAll();
    }
  } else if (changes === "logout") {
    // Other sessions of the user may have ended too, whoever presents them; after a repeat the count does not tell.
    const askedForMore = query instanceof Uint8Array && textOf(query).includes(EVERYWHERE);
    if (askedForMore || Number(revokedCount) > 1) {
      kept.forgetAll();
    }
  } else if (changes === "target" && target?.case !== "presentedSession" && !isRefused) {
    if (target?.case === "sessionId") {
      kept.forgetSession(String(target.value));
    } else {
      kept.forgetAll();
    }
  }
}
