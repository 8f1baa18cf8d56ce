"""Owns the answers that this process keeps, for as long as a watched stream vouches for them. Knows no network.

Invariants: nothing is answered from memory while the stream is broken; nothing lives longer than its answer allowed;
and what was asked before something was forgotten is never kept, nor is what another authority answered that had heard
less. What was forgotten is remembered as numbers in places that many share: a place never forgets, and who shares it is
asked about once more. What was known once counts for as long as anybody may rest on less, whatever an authority that
lags behind says.
"""

from __future__ import annotations

import enum
import math
import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Generic, Protocol, TypeAlias, TypeVar

from gatelodge import v1
from gatelodge._room import Answer, Room
from gatelodge.errors import DeadlineExceededError, GatelodgeError
from gatelodge.verdict import Checked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gatelodge._question import Allowance

SILENCE = 2.0
"""The stream is broken when no message has come for so many seconds."""
_STALENESS = 6.0  # By then no authority answers from what it knew before: `max_staleness` is at most five seconds.
_PLACES = 4096
_SWEEP_EVERY = 1.0
_NEVER = -math.inf

_ABOUT_ONE = frozenset(
    {
        v1.SESSION_EVENT_KIND_REVOKED,
        v1.SESSION_EVENT_KIND_ROTATED,
        v1.SESSION_EVENT_KIND_REFRESHED,
        v1.SESSION_EVENT_KIND_CHANGED,
    }
)


class Missing(enum.Enum):
    """Why a question that was being asked brings nothing to those who waited for it."""

    OWN = enum.auto()
    """Its answer is for one request alone: each asks for itself."""
    GONE = enum.auto()
    """Whoever asked has gone away: somebody else asks."""


Brought: TypeAlias = "Checked | GatelodgeError | Missing"


class Flight(Protocol):
    """What those wait for who ask what is being asked: a future of threads, or of an event loop."""

    def set_result(self, result: Brought, /) -> None:
        """Tells them."""


F = TypeVar("F", bound=Flight)


@dataclass(eq=False)
class Asking(Generic[F]):
    """A question that is ours to ask. It has to be settled: others wait for it."""

    key: bytes
    cookies: tuple[int, ...]
    number: int
    at: float
    flight: F


@dataclass
class _Forgotten:
    """When something was forgotten last: what was asked before, or rests on less, is worth nothing."""

    number: int = 0
    position: bytes = b""

    def forget(self, number: int, position: bytes) -> None:
        self.number, self.position = number, max(self.position, position)


@dataclass
class _Memory:
    all: _Forgotten = field(default_factory=_Forgotten)
    sessions: dict[int, _Forgotten] = field(default_factory=dict)
    cookies: dict[int, _Forgotten] = field(default_factory=dict)

    def of(self, session: int, cookies: Iterable[int]) -> list[_Forgotten]:
        """What was forgotten of all that concerns an answer."""
        of_cookies = (self.cookies[place] for place in cookies if place in self.cookies)
        return [self.all, *([self.sessions[session]] if session in self.sessions else ()), *of_cookies]


