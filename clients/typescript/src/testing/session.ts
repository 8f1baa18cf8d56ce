/** Owns the sessions of the fake authority, and how it judges requests by them. Does not know how it is asked. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { randomBytes } from "node:crypto";
import { milliseconds } from "../duration.js";
import { IdentitySchema, SessionInfoSchema, type Identity, type SessionInfo } from "../gen/gatelodge/v1/identity_pb.js";
import type { EdgeSettings } from "../gen/gatelodge/v1/login_pb.js";
import type { Cookie, RequestContext } from "../gen/gatelodge/v1/presented_pb.js";
import {
  CsrfRequirement,
  DeniedReason,
  InactiveReason,
  type JudgedRequirementsSchema,
  type Requirements,
} from "../gen/gatelodge/v1/session_pb.js";

/** Why a session is dead, or that it lives. */
export type InactiveState = "active" | "ended" | "expired" | "idle" | "revoked" | "fingerprint";

/** Who is signed in, and with what. What is left out gets a value that does. */
export interface Who {
  /** Default: `fake_1`. */
  readonly userId?: string | undefined;
  readonly email?: string | undefined;
  readonly name?: string | undefined;
  /** Default: `fake`. */
  readonly provider?: string | undefined;
  readonly scopes?: readonly string[] | undefined;
  /** When the user authenticated. Default: now. */
  readonly loginTime?: Date | undefined;
  /** Default: `active`. */
  readonly state?: InactiveState | undefined;
  /** The cookie's value. Default: one that nobody can guess. */
  readonly cookie?: string | undefined;
  /** The CSRF token that is issued and accepted. Default: `csrf_` and the cookie. */
  readonly csrfToken?: string | undefined;
  /** A second credential, which a check of the first delivers, as after a rotation. */
  readonly renewedCookie?: string | undefined;
}

/** A session as the fake keeps it. */
export interface Kept {
  readonly cookie: string;
  readonly csrfToken: string;
  readonly renewedCookie: string | undefined;
  readonly loginTime: number;
  readonly identity: Identity;
  readonly info: SessionInfo;
  state: InactiveState;
}

const REASONS = {
  ended: InactiveReason.ENDED,
  expired: InactiveReason.EXPIRED,
  idle: InactiveReason.IDLE,
  revoked: InactiveReason.REVOKED,
  fingerprint: InactiveReason.FINGERPRINT,
} as const;

/** A text that nobody can guess. */
export function unguessable(): string {
  return randomBytes(18).toString("base64url");
}

/** Makes a session. */
export function begin(who: Who): Kept {
  const { userId = "fake_1", email = "", name = "", provider = "fake", scopes = [], loginTime = new Date() } = who;
  const cookie = who.cookie ?? `sess_${unguessable()}`;
  const now = Date.now();
  return {
    cookie,
    csrfToken: who.csrfToken ?? `csrf_${cookie}`,
    renewedCookie: who.renewedCookie,
    loginTime: loginTime.getTime(),
    state: who.state ?? "active",
    identity: create(IdentitySchema, {
      userId,
      tenant: "default",
      provider,
      issuer: "https://provider.example",
      sub: userId.slice(userId.indexOf("_") + 1),
      email,
      emailVerified: email !== "",
      name,
      scopes: [...scopes],
      authTime: timestampFromMs(loginTime.getTime()),
    }),
    info: create(SessionInfoSchema, {
      sessionId: `sid_${unguessable()}`,
      createTime: timestampFromMs(now),
      lastActiveTime: timestampFromMs(now),
      idleExpireTime: timestampFromMs(now + 3_600_000),
      absoluteExpireTime: timestampFromMs(now + 86_400_000),
      generation: 1,
    }),
  };
}

/** The living session behind cookies, or why there is none. */
export function presented(sessions: ReadonlyMap<string, Kept>, cookies: readonly Cookie[]): Kept | InactiveReason {
  const values = cookies.map(({ value }) => Buffer.from(value).toString());
  const found = new Set(values.flatMap((value) => sessions.get(value) ?? []));
  const [session, ...others] = found;
  if (others.length > 0) {
    return InactiveReason.AMBIGUOUS;
  }
  if (!session) {
    return cookies.length > 0 ? InactiveReason.FORGED : InactiveReason.NONE;
  }
  return session.state === "active" ? session : REASONS[session.state];
}

/** Finds what is missing for a request, in the order in which a person would mend it. */
export function judge(
  session: Kept,
  needed: Requirements | undefined,
  context: RequestContext | undefined,
  settings: EdgeSettings,
): MessageInitShape<typeof JudgedRequirementsSchema> | DeniedReason {
  const csrf = needed?.csrf ?? CsrfRequirement.UNSPECIFIED;
  const isRequired = csrf === CsrfRequirement.REQUIRED;
  const isUpgraded = isUpgrade(context);
  const isNeeded =
    isRequired || (csrf === CsrfRequirement.UNSPECIFIED && !!context && (isUpgraded || !isSafe(context)));
  let isTokenJudged = false;
  if (isNeeded) {
    if (isForeign(context, settings)) {
      return DeniedReason.ORIGIN_REFUSED;
    }
    if (isRequired || !isUpgraded) {
      if (!context?.csrfToken) {
        return DeniedReason.CSRF_MISSING;
      }
      if (textOf(context.csrfToken) !== session.csrfToken) {
        return DeniedReason.CSRF_INVALID;
      }
      isTokenJudged = true;
    }
  }
  const scopes = needed?.scopes ?? [];
  if (missing(scopes, session).length > 0) {
    return DeniedReason.SCOPE_MISSING;
  }
  const age = needed?.maxLoginAge;
  if (age && Date.now() - session.loginTime > milliseconds(age)) {
    return DeniedReason.LOGIN_TOO_OLD;
  }
  const isOriginJudged = isNeeded && (context?.origin ?? context?.secFetchSite) !== undefined;
  return { csrf: isTokenJudged, origin: isOriginJudged, scopes, ...(age ? { maxLoginAge: age } : {}) };
}

/** The scopes that were not granted. */
export function missing(scopes: readonly string[], { identity }: Kept): string[] {
  return scopes.filter((scope) => !identity.scopes.includes(scope));
}

/** Whether a request comes from an origin that is not allowed. */
export function isForeign(context: RequestContext | undefined, settings: EdgeSettings): boolean {
  if (context?.origin) {
    const origin = textOf(context.origin);
    return origin !== settings.publicBaseUrl && !settings.cors?.allowedOrigins.includes(origin);
  }
  const site = textOf(context?.secFetchSite);
  return isUpgrade(context) || !["", "same-origin", "none"].includes(site);
}

/** Whether a person's browser is on its way to a page; a script's fetch gets JSON. */
export function isNavigation(context: RequestContext): boolean {
  if (context.xRequestedWith || isUpgrade(context)) {
    return false;
  }
  if (context.secFetchMode) {
    return textOf(context.secFetchMode) === "navigate";
  }
  return textOf(context.accept).toLowerCase().includes("text/html");
}

function isUpgrade(context: RequestContext | undefined): boolean {
  return textOf(context?.method) === "GET" && textOf(context?.upgrade).toLowerCase().includes("websocket");
}

function isSafe({ method }: RequestContext): boolean {
  return ["GET", "HEAD", "OPTIONS", "TRACE"].includes(textOf(method));
}

/** Bytes as text, for comparing. */
export function textOf(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString();
}
