/** Owns the fake authority: who is signed in at it, and what it is asked to do. */
import { clone, create, fromBinary, toBinary, type Message } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { Client } from "../client.js";
import { errorOf, type GatelodgeError } from "../errors.js";
import { EdgeSettingsSchema, RouteSet, type EdgeSettings } from "../gen/gatelodge/v1/login_pb.js";
import {
  CheckSessionsResponseSchema,
  DeniedReason,
  SessionService,
  type CheckSessionsRequest,
} from "../gen/gatelodge/v1/session_pb.js";
import type { ClientOptions } from "../options.js";
import type { Attempt, OpenStream, StreamAttempt, StreamListener, Transport } from "../transport.js";
import { Events, inMemory } from "./events.js";
import { METHODS } from "./methods.js";
import { DENIED_REASONS, unguessable, type InactiveState, type Kept, type Who } from "./session.js";
import { remember, type State } from "./state.js";
import { issue, type TokenOf } from "./tokens.js";

const BASE_URL = "http://localhost:8000";

/** What a client of the fake may be told. */
export type FakeClientOptions = Pick<ClientOptions, "deadlineMs" | "keepAnswers" | "logger">;

/** An authority in memory, at which nobody is signed in. */
export class FakeAuthority {
  readonly #state: State = {
    settings: usualSettings(),
    sessions: new Map(),
    logins: new Map(),
    tokens: new Map(),
    carriedOut: new Set(),
    events: new Events(),
    attributes: new Map(),
    disabled: new Set(),
    deleted: new Set(),
    callerKeys: new Map(),
    next: {},
    denial: DeniedReason.UNSPECIFIED,
  };
  #trouble: "none" | "away" | "slow" = "none";

  /** The one key that its clients have. */
  readonly apiKey = "glk_test";
  /** Where it is asked, for a client with options of your own. */
  readonly transport: Required<Transport> = {
    send: (attempt) => this.#send(attempt),
    open: (attempt, listener) => this.#open(attempt, listener),
    close: () => undefined,
  };

  /** A client of this authority, with a deadline that suits tests: half a second, unless told else. */
  client(options: FakeClientOptions = {}): Client {
    const { apiKey, transport } = this;
    return new Client({ apiKey, deadlineMs: 500, ...options, checkStream: false, transport });
  }

  /** Makes a session, as if somebody had logged in. */
  signIn(who: Who = {}): SignedIn {
    const made = remember(this.#state, who);
    const [name = ""] = this.#state.settings.sessionCookieNames;
    return new SignedIn(made, name, this.#state);
  }

  /** Issues a bearer token, for routes of an API. */
  issueToken(of: TokenOf = {}): BearerToken {
    return new BearerToken(issue(this.#state.tokens, of), this.#state);
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
    this.#state.events.allChanged();
  }

  /** Makes every call fail as if nothing listened there, until {@link back}. */
  away(): void {
    this.#trouble = "away";
    this.#state.events.breakOff();
  }

  /** Makes no call get an answer within its deadline, until {@link back}. */
  slow(): void {
    this.#trouble = "slow";
    this.#state.events.breakOff();
  }

  /** Ends {@link away} and {@link slow}. */
  back(): void {
    this.#trouble = "none";
  }

  /** Makes every living session be refused for this reason; nothing ends it. */
  deny(reason?: Denial): void {
    this.#state.denial = reason === undefined ? DeniedReason.UNSPECIFIED : DENIALS[reason];
    this.#state.events.allChanged();
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

  #open({ method, metadata }: StreamAttempt, listener: StreamListener): OpenStream {
    if (this.#trouble !== "none") {
      queueMicrotask(() => {
        listener.onEnd(errorOf({ code: "UNAVAILABLE", message: "the fake authority is away" }));
      });
      return inMemory(
        () => undefined,
        () => undefined,
      );
    }
    if (method === SessionService.method.watchSessions) {
      return this.#state.events.watch(listener);
    }
    return this.#checks(metadata, listener);
  }

  /** Each question is answered as a call of its own would be. */
  #checks(metadata: StreamAttempt["metadata"], listener: StreamListener): OpenStream {
    let underWay = 0;
    let isFinished = false;
    const end = (): void => {
      if (isFinished && underWay === 0) {
        listener.onEnd(undefined);
      }
    };
    const send = async ({ id, question, requestId }: CheckSessionsRequest): Promise<void> => {
      underWay += 1;
      const method = SessionService.method.validateSession;
      const asked = question ?? create(method.input);
      const named = { ...metadata, "x-request-id": requestId };
      const attempt = { method, question: asked, metadata: named, deadline: Date.now() + 2000, signal: undefined };
      const result = await this.#send(attempt).then(
        (answer) => ({ case: "answer", value: answer as never }) as const,
        (failure: unknown) => ({ case: "error", value: errorFrom(failure) }) as const,
      );
      underWay -= 1;
      listener.onMessage(create(CheckSessionsResponseSchema, { id, result }));
      end();
    };
    queueMicrotask(() => listener.onOpen?.());
    return inMemory(
      (message) => void send(message as CheckSessionsRequest),
      () => undefined,
      () => {
        isFinished = true;
        queueMicrotask(end);
      },
    );
  }
}

/** Why the fake refuses whoever is signed in. */
export type Denial = keyof typeof DENIALS;

const DENIALS = {
  csrf: DeniedReason.CSRF_INVALID,
  origin: DeniedReason.ORIGIN_REFUSED,
  ...DENIED_REASONS,
} as const;

function errorFrom(failure: unknown) {
  const { code, reason = "", message } = failure as GatelodgeError;
  return { code: status[code], reason, message };
}

/** A program that holds a bearer token. */
export class BearerToken {
  readonly #state: State;
  readonly value: string;
  /** The token, for a request. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(value: string, state: State) {
    this.#state = state;
    this.value = value;
    this.headers = { authorization: `Bearer ${value}` };
  }

  /** Withdraws the token. */
  end(): void {
    const { tokens } = this.#state;
    const kept = tokens.get(this.value);
    if (kept) {
      tokens.set(this.value, { ...kept, isWithdrawn: true });
    }
  }
}

/** A browser that holds a session. */
export class SignedIn {
  readonly #kept: Kept;
  readonly #state: State;
  /** The session cookie, as a pair for the Cookie header. */
  readonly cookie: string;
  /** Good for the session. */
  readonly csrfToken: string;
  /** The session's public id. */
  readonly sessionId: string;
  /** Cookie and CSRF token, for a request. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(kept: Kept, cookieName: string, state: State) {
    this.#kept = kept;
    this.#state = state;
    this.cookie = `${cookieName}=${kept.cookie}`;
    this.csrfToken = kept.csrfToken;
    this.sessionId = kept.info.sessionId;
    this.headers = { cookie: this.cookie, [state.settings.csrfHeader]: kept.csrfToken };
  }

  /** Ends the session, as an admin or another browser would. */
  end(): void {
    this.setState("revoked");
  }

  /** Says why the session is dead; `active` brings it back. */
  setState(state: InactiveState): void {
    this.#kept.state = state;
    this.#state.events.changed(this.#kept.info.sessionId);
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
