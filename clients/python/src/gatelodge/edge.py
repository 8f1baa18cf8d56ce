"""Owns the edge: the routes that log people in and out, and the gate for the application's own.

Decides nothing: it passes on what came and copies what comes back. Does not know frameworks.
"""

from __future__ import annotations

import functools
import logging
import re
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Generic, TypeVar
from urllib.parse import urlsplit

from gatelodge import answer, routes, v1
from gatelodge import users as own_users
from gatelodge._lasting import Lasting
from gatelodge.async_client import AsyncClient
from gatelodge.bodies import NoBodyError
from gatelodge.client import Client
from gatelodge.errors import GatelodgeError
from gatelodge.gate import AsyncGate, Gate
from gatelodge.options import ClientOptions
from gatelodge.routes import CALLBACK, ROUTES, Asked, Route
from gatelodge.users import AsyncUsers, Users

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from google.protobuf.message import Message

    from gatelodge.answer import Answer
    from gatelodge.bodies import AsyncBody, Body
    from gatelodge.presented import RawRequest
    from gatelodge.settings import Settings

_log = logging.getLogger("gatelodge")
_MOUNT_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)*")

WEB = v1.ROUTE_SET_WEB
"""The routes under ``/auth/web`` and ``/auth/me``."""
API = v1.ROUTE_SET_API
"""The routes under ``/v1``, for front ends of many tenants that collect their session."""
SPA = v1.ROUTE_SET_SPA
"""The routes ``/login``, ``/authorize`` and ``/me``, for a front end that forwards the code and holds a token."""

C = TypeVar("C", Client, AsyncClient)
U = TypeVar("U", Users, AsyncUsers)


class _Edge(Generic[C, U]):
    """What both flavours share: where the routes are, and a gate that is made at first use."""

    def __init__(
        self,
        options: ClientOptions | None = None,
        *,
        mount_prefix: str = "",
        route_sets: Iterable[v1.RouteSet.ValueType] = (WEB,),
        users: U | None = None,
    ) -> None:
        if not _MOUNT_PREFIX.fullmatch(mount_prefix):
            raise ValueError(
                f"mount_prefix has to be empty or a path like /app, without a slash at its end, not {mount_prefix!r}"
            )
        self.options = options or ClientOptions.from_env_if_any()
        self.mount_prefix = mount_prefix
        self.users: U | None = users
        self._making = threading.Lock()
        mounted = {WEB if route_set == v1.ROUTE_SET_UNSPECIFIED else route_set for route_set in route_sets}
        self.routes = tuple(route for route in ROUTES if route.route_set in mounted)

    def path(self, route: Route) -> str:
        """A route's path, the mount prefix included."""
        return self.mount_prefix + route.path

    def path_for(self, route: Route, placeholder: str) -> str:
        """The same with a framework's own placeholder for the segment that names a provider."""
        return self.mount_prefix + route.path_for(placeholder)

    def _check_callbacks(self, settings: Settings) -> None:
        """A browser that comes back from a provider to a path that is not ours ends in an unknown page."""
        ours = self.path(CALLBACK)
        urls = [address.url for address in settings.callbacks if address.route_set == CALLBACK.route_set]
        if CALLBACK in self.routes and urls and not any(urlsplit(url).path == ours for url in urls):
            _log.error(
                "providers send browsers back to %s, but this edge's callback is at %s: logins will fail. "
                "Give this edge and the authority the same mount prefix",
                urls[0],
                ours,
            )


