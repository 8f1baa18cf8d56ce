/** Owns how a fake authority is made what a scenario of clients/scenarios.json gives, and what it changes. */
import { FakeAuthority, type InactiveState, type SignedIn } from "gatelodge/testing";

type Trouble = "up" | "away" | "slow";

/** What a scenario says of somebody, who is signed in or holds a token. */
interface Somebody {
  readonly user_id?: string;
  readonly email?: string;
  readonly email_verified?: boolean;
  readonly scopes?: readonly string[];
  readonly permissions?: readonly string[];
  readonly roles?: readonly string[];
  readonly acr?: string;
  readonly amr?: readonly string[];
  readonly login_age_seconds?: number;
}

interface Session extends Somebody {
  readonly cookie: string;
  readonly name?: string;
  readonly provider?: string;
  readonly provider_session?: string;
  readonly state?: InactiveState;
  readonly csrf_token?: string;
  readonly renewed_cookie?: string;
}

type TokenState = "active" | "expired" | "withdrawn";

interface Token extends Somebody {
  readonly token: string;
  readonly client_id?: string;
  readonly audiences?: readonly string[];
  readonly state?: TokenState;
}

/** What a scenario begins with: see clients/scenarios.schema.json. */
export interface Begin {
  readonly authority: Trouble;
  readonly sessions: readonly Session[];
  readonly tokens?: readonly Token[];
}

/** What changes before a further request. */
export interface Change {
  readonly authority?: Trouble;
  readonly states?: Readonly<Record<string, InactiveState>>;
  readonly token_states?: Readonly<Record<string, TokenState>>;
}

/** A fake authority as a scenario has it. */
export class Given {
  readonly authority = new FakeAuthority();
  readonly #signedIn = new Map<string, SignedIn>();
  #tokens: ReadonlyMap<string, Token> = new Map();

  /** From now on it is as a scenario begins: what is fresh is so now. */
  begin({ sessions, tokens = [], authority }: Begin): void {
    for (const one of sessions) {
      const { cookie, csrf_token: csrfToken, renewed_cookie: renewedCookie, provider_session: providerSession } = one;
      const who = { ...one, ...somebody(one), csrfToken, renewedCookie, providerSession };
      this.#signedIn.set(cookie, this.authority.signIn(who));
    }
    this.#tokens = new Map(tokens.map((one) => [one.token, one]));
    tokens.forEach((one) => {
      this.#issue(one);
    });
    this.#be(authority);
  }

  change({ authority, states = {}, token_states: tokenStates = {} }: Change): void {
    this.#be(authority);
    for (const [cookie, state] of Object.entries(states)) {
      this.#signedIn.get(cookie)?.setState(state);
    }
    for (const [token, state] of Object.entries(tokenStates)) {
      this.#issue({ ...(this.#tokens.get(token) ?? { token }), state });
    }
  }

  #issue(one: Token): void {
    const { token, client_id: clientId, audiences = [], state } = one;
    const expires = state === "expired" ? { expires: new Date(0) } : {};
    const issued = this.authority.issueToken({ ...somebody(one), token, clientId, audiences, ...expires });
    if (state === "withdrawn") {
      issued.end();
    }
  }

  #be(trouble: Trouble | undefined): void {
    if (trouble) {
      this.authority[trouble === "up" ? "back" : trouble]();
    }
  }
}

function somebody(one: Somebody) {
  const { user_id: userId = "", email = "", email_verified: emailVerified = email !== "" } = one;
  const { scopes, permissions, roles, acr, amr } = one;
  const loginTime = new Date(Date.now() - 1000 * (one.login_age_seconds ?? 0));
  return { userId, emailVerified, scopes, permissions, roles, acr, amr, loginTime };
}
