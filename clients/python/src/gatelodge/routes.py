"""Owns the table of routes, and the question behind each. Does not know how it is asked, or what the answer says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from gatelodge import _methods as methods
from gatelodge import admission, answer, cors, presented, v1, verdict
from gatelodge.verdict import Active, Denied

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatelodge._methods import Method
    from gatelodge.answer import Answer
    from gatelodge.presented import RawRequest
    from gatelodge.session import Session
    from gatelodge.settings import Settings


_PROVIDER = "{provider}"


@dataclass(frozen=True)
class Route:
    """A route of the contract."""

    path: str
    """``{provider}`` stands for one segment, whatever is in it."""
    methods: tuple[bytes, ...]
    route_set: v1.RouteSet.ValueType
    ask: Callable[[Route, RawRequest, Settings], Asked]

    @property
    def allow(self) -> str:
        """The value of the Allow header."""
        return ", ".join(method.decode() for method in (*self.methods, b"OPTIONS"))

    def changes(self, method: bytes) -> bool:
        """Whether a request by this method changes or ends something. Where HEAD is taken, GET only asks."""
        return method == b"POST" or b"HEAD" not in self.methods

    @property
    def name(self) -> str:
        """A name for frameworks that name routes, such as ``web_login``."""
        within = self.path.removeprefix("/auth/")
        if self.route_set == v1.ROUTE_SET_API:
            within = f"api/{within.rpartition('/')[2]}"
        whole = f"spa{within}" if within.startswith("/") else within
        return whole.replace("/", "_").replace("-", "_")

    def path_for(self, placeholder: str) -> str:
        """The path with a framework's own placeholder for the segment that names a provider."""
        return self.path.replace(_PROVIDER, placeholder)

    def provider_in(self, target: bytes) -> bytes:
        """The provider that a request's target names, as it stands there; nothing where the path names none."""
        path = target.partition(b"?")[0]
        return path.split(b"/")[-2] if _PROVIDER in self.path and path.count(b"/") > 1 else b""


@dataclass(frozen=True)
class Asked:
    """A question, and how its answer is read."""

    request: RawRequest
    settings: Settings
    method: Method[Any, Any]
    question: Any
    read: Callable[[Any], Answer]
    body_bytes: int = 0
    """How much of the request's body belongs into the question."""
    body_field: str = "form"
    """Which of the question's fields it is."""
    route_set: v1.RouteSet.ValueType = v1.ROUTE_SET_WEB
    """Of which set the route is."""

    def finish(self, made: Answer) -> Answer:
        """Adds what the settings say of every answer."""
        return cors.finish(made, self.request, self.settings)


Step: TypeAlias = "Answer | Asked | None"


def begin(route: Route, request: RawRequest, settings: Settings | None) -> Step:
    """What a request of a route comes to: an answer, a question to ask, or nothing, as an unknown path does."""
    if settings is None:
        return answer.unavailable(request)
    if route.route_set not in settings.route_sets:
        return None
    if request.method == b"OPTIONS":
        return cors.finish(cors.preflight(request, settings.cors, route.allow), request, settings)
    if request.method not in route.methods:
        refused = answer.error(request, 405, "METHOD_NOT_ALLOWED", "This address does not take this method.")
        return cors.finish(refused.with_headers(("allow", route.allow)), request, settings)
    return replace(route.ask(route, request, settings), route_set=route.route_set)


def _passed_on(method: Method[Any, Any], *, takes_form: bool = False) -> Callable[[Route, RawRequest, Settings], Asked]:
    """A route whose answer comes finished."""

    def ask(route: Route, request: RawRequest, settings: Settings) -> Asked:
        query, cookies = presented.query(request, settings), presented.login_cookies(request, settings)
        asked = _finished(method, request, settings, route_set=route.route_set, query=query, cookies=cookies)
        return _with_form(asked) if takes_form else asked

    return ask


def _of_provider(method: Method[Any, Any]) -> Callable[[Route, RawRequest, Settings], Asked]:
    """The same for a route whose path names a provider."""

    def ask(route: Route, request: RawRequest, settings: Settings) -> Asked:
        asked = _passed_on(method)(route, request, settings)
        asked.question.provider = route.provider_in(request.target)
        return asked

    return ask


