/** Owns how a fake authority is made what a scenario of clients/scenarios.json gives, and what it changes. */
import { FakeAuthority, type InactiveState, type SignedIn } from "gatelodge/testing";

type Trouble = "up" | "away" | "slow";

/** What a scenario begins with: see clients/scenarios.schema.json. */
export interface Begin {
  readonly authority: Trouble;
  readonly sessions: readonly {
    readonly cookie: string;
    readonly user_id: string;
    readonly email?: string;
    readonly name?: string;
    readonly provider?: string;
    readonly scopes?: readonly string[];
    readonly state?: InactiveState;
    readonly login_age_seconds?: number;
    readonly csrf_token?: string;
    readonly renewed_cookie?: string;
  }[];
}

/** What changes before a further request. */
export interface Change {
  readonly authority?: Trouble;
  readonly states?: Readonly<Record<string, InactiveState>>;
}

/** A fake authority as a scenario has it. */
export class Given {
  readonly authority = new FakeAuthority();
  readonly #signedIn = new Map<string, SignedIn>();

  constructor({ sessions, authority }: Begin) {
    for (const one of sessions) {
      const { cookie, user_id: userId, csrf_token: csrfToken, renewed_cookie: renewedCookie, ...rest } = one;
      const loginTime = new Date(Date.now() - 1000 * (one.login_age_seconds ?? 0));
      const who = { ...rest, cookie, userId, csrfToken, renewedCookie, loginTime };
      this.#signedIn.set(cookie, this.authority.signIn(who));
    }
    this.#be(authority);
  }

  change({ authority, states = {} }: Change): void {
    this.#be(authority);
    for (const [cookie, state] of Object.entries(states)) {
      this.#signedIn.get(cookie)?.setState(state);
    }
  }

  #be(trouble: Trouble | undefined): void {
    if (trouble) {
      this.authority[trouble === "up" ? "back" : trouble]();
    }
  }
}
