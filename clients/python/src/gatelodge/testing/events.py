"""Owns what the fake authority tells those who watch it, and when. Does not know what an event is about.

What is told is heard before :meth:`Events.tell` returns: a test that has ended a session asks at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import weakref
from typing import TYPE_CHECKING, TypeVar

from gatelodge import v1

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

    Hear = Callable[[v1.WatchSessionsResponse], None]

_EVERY = 0.5  # Seconds between messages when nothing happens.
_STALENESS = 5

W = TypeVar("W", "Watching", "AsyncWatching")


class Events:
    """What has happened, and who watches."""

    def __init__(self) -> None:
        self._number = 1
        self._is_deaf = False
        self._lock = threading.Lock()
        self._watching: weakref.WeakSet[Watching | AsyncWatching] = weakref.WeakSet()

    @property
    def position(self) -> bytes:
        """Where the stream stands."""
        return self._number.to_bytes(8, "big")

    def tell(self, *events: v1.SessionEvent) -> None:
        """Tells everybody who watches."""
        with self._lock:
            self._number += 1
            watching = list(self._watching)
        message = self.message(*events)
        for one in watching:
            one.hear(message)

    def be_deaf(self, *, is_deaf: bool) -> None:
        """Whether nobody would be told of anything: an authority in trouble."""
        self._is_deaf = is_deaf
        self.tell()

    def message(self, *events: v1.SessionEvent) -> v1.WatchSessionsResponse:
        """What is said at this moment."""
        message = v1.WatchSessionsResponse(events=events, position=self.position)
        if not self._is_deaf:
            message.max_staleness.seconds = _STALENESS
        return message

    def first_message(self, after: bytes) -> v1.WatchSessionsResponse:
        """What is said at the beginning to whoever has heard of a position. Nothing of before is told again."""
        message = self.message()
        message.reset = after not in {b"", self.position}
        return message

    def watch(self, after: bytes) -> Watching:
        """A stream for threads."""
        return self._added(Watching(self, after))

    def watch_async(self, after: bytes) -> AsyncWatching:
        """A stream for asyncio."""
        return self._added(AsyncWatching(self, after))

    def _added(self, watching: W) -> W:
        with self._lock:
            self._watching.add(watching)
        return watching


class Watching:
    """A stream that says at once where it stands."""

    def __init__(self, events: Events, after: bytes) -> None:
        self._events, self._after = events, after
        self._closed = threading.Event()
        self._messages: queue.SimpleQueue[v1.WatchSessionsResponse | None] = queue.SimpleQueue()
        self.hear: Hear = self._messages.put
        self.hear(events.first_message(after))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> v1.WatchSessionsResponse:
        try:
            message = self._messages.get(timeout=_EVERY)
        except queue.Empty:
            message = self._events.message()
        if message is None or self._closed.is_set():
            raise StopIteration
        return message

    def follow(self, hear: Hear) -> None:
        """Hands on every answer at the moment at which it is told."""
        self.hear = hear
        hear(self._events.first_message(self._after))
        while not self._closed.wait(_EVERY):
            hear(self._events.message())

    def close(self) -> None:
        """Ends it."""
        self._closed.set()
        self._messages.put(None)


class AsyncWatching:
    """A stream that says at once where it stands, for asyncio."""

    def __init__(self, events: Events, after: bytes) -> None:
        self._events, self._after = events, after
        self._loop = asyncio.get_running_loop()
        self._closed = asyncio.Event()
        self._messages: asyncio.Queue[v1.WatchSessionsResponse | None] = asyncio.Queue()
        self.hear: Hear = self._put
        self.hear(events.first_message(after))

    def _put(self, message: v1.WatchSessionsResponse | None) -> None:
        with contextlib.suppress(RuntimeError):  # The loop was closed, and the stream was not.
            self._loop.call_soon_threadsafe(self._messages.put_nowait, message)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> v1.WatchSessionsResponse:
        try:
            message = await asyncio.wait_for(self._messages.get(), _EVERY)
        except asyncio.TimeoutError:
            message = self._events.message()
        if message is None or self._closed.is_set():
            raise StopAsyncIteration
        return message

    async def follow(self, hear: Hear) -> None:
        """Hands on every answer at the moment at which it is told, whichever thread tells it."""
        self.hear = hear
        hear(self._events.first_message(self._after))
        while not self._closed.is_set():
            await asyncio.sleep(_EVERY)
            hear(self._events.message())

    def close(self) -> None:
        """Ends it."""
        self._closed.set()
        self._messages.put_nowait(None)
