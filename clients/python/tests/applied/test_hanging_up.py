"""Browsers that go away: a server cancels what it does for them, and what changes something runs to its end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gatelodge import AsyncClient
from gatelodge.edge import AsyncEdge
from gatelodge.presented import RawRequest
from gatelodge.testing import FakeAuthority
from gatelodge.testing.transport import AsyncFakeTransport


class _Held(AsyncFakeTransport):
    """Answers about settings at once, and all else when it may."""

    def __init__(self) -> None:
        super().__init__(FakeAuthority())
        self.arrived, self.may_answer = asyncio.Event(), asyncio.Event()
        self.answered = list[str]()

    async def send(self, method: Any, question: Any, *, timeout: float, metadata: Any) -> Any:
        if method.name != "GetEdgeSettings":
            self.arrived.set()
            await self.may_answer.wait()
            self.answered.append(method.name)
        return await super().send(method, question, timeout=timeout, metadata=metadata)


async def _no_body(_: int) -> bytes:
    return b""


def _routes() -> list[tuple[str, str, str, bool]]:
    return [
        ("GET", "/auth/web/login", "StartLogin", True),
        ("GET", "/auth/web/callback", "CompleteCallback", True),
        ("POST", "/auth/web/callback", "CompleteCallback", True),
        ("POST", "/auth/web/logout", "StartLogout", True),
        ("GET", "/auth/web/logged-out", "CompleteLogout", True),
        ("POST", "/auth/web/backchannel-logout", "HandleBackchannelLogout", True),
        ("GET", "/auth/web/frontchannel-logout", "HandleFrontchannelLogout", True),
        ("POST", "/auth/web/refresh", "RefreshTokens", True),
        ("POST", "/auth/web/userinfo", "GetUserInfo", True),
        ("POST", "/auth/web/sessions/revoke", "Revoke", True),
        ("GET", "/auth/me", "ValidateSession", False),
        ("GET", "/auth/web/userinfo", "GetUserInfo", False),
        ("HEAD", "/auth/web/userinfo", "GetUserInfo", False),
        ("GET", "/auth/web/sessions", "ListUserSessions", False),
    ]


@pytest.mark.parametrize(("verb", "path", "call", "is_lasting"), _routes())
async def test_what_changes_something_runs_to_its_end(verb: str, path: str, call: str, is_lasting: bool) -> None:
    edge, held = AsyncEdge(), _Held()
    with edge.asking(AsyncClient(transport=held)):
        route = next(route for route in edge.routes if route.path == path)
        request = RawRequest(verb.encode(), path.encode(), b"", [(b"host", b"testserver")], None)
        asking = asyncio.create_task(edge.answer(route, request, _no_body))
        await held.arrived.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        held.may_answer.set()
        await edge.close()
    assert held.answered == ([call] if is_lasting else [])
