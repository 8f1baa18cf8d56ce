/** Owns the bearer tokens of the fake authority, and how it judges requests by them (RFC 6750). */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { milliseconds } from "../duration.js";
import { HttpAnswerSchema, HttpHeaderSchema } from "../gen/gatelodge/v1/http_answer_pb.js";
import { IdentitySchema } from "../gen/gatelodge/v1/identity_pb.js";
import {
  TokenDeniedReason,
  TokenInactiveReason,
  TokenKind,
  type ValidateTokenRequest,
  type ValidateTokenResponseSchema,
} from "../gen/gatelodge/v1/token_pb.js";
import { problem } from "./answers.js";
import { textOf, unguessable } from "./session.js";

/** Whose a bearer token is, and what it is good for. What is left out gets a value that does. */
export interface TokenOf {
  /** Default: `fake_1`. Empty for a token that speaks for a program alone. */
  readonly userId?: string | undefined;
  readonly clientId?: string | undefined;
  readonly scopes?: readonly string[] | undefined;
  readonly permissions?: readonly string[] | undefined;
  /** Default: `api`. */
  readonly audiences?: readonly string[] | undefined;
  /** When the user authenticated. Default: now. */
  readonly loginTime?: Date | undefined;
  /** When it ends. Default: in an hour. */
  readonly expires?: Date | undefined;
}

/** A token as the fake keeps it. */
export type KeptToken = Required<{ readonly [K in keyof TokenOf]: NonNullable<TokenOf[K]> }> & {
  readonly isWithdrawn: boolean;
};
type Outcome = NonNullable<MessageInitShape<typeof ValidateTokenResponseSchema>["outcome"]>;

/** Makes a token of what was said of it. */
export function issue(tokens: Map<string, KeptToken>, of: TokenOf): string {
  const token = `token_${unguessable()}`;
  tokens.set(token, {
    userId: of.userId ?? "fake_1",
    clientId: of.clientId ?? "",
    scopes: of.scopes ?? [],
    permissions: of.permissions ?? [],
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
  { token, requirements }: ValidateTokenRequest,
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
  const { scopes = [], permissions = [], audience = "", maxLoginAge } = requirements ?? {};
  if (audience !== "" && !found.audiences.includes(audience)) {
    return invalid(TokenInactiveReason.OTHER_AUDIENCE);
  }
  const missingScopes = scopes.filter((scope) => !found.scopes.includes(scope));
  const missingPermissions = permissions.filter((permission) => !found.permissions.includes(permission));
  const insufficient = 'Bearer error="insufficient_scope"';
  if (missingScopes.length > 0) {
    const challenge = `${insufficient}, scope="${missingScopes.join(" ")}"`;
    const detail = `Missing scope: ${missingScopes.join(" ")}`;
    const answer = refused(403, "scope_missing", detail, "Ask for a token with the scope.", challenge, requestId);
    return { case: "denied", value: { reason: TokenDeniedReason.SCOPE_MISSING, missingScopes, answer } };
  }
  if (missingPermissions.length > 0) {
    const detail = `Missing permission: ${missingPermissions.join(" ")}`;
    const answer = refused(403, "permission_missing", detail, "Ask for the permission.", insufficient, requestId);
    return { case: "denied", value: { reason: TokenDeniedReason.PERMISSION_MISSING, missingPermissions, answer } };
  }
  if (maxLoginAge && Date.now() - found.loginTime.getTime() > milliseconds(maxLoginAge)) {
    const challenge = 'Bearer error="insufficient_user_authentication"';
    const remedy = "Log in again, then repeat the request.";
    const answer = refused(401, "login_too_old", "A fresh login is needed", remedy, challenge, requestId);
    return { case: "denied", value: { reason: TokenDeniedReason.LOGIN_TOO_OLD, answer } };
  }
  const { userId, clientId } = found;
  const identity = create(IdentitySchema, {
    userId,
    tenant: "default",
    provider: "fake",
    issuer: "https://provider.example",
    sub: userId.slice(userId.indexOf("_") + 1),
    scopes: [...found.scopes],
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
  };
  return { case: "active", value };
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
