"""Owns dependencies that say of a route who may call it and who that is: signed in, scopes, permissions, the user.

::

    auth = Auth(gatelodge, HTTPBearer())


    @app.get("/user")
    async def user(user: Annotated[UserInfo, Depends(auth.current_user())]) -> UserInfo:
        return user

Asks and judges nothing by itself: :class:`gatelodge.fastapi.Gatelodge` asks, the authority judges.
"""

from __future__ import annotations

import inspect
import logging
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import urlencode

from fastapi import Depends, Request, Response, Security
from fastapi.responses import RedirectResponse
from fastapi.security import APIKeyCookie, HTTPBearer, OAuth2, OpenIdConnect
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection  # noqa: TC002 - FastAPI reads it at run time

from gatelodge import answer, asgi
from gatelodge.answer import COULD_NOT_SAY, Answer, Refusal, Refused
from gatelodge.fastapi.info import AccessInfo, UserInfo, access_of, user_of
from gatelodge.routes import LOGIN
from gatelodge.session import Session

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from fastapi.openapi.models import APIKey

    from gatelodge.starlette import Gatelodge
    from gatelodge.token import Token

_log = logging.getLogger("gatelodge")

_BEARER_SCHEMES = (HTTPBearer, OAuth2, OpenIdConnect)
_REDIRECTS = range(300, 400)

T = TypeVar("T")


class Auth:
    """Dependencies for the routes of an application, by one way of saying who is there.

    Args:
        gatelodge: asks the authority. It has to be installed: ``gatelodge.install(app)``, or its middleware where the
            application logs nobody in.
        scheme: ``APIKeyCookie`` for sessions; ``HTTPBearer``, ``OAuth2AuthorizationCodeBearer`` or another bearer
            scheme of :mod:`fastapi.security` for access tokens. It stands in the OpenAPI document. Its ``auto_error``
            is of no account: who is refused is answered by the two methods below.
        get_userinfo_cache: a dependency that gives a :class:`UserInfoCache`. Without one a user is who the session or
            the token says at each request.

    Raises:
        TypeError: the scheme is none of these.
    """

    def __init__(
        self, gatelodge: Gatelodge, scheme: SecurityBase, get_userinfo_cache: Callable[..., Any] | None = None
    ) -> None:
        self._is_cookie = isinstance(scheme, APIKeyCookie)
        if not self._is_cookie and not isinstance(scheme, _BEARER_SCHEMES):
            raise TypeError(
                "scheme has to be APIKeyCookie, or a bearer scheme such as HTTPBearer or "
                f"OAuth2AuthorizationCodeBearer, not {type(scheme).__name__}"
            )
        self.gatelodge = gatelodge
        self._shown = _Shown(scheme)
        self._get_userinfo_cache = get_userinfo_cache or _no_cache
        self._is_compared = not self._is_cookie

    def authenticated(
        self,
        *,
        optional: bool = False,
        scope: Sequence[str] = (),
        permissions: Sequence[str] = (),
        acr: Sequence[str] = (),
    ) -> Callable[..., Awaitable[Any]]:
        """A dependency: whoever calls is signed in. Its value is an :class:`AccessInfo`.

        Args:
            optional: nobody is kept out for want of a session or a token; the value is then ``None``. Who has one that
                lacks something is refused all the same.
            scope: scopes that must all have been granted; else the answer is 403.
            permissions: permissions that must all be there; else the answer is 403.
            acr: authentication context classes of which the login must have had one. A page leads to such a login, and
                an API says what to ask for (RFC 9470).
        """
        ask, shown = self._asking(optional=optional, scope=scope, permissions=permissions, acr=acr)

        async def authenticated(request: HTTPConnection, _: Any = shown) -> AccessInfo | None:
            found = await ask(request)
            return None if found is None else access_of(found)

        return authenticated

    def current_user(
        self,
        *,
        optional: bool = False,
        scope: Sequence[str] = (),
        permissions: Sequence[str] = (),
        acr: Sequence[str] = (),
        refresh: bool = False,
    ) -> Callable[..., Awaitable[Any]]:
        """A dependency: the user who calls, as :class:`UserInfo`. Takes what :meth:`authenticated` takes.

        Args:
            optional: as above.
            scope: as above.
            permissions: as above.
            acr: as above.
            refresh: whether the provider of the session or the token is asked again who that is. A token of the
                authority's own is shown to nobody: its user is who its session says.
        """
        ask, shown = self._asking(optional=optional, scope=scope, permissions=permissions, acr=acr, refresh=refresh)
        cache_of = Depends(self._get_userinfo_cache)

        async def current_user(
            request: HTTPConnection,
            _: Any = shown,
            cache: Any = cache_of,
        ) -> UserInfo | None:
            found = await ask(request)
            if found is None or (optional and not found.user_id):
                return None
            if not found.user_id:
                raise await self._refused(request, _nobody(request))
            return await self._user(request, found, cache, refresh=refresh)

        return current_user

    async def get_unauthorized_response(self, request: Request, response: Response) -> Response:  # noqa: ARG002
        """What is answered to a request without a living session or a good token. To be overridden.

        Give another response, or raise an ``HTTPException``: the route does not run in any case. An override may be a
        plain function.

        Args:
            request: the request; of a WebSocket its handshake.
            response: the authority's own answer: 401 JSON with the reason and what to do about it, with
                ``WWW-Authenticate`` for bearer schemes; for a page of a cookie scheme 302 to the login.
        """
        return response

    async def get_forbidden_response(self, request: Request, response: Response) -> Response:  # noqa: ARG002
        """What is answered to a request that the session or the token may not make. To be overridden, as above.

        A session that another login would help is sent to that login, and not here.

        Args:
            request: the request.
            response: the authority's own answer: 403, with the reason (``scope_missing``, ``permission_missing``,
                ``csrf_mismatch``) and what to do about it; 401 for a token whose login was too weak.
        """
        return response

    def login_redirect(self, request: Request, response: Response, **query: str) -> Response:
        """For :meth:`get_unauthorized_response` of a web application: 307 to the login, and back to this very page.

        Only a page that is asked for by GET or HEAD is worth coming back to, and only a browser that is not a script's
        (``Sec-Fetch-Mode``) can show a login; nobody is sent again whose login has just failed. All others get
        ``response``.

        Args:
            request: the request.
            response: what the hook was given.
            query: further parameters of the login, such as ``provider="google"``.
        """
        asked = asgi.raw_request(request.scope)
        is_script = request.headers.get("sec-fetch-mode", "navigate") != "navigate"
        has_failed = any(pair.startswith(b"error=") for pair in asked.query.split(b"&"))
        if asked.method not in {b"GET", b"HEAD"} or is_script or has_failed:
            return response
        parameters = urlencode({**query, "redirect_uri": asked.target})
        headers = {"cache-control": "no-store", "referrer-policy": "no-referrer", "vary": "Cookie"}
        return RedirectResponse(f"{self.gatelodge.edge.path(LOGIN)}?{parameters}", 307, headers)

    def _asking(
        self,
        *,
        optional: bool,
        scope: Sequence[str],
        permissions: Sequence[str],
        acr: Sequence[str],
        refresh: bool = False,
    ) -> tuple[Callable[[HTTPConnection], Awaitable[Session | Token | None]], Any]:
        """How a route asks, and what OpenAPI shows of it."""
        guard: Callable[[HTTPConnection], Awaitable[Session | Token]]
        if self._is_cookie:
            guard = self.gatelodge.require(scopes=scope, permissions=permissions, acr_values=acr)
        else:
            guard = self.gatelodge.require_token(scopes=scope, permissions=permissions, acr_values=acr, refresh=refresh)

        async def ask(request: HTTPConnection) -> Session | Token | None:
            found: Session | Token | None = None
            try:
                found = await guard(request)
            except Refused as refused:
                if not (optional and refused.refusal is Refusal.SIGNED_OUT):
                    raise await self._refused(request, refused) from None
            await self._compare_names(request)
            return found

        return ask, Security(self._shown, scopes=list(scope))

    async def _user(self, request: HTTPConnection, found: Session | Token, cache: Any, *, refresh: bool) -> UserInfo:
        key = f"{found.tenant}/{found.user_id}"
        if cache is not None and not refresh:
            known: UserInfo | None = await _done(cache.get(key))
            if known is not None:
                return known
        identity = found.identity
        if refresh and isinstance(found, Session):
            try:
                identity = (await self.gatelodge.user_info(request)).identity
            except Refused as refused:
                raise await self._refused(request, refused) from None
        user = user_of(identity)
        if cache is not None:
            await _done(cache.set(key, user))
        return user

    async def _refused(self, request: HTTPConnection, refused: Refused) -> Refused:
        """What is sent in the end: as the application says where the authority was sure, else as it stands."""
        is_denied, status = refused.refusal is Refusal.DENIED, refused.answer.status
        leads_to_login = is_denied and status in _REDIRECTS
        if refused.refusal is Refusal.UNJUDGED or status == COULD_NOT_SAY or leads_to_login:
            return refused
        hook = self.get_forbidden_response if is_denied else self.get_unauthorized_response
        given: object = await _done(hook(cast("Request", request), _response_of(refused.answer)))
        return Refused(_answer_of(given), refused.refusal)

    async def _compare_names(self, request: HTTPConnection) -> None:
        """A scheme that shows another cookie than the authority's leads whoever reads the document astray."""
        if self._is_compared:
            return
        settings = await self.gatelodge.edge.gate.keeper.settings(asgi.raw_request(request.scope).host)
        if settings is None:
            return
        self._is_compared = True
        shown = cast("APIKey", self._shown.model).name
        if shown.encode() not in settings.session_cookies:
            _log.error(
                "APIKeyCookie(name=%r) is not the cookie that sessions are in, %s: change it, or the authority's "
                "app.sessions.cookie.name",
                shown,
                ", ".join(sorted(name.decode() for name in settings.session_cookies)),
            )


