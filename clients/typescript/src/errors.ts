/** Owns how a call fails. Does not know how calls are made. */
import type { ErrorReason } from "./gen/gatelodge/v1/error_reason_pb.js";
import type { HttpAnswer } from "./gen/gatelodge/v1/http_answer_pb.js";

/** The machine-readable reason of a failed call: a name of the contract's `ErrorReason`. */
export type Reason = Exclude<keyof typeof ErrorReason, "UNSPECIFIED">;

/** A gRPC status code, by name. */
export type Code =
  | "CANCELLED"
  | "UNKNOWN"
  | "INVALID_ARGUMENT"
  | "DEADLINE_EXCEEDED"
  | "NOT_FOUND"
  | "ALREADY_EXISTS"
  | "PERMISSION_DENIED"
  | "RESOURCE_EXHAUSTED"
  | "FAILED_PRECONDITION"
  | "ABORTED"
  | "OUT_OF_RANGE"
  | "UNIMPLEMENTED"
  | "INTERNAL"
  | "UNAVAILABLE"
  | "DATA_LOSS"
  | "UNAUTHENTICATED";

/** A field of the caller's own that the authority refused. */
export interface FieldViolation {
  /** Its path in the request. */
  readonly field: string;
  /** What is wrong with it. */
  readonly description: string;
}

/** What is known of a failed call. */
export interface Failure {
  readonly code: Code;
  readonly message: string;
  /** As it came: an authority that is newer than this package may send others than {@link Reason}. */
  readonly reason?: string | undefined;
  readonly requestId?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly fields?: readonly FieldViolation[] | undefined;
  readonly answer?: HttpAnswer | undefined;
  readonly cause?: unknown;
}

/**
 * A call that brought no answer. It never speaks of the browser's session: nobody is logged out because of it.
 *
 * Each reason of the contract has a class of its own, such as {@link StoreUnavailableError}. A reason that is not known
 * here is this class: judge it by its code.
 */
export class GatelodgeError extends Error {
  override name = "GatelodgeError";
  /** The gRPC status code. `UNKNOWN` for an OK answer from which nothing may be concluded. */
  readonly code: Code;
  /** More exact than the code; absent when the call failed before it reached an authority, or on the way back. */
  readonly reason: string | undefined;
  /** The id under which the authority's log holds the cause. */
  readonly requestId: string | undefined;
  /** How long to wait before a retry, in milliseconds, when the authority said so. */
  readonly retryAfterMs: number | undefined;
  /** The refused fields, for `INVALID_ARGUMENT`. */
  readonly fields: readonly FieldViolation[];
  /** What an edge answers its browser in place of 503: the authority gives it for trouble of the provider. */
  readonly answer: HttpAnswer | undefined;

  constructor(failure: Failure) {
    super(told(failure), failure.cause === undefined ? undefined : { cause: failure.cause });
    this.code = failure.code;
    this.reason = failure.reason;
    this.requestId = failure.requestId;
    this.retryAfterMs = failure.retryAfterMs;
    this.fields = failure.fields ?? [];
    this.answer = failure.answer;
  }

  /** Whether the same call may succeed later: `UNAVAILABLE`, or an overload that says when to come back. */
  get retryable(): boolean {
    return this.code === "UNAVAILABLE" || (this.code === "RESOURCE_EXHAUSTED" && this.retryAfterMs !== undefined);
  }
}

function told({ code, message, reason, requestId }: Failure): string {
  const facts = [code, ...(reason ? [reason] : []), ...(requestId ? [`request ${requestId}`] : [])].join(", ");
  const setting = refusedSetting({ code, reason });
  return `${message} (${facts})${setting === undefined ? "" : `: check ${setting}`}`;
}

/** The setting with which the authority refuses this caller; nothing for other failures. */
export function refusedSetting({ code, reason }: Pick<Failure, "code" | "reason">): string | undefined {
  if (reason === "TENANT_UNKNOWN") {
    return "GATELODGE_TENANT";
  }
  return code === "UNAUTHENTICATED" || code === "PERMISSION_DENIED" ? "GATELODGE_API_KEY" : undefined;
}