class Edge(_Edge[Client, Users]):
    """The edge for frameworks that run in threads.

    Nothing is opened or started before the first request, or :meth:`start`.

    Args:
        options: how to reach the authority; by default what ``GATELODGE_ADDRESS`` and its fellows say. Where none of
            them is set at all, as in tests, that is a fault at the first request and not here.
        mount_prefix: what stands before the paths of the contract, such as ``/app``. It has to be the authority's.
        route_sets: the route sets to mount. A mounted set answers once the authority says that it is on.
        users: the application's own users, whom the set ``spa`` then tells of; by default what the authority knows.

    Raises:
        OptionsError: a setting is missing or can't be used.
    """

    _gate: Gate | None = None

    @property
    def gate(self) -> Gate:
        """The gate for the application's own routes.

        Raises:
            OptionsError: a setting is missing or can't be used.
        """
        with self._making:
            if self._gate is None:
                self._gate = Gate(Client(self.options), on_settings=self._check_callbacks)
            return self._gate

    @contextmanager
    def asking(self, client: Client) -> Iterator[None]:
        """Asks through another client for a while: for tests."""
        earlier, self._gate = self._gate, Gate(client, on_settings=self._check_callbacks)
        try:
            yield
        finally:
            self._gate.keeper.close()
            self._gate = earlier

    def answer(self, route: Route, request: RawRequest, body: Body) -> Answer | None:
        """Answers a request of a route; ``None`` where it is to be as an unknown path."""
        keeper = self.gate.keeper
        step = routes.begin(route, request, keeper.settings(request.host))
        if not isinstance(step, Asked):
            return step
        try:
            if step.body_bytes:
                setattr(step.question, step.body_field, body(step.body_bytes))
            done = self.gate.client.for_request(request.request_id).call(step.method, step.question)
            keeper.saw_version(getattr(done, "settings_version", ""))
            made = self._with_own_user(step, done, step.read(done))
        except NoBodyError as missing:
            made = answer.error(request, missing.status, missing.reason, missing.detail)
        except GatelodgeError as error:
            made = answer.failed(request, error)
        return step.finish(made)

    def _with_own_user(self, step: Asked, done: Message, made: Answer) -> Answer:
        """The answer with what the application says of the user, where it keeps users of its own."""
        if self.users is None or step.route_set != SPA:
            return made
        if (login := own_users.login_in(done)) is not None:
            return own_users.authorized(step.request, made, login, self.users.signed_in(login))
        if (token := own_users.token_in(done)) is not None:
            return own_users.told(step.request, made, self.users.find(token))
        return made

    def start(self) -> None:
        """Begins to ask for the settings, before the first request of this process does: a fault is told at once.

        To be called in the process that serves, after its fork: in gunicorn's ``post_worker_init``.

        Raises:
            OptionsError: a setting is missing or can't be used.
        """
        self.gate.keeper.start()

    def close(self) -> None:
        """Lets go of this process's connection. A later request opens another."""
        if self._gate is not None:
            self._gate.keeper.close()
            self._gate.client.close()


class AsyncEdge(_Edge[AsyncClient, AsyncUsers]):
    """The edge for frameworks that run in an event loop.

    Nothing is opened or started before the first request.

    Args:
        options: how to reach the authority; by default what ``GATELODGE_ADDRESS`` and its fellows say. Where none of
            them is set at all, as in tests, that is a fault at the first request and not here.
        mount_prefix: what stands before the paths of the contract, such as ``/app``. It has to be the authority's.
        route_sets: the route sets to mount. A mounted set answers once the authority says that it is on.
        users: the application's own users, whom the set ``spa`` then tells of; by default what the authority knows.

    Raises:
        OptionsError: a setting is missing or can't be used.
    """

    _gate: AsyncGate | None = None

    @functools.cached_property
    def _lasting(self) -> Lasting:
        return Lasting()

    @property
    def gate(self) -> AsyncGate:
        """The gate for the application's own routes.

        Raises:
            OptionsError: a setting is missing or can't be used.
        """
        with self._making:
            if self._gate is None:
                self._gate = AsyncGate(AsyncClient(self.options), on_settings=self._check_callbacks)
            return self._gate

    @contextmanager
    def asking(self, client: AsyncClient) -> Iterator[None]:
        """Asks through another client for a while: for tests."""
        earlier, self._gate = self._gate, AsyncGate(client, on_settings=self._check_callbacks)
        try:
            yield
        finally:
            self._gate = earlier

    async def answer(self, route: Route, request: RawRequest, body: AsyncBody) -> Answer | None:
        """Answers a request of a route; ``None`` where it is to be as an unknown path."""
        keeper = self.gate.keeper
        step = routes.begin(route, request, await keeper.settings(request.host))
        if not isinstance(step, Asked):
            return step
        try:
            if step.body_bytes:
                setattr(step.question, step.body_field, await body(step.body_bytes))
            call = self.gate.client.for_request(request.request_id).call(step.method, step.question)
            # Django cancels what it does for a browser that hangs up.
            done = await (self._lasting.run(call) if route.changes(request.method) else call)
            keeper.saw_version(getattr(done, "settings_version", ""))
            made = await self._with_own_user(step, done, step.read(done))
        except NoBodyError as missing:
            made = answer.error(request, missing.status, missing.reason, missing.detail)
        except GatelodgeError as error:
            made = answer.failed(request, error)
        return step.finish(made)

    async def _with_own_user(self, step: Asked, done: Message, made: Answer) -> Answer:
        """The answer with what the application says of the user, where it keeps users of its own."""
        if self.users is None or step.route_set != SPA:
            return made
        if (login := own_users.login_in(done)) is not None:
            return own_users.authorized(step.request, made, login, await self.users.signed_in(login))
        if (token := own_users.token_in(done)) is not None:
            return own_users.told(step.request, made, await self.users.find(token))
        return made

    def start(self) -> None:
        """Begins to ask for the settings, before the first request does.

        Raises:
            OptionsError: a setting is missing or can't be used.
        """
        self.gate.keeper.start()

    async def close(self) -> None:
        """Lets go of the running loop's connection, once what has to run to its end has done so.

        A later request opens another.
        """
        await self._lasting.end()
        if self._gate is not None:
            self._gate.keeper.close()
            await self._gate.client.close()
