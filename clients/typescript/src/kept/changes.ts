/** Owns which calls change sessions, so that what is kept of them is forgotten. Does not know how. */
import type { Message } from "@bufbuild/protobuf";
import { textOf } from "../latin1.js";
import type { Kept } from "./kept.js";

/**
 * What a call may change: the session that its cookies present and, in a logout, the user's others; what its target names;
 * what a provider says has ended there; or any. All but the first end sessions.
 */
const CHANGES: Readonly<Record<string, "presented" | "logout" | "target" | "told" | "any">> = {
  "gatelodge.v1.LoginService/CompleteCallback": "presented",
  "gatelodge.v1.LoginService/StartLogout": "logout",
  "gatelodge.v1.LoginService/HandleBackchannelLogout": "told",
  "gatelodge.v1.LoginService/HandleFrontchannelLogout": "told",
  "gatelodge.v1.SessionService/RefreshTokens": "presented",
  "gatelodge.v1.SessionService/GetUserInfo": "presented",
  "gatelodge.v1.SessionService/UpdateAttributes": "presented",
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
  /** Why nothing was ended: a refusal costs nobody else anything. */
  readonly inactive?: object | undefined;
  readonly denied?: object | undefined;
}

/** What became of a call: its answer, if one came, and whether an earlier attempt of it was lost. */
export interface Outcome {
  readonly answer: Message | undefined;
  readonly isRepeated: boolean;
}

/**
 * Forgets what a call may have changed, whatever came of it, and notes up to where its authority has told of it. `method`
 * is its full name.
 */
export function forgetChanged(kept: Kept, method: string, question: Message, { answer, isRepeated }: Outcome): void {
  const changes = CHANGES[method];
  const { cookies = [], query, refresh, target } = question as Changing;
  if (changes === undefined || refresh === false) {
    return;
  }
  const { eventPosition, revokedCount = 0, inactive, denied } = (answer ?? {}) as Changed;
  kept.hasTold(textOf(eventPosition));
  kept.forgetCookies(cookies.map(({ value }) => textOf(value)));
  if (changes === "presented") {
    return;
  }
  // Without an answer nobody knows what has ended, and one to a repeat does not say what its first attempt did.
  const isKnown = answer !== undefined && !isRepeated;
  const mayBeOthers = {
    any: true,
    told: Number(revokedCount) > 0, // anybody can send one
    logout: Number(revokedCount) > (query instanceof Uint8Array && textOf(query).includes(EVERYWHERE) ? 0 : 1),
    target: inactive === undefined && denied === undefined && target?.case !== "presentedSession",
  }[changes];
  if (isKnown && mayBeOthers && target?.case === "sessionId" && changes === "target") {
    kept.forgetSession(String(target.value));
  } else if (!isKnown || mayBeOthers) {
    kept.forgetAll();
  }
}