/** The call came without a valid API key. */
export class CallerUnauthenticatedError extends GatelodgeError {
  override name = "CallerUnauthenticatedError";
}
/** The API key is valid, but its role may not call this method. */
export class CallerNotAllowedError extends GatelodgeError {
  override name = "CallerNotAllowedError";
}
/** A field of the caller's own is missing, malformed or too large: see {@link GatelodgeError.fields}. */
export class InvalidFieldError extends GatelodgeError {
  override name = "InvalidFieldError";
}
/** A requirement can't be judged without the request context, which the call left out. */
export class ContextRequiredError extends GatelodgeError {
  override name = "ContextRequiredError";
}
/** The session store can't be reached, or did not answer in time. */
export class StoreUnavailableError extends GatelodgeError {
  override name = "StoreUnavailableError";
}
/** The record is sealed with a key that this authority has not loaded. */
export class KeyUnavailableError extends GatelodgeError {
  override name = "KeyUnavailableError";
}
/** The identity provider can't be reached, or answered with trouble. */
export class ProviderUnavailableError extends GatelodgeError {
  override name = "ProviderUnavailableError";
}
/** The identity provider refused the session's refresh or access token: only a new login brings new tokens. */
export class ProviderRefusedError extends GatelodgeError {
  override name = "ProviderRefusedError";
}
/** The session holds no refresh token. */
export class NoRefreshTokenError extends GatelodgeError {
  override name = "NoRefreshTokenError";
}
/** The session's access token lives shorter than asked for, and can't be refreshed. */
export class AccessTokenExpiredError extends GatelodgeError {
  override name = "AccessTokenExpiredError";
}
/** Another call is refreshing this session's tokens and has not finished. */
export class RefreshInProgressError extends GatelodgeError {
  override name = "RefreshInProgressError";
}
/** No living session has this public id. */
export class SessionNotFoundError extends GatelodgeError {
  override name = "SessionNotFoundError";
}
/** The call's deadline passed before there was an answer. */
export class DeadlineExceededError extends GatelodgeError {
  override name = "DeadlineExceededError";
}
/** This authority has no such method: it may be older than this package. */
export class MethodUnknownError extends GatelodgeError {
  override name = "MethodUnknownError";
}
/** A fault of the authority itself; its log holds the cause under the request id. */
export class InternalError extends GatelodgeError {
  override name = "InternalError";
}
/** The authority has more calls in flight than it takes on. */
export class OverloadedError extends GatelodgeError {
  override name = "OverloadedError";
}
/** What was to be changed has another version by now: read it again, and decide again. */
export class VersionConflictError extends GatelodgeError {
  override name = "VersionConflictError";
}
/** No user has this id. */
export class UserNotFoundError extends GatelodgeError {
  override name = "UserNotFoundError";
}
/** No token is given for the audience that was named. */
export class AudienceRefusedError extends GatelodgeError {
  override name = "AudienceRefusedError";
}
/** The authority mints no tokens. */
export class MintingOffError extends GatelodgeError {
  override name = "MintingOffError";
}
/** No token for another audience can be had of the session's identity provider. */
export class ExchangeUnsupportedError extends GatelodgeError {
  override name = "ExchangeUnsupportedError";
}
/** The authority checks no access tokens. */
export class TokenCheckOffError extends GatelodgeError {
  override name = "TokenCheckOffError";
}
/** The session's identity provider offers no user info that could be asked again. */
export class UserInfoUnsupportedError extends GatelodgeError {
  override name = "UserInfoUnsupportedError";
}
/** The authority has ended a stream that did nothing wrong: open another, and ask again what was not answered. */
export class StreamEndedError extends GatelodgeError {
  override name = "StreamEndedError";
}
/** The call names no tenant, or one that this API key is not for. */
export class TenantUnknownError extends GatelodgeError {
  override name = "TenantUnknownError";
}
/** A client, or all clients of the tenant together, did too often what anybody can: log in, or come with something forged. */
export class RateLimitedError extends GatelodgeError {
  override name = "RateLimitedError";
}
/** The idempotency key came with another request before; nothing was done. */
export class IdempotencyKeyReusedError extends GatelodgeError {
  override name = "IdempotencyKeyReusedError";
}
/** The tenant has as many API keys that were made at run time as it may have. */
export class CallerKeyLimitError extends GatelodgeError {
  override name = "CallerKeyLimitError";
}
/** The tenant keeps no audit entries. */
export class AuditOffError extends GatelodgeError {
  override name = "AuditOffError";
}
/** No audit entry is kept of this request id. */
export class RequestUnknownError extends GatelodgeError {
  override name = "RequestUnknownError";
}
/** No authority could be reached: nothing listens at the address, or TLS failed. */
export class UnreachableError extends GatelodgeError {
  override name = "UnreachableError";
}
/** The authority answered, and nothing may be concluded from what it said: it may be older or newer than this package. */
export class InconclusiveError extends GatelodgeError {
  override name = "InconclusiveError";
  constructor(message: string) {
    super({ code: "UNKNOWN", message });
  }
}

