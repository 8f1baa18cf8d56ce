/** Owns the bearer tokens of the fake authority, and how it judges requests by them (RFC 6750). */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { HttpAnswerSchema, HttpHeaderSchema } from "../gen/gatelodge/v1/http_answer_pb.js";
import { IdentitySchema } from "../gen/gatelodge/v1/identity_pb.js";
import {
  TokenDeniedReason,
  TokenInactiveReason,
  TokenKind,
  type TokenRequirements,
  type ValidateTokenRequest,
  type ValidateTokenResponseSchema,
} from "../gen/gatelodge/v1/token_pb.js";
import { problem } from "./answers.js";
import { detailOf, isMendedByLogin, lackOf, REASON_WORDS, type Granted, type Lack, type Lacked } from "./lacking.js";
import { textOf, unguessable } from "./session.js";

/** Whose a bearer token is, and what it is good for. What is left out gets a value that does. */
export interface TokenOf extends Granted {
  /** The token itself. Default: one that nobody can guess. */
  readonly token?: string | undefined;
  /** Default: `fake_1`. Empty for a token that speaks for a program alone. */
  readonly userId?: string | undefined;
  readonly clientId?: string | undefined;
  /** Default: `api`. */
  readonly audiences?: readonly string[] | undefined;
  /** When it ends. Default: in an hour. */
  readonly expires?: Date | undefined;
}

/** A token as the fake keeps it. */
export type KeptToken = Required<{ readonly [K in Exclude<keyof TokenOf, "token">]: NonNullable<TokenOf[K]> }> & {
  readonly isWithdrawn: boolean;
};
type Outcome = NonNullable<MessageInitShape<typeof ValidateTokenResponseSchema>["outcome"]>;

/** Makes a token of what was said of it. */
export function issue(tokens: Map<string, KeptToken>, of: TokenOf): string {
  const { token = `token_${unguessable()}` } = of;
  tokens.set(token, {
    userId: of.userId ?? "fake_1",
    clientId: of.clientId ?? "",
    scopes: of.scopes ?? [],
    permissions: of.permissions ?? [],
    roles: of.roles ?? [],
    emailVerified: of.emailVerified ?? false,
    acr: of.acr ?? "",
    amr: of.amr ?? [],
    audiences: of.audiences ?? ["api"],
    loginTime: of.loginTime ?? new Date(),
    expires: of.expires ?? new Date(Date.now() + 3_600_000),
    isWithdrawn: false,
  });
  return token;
}

/** What ValidateToken says of a token. */
export function judgeToken(
  tokens: ReadonlyMap<string, KeptToken>,
  { token, requirements, refresh }: ValidateTokenRequest,
  requestId: string,
): Outcome {
  const found = tokens.get(textOf(token));
  if (token.length === 0) {
    return inactive(TokenInactiveReason.NONE, "not_signed_in", "Bearer", requestId);
  }
  const invalid = (reason: TokenInactiveReason): Outcome =>
    inactive(reason, "invalid_token", 'Bearer error="invalid_token"', requestId);
  if (!found) {
    return invalid(TokenInactiveReason.FORGED);
  }
  if (found.isWithdrawn) {
    return invalid(TokenInactiveReason.ENDED);
  }
  if (found.expires.getTime() <= Date.now()) {
    return invalid(TokenInactiveReason.EXPIRED);
  }
  const audience = requirements?.audience ?? "";
  if (audience !== "" && !found.audiences.includes(audience)) {
    return invalid(TokenInactiveReason.OTHER_AUDIENCE);
  }
  const lack = lackOf({ ...found, loginTime: found.loginTime.getTime() }, requirements);
  if (lack) {
    const { what, names } = lack;
    const status = isMendedByLogin(what) ? 401 : 403;
    const detail = detailOf(what, names);
    const answer = refused(
      status,
      REASON_WORDS[what],
      detail,
      REMEDIES[what],
      challenge(lack, requirements),
      requestId,
    );
    const { reason, list } = DENIED[what];
    return { case: "denied", value: { reason, answer, ...(list ? { [list]: [...names] } : {}) } };
  }
  const { userId, clientId } = found;
  const identity = create(IdentitySchema, {
    userId,
    tenant: "default",
    provider: "fake",
    issuer: "https://provider.example",
    sub: userId.slice(userId.indexOf("_") + 1),
    scopes: [...found.scopes],
    permissions: [...found.permissions],
    roles: [...found.roles],
    emailVerified: found.emailVerified,
    acr: found.acr,
    amr: [...found.amr],
    authTime: timestampFromMs(found.loginTime.getTime()),
  });
  const value = {
    kind: TokenKind.JWT,
    identity,
    clientId,
    audiences: [...found.audiences],
    permissions: [...found.permissions],
    expireTime: timestampFromMs(found.expires.getTime()),
    ...(requirements ? { judged: requirements } : {}),
    ...(refresh && userId !== "" ? { refreshTime: timestampFromMs(Date.now()) } : {}),
  };
  return { case: "active", value };
}

const LOG_IN = "Log in again, then repeat the request.";
const REMEDIES: Readonly<Record<Lacked, string>> = {
  scope: "Ask for a token with the scope.",
  permission: "Ask for the permission.",
  role: "Ask for the role.",
  email: "Verify your email address where you log in.",
  acr: LOG_IN,
  amr: LOG_IN,
  "login age": LOG_IN,
};

/** What a token is refused with, and where the names go. */
const DENIED: Readonly<Record<Lacked, { readonly reason: TokenDeniedReason; readonly list?: string }>> = {
  scope: { reason: TokenDeniedReason.SCOPE_MISSING, list: "missingScopes" },
  permission: { reason: TokenDeniedReason.PERMISSION_MISSING, list: "missingPermissions" },
  role: { reason: TokenDeniedReason.ROLE_MISSING, list: "missingRoles" },
  email: { reason: TokenDeniedReason.EMAIL_NOT_VERIFIED },
  acr: { reason: TokenDeniedReason.ACR_MISSING, list: "missingAcrValues" },
  amr: { reason: TokenDeniedReason.AMR_MISSING, list: "missingAmrValues" },
  "login age": { reason: TokenDeniedReason.LOGIN_TOO_OLD },
};

/** What a token would have to have; of a login, what it has to be asked for (RFC 9470, 3). */
function challenge({ what, names }: Lack, requirements: TokenRequirements | undefined): string {
  if (isMendedByLogin(what)) {
    const { acrValues = [], maxLoginAge } = requirements ?? {};
    const classes = acrValues.length > 0 ? `, acr_values="${acrValues.join(" ")}"` : "";
    const age = maxLoginAge ? `, max_age="${String(maxLoginAge.seconds)}"` : "";
    return `Bearer error="insufficient_user_authentication"${classes}${age}`;
  }
  return `Bearer error="insufficient_scope"${what === "scope" ? `, scope="${names.join(" ")}"` : ""}`;
}

function inactive(reason: TokenInactiveReason, word: string, challenge: string, requestId: string): Outcome {
  const remedy = "Send a valid access token: Authorization: Bearer <token>.";
  const answer = refused(401, word, "Could not validate credentials", remedy, challenge, requestId);
  return { case: "inactive", value: { reason, answer } };
}

function refused(
  status: number,
  reason: string,
  detail: string,
  remedy: string,
  challenge: string,
  requestId: string,
): ReturnType<typeof problem> {
  const answer = create(HttpAnswerSchema, problem(status, reason, detail, remedy, requestId));
  answer.headers.push(create(HttpHeaderSchema, { name: "www-authenticate", value: challenge }));
  return answer;
}