def _api_session(route: Route, request: RawRequest, settings: Settings) -> Asked:
    """A front end collects the session that the callback has made."""
    asked = _with_body(_passed_on(methods.COMPLETE_CALLBACK)(route, request, settings))
    asked.question.idempotency_header = presented.header(request, b"idempotency-key", settings)
    return asked


def _api_refresh(_: Route, request: RawRequest, settings: Settings) -> Asked:
    """The caller brings a key of its own."""
    key = presented.header(request, b"x-api-key", settings)
    return _about_session(methods.REFRESH_TOKENS, request, settings, api_key=key)


def _backchannel_logout(route: Route, request: RawRequest, settings: Settings) -> Asked:
    """A provider's server asks, and says all in its form."""
    method = methods.HANDLE_BACKCHANNEL_LOGOUT
    return _with_form(_finished(method, request, settings, route_set=route.route_set))


def _frontchannel_logout(route: Route, request: RawRequest, settings: Settings) -> Asked:
    """A provider's page asks, and says all in its query: no cookie counts."""
    method, query = methods.HANDLE_FRONTCHANNEL_LOGOUT, presented.query(request, settings)
    return _finished(method, request, settings, route_set=route.route_set, query=query)


def _refresh(_: Route, request: RawRequest, settings: Settings) -> Asked:
    return _about_session(methods.REFRESH_TOKENS, request, settings)


def _user_info(_: Route, request: RawRequest, settings: Settings) -> Asked:
    """The provider is asked only for a POST, which no other site can make a browser send."""
    return _about_session(methods.GET_USER_INFO, request, settings, refresh=request.method == b"POST")


def _sessions(_: Route, request: RawRequest, settings: Settings) -> Asked:
    return _about_session(methods.LIST_USER_SESSIONS, request, settings, query=presented.query(request, settings))


def _revoke_sessions(_: Route, request: RawRequest, settings: Settings) -> Asked:
    return _with_body(_about_session(methods.REVOKE_SESSION, request, settings))


def _authorize(route: Route, request: RawRequest, settings: Settings) -> Asked:
    """A front end forwards a provider's answer."""
    return _with_body(_passed_on(methods.COMPLETE_CALLBACK)(route, request, settings))


def _user(_: Route, request: RawRequest, settings: Settings) -> Asked:
    """Whose a token is: the authority finishes that answer too."""
    question = v1.ValidateTokenRequest(
        token=presented.bearer_token(request), answer_user=True, context=presented.context(request, settings)
    )

    def read(response: v1.ValidateTokenResponse) -> Answer:
        found = verdict.read_token(question, response)
        return answer.copy(request, found.answer if found.HasField("answer") else None)

    return Asked(request, settings, methods.VALIDATE_TOKEN, question, read)


def _callback(_: Route, request: RawRequest, settings: Settings) -> Asked:
    """A provider's answer comes by GET, the choice that a login waits for by POST."""
    asked = _passed_on(methods.COMPLETE_CALLBACK)(_, request, settings)
    return _with_body(asked) if request.method == b"POST" else asked


def _about_session(method: Method[Any, Any], request: RawRequest, settings: Settings, **fields: Any) -> Asked:
    """A question about the presented session, whose answer comes finished."""
    return _finished(method, request, settings, cookies=presented.session_cookies(request, settings), **fields)


def _finished(method: Method[Any, Any], request: RawRequest, settings: Settings, **fields: Any) -> Asked:
    """A question whose answer comes finished."""
    question = method.question(context=presented.context(request, settings), **fields)

    def read(done: Any) -> Answer:
        return answer.copy(request, done.answer if done.HasField("answer") else None)

    return Asked(request, settings, method, question, read)


def _with_form(asked: Asked) -> Asked:
    """The same with the request's body, a form. One of another kind stays unread, and is an empty form."""
    return replace(asked, body_bytes=asked.settings.limits.body_bytes + 1 if asked.request.is_form else 0)


