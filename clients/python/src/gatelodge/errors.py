"""Owns why a call failed: one class per reason of the contract. Does not know what a browser is told because of it.

None of these ever means "logged out": a dead session is an answer, not an error.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from gatelodge import v1

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

    from google.protobuf.message import Message

_DETAILS = "grpc-status-details-bin"


@dataclass(frozen=True)
class FieldViolation:
    """A field of the caller's own that the authority refused."""

    field: str
    """The field's path in the request."""
    description: str
    """What is wrong with it."""


class GatelodgeError(Exception):
    """A call that brought no answer. The base of all errors that a call can raise.

    It never speaks of the browser's session: answer 503, and leave the cookies alone.
    """

    reason: str | None = None
    """The contract's machine-readable reason, such as ``STORE_UNAVAILABLE``; ``None`` when none came."""
    remedy: ClassVar[str] = ""

    def __init__(  # noqa: PLR0913
        self,
        message: str,
        *,
        code: grpc.StatusCode = grpc.StatusCode.UNKNOWN,
        reason: str | None = None,
        request_id: str | None = None,
        retry_after: timedelta | None = None,
        field_violations: tuple[FieldViolation, ...] = (),
        answer: v1.HttpAnswer | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        """One sentence for people."""
        self.code = code
        """The gRPC status code."""
        self.reason = reason or self.reason
        self.request_id = request_id
        """The id under which the authority's log holds the cause."""
        self.retry_after = retry_after
        """How long to wait before asking again, when the authority said so."""
        self.field_violations = field_violations
        """The refused fields, for ``INVALID_ARGUMENT``."""
        self.answer = answer
        """What an edge answers its browser in place of 503: the authority gives it for trouble of the provider."""

    @property
    def is_retryable(self) -> bool:
        """Whether the same call may succeed later."""
        is_overload = self.code is grpc.StatusCode.RESOURCE_EXHAUSTED and self.retry_after is not None
        return self.code is grpc.StatusCode.UNAVAILABLE or is_overload

    def __str__(self) -> str:
        request = f"request {self.request_id}" if self.request_id else None
        facts = ", ".join(fact for fact in (self.code.name, self.reason, request) if fact)
        return f"{self.message} ({facts})" + (f". {self.remedy}" if self.remedy else "")


class UnreachableError(GatelodgeError):
    """No authority answered at the address."""

    remedy = "Is it running there? Check GATELODGE_ADDRESS"


class InconclusiveError(GatelodgeError):
    """The authority answered something that is neither yes nor no to this client: it may be older or newer."""


class CallerUnauthenticatedError(GatelodgeError):
    """The call came without a valid API key."""

    reason = "CALLER_UNAUTHENTICATED"
    remedy = "Check GATELODGE_API_KEY"


class CallerNotAllowedError(GatelodgeError):
    """The API key is valid, but its role may not call this method."""

    reason = "CALLER_NOT_ALLOWED"
    remedy = "Check GATELODGE_API_KEY: its role may not make this call"


class InvalidFieldError(GatelodgeError):
    """A field of the caller's own is missing, malformed or too large: see ``field_violations``."""

    reason = "INVALID_FIELD"


class ContextRequiredError(GatelodgeError):
    """A requirement (such as CSRF) can't be judged without the request context, which the call left out."""

    reason = "CONTEXT_REQUIRED"


class StoreUnavailableError(GatelodgeError):
    """The authority's session store can't be reached, or did not answer in time."""

    reason = "STORE_UNAVAILABLE"


class KeyUnavailableError(GatelodgeError):
    """The record is sealed with a key that this authority has not loaded. An operator has to restore it."""

    reason = "KEY_UNAVAILABLE"


class ProviderUnavailableError(GatelodgeError):
    """The identity provider can't be reached, or answered with trouble."""

    reason = "PROVIDER_UNAVAILABLE"


class ProviderRefusedError(GatelodgeError):
    """The identity provider refused the refresh token: only a new login brings new tokens."""

    reason = "PROVIDER_REFUSED"


class NoRefreshTokenError(GatelodgeError):
    """The session holds no refresh token: none was given, or none is kept by configuration."""

    reason = "NO_REFRESH_TOKEN"


class AccessTokenExpiredError(GatelodgeError):
    """The session's access token lives shorter than asked for, and can't be refreshed."""

    reason = "ACCESS_TOKEN_EXPIRED"


class RefreshInProgressError(GatelodgeError):
    """Another call is refreshing this session's tokens and has not finished."""

    reason = "REFRESH_IN_PROGRESS"


class SessionNotFoundError(GatelodgeError):
    """No living session has this public id."""

    reason = "SESSION_NOT_FOUND"


class UserNotFoundError(GatelodgeError):
    """No user has this id: nobody has logged in with it, or the user was deleted long ago."""

    reason = "USER_NOT_FOUND"


class VersionConflictError(GatelodgeError):
    """What was to be changed has another version by now: read it again, and decide again."""

    reason = "VERSION_CONFLICT"


class DeadlineExceededError(GatelodgeError):
    """There was no answer in time."""

    reason = "DEADLINE_EXCEEDED"


class MethodUnknownError(GatelodgeError):
    """The authority has no such method: it may be older than this client."""

    reason = "METHOD_UNKNOWN"


class InternalError(GatelodgeError):
    """A fault of the authority itself; its log holds the cause under the request id."""

    reason = "INTERNAL"


class OverloadedError(GatelodgeError):
    """The authority has more calls in flight than it takes on."""

    reason = "OVERLOADED"


class AudienceRefusedError(GatelodgeError):
    """No token is given for the audience that was named."""

    reason = "AUDIENCE_REFUSED"


class MintingOffError(GatelodgeError):
    """The authority mints no tokens."""

    reason = "MINTING_OFF"


class ExchangeUnsupportedError(GatelodgeError):
    """No token for another audience can be had of the session's identity provider."""

    reason = "EXCHANGE_UNSUPPORTED"


class TokenCheckOffError(GatelodgeError):
    """The authority checks no access tokens."""

    reason = "TOKEN_CHECK_OFF"


class UserInfoUnsupportedError(GatelodgeError):
    """The session's identity provider offers no user info that could be asked again."""

    reason = "USER_INFO_UNSUPPORTED"


class StreamEndedError(GatelodgeError):
    """The authority has ended a stream that did nothing wrong: open another, and ask again what was not answered."""

    reason = "STREAM_ENDED"


class TenantUnknownError(GatelodgeError):
    """The call names no tenant, or one that this API key is not for."""

    reason = "TENANT_UNKNOWN"
    remedy = "Check GATELODGE_TENANT"


class RateLimitedError(GatelodgeError):
    """A client, or all clients of the tenant, did too often what anybody can: log in, or come with something forged."""

    reason = "RATE_LIMITED"


class IdempotencyKeyReusedError(GatelodgeError):
    """The idempotency key came with another request before; nothing was done."""

    reason = "IDEMPOTENCY_KEY_REUSED"


class CallerKeyLimitError(GatelodgeError):
    """The tenant has as many API keys that were made at run time as it may have."""

    reason = "CALLER_KEY_LIMIT"


class AuditOffError(GatelodgeError):
    """The tenant keeps no audit entries."""

    reason = "AUDIT_OFF"


class RequestUnknownError(GatelodgeError):
    """No audit entry is kept of this request id."""

    reason = "REQUEST_UNKNOWN"


BY_REASON: dict[str, type[GatelodgeError]] = {
    error.reason: error for error in GatelodgeError.__subclasses__() if error.reason is not None
}


def deadline_exceeded() -> DeadlineExceededError:
    """No answer within the call's own deadline."""
    return DeadlineExceededError("the authority did not answer in time", code=grpc.StatusCode.DEADLINE_EXCEEDED)


# What gRPC makes of an answer in plain HTTP. An authority gives a reason with them.
_STRANGE = (grpc.StatusCode.UNKNOWN, grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.INTERNAL)


def from_status(
    code: grpc.StatusCode, message: str, metadata: Iterable[tuple[str, str | bytes]], address: str
) -> GatelodgeError:
    """The error that a status of gRPC stands for, with what its details say."""
    # A call that we still wait for is cancelled by nobody but a timeout, here or at the authority.
    if code is grpc.StatusCode.CANCELLED:
        return deadline_exceeded()
    details = _details(metadata)
    info, retry, bad = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo(), error_details_pb2.BadRequest()
    answer = v1.HttpAnswer()
    came = {type(known) for known in (info, retry, bad, answer) if _unpack(details, known)}
    if not info.reason and code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return deadline_exceeded()
    if not info.reason and code is grpc.StatusCode.UNAVAILABLE:
        message = f"the authority at {address} can't be reached: {message}"
    if not info.reason and code in _STRANGE:
        message = f"what answers at {address} (GATELODGE_ADDRESS) is no authority: {message}"
    return BY_REASON.get(info.reason, _by_code(code))(
        message,
        code=code,
        reason=info.reason or None,
        request_id=info.metadata.get("request_id"),
        retry_after=retry.retry_delay.ToTimedelta() if type(retry) in came else None,
        field_violations=tuple(FieldViolation(field.field, field.description) for field in bad.field_violations),
        answer=answer if v1.HttpAnswer in came else None,
    )


def _by_code(code: grpc.StatusCode) -> type[GatelodgeError]:
    """Without a reason, or with one that is not known here, the code counts."""
    known: dict[grpc.StatusCode, type[GatelodgeError]] = {
        grpc.StatusCode.UNAVAILABLE: UnreachableError,
        grpc.StatusCode.UNAUTHENTICATED: CallerUnauthenticatedError,
        grpc.StatusCode.PERMISSION_DENIED: CallerNotAllowedError,
    }
    return known.get(code, GatelodgeError)


def _details(metadata: Iterable[tuple[str, str | bytes]]) -> status_pb2.Status:
    status = status_pb2.Status()
    for name, value in metadata:
        if name == _DETAILS and isinstance(value, bytes):
            with suppress(DecodeError):  # Without details the code still counts.
                status.ParseFromString(value)
    return status


def _unpack(status: status_pb2.Status, into: Message) -> bool:
    with suppress(DecodeError):
        return any(detail.Is(into.DESCRIPTOR) and detail.Unpack(into) for detail in status.details)
    return False
