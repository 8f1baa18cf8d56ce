"""Owns how the clients' calls reach the fake authority: by calling it. Does not know the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatelodge import _methods as methods
from gatelodge import v1
from gatelodge.errors import GatelodgeError

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator

    from typing_extensions import Self

    from gatelodge._methods import A, Method, Q, StreamMethod
    from gatelodge.testing.authority import FakeAuthority
    from gatelodge.transport import Metadata

    Hear = Callable[[v1.CheckSessionsResponse], None]


class FakeTransport:
    """Carries calls of threads."""

    def __init__(self, authority: FakeAuthority) -> None:
        self._authority = authority

    def send(self, method: Method[Q, A], question: Q, *, timeout: float, metadata: Metadata) -> A:  # noqa: ARG002
        """Asks."""
        return self._authority.answer(method, question, metadata)

    def stream(self, method: StreamMethod[Q, A], asked: Q | Iterable[Q], *, metadata: Metadata) -> Any:  # noqa: ARG002
        """Watches, or asks one after another."""
        if isinstance(asked, v1.WatchSessionsRequest):
            return self._authority.events.watch(asked.after_position)
        return _Checks(self._authority, asked)

    def close(self) -> None:
        """Nothing is open."""


class AsyncFakeTransport:
    """Carries calls of event loops."""

    def __init__(self, authority: FakeAuthority) -> None:
        self._authority = authority

    async def send(
        self,
        method: Method[Q, A],
        question: Q,
        *,
        timeout: float,  # noqa: ARG002
        metadata: Metadata,
    ) -> A:
        """Asks."""
        return self._authority.answer(method, question, metadata)

    def stream(self, method: StreamMethod[Q, A], asked: Q | AsyncIterable[Q], *, metadata: Metadata) -> Any:  # noqa: ARG002
        """Watches, or asks one after another."""
        if isinstance(asked, v1.WatchSessionsRequest):
            return self._authority.events.watch_async(asked.after_position)
        return _AsyncChecks(self._authority, asked)

    async def close(self) -> None:
        """Nothing is open."""


class _Checks:
    def __init__(self, authority: FakeAuthority, asked: Any) -> None:
        self._authority = authority
        self._asked: Iterator[v1.CheckSessionsRequest] = iter(asked)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> v1.CheckSessionsResponse:
        return _checked(self._authority, next(self._asked))

    def follow(self, hear: Hear) -> None:
        for answer in self:
            hear(answer)

    def close(self) -> None:
        self._asked = iter(())


class _AsyncChecks:
    def __init__(self, authority: FakeAuthority, asked: Any) -> None:
        self._authority = authority
        self._asked: AsyncIterator[v1.CheckSessionsRequest] = aiter(asked)
        self._is_closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> v1.CheckSessionsResponse:
        if self._is_closed:
            raise StopAsyncIteration
        return _checked(self._authority, await anext(self._asked))

    async def follow(self, hear: Hear) -> None:
        async for answer in self:
            hear(answer)

    def close(self) -> None:
        self._is_closed = True


def _checked(authority: FakeAuthority, asked: v1.CheckSessionsRequest) -> v1.CheckSessionsResponse:
    metadata = (("x-request-id", asked.request_id),)
    try:
        answer = authority.answer(methods.VALIDATE_SESSION, asked.question, metadata)
    except GatelodgeError as error:
        code: int = error.code.value[0]
        told = v1.CheckError(code=code, reason=error.reason or "", message=error.message)
        return v1.CheckSessionsResponse(id=asked.id, error=told)
    return v1.CheckSessionsResponse(id=asked.id, answer=answer)
