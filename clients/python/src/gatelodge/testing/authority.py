"""Owns a fake authority: what is answered to an edge, with no network. Judges by ``judge``'s rules."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import grpc

from gatelodge import _methods as methods
from gatelodge import errors, v1
from gatelodge.async_client import AsyncClient
from gatelodge.client import Client
from gatelodge.edge import AsyncEdge, Edge
from gatelodge.options import ClientOptions
from gatelodge.testing import judge
from gatelodge.testing.front_ends import API_CALLBACK, ASKED_BY_FRONT_ENDS, FrontEnds
from gatelodge.testing.logins import AT_ONCE, BINDING_COOKIE, session_cookie
from gatelodge.testing.transport import AsyncFakeTransport, FakeTransport
from gatelodge.testing.visitor import CSRF_HEADER, SESSION_COOKIE, Visitor

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from google.protobuf.message import Message

    from gatelodge._methods import A, Method, Q
    from gatelodge.testing.events import Events
    from gatelodge.transport import Metadata

_AboutSession: TypeAlias = (
    "v1.RefreshTokensRequest | v1.GetUserInfoRequest | v1.ListUserSessionsRequest | v1.SessionServiceRevokeRequest"
)

_SHORT = 0.02  # Seconds: nothing is waited for, and nothing is repeated.
_KEEP_FOR = 5


class HasEdge(Protocol):
    """What each framework's ``Gatelodge`` has."""

    @property
    def edge(self) -> Edge | AsyncEdge:
        """The application's edge."""


class HasEdges(Protocol):
    """What :mod:`gatelodge.django` has."""

    def edges(self) -> Iterable[Edge | AsyncEdge]:
        """The edges of the project."""


