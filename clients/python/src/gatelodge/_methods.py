"""Owns the table of methods: messages, deadline, and whether a call may be repeated. Does not know how one is sent."""

from __future__ import annotations

import enum
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from google.protobuf import wrappers_pb2
from google.protobuf.message import Message

from gatelodge import v1

if TYPE_CHECKING:
    from collections.abc import Callable

Q = TypeVar("Q", bound=Message)
A = TypeVar("A", bound=Message)


class Changes(enum.Enum):
    """Which of the answers that are kept a call may make wrong."""

    NONE = enum.auto()
    PRESENTED = enum.auto()
    """Those about the cookies that it presents."""
    ANY = enum.auto()


def _nothing(_: object, __: object) -> Changes:
    return Changes.NONE


def _presented(_: object, __: object) -> Changes:
    return Changes.PRESENTED


def _any(_: object, __: object) -> Changes:
    return Changes.ANY


def _of_logout(question: v1.StartLogoutRequest, answer: v1.StartLogoutResponse | None) -> Changes:
    """Other sessions of the user may end too, whoever presents them; but none by a logout that was refused."""
    asked_for_more = b"everywhere" in question.query
    more = asked_for_more if answer is None else answer.revoked_count > (0 if asked_for_more else 1)
    return Changes.ANY if more else Changes.PRESENTED


def _of_provider_logout(
    _: object, answer: v1.HandleBackchannelLogoutResponse | v1.HandleFrontchannelLogoutResponse | None
) -> Changes:
    """Anybody can send what leads to it: so what was kept stays where it ended none."""
    return Changes.ANY if answer is None or answer.revoked_count else Changes.NONE


def _of_user_info(question: v1.GetUserInfoRequest, _: object) -> Changes:
    return Changes.PRESENTED if question.refresh else Changes.NONE


def _of_revoke(question: v1.SessionServiceRevokeRequest, _: object) -> Changes:
    return Changes.PRESENTED if question.WhichOneof("target") == "presented_session" else Changes.ANY


@dataclass(frozen=True)
class Method(Generic[Q, A]):
    """One method of a service, and how it is called."""

    path: str
    question: type[Q]
    answer: type[A]
    timeout: float = 2.0
    """Seconds it may take, repeats included."""
    repeats: int = sys.maxsize
    """How often it may be repeated within that time: 0 unless its comment in the contract says "Safe to retry"."""
    changes: Callable[[Any, Any], Changes] = _nothing
    """What a call has changed that asked this, and was answered this; with ``None``, what one that failed may have."""

    @property
    def name(self) -> str:
        """The method's name without its service."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True)
class StreamMethod(Generic[Q, A]):
    """One method whose answers come one by one, for as long as both sides want."""

    path: str
    question: type[Q]
    answer: type[A]
    asks_many: bool = False
    """Whether the questions come one by one, too."""

    @property
    def name(self) -> str:
        """The method's name without its service."""
        return self.path.rpartition("/")[2]


_SLOW = 10.0  # It may have to wait for an identity provider.

_LOGIN = "/gatelodge.v1.LoginService/"
GET_EDGE_SETTINGS = Method(_LOGIN + "GetEdgeSettings", v1.GetEdgeSettingsRequest, v1.GetEdgeSettingsResponse)
LIST_PROVIDERS = Method(
    _LOGIN + "ListProviders", v1.LoginServiceListProvidersRequest, v1.LoginServiceListProvidersResponse
)
# A repeat would begin another login.
START_LOGIN = Method(_LOGIN + "StartLogin", v1.StartLoginRequest, v1.StartLoginResponse, timeout=_SLOW, repeats=0)
# The browser repeats it by itself, and gets the same answer.
COMPLETE_CALLBACK = Method(
    _LOGIN + "CompleteCallback",
    v1.CompleteCallbackRequest,
    v1.CompleteCallbackResponse,
    timeout=20.0,
    repeats=0,
    changes=_presented,
)
# A person waits for it, keeps the cookie when it fails, and can ask again.
START_LOGOUT = Method(
    _LOGIN + "StartLogout",
    v1.StartLogoutRequest,
    v1.StartLogoutResponse,
    timeout=3.0,
    repeats=1,
    changes=_of_logout,
)
COMPLETE_LOGOUT = Method(_LOGIN + "CompleteLogout", v1.CompleteLogoutRequest, v1.CompleteLogoutResponse)
# The provider may have to be asked for its keys, and tells again by itself, or not.
HANDLE_BACKCHANNEL_LOGOUT = Method(
    _LOGIN + "HandleBackchannelLogout",
    v1.HandleBackchannelLogoutRequest,
    v1.HandleBackchannelLogoutResponse,
    timeout=5.0,
    repeats=1,
    changes=_of_provider_logout,
)
HANDLE_FRONTCHANNEL_LOGOUT = Method(
    _LOGIN + "HandleFrontchannelLogout",
    v1.HandleFrontchannelLogoutRequest,
    v1.HandleFrontchannelLogoutResponse,
    timeout=5.0,
    repeats=1,
    changes=_of_provider_logout,
)

