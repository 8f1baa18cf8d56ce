"""Owns calls that run to their end, whether or not anybody still waits for them. Does not know what they ask."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

R = TypeVar("R")


class Lasting:
    """Calls that are under way. What waits for one may be cancelled; the call is not."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()  # An event loop alone would not hold them.

    async def run(self, call: Coroutine[Any, Any, R]) -> R:
        """What the call brings. It goes on when this is cancelled."""
        task = asyncio.get_running_loop().create_task(call)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # Nobody may be there to hear of it.

    async def end(self) -> None:
        """Waits for those of the running loop; each has a deadline of its own."""
        loop = asyncio.get_running_loop()
        tasks = [task for task in list(self._tasks) if task.get_loop() is loop]
        if tasks:
            await asyncio.wait(tasks)
