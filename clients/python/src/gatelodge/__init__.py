"""The way from a Python program to Gatelodge, the session authority.

- :class:`Client` and :class:`AsyncClient` make every call of the contract; :mod:`gatelodge.v1` has its messages.
- :mod:`gatelodge.fastapi`, :mod:`gatelodge.starlette`, :mod:`gatelodge.flask` and :mod:`gatelodge.django` log people in
  and out, and hand a :class:`Session` to your views.
- :mod:`gatelodge.testing` has an authority without a network, for your tests.

Nothing here decides: what becomes HTTP comes finished from the authority, and whatever is not a definite answer is 503,
with the browser's cookies left alone.
"""

from gatelodge._version import __version__
from gatelodge.async_client import AsyncClient
from gatelodge.client import Client
from gatelodge.edge import API, SPA, WEB, AsyncEdge, Edge
from gatelodge.errors import (
    AccessTokenExpiredError,
    AudienceRefusedError,
    AuditOffError,
    CallerKeyLimitError,
    CallerNotAllowedError,
    CallerUnauthenticatedError,
    ContextRequiredError,
    DeadlineExceededError,
    ExchangeUnsupportedError,
    FieldViolation,
    GatelodgeError,
    IdempotencyKeyReusedError,
    InconclusiveError,
    InternalError,
    InvalidFieldError,
    KeyUnavailableError,
    MethodUnknownError,
    MintingOffError,
    NoRefreshTokenError,
    OverloadedError,
    ProviderRefusedError,
    ProviderUnavailableError,
    RateLimitedError,
    RefreshInProgressError,
    RequestUnknownError,
    SessionNotFoundError,
    StoreUnavailableError,
    StreamEndedError,
    TenantUnknownError,
    TokenCheckOffError,
    UnreachableError,
    UserInfoUnsupportedError,
    UserNotFoundError,
    VersionConflictError,
)
from gatelodge.options import ClientOptions, OptionsError
from gatelodge.requirements import Csrf, Requirements, SessionNeeds, TokenNeeds, TokenRequirements
from gatelodge.session import Session
from gatelodge.token import Token
from gatelodge.transport import AsyncStream, Stream
from gatelodge.users import AsyncUsers, Login, SignedIn, Users
from gatelodge.verdict import Active, Checked, Denied, Inactive, TokenVerdict, Verdict

__all__ = [
    "API",
    "SPA",
    "WEB",
    "AccessTokenExpiredError",
    "Active",
    "AsyncClient",
    "AsyncEdge",
    "AsyncStream",
    "AsyncUsers",
    "AudienceRefusedError",
    "AuditOffError",
    "CallerKeyLimitError",
    "CallerNotAllowedError",
    "CallerUnauthenticatedError",
    "Checked",
    "Client",
    "ClientOptions",
    "ContextRequiredError",
    "Csrf",
    "DeadlineExceededError",
    "Denied",
    "Edge",
    "ExchangeUnsupportedError",
    "FieldViolation",
    "GatelodgeError",
    "IdempotencyKeyReusedError",
    "Inactive",
    "InconclusiveError",
    "InternalError",
    "InvalidFieldError",
    "KeyUnavailableError",
    "Login",
    "MethodUnknownError",
    "MintingOffError",
    "NoRefreshTokenError",
    "OptionsError",
    "OverloadedError",
    "ProviderRefusedError",
    "ProviderUnavailableError",
    "RateLimitedError",
    "RefreshInProgressError",
    "RequestUnknownError",
    "Requirements",
    "Session",
    "SessionNeeds",
    "SessionNotFoundError",
    "SignedIn",
    "StoreUnavailableError",
    "Stream",
    "StreamEndedError",
    "TenantUnknownError",
    "Token",
    "TokenCheckOffError",
    "TokenNeeds",
    "TokenRequirements",
    "TokenVerdict",
    "UnreachableError",
    "UserInfoUnsupportedError",
    "UserNotFoundError",
    "Users",
    "Verdict",
    "VersionConflictError",
    "__version__",
]
