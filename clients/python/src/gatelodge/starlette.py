"""Owns sessions and login routes for Starlette, and for what is built on it. Decides nothing.

::

    gatelodge = Gatelodge()
    app = Starlette(routes=[Route("/", home)])
    gatelodge.install(app)


    async def home(request: Request) -> Response:
        session = await gatelodge.session(request)
        return PlainTextResponse(f"Hello, {session.user_id}")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection  # noqa: TC002 - FastAPI reads it at run time
from starlette.routing import BaseRoute
from starlette.routing import Route as StarletteRoute

from gatelodge import asgi
from gatelodge.admission import Outgoing
from gatelodge.answer import Refused
from gatelodge.edge import WEB, AsyncEdge
from gatelodge.options import OptionsError
from gatelodge.requirements import ANY_TOKEN, NONE, Requirements, TokenRequirements

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from starlette.applications import Starlette
    from typing_extensions import Unpack

    from gatelodge import v1
    from gatelodge.admission import Admission
    from gatelodge.asgi import Application, Message, Receive, Scope, Send
    from gatelodge.options import ClientOptions
    from gatelodge.requirements import SessionNeeds, TokenNeeds
    from gatelodge.routes import Route
    from gatelodge.session import Session
    from gatelodge.token import Token

_FOUND = "gatelodge.found"
_BEGINNINGS = {"http.response.start", "websocket.http.response.start", "websocket.accept"}


class Gatelodge:
    """Sessions and login routes of an application.

    Nothing is opened or started before the first request or the application's start-up.

    Args:
        options: how to reach the authority; by default what ``GATELODGE_ADDRESS`` and its fellows say. Where none of
            them is set at all, as in tests, that is a fault at the first request and not here.
        mount_prefix: what stands before the paths of the login routes, such as ``/app``. It has to be the authority's.
        route_sets: the route sets to mount.

    Raises:
        OptionsError: a setting is missing or can't be used.
    """

    def __init__(
        self,
        options: ClientOptions | None = None,
        *,
        mount_prefix: str = "",
        route_sets: Iterable[v1.RouteSet.ValueType] = (WEB,),
    ) -> None:
        self.edge = AsyncEdge(options, mount_prefix=mount_prefix, route_sets=route_sets)

    def install(self, app: Starlette) -> None:
        """Adds the login routes and the middleware that sessions need."""
        app.router.routes.extend(self.routes())
        app.add_middleware(self.middleware)
        build = app.build_middleware_stack
        app.build_middleware_stack = lambda: _Outermost(build(), self.edge)  # type: ignore[method-assign]

    def routes(self) -> list[BaseRoute]:
        """The login routes. They work without the middleware."""
        return [
            StarletteRoute(self.edge.path(route), _Endpoint(self.edge, route), name=f"gatelodge_{route.name}")
            for route in self.edge.routes
        ]

    def middleware(self, app: Application) -> Application:
        """Delivers cookies and refusals: ``app.add_middleware(gatelodge.middleware)``."""
        return _Middleware(app, self.edge)

    async def session(self, request: HTTPConnection) -> Session:
        """The session behind a request. Who has none is sent to the login, or gets 401 when it is a fetch."""
        return (await self._admission(request, NONE)).required()

    async def optional_session(self, request: HTTPConnection) -> Session | None:
        """The session behind a request, or ``None``."""
        return (await self._admission(request, NONE)).session

    def require(self, **needs: Unpack[SessionNeeds]) -> Callable[[HTTPConnection], Awaitable[Session]]:
        """A function like :meth:`session` that asks for more: ``admin = gatelodge.require(roles=["admin"])``.

        Args:
            needs: see :class:`gatelodge.SessionNeeds`.
        """
        requirements = Requirements.of(**needs)

        async def session(request: HTTPConnection) -> Session:
            return (await self._admission(request, requirements)).required()

        return session

    async def token(self, request: HTTPConnection) -> Token:
        """The bearer token of an API's request. Without a good one it gets 401 with ``WWW-Authenticate: Bearer``."""
        return await self._token(request, ANY_TOKEN)

    def require_token(self, **needs: Unpack[TokenNeeds]) -> Callable[[HTTPConnection], Awaitable[Token]]:
        """A function like :meth:`token` that asks for more: who lacks a scope or a permission gets 403.

        Args:
            needs: see :class:`gatelodge.TokenNeeds`.
        """
        requirements = TokenRequirements.of(**needs)

        async def token(request: HTTPConnection) -> Token:
            return await self._token(request, requirements)

        return token

    async def user_info(self, request: HTTPConnection) -> v1.UserInfo:
        """What the provider of the request's session says now of who it is. The session goes by that from then on.

        The provider is asked, once for all who ask for the same session at the same time. Where it offers no user info
        or gives no more tokens the request gets 409, where it is away 503.
        """
        return await self.edge.gate.user_info(asgi.raw_request(request.scope))

    async def _token(self, request: HTTPConnection, requirements: TokenRequirements) -> Token:
        """Asks once per request and requirements."""
        found: _Found | None = request.scope.get(_FOUND)
        if found is None:
            raise RuntimeError("tokens need the middleware: call gatelodge.install(app) where the app is made")
        tokens = found.tokens
        if requirements not in tokens:
            tokens[requirements] = await self.edge.gate.token(asgi.raw_request(request.scope), requirements)
        return tokens[requirements]

    async def _admission(self, request: HTTPConnection, requirements: Requirements) -> Admission:
        """Asks once per request and requirements."""
        found: _Found | None = request.scope.get(_FOUND)
        if found is None:
            raise RuntimeError("sessions need the middleware: call gatelodge.install(app) where the app is made")
        admission = found.admissions.get(requirements)
        if admission is None:
            admission = await self.edge.gate.admit(asgi.raw_request(request.scope), requirements)
            found.admissions[requirements] = admission
            found.outgoing.add(admission)
        return admission


