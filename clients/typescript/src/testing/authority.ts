/** Owns the fake authority: who is signed in at it, and what it is asked to do. */
import { clone, create, fromBinary, toBinary, type Message } from "@bufbuild/protobuf";
import { Client } from "../client.js";
import { errorOf } from "../errors.js";
import { EdgeSettingsSchema, RouteSet, type EdgeSettings } from "../gen/gatelodge/v1/login_pb.js";
import { DeniedReason } from "../gen/gatelodge/v1/session_pb.js";
import type { ClientOptions } from "../options.js";
import type { Attempt, Transport } from "../transport.js";
import { METHODS } from "./methods.js";
import { unguessable, type InactiveState, type Kept, type Who } from "./session.js";
import { remember, type State } from "./state.js";

const BASE_URL = "http://localhost:8000";

/** What a client of the fake may be told. */
export type FakeClientOptions = Pick<ClientOptions, "deadlineMs" | "logger">;

/** An authority in memory, at which nobody is signed in. */
export class FakeAuthority {
  readonly #state: State = {
    settings: usualSettings(),
    sessions: new Map(),
    logins: new Map(),
    attributes: new Map(),
    disabled: new Set(),
    deleted: new Set(),
    next: {},
    denial: DeniedReason.UNSPECIFIED,
  };
  #trouble: "none" | "away" | "slow" = "none";

  /** A client of this authority, with a deadline that suits tests: half a second, unless told else. */
  client(options: FakeClientOptions = {}): Client {
    const transport: Transport = {
      send: (attempt) => this.#send(attempt),
      close: () => undefined,
    };
    return new Client({ apiKey: "glk_test", deadlineMs: 500, ...options, transport });
  }

  /** Makes a session, as if somebody had logged in. */
  signIn(who: Who = {}): SignedIn {
    const made = remember(this.#state, who);
    const [name = ""] = this.#state.settings.sessionCookieNames;
    return new SignedIn(made, name, this.#state.settings.csrfHeader);
  }

  /** Says who the next logins through the edge's routes make a session for. */
  logsInNext(who: Who): void {
    this.#state.next = who;
  }

  /** Changes the settings that edges ask for, and their version. */
  configure(change: (settings: EdgeSettings) => void): void {
    const settings = clone(EdgeSettingsSchema, this.#state.settings);
    settings.version = unguessable();
    change(settings);
    this.#state.settings = settings;
  }

  /** Makes every call fail as if nothing listened there, until {@link back}. */
  away(): void {
    this.#trouble = "away";
  }

  /** Makes no call get an answer within its deadline, until {@link back}. */
  slow(): void {
    this.#trouble = "slow";
  }

  /** Ends {@link away} and {@link slow}. */
  back(): void {
    this.#trouble = "none";
  }

  /** Makes every living session be refused for this reason; nothing ends it. */
  deny(reason?: "csrf" | "origin" | "scope" | "login age"): void {
    this.#state.denial = reason === undefined ? DeniedReason.UNSPECIFIED : DENIALS[reason];
  }

  async #send({ method, question, metadata, deadline }: Attempt): Promise<Message> {
    await Promise.resolve();
    if (this.#trouble === "away") {
      throw errorOf({ code: "UNAVAILABLE", message: "the fake authority is away" });
    }
    if (this.#trouble === "slow") {
      await new Promise((resolve) => setTimeout(resolve, deadline - Date.now()));
      const message = "the fake authority is slow";
      throw errorOf({ code: "DEADLINE_EXCEEDED", reason: "DEADLINE_EXCEEDED", message });
    }
    const answer = METHODS[`${method.parent.typeName}/${method.name}`];
    if (!answer) {
      throw errorOf({ code: "UNIMPLEMENTED", reason: "METHOD_UNKNOWN", message: "the fake has no such method" });
    }
    const came = fromBinary(method.input, toBinary(method.input, question));
    const said = answer(this.#state, came, metadata["x-request-id"] ?? "");
    return fromBinary(method.output, toBinary(method.output, create(method.output, said)));
  }
}

const DENIALS = {
  csrf: DeniedReason.CSRF_INVALID,
  origin: DeniedReason.ORIGIN_REFUSED,
  scope: DeniedReason.SCOPE_MISSING,
  "login age": DeniedReason.LOGIN_TOO_OLD,
} as const;

/** A browser that holds a session. */
export class SignedIn {
  readonly #kept: Kept;
  /** The session cookie, as a pair for the Cookie header. */
  readonly cookie: string;
  /** Good for the session. */
  readonly csrfToken: string;
  /** The session's public id. */
  readonly sessionId: string;
  /** Cookie and CSRF token, for a request. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(kept: Kept, cookieName: string, csrfHeader: string) {
    this.#kept = kept;
    this.cookie = `${cookieName}=${kept.cookie}`;
    this.csrfToken = kept.csrfToken;
    this.sessionId = kept.info.sessionId;
    this.headers = { cookie: this.cookie, [csrfHeader]: kept.csrfToken };
  }

  /** Ends the session, as an admin or another browser would. */
  end(): void {
    this.setState("revoked");
  }

  /** Says why the session is dead; `active` brings it back. */
  setState(state: InactiveState): void {
    this.#kept.state = state;
  }
}

function usualSettings(): EdgeSettings {
  return create(EdgeSettingsSchema, {
    version: "1",
    askAgainAfter: { seconds: 300n },
    sessionCookieNames: ["session"],
    bindingCookieNames: ["login"],
    csrfHeader: "x-csrf-token",
    publicBaseUrl: BASE_URL,
    callbackAddresses: [{ routeSet: RouteSet.WEB, provider: "fake", url: `${BASE_URL}/auth/web/callback` }],
    cors: {
      allowedOrigins: ["http://localhost:5173"],
      allowedMethods: ["GET", "POST"],
      allowedHeaders: ["content-type", "x-csrf-token"],
      exposedHeaders: ["x-csrf-token"],
      maxAge: { seconds: 600n },
    },
    landingPlaces: { afterLogin: "/", afterLogout: "/" },
    limits: { maxCookieBytes: 4096, maxCookies: 8, maxHeaderBytes: 4096, maxQueryBytes: 8192, maxBodyBytes: 65536 },
    routeSets: [RouteSet.WEB],
  });
}