const CLASSES: Readonly<Record<Reason, typeof GatelodgeError>> = {
  CALLER_UNAUTHENTICATED: CallerUnauthenticatedError,
  CALLER_NOT_ALLOWED: CallerNotAllowedError,
  INVALID_FIELD: InvalidFieldError,
  CONTEXT_REQUIRED: ContextRequiredError,
  STORE_UNAVAILABLE: StoreUnavailableError,
  KEY_UNAVAILABLE: KeyUnavailableError,
  PROVIDER_UNAVAILABLE: ProviderUnavailableError,
  PROVIDER_REFUSED: ProviderRefusedError,
  NO_REFRESH_TOKEN: NoRefreshTokenError,
  ACCESS_TOKEN_EXPIRED: AccessTokenExpiredError,
  REFRESH_IN_PROGRESS: RefreshInProgressError,
  SESSION_NOT_FOUND: SessionNotFoundError,
  DEADLINE_EXCEEDED: DeadlineExceededError,
  METHOD_UNKNOWN: MethodUnknownError,
  INTERNAL: InternalError,
  OVERLOADED: OverloadedError,
  VERSION_CONFLICT: VersionConflictError,
  USER_NOT_FOUND: UserNotFoundError,
  AUDIENCE_REFUSED: AudienceRefusedError,
  MINTING_OFF: MintingOffError,
  EXCHANGE_UNSUPPORTED: ExchangeUnsupportedError,
  TOKEN_CHECK_OFF: TokenCheckOffError,
  USER_INFO_UNSUPPORTED: UserInfoUnsupportedError,
  STREAM_ENDED: StreamEndedError,
  TENANT_UNKNOWN: TenantUnknownError,
  RATE_LIMITED: RateLimitedError,
  IDEMPOTENCY_KEY_REUSED: IdempotencyKeyReusedError,
  CALLER_KEY_LIMIT: CallerKeyLimitError,
  AUDIT_OFF: AuditOffError,
  REQUEST_UNKNOWN: RequestUnknownError,
};

/** The error of a failure, of the class of its reason. */
export function errorOf(failure: Failure): GatelodgeError {
  if (failure.reason !== undefined && Object.hasOwn(CLASSES, failure.reason)) {
    return new CLASSES[failure.reason as Reason](failure);
  }
  return failure.code === "UNAVAILABLE" && failure.reason === undefined
    ? new UnreachableError(failure)
    : new GatelodgeError(failure);
}

/** A setting that can't be used. The message names it and says what was expected. */
export class OptionsError extends Error {
  override name = "OptionsError";
  constructor(
    /** The variable, such as `GATELODGE_ADDRESS`, or the option. */
    readonly setting: string,
    problem: string,
    options?: ErrorOptions,
  ) {
    super(`${setting} ${problem}`, options);
  }
}
