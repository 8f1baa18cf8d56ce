"""Each framework's own test client, used the same way."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from django.test import AsyncClient as AsyncDjangoClient
from django.test import Client as DjangoClient
from starlette.testclient import TestClient

import gatelodge.django
from tests.applications import django_app, fastapi_app, flask_app, starlette_app

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass
class Got:
    """An answer."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name]

    def header(self, name: str) -> str | None:
        found = self.all(name)
        return ", ".join(found) if found else None


class Ask(Protocol):
    """Sends a request, and brings its answer."""

    def __call__(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"", /) -> Got: ...


@dataclass
class Browser:
    """An application, and a way to ask it something."""

    name: str
    application: Any
    ask: Ask

    def get(self, path: str, **headers: str) -> Got:
        return self.send("GET", path, **headers)

    def send(self, method: str, path: str, **headers: str) -> Got:
        return self.ask(method, path, {name.replace("_", "-"): value for name, value in headers.items()})


def _starlette(app: Any) -> Ask:
    def ask(method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Got:
        return asking(TestClient(app, follow_redirects=False))(method, path, headers, body)

    return ask


def asking(client: TestClient) -> Ask:
    """Asks through one client: all requests in one event loop, where the client was entered."""

    def ask(method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Got:
        response = client.request(method, path, headers=headers, content=body)
        return Got(response.status_code, list(response.headers.multi_items()), response.content)

    return ask


def _flask(method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Got:
    client = flask_app.app.test_client(use_cookies=False)
    response = client.open(path, method=method, headers=dict(headers), data=body)
    return Got(response.status_code, list(response.headers.items()), response.data)


def _django_headers(response: Any) -> list[tuple[str, str]]:
    cookies: Iterable[Any] = response.cookies.values()
    return [*response.items(), *(("Set-Cookie", cookie.OutputString()) for cookie in cookies)]


def _django(method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Got:
    kind = headers.get("content-type", "")
    response = DjangoClient(headers=dict(headers)).generic(method, path, body, kind)
    return Got(response.status_code, _django_headers(response), response.content)


class _OfOneHost(AsyncDjangoClient):
    """Django's own, which sends a Host of its own beside the one that it is given."""

    async def request(self, **request: Any) -> Any:
        hosts = [line for line in request["headers"] if line[0] == b"host"]
        request["headers"] = [line for line in request["headers"] if line not in hosts[:-1]]
        return await super().request(**request)


def _async_django(method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Got:

    async def ask() -> Any:
        others = dict(headers)
        kind = others.pop("content-type", "")
        return await _OfOneHost().generic(method, path, body, kind, headers=others)

    response = asyncio.run(ask())
    return Got(response.status_code, _django_headers(response), response.content)


_ = django_app
BROWSERS = {
    "fastapi": Browser("fastapi", fastapi_app.gatelodge, _starlette(fastapi_app.app)),
    "starlette": Browser("starlette", starlette_app.gatelodge, _starlette(starlette_app.app)),
    "flask": Browser("flask", flask_app.gatelodge, _flask),
    "django": Browser("django", gatelodge.django, _django),
    "django-async": Browser("django-async", gatelodge.django, _async_django),
}