def _with_body(asked: Asked) -> Asked:
    """The same with the request's body, a form or JSON. One of another kind stays unread, and is an empty form."""
    request, limits = asked.request, asked.settings.limits
    field = "json" if request.is_json else "form"
    setattr(asked.question, field, b"")
    is_read = request.is_json or request.is_form
    return replace(asked, body_bytes=limits.body_bytes + 1 if is_read else 0, body_field=field)


def _me(_: Route, request: RawRequest, settings: Settings) -> Asked:
    question = v1.ValidateSessionRequest(
        cookies=presented.session_cookies(request, settings),
        context=presented.context(request, settings),
        can_set_cookies=True,
        issue_csrf_token=True,
        answer_json=True,
    )

    def read(response: v1.ValidateSessionResponse) -> Answer:
        found = verdict.read(question, response).verdict
        if isinstance(found, Active):
            return _who(request, settings, found.session)
        if isinstance(found, Denied):
            return admission.denied(request, found.answer)
        return admission.signed_out(request, found.answer)

    return Asked(request, settings, methods.VALIDATE_SESSION, question, read)


def _who(request: RawRequest, settings: Settings, session: Session) -> Answer:
    headers = admission.delivery(session, settings)
    body = {
        "user_id": session.user_id,
        "email": session.email,
        "name": session.name,
        "provider": session.provider,
        "csrf_token": session.csrf_token,
    }
    return answer.of_json(request, 200, body).with_headers(*headers)


_GET = (b"GET",)
# HEAD is no way to begin or complete a login: link checkers and previews send it, and it would spend the state.
ROUTES = (
    Route("/auth/web/login", _GET, v1.ROUTE_SET_WEB, _passed_on(methods.START_LOGIN)),
    Route("/auth/web/callback", (b"GET", b"POST"), v1.ROUTE_SET_WEB, _callback),
    Route("/auth/me", (b"GET", b"HEAD"), v1.ROUTE_SET_WEB, _me),
    Route("/auth/web/logout", (b"POST",), v1.ROUTE_SET_WEB, _passed_on(methods.START_LOGOUT, takes_form=True)),
    Route("/auth/web/logged-out", _GET, v1.ROUTE_SET_WEB, _passed_on(methods.COMPLETE_LOGOUT)),
    Route("/auth/web/backchannel-logout", (b"POST",), v1.ROUTE_SET_WEB, _backchannel_logout),
    # A provider's logout page loads it in a frame: the one GET that ends sessions.
    Route("/auth/web/frontchannel-logout", _GET, v1.ROUTE_SET_WEB, _frontchannel_logout),
    Route("/auth/web/refresh", (b"POST",), v1.ROUTE_SET_WEB, _refresh),
    Route("/auth/web/userinfo", (b"GET", b"HEAD", b"POST"), v1.ROUTE_SET_WEB, _user_info),
    Route("/auth/web/sessions", (b"GET", b"HEAD"), v1.ROUTE_SET_WEB, _sessions),
    Route("/auth/web/sessions/revoke", (b"POST",), v1.ROUTE_SET_WEB, _revoke_sessions),
    Route(f"/v1/auth/oidc/{_PROVIDER}/start", _GET, v1.ROUTE_SET_API, _of_provider(methods.START_LOGIN)),
    Route(f"/v1/auth/oidc/{_PROVIDER}/callback", _GET, v1.ROUTE_SET_API, _of_provider(methods.COMPLETE_CALLBACK)),
    Route("/v1/auth/oidc/session", (b"POST",), v1.ROUTE_SET_API, _api_session),
    Route("/v1/refresh", (b"POST",), v1.ROUTE_SET_API, _api_refresh),
    Route("/login", _GET, v1.ROUTE_SET_SPA, _passed_on(methods.START_LOGIN)),
    Route("/authorize", (b"POST",), v1.ROUTE_SET_SPA, _authorize),
    Route("/me", (b"GET", b"HEAD"), v1.ROUTE_SET_SPA, _user),
)
LOGIN, CALLBACK = ROUTES[:2]
