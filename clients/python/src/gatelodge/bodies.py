"""Owns why a body is not there, though there should be one. Does not know how it is read: ``asgi``, ``wsgi`` do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

Body: TypeAlias = Callable[[int], bytes]
"""Reads the request's body, up to a number of bytes. Raises :class:`NoBodyError`."""
AsyncBody: TypeAlias = Callable[[int], Awaitable[bytes]]

WITHIN = 10.0
"""Seconds after which a body has come, however slowly it comes."""


class NoBodyError(Exception):
    """Nobody is waiting for the answer, most likely."""

    status: int
    reason: str
    detail: str


class BrokenBodyError(NoBodyError):
    """The browser broke off."""

    status, reason, detail = 400, "REQUEST_BROKEN", "The request broke off."


class LateBodyError(NoBodyError):
    """It did not come in time."""

    status, reason, detail = 408, "REQUEST_TIMEOUT", "The request's body did not come in time."
