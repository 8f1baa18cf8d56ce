"""Owns how a login route under ASGI comes to its body: unread, for the route to read within its own bounds.

Django reads a body whole, however slow it is, before a view or a middleware sees the request.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from django.urls import Resolver404, resolve

from gatelodge.django import conf

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from gatelodge.asgi import Message, Receive, Scope

ROUTE = "gatelodge_route"
"""What a view has that answers a login route."""

_RECEIVE = "gatelodge.receive"


def left(scope: Scope, receive: Receive) -> Receive:
    """What Django is to receive in place of a request's body, if that is one of a login route; else the body itself."""
    if scope["method"] != "POST" or not _is_of_login_route(scope):
        return receive
    scope[_RECEIVE] = receive
    is_told = False

    async def nothing() -> Message:
        nonlocal is_told
        if is_told:  # Nor does it hear of a browser that hangs up: what changes something runs to its end.
            await asyncio.Event().wait()
        is_told = True
        return {"type": "http.request", "body": b"", "more_body": False}

    return nothing


def receive_of(scope: Mapping[str, Any]) -> Receive | None:
    """The way to a body that was left unread."""
    receive: Receive | None = scope.get(_RECEIVE)
    return receive


def _is_of_login_route(scope: Scope) -> bool:
    edge = conf.async_edge()
    path: str = scope["path"].removeprefix(scope.get("root_path", ""))
    if path not in {edge.path(route) for route in edge.routes}:
        return False
    try:
        return hasattr(resolve(path).func, ROUTE)
    except Resolver404:
        return False