class Kept(Generic[F]):
    """The answers that are kept. Safe to use from many threads.

    Args:
        most: how many there is room for.
        flight: makes what those wait for who ask what is being asked.
        clock: seconds that only ever rise.
    """

    def __init__(self, most: int, flight: Callable[[], F], clock: Callable[[], float] = time.monotonic) -> None:
        self._make_flight = flight
        self._clock = clock
        self._lock = threading.Lock()
        self._number = 0
        self._forgotten = _Memory()
        self._room = Room(most)
        self._answers = self._room.answers
        self._asking: dict[bytes, Asking[F]] = {}
        self._swept = _NEVER
        self._heard = b""
        self._least, self._least_until = b"", _NEVER
        self._whole_until = _NEVER

    def __len__(self) -> int:
        return len(self._answers)

    def known_up_to(self) -> bytes:
        """What is known of the stream, to be shown to an authority that may have heard less."""
        return max(self._heard if self._is_whole() else b"", self._least_now())

    def has_told(self, position: bytes) -> None:
        """This client has ended something, and the stream tells so up to this position.

        Whoever is asked from now on has to know as much.
        """
        with self._lock:
            self._raise(position)

    def _raise(self, position: bytes) -> None:
        if position:
            self._least, self._least_until = max(self._least_now(), position), self._clock() + _STALENESS

    def _least_now(self) -> bytes:
        """What no answer may rest on less than."""
        return self._least if self._clock() < self._least_until else b""

    def position(self) -> bytes:
        """Where the stream goes on."""
        return self._heard

    def look(self, key: bytes, question: v1.ValidateSessionRequest) -> Checked | Asking[F] | F | None:
        """What to do about a question, whose key is ``key``.

        Take what is known; ask, and settle it; wait for whoever asks it already; or, for ``None``, ask for yourself:
        the stream is broken.
        """
        answer = self._answers.get(key)
        if answer is not None:
            # What was forgotten is not here any more, so most of the time nobody has to wait for the others.
            now = self._clock()
            if now < answer.until and now < self._whole_until:
                return answer.checked
        with self._lock:
            return self._look(key, question)

    def _look(self, key: bytes, question: v1.ValidateSessionRequest) -> Checked | Asking[F] | F | None:
        if not self._is_whole():
            return None
        answer = self._answers.get(key)
        if answer is not None and self._clock() < answer.until:
            return answer.checked
        asking = self._asking.get(key)
        # Whoever asks after something was forgotten does not wait for what was asked before.
        if asking is not None and asking.number == self._number:
            return asking.flight
        places = tuple(_place(cookie.value) for cookie in question.cookies)
        asking = Asking(key, places, self._number, self._clock(), self._make_flight())
        self._asking[key] = asking
        return asking

    def settle(
        self, asking: Asking[F], outcome: Checked | GatelodgeError | None, allowance: Allowance | None = None
    ) -> None:
        """Ends a question that was ours; ``None`` when nothing came of it.

        An answer is kept as long as it allows, and shared with those who wait when it may be kept at all: any other
        speaks of the one request that it answers. What went wrong is shared, but for a time that was up: others have
        other deadlines.
        """
        brought: Brought = Missing.GONE
        if isinstance(outcome, Checked):
            brought = Missing.OWN if allowance is None else outcome
        elif outcome is not None:
            brought = Missing.OWN if isinstance(outcome, DeadlineExceededError) else outcome
        with self._lock:
            if isinstance(outcome, Checked) and allowance is not None:
                self._keep(asking, outcome, allowance)
            if self._asking.get(asking.key) is asking:
                del self._asking[asking.key]
        asking.flight.set_result(brought)

    def _keep(self, asking: Asking[F], checked: Checked, allowance: Allowance) -> None:
        session, now = _place(allowance.session_id), self._clock()
        for forgotten in self._forgotten.of(session, asking.cookies):
            if asking.number < forgotten.number or allowance.position < forgotten.position:
                return
        if allowance.position < self._least_now() or not self._is_whole():
            return
        self._sweep(now)
        # Which settings are in force is news with an answer, and none from memory.
        kept = replace(checked, settings_version="")
        until = asking.at + allowance.keep_for
        answer = Answer(kept, until, allowance.session_id, session, asking.cookies, allowance.size)
        self._room.put(asking.key, answer)

    def forget_cookies(self, cookies: Iterable[v1.Cookie]) -> None:
        """Whoever presents one of these is asked about anew."""
        with self._lock:
            self._number += 1
            for place in {_place(cookie.value) for cookie in cookies}:
                self._forgotten.cookies.setdefault(place, _Forgotten()).forget(self._number, b"")
                self._room.drop_cookie(place)

    def forget_session(self, session_id: str) -> None:
        """This client may have ended this session."""
        with self._lock:
            self._forget_session(session_id, b"")

    def _forget_session(self, session_id: str, position: bytes) -> None:
        place = _place(session_id)
        self._number += 1
        self._forgotten.sessions.setdefault(place, _Forgotten()).forget(self._number, position)
        self._room.drop_session(place)

    def forget_all(self) -> None:
        """Everybody is asked about anew."""
        with self._lock:
            self._forget_all(b"")

    def _forget_all(self, position: bytes) -> None:
        self._number += 1
        self._forgotten.all.forget(self._number, position)
        self._room.clear()

    def hear(self, message: v1.WatchSessionsResponse) -> None:
        """Takes in what the stream told."""
        with self._lock:
            if message.reset or message.position < self._heard:
                # Positions begin anew, whether it says so or not, or the authority lags behind: nobody can tell which
                # before what was known counts no more.
                self._raise(self._heard)
                self._number += 1
                self._forgotten = _Memory(_Forgotten(self._number, message.position))
                self._room.clear()
            for event in message.events:
                self._happened(event, message.position)
            self._heard = message.position
            now = self._clock()
            self._whole_until = now + SILENCE if message.HasField("max_staleness") else _NEVER
            self._sweep(now)

    def _happened(self, event: v1.SessionEvent, position: bytes) -> None:
        if event.kind not in _ABOUT_ONE or not event.session_id:
            self._forget_all(position)
            return
        self._forget_session(event.session_id, position)

    def broken(self) -> None:
        """The stream is broken. What is kept may be good again when it goes on where it was."""
        with self._lock:
            self._whole_until = _NEVER
            self._sweep(self._clock())

    def _sweep(self, now: float) -> None:
        if now - self._swept >= _SWEEP_EVERY:
            self._room.sweep(now)
            self._swept = now

    def _is_whole(self) -> bool:
        return self._clock() < self._whole_until


def _place(value: str | bytes) -> int:
    return hash(value) % _PLACES
