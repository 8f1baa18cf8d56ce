"""Owns the way between Django's requests and responses and this package. Does not know sessions."""

from __future__ import annotations

from http.cookies import Morsel
from typing import TYPE_CHECKING

from asgiref.sync import async_to_sync
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import patch_vary_headers

from gatelodge import asgi, wsgi
from gatelodge.django import unread

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from gatelodge.answer import Answer
    from gatelodge.bodies import AsyncBody, Body
    from gatelodge.presented import RawRequest


def raw_request(request: HttpRequest) -> RawRequest:
    """The request as it came. Django's own headers are joined and decoded already."""
    return asgi.raw_request(request.scope) if isinstance(request, ASGIRequest) else wsgi.raw_request(request.META)


def body_of(request: HttpRequest) -> Body:
    """The way to the body. What Django has read already, it gives again."""
    if isinstance(request, ASGIRequest):
        receive = unread.receive_of(request.scope)
        return async_to_sync(asgi.body_of(receive)) if receive else request.read
    return wsgi.body_of(request.META, request.read if request.META.get("CONTENT_LENGTH") else None)


def async_body_of(request: HttpRequest) -> AsyncBody:
    """The way to the body. Where nothing stands before Django under ASGI, it has read all of it already."""
    receive = unread.receive_of(request.scope) if isinstance(request, ASGIRequest) else None
    if receive:
        return asgi.body_of(receive)

    async def read(most: int) -> bytes:
        return body_of(request)(most)

    return read


class CopiedResponse(HttpResponse):
    """An answer that is sent as it is. Django keeps one value per header; the others are beside them."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.body, status=answer.status)
        del self.headers["content-type"]
        self._further: list[tuple[str, str]] = []
        for name, value in answer.headers:
            if name in self.headers or name == "set-cookie":
                self._further.append((name, value))
            else:
                self.headers[name] = value

    def put_first(self, cookies: Iterable[str]) -> None:
        """Sends these before its own."""
        self._further[:0] = [("set-cookie", cookie) for cookie in cookies]

    def items(self) -> list[tuple[str, str]]:
        """Every header line."""
        return [*super().items(), *self._further]


def deliver(response: HttpResponseBase, delivery: Iterable[tuple[str, str]]) -> None:
    """Adds headers to a response, and keeps caches from handing it to others.

    Cookies come first, so that what the response itself says of the same ones counts.
    """
    patch_vary_headers(response, ["Cookie"])
    cookies = list[str]()
    for name, value in delivery:
        response.headers["Cache-Control"] = "no-store"
        if name == "set-cookie":
            cookies.append(value)
        else:
            response.headers[name] = value
    if isinstance(response, CopiedResponse):
        response.put_first(cookies)
    elif cookies:
        others = [*response.cookies.items()]
        response.cookies.clear()
        for number, cookie in enumerate(cookies):
            response.cookies[f"gatelodge-{number}"] = _WholeCookie(cookie)
        for name, morsel in others:
            response.cookies[name] = morsel


class _WholeCookie(Morsel[str]):
    """A Set-Cookie value that is sent as it came; Python's own would write it anew."""

    def __init__(self, value: str) -> None:
        super().__init__()
        name, _, rest = value.partition("=")
        self.set(name, rest, value)

    def OutputString(self, attrs: Container[str] | None = None) -> str:  # noqa: ARG002, N802
        return self.coded_value

    def output(self, attrs: Container[str] | None = None, header: str = "Set-Cookie:") -> str:  # noqa: ARG002
        return f"{header} {self.coded_value}"
