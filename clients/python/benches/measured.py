"""What the benchmarks share: somebody who is logged in at a real authority, and how time is told.

CPU time is what survives a busy machine; wall time is told beside it.
"""

from __future__ import annotations

import statistics
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2

from gatelodge import v1

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.whole.dev import Dev, log_in

if TYPE_CHECKING:
    from collections.abc import Iterator


HEADERS = {
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0",
    "accept-language": "en-GB,en;q=0.9",
    "accept": "text/html,application/xhtml+xml,*/*;q=0.8",
    "sec-fetch-site": "same-origin",
    "sec-fetch-mode": "navigate",
    "sec-fetch-dest": "document",
}
"""What a browser sends."""


@dataclass
class Spent:
    """Microseconds for one of many."""

    cpu: float
    wall: float


class Watch:
    """Tells what one of a number of things has cost."""

    def __init__(self) -> None:
        self._cpu, self._wall = time.process_time(), time.perf_counter()

    def spent(self, count: int) -> Spent:
        """Since the beginning."""
        cpu, wall = time.process_time() - self._cpu, time.perf_counter() - self._wall
        return Spent(cpu / count * 1e6, wall / count * 1e6)


def median(rounds: list[Spent]) -> Spent:
    """The middle of several rounds."""
    return Spent(statistics.median(one.cpu for one in rounds), statistics.median(one.wall for one in rounds))


@contextmanager
def authority() -> Iterator[tuple[Dev, str]]:
    """A real authority, and the credential of somebody who is logged in there."""
    dev = Dev()
    try:
        with httpx2.Client(base_url=dev.base_url, headers=HEADERS) as browser:
            yield dev, log_in(dev.base_url, lambda path, headers: browser.get(path, headers=headers))["session"]
    finally:
        dev.stop()


def question(credential: str) -> v1.ValidateSessionRequest:
    """As an edge asks for a browser."""
    return v1.ValidateSessionRequest(
        cookies=[v1.Cookie(name="session", value=credential.encode())],
        requirements=v1.Requirements(),
        can_set_cookies=True,
        context=v1.RequestContext(
            method=b"GET",
            target=b"/private?a=b",
            host=b"app.example.com",
            peer_address=b"127.0.0.1",
            **{name.replace("-", "_"): value.encode() for name, value in HEADERS.items()},  # type: ignore[arg-type]
        ),
    )
