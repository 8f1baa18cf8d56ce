"""Measures checks that are answered from what is kept: how many a second, on one core, in a thread and in asyncio.

Each is a whole ``client.sessions.check(question)``, as an edge asks for a browser, while the client watches a real
authority.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from benches.measured import Spent, Watch, median, question
from gatelodge import AsyncClient, Client, ClientOptions, v1

if TYPE_CHECKING:
    from tests.whole.dev import Dev

FOR = 5.0  # seconds
CHECKS = 10_000


def threads(options: ClientOptions, asked: v1.ValidateSessionRequest) -> list[Spent]:
    rounds, until = [], time.monotonic() + FOR
    with Client(options) as client:
        while time.monotonic() < until:
            watch = Watch()
            for _ in range(CHECKS):
                client.sessions.check(asked)
            rounds.append(watch.spent(CHECKS))
    return rounds


async def tasks(options: ClientOptions, asked: v1.ValidateSessionRequest) -> list[Spent]:
    rounds, until = [], time.monotonic() + FOR
    async with AsyncClient(options) as client:
        while time.monotonic() < until:
            watch = Watch()
            for _ in range(CHECKS):
                await client.sessions.check(asked)
            rounds.append(watch.spent(CHECKS))
            await asyncio.sleep(0)  # A loop that never rests hears of nothing.
    return rounds


def rates(rounds: list[Spent]) -> dict[str, int]:
    middle = median(rounds)
    return {"cpu": round(1e6 / middle.cpu), "wall": round(1e6 / middle.wall)}


def measure(dev: Dev, credential: str) -> dict[str, dict[str, int]]:
    options, asked = ClientOptions(dev.address, dev.keys["edge"]), question(credential)
    return {"threads": rates(threads(options, asked)), "asyncio": rates(asyncio.run(tasks(options, asked)))}