class FakeAuthority(FrontEnds):
    """An authority in the process of the test: somebody can be signed in as anyone with anything.

    It judges scopes, login age, CSRF tokens and origins as the real one does, and takes whole logins: a browser that
    opens ``/auth/web/login`` comes back signed in as ``next_visitor``, and so do the logins of the route sets ``api``
    and ``spa``.

    Args:
        public_base_url: where browsers reach the application; the test clients' own by default.
        allowed_origins: further origins that may call.
    """

    def __init__(
        self, *, public_base_url: str = "http://testserver", allowed_origins: Iterable[str] = (), mount_prefix: str = ""
    ) -> None:
        super().__init__(public_base_url, allowed_origins, mount_prefix)
        self.asked: list[tuple[str, Message]] = []
        """Every call that came: the method's name, and its message."""
        self._trouble: errors.GatelodgeError | None = None
        self._denial: v1.DeniedReason.ValueType | None = None

    def away(self) -> None:
        """From now on nobody answers. An edge keeps its settings meanwhile."""
        self.fail(errors.UnreachableError("the fake authority is away", code=grpc.StatusCode.UNAVAILABLE))

    def slow(self) -> None:
        """From now on every call runs out of time; at once, so that no test has to wait."""
        self.fail(errors.deadline_exceeded())

    def fail(self, error: errors.GatelodgeError) -> None:
        """From now on every call fails like this, and nobody is told of anything."""
        self._trouble = error
        self._events.be_deaf(is_deaf=True)

    def deny(self, reason: v1.DeniedReason.ValueType = v1.DENIED_REASON_CSRF_MISSING) -> None:
        """From now on no session may be used for any request, for this reason."""
        self._denial = reason
        self._events.tell(v1.SessionEvent(kind=v1.SESSION_EVENT_KIND_TENANT_REVOKED))

    def recover(self) -> None:
        """Ends what :meth:`away`, :meth:`slow`, :meth:`fail` and :meth:`deny` began."""
        self._trouble, self._denial = None, None
        self._events.be_deaf(is_deaf=False)

    def client(self, *, keep_answers: int = 0) -> Client:
        """A client that asks this authority; by default each time, so that a test can count."""
        return Client(_options(keep_answers), transport=FakeTransport(self))

    def async_client(self, *, keep_answers: int = 0) -> AsyncClient:
        """A client for asyncio that asks this authority; by default each time, so that a test can count."""
        return AsyncClient(_options(keep_answers), transport=AsyncFakeTransport(self))

    @contextmanager
    def behind(self, application: HasEdge | HasEdges, *, keep_answers: int = 0) -> Iterator[FakeAuthority]:
        """Lets an application ask this authority: a framework's ``Gatelodge``, or ``gatelodge.django``.

        Args:
            application: whose edge is to ask.
            keep_answers: how many answers it keeps, as :attr:`gatelodge.ClientOptions.keep_answers` says.
        """
        edges = application.edges() if hasattr(application, "edges") else (application.edge,)
        with ExitStack() as stack:
            for edge in edges:
                if isinstance(edge, AsyncEdge):
                    stack.enter_context(edge.asking(self.async_client(keep_answers=keep_answers)))
                else:
                    stack.enter_context(edge.asking(self.client(keep_answers=keep_answers)))
            yield self

    @property
    def events(self) -> Events:
        """What is told to whoever watches."""
        return self._events

    def answer(self, method: Method[Q, A], question: Q, metadata: Metadata) -> A:
        """Answers one call.

        Raises:
            GatelodgeError: it was told to.
        """
        self.asked.append((method.name, question))
        if method is methods.GET_EDGE_SETTINGS:
            return self._settings()  # type: ignore[return-value]
        if self._trouble is not None:
            raise self._trouble
        request_id = dict(metadata).get("x-request-id", "")
        answer = _ANSWERS.get(method.path)
        if answer is None:
            text = f"the fake authority has no answer to {method.name}"
            raise errors.MethodUnknownError(text, code=grpc.StatusCode.UNIMPLEMENTED)
        made: A = answer(self, question, request_id)
        return made

    def _settings(self) -> v1.GetEdgeSettingsResponse:
        here = f"{self._public_base_url}{self._mount_prefix}"
        callbacks = {v1.ROUTE_SET_WEB: f"{here}/auth/web/callback", v1.ROUTE_SET_API: f"{here}{API_CALLBACK}"}
        settings = v1.EdgeSettings(
            version="fake",
            session_cookie_names=[SESSION_COOKIE],
            binding_cookie_names=[BINDING_COOKIE],
            csrf_header=CSRF_HEADER,
            public_base_url=self._public_base_url,
            callback_addresses=[
                v1.CallbackAddress(route_set=route_set, provider="fake", url=url)
                for route_set, url in callbacks.items()
            ],
            cors=v1.CorsSettings(
                allowed_origins=self._allowed_origins,
                allowed_methods=["GET", "POST"],
                allowed_headers=["Content-Type", CSRF_HEADER, *ASKED_BY_FRONT_ENDS],
                exposed_headers=[CSRF_HEADER],
            ),
            limits=v1.Limits(
                max_cookie_bytes=4096, max_cookies=16, max_header_bytes=8192, max_query_bytes=8192, max_body_bytes=65536
            ),
            route_sets=[v1.ROUTE_SET_WEB, v1.ROUTE_SET_API, v1.ROUTE_SET_SPA],
        )
        settings.ask_again_after.FromSeconds(60)
        settings.cors.max_age.FromSeconds(600)
        return v1.GetEdgeSettingsResponse(settings=settings)

    def _validate(self, question: v1.ValidateSessionRequest, request_id: str) -> v1.ValidateSessionResponse:
        found = self._found(question.cookies)
        if not isinstance(found, Visitor):
            inactive = judge.inactive(found, question, request_id)
            return v1.ValidateSessionResponse(inactive=inactive, settings_version="fake")
        judged = self._denial or judge.judge(question, found, self._origins())
        if not isinstance(judged, v1.JudgedRequirements):
            denied = judge.denied(judged, question, found, request_id)
            return v1.ValidateSessionResponse(denied=denied, settings_version="fake")
        active = v1.ActiveSession(identity=found.identity(), session=found.info(), judged=judged)
        active.event_position, active.keep_for.seconds = self._events.position, _KEEP_FOR
        renewed, presented = found.renewed_credential, {cookie.value for cookie in question.cookies}
        if renewed is not None and question.can_set_cookies and renewed.encode() not in presented:
            active.set_cookies.append(session_cookie(renewed))
        if question.issue_csrf_token or active.set_cookies:
            active.csrf_token = found.csrf_token
        return v1.ValidateSessionResponse(active=active, settings_version="fake")

    def _use(self, question: _AboutSession, request_id: str) -> Visitor | v1.InactiveSession | v1.DeniedSession:
        """The session that a request may use, or why it may not."""
        check = v1.ValidateSessionRequest(answer_json=True)
        if question.HasField("context"):
            check.context.CopyFrom(question.context)
        found = self._found(question.cookies)
        if not isinstance(found, Visitor):
            return judge.inactive(found, check, request_id)
        judged = self._denial or judge.judge(check, found, self._origins())
        return found if isinstance(judged, v1.JudgedRequirements) else judge.denied(judged, check, found, request_id)

    def _refresh_tokens(self, question: v1.RefreshTokensRequest, request_id: str) -> v1.RefreshTokensResponse:
        if question.HasField("api_key"):
            return self._refresh_by_key(question, request_id)
        used = self._use(question, request_id)
        if isinstance(used, v1.InactiveSession):
            return v1.RefreshTokensResponse(inactive=used, answer=_answer_of(used))
        if isinstance(used, v1.DeniedSession):
            return v1.RefreshTokensResponse(denied=used, answer=_answer_of(used))
        answer = judge.of_json(200, {"message": "Tokens refreshed", "expires_at": None})
        return v1.RefreshTokensResponse(refreshed=v1.RefreshedTokens(session=used.info()), answer=answer)

    def _get_user_info(self, question: v1.GetUserInfoRequest, request_id: str) -> v1.GetUserInfoResponse:
        used = self._use(question, request_id)
        if isinstance(used, v1.InactiveSession):
            return v1.GetUserInfoResponse(inactive=used, answer=_answer_of(used))
        if isinstance(used, v1.DeniedSession):
            return v1.GetUserInfoResponse(denied=used, answer=_answer_of(used))
        known = v1.UserInfo(identity=used.identity(), session=used.info())
        return v1.GetUserInfoResponse(user_info=known, answer=judge.of_json(200, used.user_info()))

    def _list_user_sessions(self, question: v1.ListUserSessionsRequest, request_id: str) -> v1.ListUserSessionsResponse:
        """All on one page."""
        used = self._use(question, request_id)
        if isinstance(used, v1.InactiveSession):
            return v1.ListUserSessionsResponse(inactive=used, answer=_answer_of(used))
        if isinstance(used, v1.DeniedSession):
            return v1.ListUserSessionsResponse(denied=used, answer=_answer_of(used))
        theirs = self._sessions_of(used)
        listed = v1.UserSessions(sessions=[v1.UserSession(session=one.info(), current=one is used) for one in theirs])
        told = [one.as_device(is_current=one is used) for one in theirs]
        answer = judge.of_json(200, {"sessions": told, "next_page_token": ""})
        return v1.ListUserSessionsResponse(user_sessions=listed, answer=answer)

    def _revoke(self, question: v1.SessionServiceRevokeRequest, request_id: str) -> v1.SessionServiceRevokeResponse:
        used = self._use(question, request_id)
        if isinstance(used, v1.InactiveSession):
            inactive = used if question.WhichOneof("target") != "presented_session" else None
            return v1.SessionServiceRevokeResponse(inactive=inactive, answer=_answer_of(used))
        if isinstance(used, v1.DeniedSession):
            return v1.SessionServiceRevokeResponse(denied=used, answer=_answer_of(used))
        end = judge.end_of(question, used)
        if end is None:
            detail, remedy = "The request can't be read", "Send end: a session's public id, or others."
            answer = judge.trouble(400, "request_malformed", detail, remedy, request_id)
            return v1.SessionServiceRevokeResponse(answer=answer)
        theirs = self._sessions_of(used)
        ended = [one for one in theirs if (one is not used if end == "others" else one.session_id == end)]
        for one in ended:
            self.end(one)
        made = judge.of_json(200, {"message": f"{len(ended)} sessions were ended", "revoked_count": len(ended)})
        if used in ended:
            made.set_cookies.append(f"{session_cookie('')}; Max-Age={AT_ONCE}")
        finished = made if question.HasField("context") else None
        return v1.SessionServiceRevokeResponse(revoked_count=len(ended), answer=finished)


