"""Owns watching what happens to sessions: one stream, made again whenever it ends, going on where it was.

Does not know what is kept, or how a stream is carried.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import threading
import time
import weakref
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from gatelodge import v1
from gatelodge.errors import GatelodgeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatelodge._kept import Kept
    from gatelodge.transport import AsyncStream, Stream

    AnyKept = Kept[Any]
    Opening = Callable[[v1.WatchSessionsRequest], Stream[v1.WatchSessionsResponse]]
    AsyncOpening = Callable[[v1.WatchSessionsRequest], AsyncStream[v1.WatchSessionsResponse]]

_log = logging.getLogger("gatelodge")

_FIRST_WAIT = 0.1
_LONGEST_WAIT = 5.0
_LASTED = 5.0  # Seconds: a stream that ends sooner may do so again, and the pauses go on growing.
_MOMENT = 1.0
_SILENT = 4.0  # Seconds after which a stream that says nothing is made again. It counts as broken long before.


class _ForsakenError(Exception):
    """Nobody keeps anything any more: the client was dropped without being closed."""


class _Watching(ABC):
    """What both flavours share: what is heard, when a stream is stuck, and how long to wait for the next."""

    def __init__(self, kept: AnyKept) -> None:
        self._kept = weakref.ref(kept)
        self._wait = _FIRST_WAIT
        self._begun = self._last = time.monotonic()

    def _of_whom(self) -> AnyKept:
        kept = self._kept()
        if kept is None:
            raise _ForsakenError
        return kept

    def _question(self) -> v1.WatchSessionsRequest:
        self._begun = self._last = time.monotonic()
        return v1.WatchSessionsRequest(after_position=self._of_whom().position())

    def _hear(self, message: v1.WatchSessionsResponse) -> None:
        kept = self._kept()
        if kept is None:
            self._forsaken()
            return
        kept.hear(message)
        self._last = time.monotonic()

    @abstractmethod
    def _forsaken(self) -> None:
        """Ends the stream: there is nobody to watch for."""

    def _is_stuck(self) -> bool:
        """Whether the stream has to be made again; says so once."""
        now = time.monotonic()
        is_stuck = now - self._last > _SILENT
        if is_stuck:
            self._last = now
        return is_stuck

    def _pause(self) -> float:
        """Seconds to wait before the next stream, now that one has ended."""
        self._of_whom().broken()
        if time.monotonic() - self._begun >= _LASTED:
            self._wait = _FIRST_WAIT
        wait = self._wait * (1 - random.random() / 2)  # noqa: S311
        self._wait = min(_LONGEST_WAIT, self._wait * 2)
        return wait


class Watch(_Watching):
    """Watches in a thread of its own, until it is ended or nobody keeps anything any more."""

    def __init__(self, kept: AnyKept, opening: Opening) -> None:
        super().__init__(kept)
        self._opening = opening
        self._ended = threading.Event()
        self._stream: Stream[v1.WatchSessionsResponse] | None = None
        self._thread = threading.Thread(target=self._run, name="gatelodge-watch", daemon=True)
        self._thread.start()

    def mend(self) -> None:
        """Gives up a stream that is stuck. To be called by whoever finds that nothing is vouched for."""
        if self._stream is not None and self._is_stuck():
            self._stream.close()

    def end(self) -> None:
        """Ends the stream, and the thread."""
        self._ended.set()
        if self._stream is not None:
            self._stream.close()

    def join(self) -> None:
        """Waits a moment for the end."""
        self._thread.join(_MOMENT)

    def _forsaken(self) -> None:
        self.end()

    def _run(self) -> None:
        try:
            while not self._ended.is_set():
                self._follow()
                self._ended.wait(self._pause())
        except _ForsakenError:
            return

    def _follow(self) -> None:
        try:
            with self._opening(self._question()) as stream:
                self._stream = stream
                if not self._ended.is_set():
                    stream.follow(self._hear)
        except _ForsakenError:
            raise
        except GatelodgeError as error:
            _log.debug("sessions are not watched, every one is asked about: %s", error)
        except Exception:  # noqa: BLE001 - nobody would watch again, once a TLS file is whole or a channel is open
            _log.exception("sessions can't be watched, every one is asked about")


class AsyncWatch(_Watching):
    """Watches in a task of the running event loop, until it is ended or nobody keeps anything any more."""

    def __init__(self, kept: AnyKept, opening: AsyncOpening) -> None:
        super().__init__(kept)
        self._opening = opening
        self._loop = asyncio.get_running_loop()
        self._task = self._start()

    def _start(self) -> asyncio.Task[None]:
        return self._loop.create_task(self._run(), name="gatelodge-watch")

    def mend(self) -> None:
        """Gives up a stream that is stuck. To be called by whoever finds that nothing is vouched for."""
        if self._is_stuck():
            self._task.cancel()
            self._task = self._start()

    def end(self) -> None:
        """Ends the stream, and the task."""
        self._task.cancel()

    def _forsaken(self) -> None:
        with contextlib.suppress(RuntimeError):  # The loop is closed already.
            self._loop.call_soon_threadsafe(self._task.cancel)

    async def _run(self) -> None:
        try:
            while True:
                await self._follow()
                await asyncio.sleep(self._pause())
        except _ForsakenError:
            return

    async def _follow(self) -> None:
        try:
            async with self._opening(self._question()) as stream:
                await stream.follow(self._hear)
        except _ForsakenError:
            raise
        except GatelodgeError as error:
            _log.debug("sessions are not watched, every one is asked about: %s", error)
        except Exception:  # noqa: BLE001 - nobody would watch again, once a TLS file is whole or a channel is open
            _log.exception("sessions can't be watched, every one is asked about")
