"""Owns what stands before Django under ASGI: when a project begins to ask, and lets go, as its server starts and stops.

Django itself hears of neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatelodge.django import conf, unread
from gatelodge.options import OptionsError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gatelodge.asgi import Application, Receive, Scope, Send


async def astart() -> None:
    """Begins to ask before the first request does, so that a wrong key is told in the log at once.

    To be called in the event loop that serves, where an ASGI server's start is heard of by other means than
    :func:`with_lifespan`.

    Raises:
        OptionsError: a setting is missing or can't be used.
    """
    conf.async_edge().start()


def with_lifespan(application: Callable[[Any, Receive, Any], Awaitable[None]]) -> Application:
    """The application, which begins to ask when its server starts, and whose login routes read their bodies themselves.

    In ``asgi.py``: ``application = with_lifespan(get_asgi_application())``.
    """

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await application(scope, unread.left(scope, receive) if scope["type"] == "http" else receive, send)
            return
        await receive()
        try:
            await astart()
        except OptionsError as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            raise
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await conf.async_edge().close()
        await send({"type": "lifespan.shutdown.complete"})

    return serve
