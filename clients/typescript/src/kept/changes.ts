/** Owns which calls change sessions, so that what is kept of them is forgotten. Does not know how. */
import type { Message } from "@bufbuild/protobuf";
import { textOf } from "../latin1.js";
import type { Kept } from "./kept.js";

/** What a call may change: the session that its cookies present, what its target names, or any. */
const CHANGES: Readonly<Record<string, "presented" | "target" | "any">> = {
  "gatelodge.v1.LoginService/CompleteCallback": "presented",
  "gatelodge.v1.LoginService/StartLogout": "presented",
  "gatelodge.v1.SessionService/RefreshTokens": "presented",
  "gatelodge.v1.SessionService/GetUserInfo": "presented",
  "gatelodge.v1.SessionService/Revoke": "target",
  "gatelodge.v1.AdminService/Revoke": "any",
  "gatelodge.v1.AdminService/DisableUser": "any",
  "gatelodge.v1.AdminService/DeleteUser": "any",
};

/** As much of a question as tells what its call changes. */
interface Changing {
  readonly cookies?: readonly { readonly value?: Uint8Array }[];
  readonly refresh?: boolean;
  readonly target?: { readonly case?: string | undefined; readonly value?: unknown };
}

/** As much of an answer as tells what became of it. */
interface Changed {
  readonly eventPosition?: Uint8Array;
  readonly inactive?: object | undefined;
  readonly denied?: object | undefined;
}

/**
 * Forgets what a call may have changed, whatever came of it, and notes up to where its authority has told of it. `method`
 * is its full name; there is no answer where the call failed.
 */
export function forgetChanged(kept: Kept, method: string, question: Message, answer: Message | undefined): void {
  const changes = CHANGES[method];
  const { cookies = [], refresh, target } = question as Changing;
  if (changes === undefined || refresh === false) {
    return;
  }
  const { eventPosition, inactive, denied } = (answer ?? {}) as Changed;
  kept.hasTold(textOf(eventPosition));
  kept.forgetCookies(cookies.map(({ value }) => textOf(value)));
  // A refusal has ended nothing, and costs nobody else anything.
  const isRefused = inactive !== undefined || denied !== undefined;
  if (changes === "any") {
    kept.forgetAll();
  } else if (changes === "target" && target?.case !== "presentedSession" && !isRefused) {
    if (target?.case === "sessionId") {
      kept.forgetSession(String(target.value));
    } else {
      kept.forgetAll();
    }
  }
}
