"""Owns the table of methods: messages, deadline, and whether a call may be repeated. Does not know how one is sent."""

from __future__ import annotations

import enum
import sys
from dataclasses import dataclass
from typing import Generic, TypeVar

from google.protobuf import wrappers_pb2
from google.protobuf.message import Message

from gatelodge import v1

Q = TypeVar("Q", bound=Message)
A = TypeVar("A", bound=Message)


class Reach(enum.Enum):
    """Which sessions a call may end or change."""

    NONE = enum.auto()
    PRESENTED = enum.auto()
    """Changes the one that its cookies present."""
    LOGGED_OUT = enum.auto()
    """Ends that one and, where the logout says so, the user's others."""
    TARGET = enum.auto()
    """Ends what its target names."""
    TOLD = enum.auto()
    """Ends what a provider says has ended there."""
    ANY = enum.auto()
    """Ends any."""


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
    changes: Reach = Reach.NONE
    """Whose kept answers are worth nothing once it has come back."""

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
_ENDING = 8.0  # It is answered when nobody answers from what was before, which takes a few seconds at worst.

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
    changes=Reach.PRESENTED,
)
# A person waits for it, keeps the cookie when it fails, and can ask again.
START_LOGOUT = Method(
    _LOGIN + "StartLogout",
    v1.StartLogoutRequest,
    v1.StartLogoutResponse,
    timeout=_ENDING,
    repeats=1,
    changes=Reach.LOGGED_OUT,
)
COMPLETE_LOGOUT = Method(_LOGIN + "CompleteLogout", v1.CompleteLogoutRequest, v1.CompleteLogoutResponse)
# The provider tells again by itself, or not.
HANDLE_BACKCHANNEL_LOGOUT = Method(
    _LOGIN + "HandleBackchannelLogout",
    v1.HandleBackchannelLogoutRequest,
    v1.HandleBackchannelLogoutResponse,
    timeout=_ENDING,
    repeats=1,
    changes=Reach.TOLD,
)
HANDLE_FRONTCHANNEL_LOGOUT = Method(
    _LOGIN + "HandleFrontchannelLogout",
    v1.HandleFrontchannelLogoutRequest,
    v1.HandleFrontchannelLogoutResponse,
    timeout=_ENDING,
    repeats=1,
    changes=Reach.TOLD,
)

_SESSIONS = "/gatelodge.v1.SessionService/"
VALIDATE_SESSION = Method(_SESSIONS + "ValidateSession", v1.ValidateSessionRequest, v1.ValidateSessionResponse)
REFRESH_TOKENS = Method(
    _SESSIONS + "RefreshTokens",
    v1.RefreshTokensRequest,
    v1.RefreshTokensResponse,
    timeout=_SLOW,
    changes=Reach.PRESENTED,
)
GET_ACCESS_TOKEN = Method(
    _SESSIONS + "GetAccessToken", v1.GetAccessTokenRequest, v1.GetAccessTokenResponse, timeout=_SLOW
)
GET_USER_INFO = Method(
    _SESSIONS + "GetUserInfo",
    v1.GetUserInfoRequest,
    v1.GetUserInfoResponse,
    timeout=_SLOW,
    changes=Reach.PRESENTED,
)
LIST_USER_SESSIONS = Method(_SESSIONS + "ListUserSessions", v1.ListUserSessionsRequest, v1.ListUserSessionsResponse)
GET_ATTRIBUTES = Method(_SESSIONS + "GetAttributes", v1.GetAttributesRequest, v1.GetAttributesResponse)
# A repeat after one that was done is a conflict, and nobody could tell it from somebody else's.
UPDATE_ATTRIBUTES = Method(
    _SESSIONS + "UpdateAttributes",
    v1.UpdateAttributesRequest,
    v1.UpdateAttributesResponse,
    repeats=0,
    changes=Reach.PRESENTED,
)
REVOKE_SESSION = Method(
    _SESSIONS + "Revoke",
    v1.SessionServiceRevokeRequest,
    v1.SessionServiceRevokeResponse,
    timeout=_ENDING,
    changes=Reach.TARGET,
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
REVOKE_AS_ADMIN = Method(
    _ADMIN + "Revoke",
    v1.AdminServiceRevokeRequest,
    v1.AdminServiceRevokeResponse,
    timeout=_ENDING,
    changes=Reach.ANY,
)
PREVIEW_REVOKE = Method(_ADMIN + "PreviewRevoke", v1.PreviewRevokeRequest, v1.PreviewRevokeResponse)

GET_USER = Method(_ADMIN + "GetUser", v1.GetUserRequest, v1.GetUserResponse)
LIST_USERS = Method(_ADMIN + "ListUsers", v1.ListUsersRequest, v1.ListUsersResponse)
DISABLE_USER = Method(
    _ADMIN + "DisableUser", v1.DisableUserRequest, v1.DisableUserResponse, timeout=_ENDING, changes=Reach.ANY
)
ENABLE_USER = Method(_ADMIN + "EnableUser", v1.EnableUserRequest, v1.EnableUserResponse)
DELETE_USER = Method(
    _ADMIN + "DeleteUser", v1.DeleteUserRequest, v1.DeleteUserResponse, timeout=_ENDING, changes=Reach.ANY
)
LIST_AUDIT = Method(_ADMIN + "ListAudit", v1.ListAuditRequest, v1.ListAuditResponse)
WATCH_AUDIT = StreamMethod(_ADMIN + "WatchAudit", v1.WatchAuditRequest, v1.WatchAuditResponse)
EXPLAIN_LOGIN = Method(_ADMIN + "ExplainLogin", v1.ExplainLoginRequest, v1.ExplainLoginResponse)

# A repeat after one that was done would find the name taken.
CREATE_CALLER_KEY = Method(_ADMIN + "CreateCallerKey", v1.CreateCallerKeyRequest, v1.CreateCallerKeyResponse, repeats=0)
LIST_CALLER_KEYS = Method(_ADMIN + "ListCallerKeys", v1.ListCallerKeysRequest, v1.ListCallerKeysResponse)
REVOKE_CALLER_KEY = Method(
    _ADMIN + "RevokeCallerKey", v1.RevokeCallerKeyRequest, v1.RevokeCallerKeyResponse, timeout=_ENDING
)

# grpc.health.v1 has its own package; its two messages hold one field each, the same on the wire as these wrappers.
HEALTH_CHECK = Method("/grpc.health.v1.Health/Check", wrappers_pb2.StringValue, wrappers_pb2.UInt32Value, repeats=0)
HEALTH_SERVING = 1
