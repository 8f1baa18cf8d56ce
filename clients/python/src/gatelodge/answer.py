"""Owns how an answer becomes HTTP: the authority's copied, or one of the edge's few own.

Decides no status and writes no cookie. Does not know which framework sends it.
"""

from __future__ import annotations

import enum
import json
import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatelodge.errors import TenantUnknownError
from gatelodge.settings import is_header_name, is_header_value, needs_an_admin

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatelodge import v1
    from gatelodge.errors import GatelodgeError
    from gatelodge.presented import RawRequest

_log = logging.getLogger("gatelodge")

_OF_THE_CONNECTION = frozenset({"connection", "content-length", "transfer-encoding", "trailer", "upgrade"})
_DEFAULTS = (
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("content-security-policy", "frame-ancestors 'none'"),
)
_CLASSES = range(200, 600)
COULD_NOT_SAY = 503
"""The status that says nothing of whoever asks: nobody is logged out by it."""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, ready to be sent by any framework."""

    status: int
    headers: tuple[tuple[str, str], ...]
    """Names in lower case; values are printable ASCII. ``set-cookie`` may come more than once."""
    body: bytes = b""

    def with_headers(self, *headers: tuple[str, str]) -> Answer:
        """The same answer with further headers."""
        return Answer(self.status, self.headers + headers, self.body)

    def varying_by(self, name: str) -> Answer:
        """The same answer, which says that it depends on this header of the request too."""
        return Answer(self.status, tuple(vary_by(self.headers, name)), self.body)


class Refusal(enum.Enum):
    """What a refused request says of whoever made it."""

    SIGNED_OUT = enum.auto()
    """There is no living session, or no good token."""
    DENIED = enum.auto()
    """There is one, and this request may not go ahead with it."""
    UNJUDGED = enum.auto()
    """Nothing: the authority could not say, or nobody asked it."""


class Refused(Exception):  # noqa: N818
    """The application does not get this request: :attr:`answer` is to be sent instead."""

    def __init__(self, answer: Answer, refusal: Refusal = Refusal.UNJUDGED) -> None:
        super().__init__(f"answered with {answer.status}")
        self.answer = answer
        self.refusal = refusal


class _UncopyableError(Exception):
    """The authority's answer holds something that is no HTTP answer."""


def copy(request: RawRequest, answer: v1.HttpAnswer | None) -> Answer:
    """Copies a finished answer, or none of it: part of one may be a login without its cookie."""
    try:
        return _copied(request, answer)
    except _UncopyableError as what:
        _log.error("the authority's answer can't be passed on: %s (request %s)", what, request.request_id)
        return unavailable(request)


def _copied(request: RawRequest, answer: v1.HttpAnswer | None) -> Answer:
    if answer is None:
        raise _UncopyableError("there is none")
    headers = [(header.name.lower(), header.value) for header in answer.headers]
    for name, _ in headers:
        if not is_header_name(name) or name in _OF_THE_CONNECTION:
            raise _UncopyableError("a header's name")
    headers += [("set-cookie", cookie) for cookie in answer.set_cookies]
    if answer.location:
        headers.append(("location", answer.location))
    if answer.content_type:
        headers.append(("content-type", answer.content_type))
    if not all(is_header_value(value) for _, value in headers):
        raise _UncopyableError("a header's value")
    if answer.status not in _CLASSES:
        raise _UncopyableError("the status")
    return finish(request, answer.status, headers, answer.body)


def error(request: RawRequest, status: int, reason: str, detail: str) -> Answer:
    """One of the edge's own error answers."""
    return of_json(request, status, {"detail": detail, "reason": reason, "request_id": request.request_id})


def of_json(request: RawRequest, status: int, body: dict[str, str | None]) -> Answer:
    """A JSON answer."""
    return finish(request, status, [("content-type", "application/json")], json.dumps(body).encode())


def unavailable(request: RawRequest, cause: GatelodgeError | None = None) -> Answer:
    """Could not say: 503, with the browser's cookies left alone."""
    wait = 1
    if cause is not None and cause.retry_after is not None:
        wait = max(1, math.ceil(cause.retry_after.total_seconds()))
    detail = "The service can't check your session right now. Try again in a moment."
    answer = error(request, 503, "AUTHORITY_UNAVAILABLE", detail)
    return answer.with_headers(("retry-after", str(wait)))


def failed(request: RawRequest, cause: GatelodgeError) -> Answer:
    """Says in the log why there was no answer, and answers as the authority wishes, or "could not say"."""
    if cause.answer is not None:
        _log.debug("the authority answers for its provider's trouble (request %s): %s", request.request_id, cause)
        return copy(request, cause.answer)
    if isinstance(cause, TenantUnknownError):
        _log.error("the authority knows no such tenant, or this program's key is not for it: %s", cause)
    elif needs_an_admin(cause):
        _log.error("the authority refused this program's API key: %s", cause)
    else:
        _log.warning("the authority could not say (request %s): %s", request.request_id, cause)
    return unavailable(request, cause)


def finish(request: RawRequest, status: int, headers: list[tuple[str, str]], body: bytes) -> Answer:
    """Adds what every answer has: nobody else may keep it, frame it or guess its type."""
    names = {name for name, _ in headers}
    headers = [*headers, *((name, value) for name, value in _DEFAULTS if name not in names)]
    headers = vary_by(headers, "Cookie")
    if status not in {204, 304}:
        headers.append(("content-length", str(len(body))))
    return Answer(status, tuple(headers), b"" if request.is_head else body)


def vary_by(headers: Iterable[tuple[str, str]], name: str) -> list[tuple[str, str]]:
    """The headers, which say in one line, and once, that the answer depends on this header of the request too."""
    others, said = list[tuple[str, str]](), dict[str, str]()
    for found, value in [*headers, ("vary", name)]:
        if found == "vary":
            for word in map(str.strip, value.split(",")):
                said.setdefault(word.lower(), word)
        else:
            others.append((found, value))
    return [*others, ("vary", ", ".join(word for word in said.values() if word))]