# ruff: noqa: SLF001 - the table is part of the class above
_ANSWERS: dict[str, Any] = {
    methods.VALIDATE_SESSION.path: FakeAuthority._validate,
    methods.LIST_PROVIDERS.path: FakeAuthority._list_providers,
    methods.START_LOGIN.path: FakeAuthority._start_login,
    methods.COMPLETE_CALLBACK.path: FakeAuthority._complete_callback,
    methods.START_LOGOUT.path: FakeAuthority._start_logout,
    methods.COMPLETE_LOGOUT.path: FakeAuthority._complete_logout,
    methods.HANDLE_BACKCHANNEL_LOGOUT.path: FakeAuthority._handle_backchannel_logout,
    methods.HANDLE_FRONTCHANNEL_LOGOUT.path: FakeAuthority._handle_frontchannel_logout,
    methods.REFRESH_TOKENS.path: FakeAuthority._refresh_tokens,
    methods.REVOKE_SESSION.path: FakeAuthority._revoke,
    methods.LIST_USER_SESSIONS.path: FakeAuthority._list_user_sessions,
    methods.GET_ATTRIBUTES.path: FakeAuthority._get_attributes,
    methods.UPDATE_ATTRIBUTES.path: FakeAuthority._update_attributes,
    methods.PREVIEW_REVOKE.path: FakeAuthority._preview_revoke,
    methods.GET_USER.path: FakeAuthority._get_user,
    methods.LIST_USERS.path: FakeAuthority._list_users,
    methods.DISABLE_USER.path: FakeAuthority._disable_user,
    methods.ENABLE_USER.path: FakeAuthority._enable_user,
    methods.DELETE_USER.path: FakeAuthority._delete_user,
    methods.CREATE_CALLER_KEY.path: FakeAuthority._create_caller_key,
    methods.LIST_CALLER_KEYS.path: FakeAuthority._list_caller_keys,
    methods.REVOKE_CALLER_KEY.path: FakeAuthority._revoke_caller_key,
    methods.LIST_AUDIT.path: FakeAuthority._keep_no_audit,
    methods.EXPLAIN_LOGIN.path: FakeAuthority._keep_no_audit,
    methods.GET_ACCESS_TOKEN.path: FakeAuthority._get_access_token,
    methods.GET_USER_INFO.path: FakeAuthority._get_user_info,
    methods.VALIDATE_TOKEN.path: FakeAuthority._validate_token,
    methods.MINT_TOKEN.path: FakeAuthority._mint_token,
    methods.GET_JWKS.path: FakeAuthority._show_no_keys,
    methods.LIST_SESSIONS.path: FakeAuthority._list_sessions,
    methods.GET_SESSION.path: FakeAuthority._get_session,
    methods.REVOKE_AS_ADMIN.path: FakeAuthority._revoke_as_admin,
    methods.HEALTH_CHECK.path: FakeAuthority._check_health,
}


def _options(keep_answers: int) -> ClientOptions:
    return ClientOptions("http://fake.invalid", None, timeout=_SHORT, keep_answers=keep_answers)


def _answer_of(message: v1.InactiveSession | v1.DeniedSession) -> v1.HttpAnswer | None:
    return message.answer if message.HasField("answer") else None
