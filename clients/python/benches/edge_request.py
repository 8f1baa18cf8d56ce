"""Measures what a session check adds to a request through FastAPI, Flask and Django: a route with and without it.

The application runs without a network of its own (its ASGI or WSGI interface is called); a check goes over gRPC to a
real authority, or is answered from what is kept. One request at a time. Tells microseconds of this process's CPU and of
the clock on the wall; what is added is the difference.
"""

import asyncio
import io
import sys
from collections.abc import Callable
from typing import Annotated, Any

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path
from fastapi import Depends, FastAPI
from flask import Flask
from tests.whole.dev import Dev

import gatelodge.fastapi
import gatelodge.flask
from benches.measured import HEADERS, Spent, Watch, median
from gatelodge import ClientOptions, Session

ROUNDS = 9
REQUESTS = 300
WITHOUT = "/without"
CHECKED = "/with"


def fastapi(options: ClientOptions, credential: str) -> dict[str, Spent]:
    gate, app = gatelodge.fastapi.Gatelodge(options), FastAPI()
    gate.install(app)

    @app.get(WITHOUT)
    async def without() -> dict[str, str]:
        return {"user_id": "dev_testuser1"}

    @app.get(CHECKED)
    async def checked(session: Annotated[Session, Depends(gate.session)]) -> dict[str, str]:
        return {"user_id": session.user_id}

    sent = {"host": "localhost", "cookie": f"session={credential}", **HEADERS}
    headers = [(name.encode(), value.encode()) for name, value in sent.items()]
    common: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
    }
    common |= {"query_string": b"", "root_path": "", "headers": headers, "client": ("127.0.0.1", 1)}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        assert message.get("status", 200) == 200, message

    async def measure() -> dict[str, Spent]:
        async def some(place: str) -> Spent:
            watch = Watch()
            for _ in range(REQUESTS):
                await app({**common, "path": place, "raw_path": place.encode()}, receive, send)
            return watch.spent(REQUESTS)

        rounds = [(await some(WITHOUT), await some(CHECKED)) for _ in range(ROUNDS)]
        await gate.edge.close()
        return both(rounds)

    return asyncio.run(measure())


def flask(options: ClientOptions, credential: str) -> dict[str, Spent]:
    app = Flask(__name__)
    gate = gatelodge.flask.Gatelodge(app, options)

    @app.get(WITHOUT)
    def without() -> dict[str, str]:
        return {"user_id": "dev_testuser1"}

    @app.get(CHECKED)
    @gate.session_required
    def checked() -> dict[str, str]:
        return {"user_id": gate.session.user_id}

    found = wsgi(app, credential)
    gate.edge.close()
    return found


def django_(options: ClientOptions, credential: str) -> dict[str, Spent]:
    given = {"ADDRESS": options.address, "API_KEY": options.api_key, "KEEP_ANSWERS": options.keep_answers}
    if settings.configured:
        from gatelodge.django import conf  # noqa: PLC0415 - it reads the settings

        settings.GATELODGE = given
        conf.edge().close()
        conf.edge.cache_clear()
    else:
        middleware = ["gatelodge.django.SessionMiddleware"]
        settings.configure(ALLOWED_HOSTS=["*"], MIDDLEWARE=middleware, ROOT_URLCONF=__name__, GATELODGE=given)
        django.setup()
    from gatelodge.django import conf, session_exempt, session_required  # noqa: PLC0415

    @session_exempt
    def without(_: HttpRequest) -> JsonResponse:
        return JsonResponse({"user_id": "dev_testuser1"})

    @session_required
    def checked(request: Any) -> JsonResponse:
        return JsonResponse({"user_id": request.gatelodge.user_id})

    urlpatterns[:] = [path(WITHOUT[1:], without), path(CHECKED[1:], checked)]
    return wsgi(get_wsgi_application(), credential)


urlpatterns: list[Any] = []


def wsgi(app: Any, credential: str) -> dict[str, Spent]:
    sent = {"host": "localhost", "cookie": f"session={credential}", **HEADERS}
    common: dict[str, Any] = {"HTTP_" + name.upper().replace("-", "_"): value for name, value in sent.items()}
    common |= {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "QUERY_STRING": "", "REMOTE_ADDR": "127.0.0.1"}
    common |= {"SERVER_NAME": "localhost", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1"}
    common |= {"wsgi.url_scheme": "http", "wsgi.errors": sys.stderr, "wsgi.version": (1, 0)}

    def start(status: str, _: Any, __: Any = None) -> Callable[[bytes], object]:
        assert status == "200 OK", status
        return lambda _: None

    def some(place: str) -> Spent:
        watch = Watch()
        for _ in range(REQUESTS):
            environ = {**common, "PATH_INFO": place, "RAW_URI": place, "wsgi.input": io.BytesIO()}
            answer = app(environ, start)
            b"".join(answer)
            answer.close()
        return watch.spent(REQUESTS)

    return both([(some(WITHOUT), some(CHECKED)) for _ in range(ROUNDS)])


def both(rounds: list[tuple[Spent, Spent]]) -> dict[str, Spent]:
    """The first round is for warmth."""
    return {
        "without": median([without for without, _ in rounds[1:]]),
        "with": median([checked for _, checked in rounds[1:]]),
    }


def measure(dev: Dev, credential: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, framework in (("fastapi", fastapi), ("flask", flask), ("django", django_)):
        for way, most in (("asked", 0), ("kept", 16_384)):
            spent = framework(ClientOptions(dev.address, dev.keys["edge"], keep_answers=most), credential)
            without, checked = spent["without"], spent["with"]
            found[f"{name}_{way}"] = {
                "without": {"cpu": round(without.cpu, 1), "wall": round(without.wall, 1)},
                "with": {"cpu": round(checked.cpu, 1), "wall": round(checked.wall, 1)},
                "added": {
                    "cpu": round(checked.cpu - without.cpu, 1),
                    "wall": round(checked.wall - without.wall, 1),
                },
            }
    return found
