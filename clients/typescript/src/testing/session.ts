/** Owns the sessions of the fake authority, and how it judges requests by them. Does not know how it is asked. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { randomBytes } from "node:crypto";
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
import { LISTS_NEEDED } from "../requirements.js";
import { lackOf, type Facts, type Granted, type Lacked } from "./lacking.js";

/** Why a session is dead, or that it lives. */
export type InactiveState = "active" | "ended" | "expired" | "idle" | "revoked" | "fingerprint";

/** Who is signed in, and with what. What is left out gets a value that does. */
export interface Who extends Granted {
  /** Default: `fake_1`. */
  readonly userId?: string | undefined;
  readonly email?: string | undefined;
  readonly name?: string | undefined;
  /** Default: `fake`. */
  readonly provider?: string | undefined;
  /** The provider's own session (`sid`), which a logout there ends. Default: one that nobody can guess. */
  readonly providerSession?: string | undefined;
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
  readonly providerSession: string;
  readonly loginTime: number;
  readonly identity: Identity;
  readonly info: SessionInfo;
  state: InactiveState;
}

/** What a request is refused with, by what is lacking. */
export const DENIED_REASONS: Readonly<Record<Lacked, DeniedReason>> = {
  scope: DeniedReason.SCOPE_MISSING,
  permission: DeniedReason.PERMISSION_MISSING,
  role: DeniedReason.ROLE_MISSING,
  email: DeniedReason.EMAIL_NOT_VERIFIED,
  acr: DeniedReason.ACR_MISSING,
  amr: DeniedReason.AMR_MISSING,
  "login age": DeniedReason.LOGIN_TOO_OLD,
};

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
  const { userId = "fake_1", email = "", name = "", provider = "fake", loginTime = new Date() } = who;
  const { scopes = [], permissions = [], roles = [], emailVerified = email !== "", acr = "", amr = [] } = who;
  const cookie = who.cookie ?? `sess_${unguessable()}`;
  const now = Date.now();
  return {
    cookie,
    csrfToken: who.csrfToken ?? `csrf_${cookie}`,
    renewedCookie: who.renewedCookie,
    providerSession: who.providerSession ?? unguessable(),
    loginTime: loginTime.getTime(),
    state: who.state ?? "active",
    identity: create(IdentitySchema, {
      userId,
      tenant: "default",
      provider,
      issuer: "https://provider.example",
      sub: userId.slice(userId.indexOf("_") + 1),
      email,
      emailVerified,
      name,
      scopes: [...scopes],
      permissions: [...permissions],
      roles: [...roles],
      acr,
      amr: [...amr],
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
  const lack = lackOf(factsOf(session), needed);
  if (lack) {
    return DENIED_REASONS[lack.what];
  }
  return {
    csrf: isTokenJudged,
    origin: isNeeded && (context?.origin ?? context?.secFetchSite) !== undefined,
    ...(needed && judgedOf(needed)),
  };
}

/** What somebody who is signed in has. */
export function factsOf({ identity, loginTime }: Kept): Facts {
  return { ...identity, loginTime };
}

function judgedOf(needed: Requirements): MessageInitShape<typeof JudgedRequirementsSchema> {
  const { emailVerified, maxLoginAge } = needed;
  const lists = Object.fromEntries(LISTS_NEEDED.map((list) => [list, needed[list]]));
  return { ...lists, emailVerified, ...(maxLoginAge ? { maxLoginAge } : {}) };
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
