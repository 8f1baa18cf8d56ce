"""Measures what a session check adds to a request through FastAPI: the same route with and without, in one process.

The application runs without a network of its own (its ASGI interface is called); the check goes over gRPC to a real
`gatelodge dev --ephemeral`, whose path is GATELODGE_BIN or the repository's debug build. Prints one line of JSON.
"""

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import httpx2
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient

from gatelodge import ClientOptions
from gatelodge.fastapi import Gatelodge, Session

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.whole.dev import Dev, log_in

ROUNDS = 7
REQUESTS = 400


def application(dev: Dev) -> FastAPI:
    gatelodge, app = Gatelodge(ClientOptions(dev.address, dev.keys["edge"])), FastAPI()
    gatelodge.install(app)

    @app.get("/without")
    async def without() -> dict[str, str]:
        return {"user_id": "dev_testuser1"}

    @app.get("/with")
    async def checked(session: Annotated[Session, Depends(gatelodge.session)]) -> dict[str, str]:
        return {"user_id": session.user_id}

    return app


def credential(app: FastAPI, dev: Dev) -> str:
    """A session of somebody who logged in."""
    with TestClient(app, base_url=dev.base_url, follow_redirects=False) as browser:

        def get(path: str, headers: dict[str, str]) -> httpx2.Response:
            response: httpx2.Response = browser.get(path, headers=headers)
            browser.cookies.clear()
            return response

        return log_in(dev.base_url, get)["session"]


def request(app: FastAPI, path: str, cookie: str) -> Callable[[], Awaitable[None]]:
    """One request, as a server hands it to the application."""
    sent = {"host": "localhost", "accept": "*/*", "user-agent": "testclient", "cookie": f"session={cookie}"}
    headers = [(name.encode(), value.encode()) for name, value in sent.items()]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        assert message.get("status", 200) == 200, message

    async def ask() -> None:
        await app(dict(scope), receive, send)

    return ask


async def microseconds(ask: Callable[[], Awaitable[None]], concurrent: int) -> float:
    """The time per request: the median of several rounds."""
    rounds = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        for _ in range(REQUESTS // concurrent):
            await asyncio.gather(*(ask() for _ in range(concurrent)))
        rounds.append((time.perf_counter() - begun) / REQUESTS * 1e6)
    return statistics.median(rounds)


async def measure(app: FastAPI, cookie: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, concurrent in (("one at a time", 1), ("20 at once", 20)):
        for path in ("/without", "/with"):
            ask = request(app, path, cookie)
            await ask()
            found[f"{path[1:]}, {name}"] = round(await microseconds(ask, concurrent), 1)
    return found


def main() -> None:
    dev = Dev()
    try:
        app = application(dev)
        found = asyncio.run(measure(app, credential(app, dev)))
    finally:
        dev.stop()
    names = ("one at a time", "20 at once")
    added = {name: round(found[f"with, {name}"] - found[f"without, {name}"], 1) for name in names}
    print(json.dumps({"bench": "python_edge_request", "unit": "us per request", **found, "added": added}))


if __name__ == "__main__":
    main()
