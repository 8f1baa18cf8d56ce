"""Owns the way between ASGI and this package: a scope as it came, an answer sent, cookies delivered.

Does not know frameworks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote

from gatelodge import bodies
from gatelodge.presented import RawRequest

if TYPE_CHECKING:
    from gatelodge.answer import Answer
    from gatelodge.bodies import AsyncBody

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

_POLICY_VIOLATION = 1008


def raw_request(scope: Mapping[str, Any]) -> RawRequest:
    """The request as it came. A WebSocket's handshake is a GET."""
    query: bytes | str = scope.get("query_string") or b""
    if isinstance(query, str):  # So says Django's test client.
        query = query.encode("latin-1", "replace")
    path: bytes = scope.get("raw_path") or quote(scope["path"]).encode("ascii")
    client = scope.get("client")
    return RawRequest(
        method=scope.get("method", "GET").encode("ascii", "replace"),
        target=path + b"?" + query if query else path,
        query=query,
        headers=list(scope["headers"]),
        peer=client[0] if client else None,
    )


def body_of(receive: Receive) -> AsyncBody:
    """The way to a request's body."""

    async def read(most: int) -> bytes:
        whole, more = b"", True
        while more and len(whole) < most:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise bodies.BrokenBodyError
            whole += message.get("body", b"")
            more = message.get("more_body", False)
        return whole[:most]

    async def in_time(most: int) -> bytes:
        try:
            return await asyncio.wait_for(read(most), bodies.WITHIN)
        except asyncio.TimeoutError:
            raise bodies.LateBodyError from None

    return in_time


async def respond(answer: Answer, scope: Scope, send: Send) -> None:
    """Sends an answer; a WebSocket is refused with it, or closed where the server can't say more."""
    kind = "http.response"
    if scope["type"] == "websocket":
        kind = "websocket.http.response"
        if kind not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
            return
    headers = [(name.encode("ascii"), value.encode("ascii")) for name, value in answer.headers]
    await send({"type": f"{kind}.start", "status": answer.status, "headers": headers})
    await send({"type": f"{kind}.body", "body": answer.body})


def deliver(message: Message, delivery: Iterable[tuple[str, str]]) -> None:
    """Adds headers to the start of a response, and keeps caches from handing it to others.

    Cookies come first, so that what the response itself says of the same ones counts.
    """
    headers = [*message.get("headers", ())]
    said = b",".join(value for name, value in headers if name.lower() == b"vary")
    if b"cookie" not in {word.strip() for word in said.lower().split(b",")}:
        headers.append((b"vary", b"Cookie"))
    delivered = [(name.encode("ascii"), value.encode("ascii")) for name, value in delivery]
    if delivered:
        delivered.append((b"cache-control", b"no-store"))
        alone = {name for name, _ in delivered} - {b"set-cookie"}
        headers = delivered + [(name, value) for name, value in headers if name.lower() not in alone]
    message["headers"] = headers
