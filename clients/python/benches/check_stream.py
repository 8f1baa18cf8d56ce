"""Measures checks as calls of their own beside checks that share one stream (CheckSessions), in threads and in asyncio.

The stream is used as plainly as can be, so this is the most that it can bring. Tells the time per check, of this
process's CPU and of the clock on the wall.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from benches.measured import Spent, Watch, median, question
from gatelodge import AsyncClient, Client, ClientOptions, v1

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.whole.dev import Dev

ROUNDS = 5
CHECKS = 960


class Stream:
    """Checks of many threads on one stream."""

    def __init__(self, client: Client) -> None:
        self._ask: queue.SimpleQueue[v1.CheckSessionsRequest | None] = queue.SimpleQueue()
        self._waiting: dict[int, Future[v1.ValidateSessionResponse]] = {}
        self._answers = client.sessions.check_sessions(self._questions())
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def _questions(self) -> Iterator[v1.CheckSessionsRequest]:
        while (asked := self._ask.get()) is not None:
            yield asked

    def _read(self) -> None:
        for answer in self._answers:
            self._waiting.pop(answer.id).set_result(answer.answer)

    def ask(self, number: int, asked: v1.ValidateSessionRequest) -> v1.ValidateSessionResponse:
        """Waits for the answer."""
        answer = self._waiting[number] = Future()
        self._ask.put(v1.CheckSessionsRequest(id=number, question=asked))
        return answer.result(10)

    def close(self) -> None:
        """Ends the stream."""
        self._ask.put(None)
        self._reading.join()


class AsyncStream:
    """Checks of many tasks on one stream."""

    def __init__(self, client: AsyncClient) -> None:
        self._ask: asyncio.Queue[v1.CheckSessionsRequest | None] = asyncio.Queue()
        self._waiting: dict[int, asyncio.Future[v1.ValidateSessionResponse]] = {}
        self._answers = client.sessions.check_sessions(self._questions())
        self._reading = asyncio.create_task(self._read())

    async def _questions(self) -> AsyncIterator[v1.CheckSessionsRequest]:
        while (asked := await self._ask.get()) is not None:
            yield asked

    async def _read(self) -> None:
        async for answer in self._answers:
            self._waiting.pop(answer.id).set_result(answer.answer)

    async def ask(self, number: int, asked: v1.ValidateSessionRequest) -> v1.ValidateSessionResponse:
        """Waits for the answer."""
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        self._ask.put_nowait(v1.CheckSessionsRequest(id=number, question=asked))
        made: v1.ValidateSessionResponse = await answer
        return made

    async def close(self) -> None:
        """Ends the stream."""
        self._ask.put_nowait(None)
        await self._reading


def threads(options: ClientOptions, asked: v1.ValidateSessionRequest, at_once: int) -> dict[str, Spent]:
    with Client(options) as client, ThreadPoolExecutor(at_once) as pool:
        stream = Stream(client)
        calls, streamed = list[Spent](), list[Spent]()
        for round_ in range(ROUNDS):
            watch = Watch()
            answers = pool.map(lambda _: client.sessions.validate_session(asked), range(CHECKS))
            assert all(one.HasField("active") for one in answers)
            calls.append(watch.spent(CHECKS))
            watch = Watch()
            numbers = range(round_ * CHECKS, (round_ + 1) * CHECKS)
            answers = pool.map(lambda number: stream.ask(number, asked), numbers)
            assert all(one.HasField("active") for one in answers)
            streamed.append(watch.spent(CHECKS))
        stream.close()
    return {"calls": median(calls), "stream": median(streamed)}


async def tasks(options: ClientOptions, asked: v1.ValidateSessionRequest, at_once: int) -> dict[str, Spent]:
    async with AsyncClient(options) as client:
        stream = AsyncStream(client)
        calls, streamed = list[Spent](), list[Spent]()

        async def some_calls() -> None:
            for _ in range(CHECKS // at_once):
                assert (await client.sessions.validate_session(asked)).HasField("active")

        async def some_of_the_stream(numbers: Iterator[int]) -> None:
            for _ in range(CHECKS // at_once):
                assert (await stream.ask(next(numbers), asked)).HasField("active")

        for round_ in range(ROUNDS):
            watch = Watch()
            await asyncio.gather(*(some_calls() for _ in range(at_once)))
            calls.append(watch.spent(CHECKS))
            watch = Watch()
            numbers = iter(range(round_ * CHECKS, (round_ + 1) * CHECKS))
            await asyncio.gather(*(some_of_the_stream(numbers) for _ in range(at_once)))
            streamed.append(watch.spent(CHECKS))
        await stream.close()
    return {"calls": median(calls), "stream": median(streamed)}


def measure(dev: Dev, credential: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    options, asked = ClientOptions(dev.address, dev.keys["edge"], keep_answers=0), question(credential)
    for at_once in (8, 32, 128):
        for name, spent in (
            ("threads", threads(options, asked, at_once)),
            ("asyncio", asyncio.run(tasks(options, asked, at_once))),
        ):
            found[f"{name}_{at_once}"] = {
                way: {"cpu": round(one.cpu, 1), "wall": round(one.wall, 1)} for way, one in spent.items()
            }
    return found