class _Shown(SecurityBase):
    """A scheme as OpenAPI shows it, which looks at no request: what came is read undecoded elsewhere."""

    def __init__(self, scheme: SecurityBase) -> None:
        self.model = scheme.model
        self.scheme_name = scheme.scheme_name

    def __call__(self) -> None:
        """Looks at nothing."""


async def _no_cache() -> None:
    """Nothing is kept."""


async def _done(given: T | Awaitable[T]) -> T:
    """What a coroutine or a plain function gives."""
    return await given if inspect.isawaitable(given) else given


def _nobody(request: HTTPConnection) -> Refused:
    """A program's own token, where a person is asked for."""
    detail = "This token speaks for a program. Send one that was given to a user."
    return Refused(answer.error(asgi.raw_request(request.scope), 403, "USER_MISSING", detail), Refusal.DENIED)


def _response_of(made: Answer) -> Response:
    response = Response(made.body, made.status)
    response.raw_headers = [(name.encode("ascii"), value.encode("ascii")) for name, value in made.headers]
    return response


def _answer_of(response: object) -> Answer:
    body = getattr(response, "body", None)
    if not isinstance(response, Response) or not isinstance(body, bytes):
        raise TypeError(
            "get_unauthorized_response and get_forbidden_response have to give a response that has its whole body, "
            f"such as HTMLResponse, not {type(response).__name__}"
        )
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.raw_headers)
    return Answer(response.status_code, headers, body)
