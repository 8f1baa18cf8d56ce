"""Owns values that must not be shared: one per process, or one per event loop. Does not know what they are.

gRPC's channels do not survive a fork (gunicorn's workers), and its asyncio channels belong to one event loop.
"""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class PerProcess(Generic[T]):
    """A value that each process makes for itself, at first use.

    Args:
        make: makes it.
        before_fork: what has to be done with it before the process forks.
    """

    def __init__(self, make: Callable[[], T], *, before_fork: Callable[[T], None] | None = None) -> None:
        self._make = make
        self._before = before_fork
        self._begin()
        _all.add(self)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._value: T | None = None

    def get(self) -> T:
        """This process's value."""
        value = self._value
        if value is None:
            with self._lock:
                value = self._value
                if value is None:
                    value = self._value = self._make()
        return value

    def take(self) -> T | None:
        """The value if there is one, which is forgotten."""
        with self._lock:
            value, self._value = self._value, None
        return value

    def _before_fork(self) -> None:
        value = self._value
        if value is not None and self._before is not None:
            self._before(value)

    def _after_fork(self) -> None:
        # What the parent made stays referenced: its destructor would touch what belongs to the parent.
        _of_the_parent.append(self._value)
        self._begin()


_all: weakref.WeakSet[PerProcess[Any]] = weakref.WeakSet()
_of_the_parent: list[object] = []


def _before_fork() -> None:
    for value in list(_all):
        value._before_fork()  # noqa: SLF001


def _after_fork() -> None:
    for value in list(_all):
        value._after_fork()  # noqa: SLF001


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_child=_after_fork)


class PerLoop(Generic[T]):
    """A value that each event loop makes for itself, at first use."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._values: dict[asyncio.AbstractEventLoop, T] = {}

    def get(self) -> T:
        """The running loop's value."""
        loop = asyncio.get_running_loop()
        value = self._values.get(loop)
        if value is None:
            for other in [other for other in self._values if other.is_closed()]:
                del self._values[other]
            value = self._values[loop] = self._make()
        return value

    def take(self) -> T | None:
        """The running loop's value if there is one, which is forgotten."""
        return self._values.pop(asyncio.get_running_loop(), None)