class _Endpoint:
    """One login route. As an ASGI application it gets every method."""

    def __init__(self, edge: AsyncEdge, route: Route) -> None:
        self._edge = edge
        self._route = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await self._edge.answer(self._route, asgi.raw_request(scope), asgi.body_of(receive))
        if answer is None:
            raise HTTPException(404)
        await asgi.respond(answer, scope, send)


class _Found:
    """What was found out about a request, and has to be delivered with its answer."""

    def __init__(self, edge: AsyncEdge) -> None:
        self.edge = edge
        self.admissions: dict[Requirements, Admission] = {}
        self.outgoing = Outgoing()
        self.tokens: dict[TokenRequirements, Token] = {}
        self._is_delivered = False

    def deliver(self, message: Message) -> None:
        """Adds to an answer that begins, once."""
        if message["type"] in _BEGINNINGS and self.outgoing and not self._is_delivered:
            self._is_delivered = True
            asgi.deliver(message, self.outgoing.headers)


class _Outermost:
    """Outside of what answers for a handler that raises: a rotated credential is delivered with that answer, too."""

    def __init__(self, app: Application, edge: AsyncEdge) -> None:
        self._app = app
        self._edge = edge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        found = scope[_FOUND] = _Found(self._edge)

        async def deliver(message: Message) -> None:
            found.deliver(message)
            await send(message)

        await self._app(scope, receive, deliver)


class _Middleware:
    """Begins with the application; delivers what was found out about a request's session."""

    def __init__(self, app: Application, edge: AsyncEdge) -> None:
        self._app = app
        self._edge = edge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
            return
        found: _Found | None = scope.get(_FOUND)
        if found is None or found.edge is not self._edge:
            found = scope[_FOUND] = _Found(self._edge)

        async def deliver(message: Message) -> None:
            found.deliver(message)
            await send(message)

        try:
            await self._app(scope, receive, deliver)
        except Refused as refused:
            found.outgoing.refused(refused.answer)
            await asgi.respond(refused.answer, scope, deliver)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def start() -> Message:
            message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    self._edge.start()
                except OptionsError as error:
                    await send({"type": "lifespan.startup.failed", "message": str(error)})
                    raise
            return message

        async def stop(message: Message) -> None:
            if message["type"] == "lifespan.shutdown.complete":
                await self._edge.close()
            await send(message)

        await self._app(scope, start, stop)
