"""Measures checks that are answered from what is kept: how many a second, on one core, in a thread and in asyncio.

Each is a whole ``client.sessions.check(question)``, as an edge asks for a browser, while the client watches a real
authority, whose path is GATELODGE_BIN or the repository's debug build. Prints one line of JSON: by CPU time, and by the
clock on the wall.
"""

from __future__ import annotations

import asyncio
import json
import time

from benches.measured import Spent, Watch, authority, median, question
from gatelodge import AsyncClient, Client, ClientOptions, v1

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


def main() -> None:
    with authority() as (dev, credential):
        options, asked = ClientOptions(dev.address, dev.keys["edge"]), question(credential)
        found = {"threads": rates(threads(options, asked)), "asyncio": rates(asyncio.run(tasks(options, asked)))}
    print(json.dumps({"bench": "python_kept_checks", "unit": "checks per second", **found}))


if __name__ == "__main__":
    main()
