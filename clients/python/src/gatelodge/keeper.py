"""Owns the settings being kept fresh beside the requests: a thread per process, or a task per event loop.

Does not know what the settings say. Neither is started before the first request of its process or loop, unless somebody
says that no fork will come: so nothing is left behind by one. That first request waits for the first answer, and no
later one does.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from gatelodge import v1
from gatelodge._own import PerLoop, PerProcess
from gatelodge.errors import GatelodgeError
from gatelodge.settings import SHORTEST_PAUSE, Freshness, Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatelodge.async_client import AsyncClient
    from gatelodge.client import Client

_QUESTION = v1.GetEdgeSettingsRequest()
_LONGEST_FIRST_ANSWER = 2.5  # A little more than the call's own deadline.


class Keeper:
    """Keeps the settings fresh in a thread of its own."""

    def __init__(self, client: Client, on_change: Callable[[Settings], None]) -> None:
        self._client = client
        self._freshness = Freshness(on_change)
        self._asking = PerProcess(lambda: _Asking(self._client, self._freshness))

    def settings(self, host: bytes) -> Settings | None:
        """Those in force for requests with this Host, as far as is known; the first request waits for them."""
        asking = self._asking.get()
        if self._freshness.settled is None:
            asking.tried.wait(_LONGEST_FIRST_ANSWER)
        return self._freshness.of(host)

    def saw_version(self, version: str) -> None:
        """Takes note of the version that an answer named."""
        if self._freshness.is_other(version):
            self._asking.get().now.set()

    def start(self) -> None:
        """Begins to ask, before the first request of this process does."""
        self._asking.get()

    def close(self) -> None:
        """Ends the thread. A later request starts another."""
        asking = self._asking.take()
        if asking is not None:
            asking.end()


class _Asking:
    def __init__(self, client: Client, freshness: Freshness) -> None:
        self.tried = threading.Event()
        self.now = threading.Event()
        self._ended = threading.Event()
        self._client = client
        self._freshness = freshness
        threading.Thread(target=self._run, name="gatelodge-settings", daemon=True).start()

    def end(self) -> None:
        self._ended.set()
        self.now.set()

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                pause = self._freshness.took(self._client.login.get_edge_settings(_QUESTION))
            except GatelodgeError as error:
                pause = self._freshness.failed(error)
            except Exception:  # noqa: BLE001 - nobody would ask again
                pause = self._freshness.faulted()
            self.tried.set()
            # Two authorities that differ, as during a roll-out, make every second answer name another version.
            self._ended.wait(min(SHORTEST_PAUSE, pause))
            self.now.wait(max(0.0, pause - SHORTEST_PAUSE))
            self.now.clear()


class AsyncKeeper:
    """Keeps the settings fresh in a task of the running event loop."""

    def __init__(self, client: AsyncClient, on_change: Callable[[Settings], None]) -> None:
        self._client = client
        self._freshness = Freshness(on_change)
        self._asking = PerLoop(lambda: _AsyncAsking(self._client, self._freshness))

    async def settings(self, host: bytes) -> Settings | None:
        """Those in force for requests with this Host, as far as is known; the first request waits for them."""
        asking = self._asking.get()
        if self._freshness.settled is None:
            await asking.first()
        return self._freshness.of(host)

    def saw_version(self, version: str) -> None:
        """Takes note of the version that an answer named."""
        if self._freshness.is_other(version):
            self._asking.get().now.set()

    def start(self) -> None:
        """Begins to ask, before the first request does."""
        self._asking.get()

    def close(self) -> None:
        """Ends the running loop's task. A later request starts another."""
        asking = self._asking.take()
        if asking is not None:
            asking.task.cancel()


class _AsyncAsking:
    def __init__(self, client: AsyncClient, freshness: Freshness) -> None:
        self.tried = asyncio.Event()
        self.now = asyncio.Event()
        self._client = client
        self._freshness = freshness
        self.task = asyncio.get_running_loop().create_task(self._run(), name="gatelodge-settings")

    async def first(self) -> None:
        await _within(_LONGEST_FIRST_ANSWER, self.tried)

    async def _run(self) -> None:
        while True:
            try:
                pause = self._freshness.took(await self._client.login.get_edge_settings(_QUESTION))
            except GatelodgeError as error:
                pause = self._freshness.failed(error)
            except Exception:  # noqa: BLE001 - nobody would ask again
                pause = self._freshness.faulted()
            self.tried.set()
            await asyncio.sleep(min(SHORTEST_PAUSE, pause))
            await _within(max(0.0, pause - SHORTEST_PAUSE), self.now)
            self.now.clear()


async def _within(seconds: float, event: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except asyncio.TimeoutError:
        return
