/** Owns which calls change sessions, so that what is kept of them is forgotten. Does not know how. */
import { textOf } from "../latin1.js";
import type { Kept } from "./kept.js";

/** What a call may change: the session that its cookies present, or any. */
const CHANGES: Readonly<Record<string, "presented" | "any">> = {
  "gatelodge.v1.LoginService/CompleteCallback": "presented",
  "gatelodge.v1.LoginService/StartLogout": "presented",
  "gatelodge.v1.SessionService/RefreshTokens": "presented",
  "gatelodge.v1.SessionService/GetUserInfo": "presented",
  "gatelodge.v1.SessionService/UpdateAttributes": "presented",
  "gatelodge.v1.SessionService/Revoke": "any",
  "gatelodge.v1.AdminService/Revoke": "any",
  "gatelodge.v1.AdminService/DisableUser": "any",
  "gatelodge.v1.AdminService/DeleteUser": "any",
};

/** As much of a question as tells what its call changes. */
interface Changing {
  readonly cookies?: readonly { readonly value?: Uint8Array }[];
  readonly refresh?: boolean;
  readonly target?: { readonly case?: string | undefined };
}

/** Forgets what a call may have changed, whatever came of it. `method` is its full name. */
export function forgetChanged(kept: Kept, method: string, question: object): void {
  const { cookies = [], refresh, target } = question as Changing;
  const changes = CHANGES[method];
  if (changes === undefined || refresh === false) {
    return;
  }
  if (changes === "any" && target?.case !== "presentedSession") {
    kept.forgetAll();
  } else {
    kept.forgetCookies(cookies.map(({ value }) => textOf(value)));
  }
}
