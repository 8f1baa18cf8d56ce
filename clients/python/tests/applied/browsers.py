"""Each framework's own test client, used the same way."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.test import AsyncClient as AsyncDjangoClient
from django.test import Client as DjangoClient
from starlette.testclient import TestClient

import gatelodge.django
from tests.applications import django_app, fastapi_app, flask_app, starlette_app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


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


@dataclass
class Browser:
    """An application, and a way to ask it something."""

    name: str
    application: Any
    ask: Callable[[str, str, Mapping[str, str]], Got]

    def get(self, path: str, **headers: str) -> Got:
        return self.send("GET", path, **headers)

    def send(self, method: str, path: str, **headers: str) -> Got:
        return self.ask(method, path, {name.replace("_", "-"): value for name, value in headers.items()})


def _starlette(app: Any) -> Callable[[str, str, Mapping[str, str]], Got]:
    def ask(method: str, path: str, headers: Mapping[str, str]) -> Got:
        client = TestClient(app, follow_redirects=False)
        response = client.request(method, path, headers=headers)
        return Got(response.status_code, list(response.headers.multi_items()), response.content)

    return ask


def _flask(method: str, path: str, headers: Mapping[str, str]) -> Got:
    client = flask_app.app.test_client(use_cookies=False)
    response = client.open(path, method=method, headers=dict(headers))
    return Got(response.status_code, list(response.headers.items()), response.data)


def _django_headers(response: Any) -> list[tuple[str, str]]:
    cookies: Iterable[Any] = response.cookies.values()
    return [*response.items(), *(("Set-Cookie", cookie.OutputString()) for cookie in cookies)]


def _django(method: str, path: str, headers: Mapping[str, str]) -> Got:
    response = DjangoClient(headers=dict(headers)).generic(method, path)
    return Got(response.status_code, _django_headers(response), response.content)


def _async_django(method: str, path: str, headers: Mapping[str, str]) -> Got:

    async def ask() -> Any:
        return await AsyncDjangoClient().generic(method, path, headers=dict(headers))

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