_SESSIONS = "/gatelodge.v1.SessionService/"
VALIDATE_SESSION = Method(_SESSIONS + "ValidateSession", v1.ValidateSessionRequest, v1.ValidateSessionResponse)
REFRESH_TOKENS = Method(
    _SESSIONS + "RefreshTokens",
    v1.RefreshTokensRequest,
    v1.RefreshTokensResponse,
    timeout=_SLOW,
    changes=_presented,
)
GET_ACCESS_TOKEN = Method(
    _SESSIONS + "GetAccessToken", v1.GetAccessTokenRequest, v1.GetAccessTokenResponse, timeout=_SLOW
)
GET_USER_INFO = Method(
    _SESSIONS + "GetUserInfo",
    v1.GetUserInfoRequest,
    v1.GetUserInfoResponse,
    timeout=_SLOW,
    changes=_of_user_info,
)
LIST_USER_SESSIONS = Method(_SESSIONS + "ListUserSessions", v1.ListUserSessionsRequest, v1.ListUserSessionsResponse)
GET_ATTRIBUTES = Method(_SESSIONS + "GetAttributes", v1.GetAttributesRequest, v1.GetAttributesResponse)
# A repeat after one that was done is a conflict, and nobody could tell it from somebody else's.
UPDATE_ATTRIBUTES = Method(
    _SESSIONS + "UpdateAttributes", v1.UpdateAttributesRequest, v1.UpdateAttributesResponse, repeats=0
)
REVOKE_SESSION = Method(
    _SESSIONS + "Revoke", v1.SessionServiceRevokeRequest, v1.SessionServiceRevokeResponse, changes=_of_revoke
)
WATCH_SESSIONS = StreamMethod(_SESSIONS + "WatchSessions", v1.WatchSessionsRequest, v1.WatchSessionsResponse)
CHECK_SESSIONS = StreamMethod(
    _SESSIONS + "CheckSessions", v1.CheckSessionsRequest, v1.CheckSessionsResponse, asks_many=True
)

_TOKENS = "/gatelodge.v1.TokenService/"
VALIDATE_TOKEN = Method(_TOKENS + "ValidateToken", v1.ValidateTokenRequest, v1.ValidateTokenResponse, timeout=_SLOW)
MINT_TOKEN = Method(_TOKENS + "MintToken", v1.MintTokenRequest, v1.MintTokenResponse)
GET_JWKS = Method(_TOKENS + "GetJwks", v1.GetJwksRequest, v1.GetJwksResponse)

_ADMIN = "/gatelodge.v1.AdminService/"
LIST_SESSIONS = Method(_ADMIN + "ListSessions", v1.ListSessionsRequest, v1.ListSessionsResponse)
GET_SESSION = Method(_ADMIN + "GetSession", v1.GetSessionRequest, v1.GetSessionResponse)
REVOKE_AS_ADMIN = Method(_ADMIN + "Revoke", v1.AdminServiceRevokeRequest, v1.AdminServiceRevokeResponse, changes=_any)
PREVIEW_REVOKE = Method(_ADMIN + "PreviewRevoke", v1.PreviewRevokeRequest, v1.PreviewRevokeResponse)

GET_USER = Method(_ADMIN + "GetUser", v1.GetUserRequest, v1.GetUserResponse)
LIST_USERS = Method(_ADMIN + "ListUsers", v1.ListUsersRequest, v1.ListUsersResponse)
DISABLE_USER = Method(_ADMIN + "DisableUser", v1.DisableUserRequest, v1.DisableUserResponse, changes=_any)
ENABLE_USER = Method(_ADMIN + "EnableUser", v1.EnableUserRequest, v1.EnableUserResponse)
DELETE_USER = Method(_ADMIN + "DeleteUser", v1.DeleteUserRequest, v1.DeleteUserResponse, changes=_any)

# grpc.health.v1 has its own package; its two messages hold one field each, the same on the wire as these wrappers.
HEALTH_CHECK = Method("/grpc.health.v1.Health/Check", wrappers_pb2.StringValue, wrappers_pb2.UInt32Value, repeats=0)
HEALTH_SERVING = 1
