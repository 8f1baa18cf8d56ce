"""Owns the room for answers: how many there are, how large, and about whom. Does not know when one is good.

What somebody signed in can vary at will (headers, cookies beside their own) takes no room from others: a session has a
few answers, and each is of a bounded size. What is forgotten leaves at once, with the cookie that it is found by.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatelodge.verdict import Checked

MOST_OF_ONE = 16
"""So many answers about one session: it has few clients, and an application few requirements."""
MIDDLE = 4096
"""An answer takes so many bytes in the middle, with what it is found by."""
LARGEST = 8 * MIDDLE
"""One that takes more is not kept."""
_FRAME = 1024  # What an answer takes beside its contents.


@dataclass(eq=False)
class Answer:
    """An answer that is kept."""

    checked: Checked
    until: float
    session_id: str
    session: int
    cookies: tuple[int, ...]
    size: int


class Room:
    """Answers by their questions."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.answers: dict[bytes, Answer] = {}
        self.clear()

    def clear(self) -> None:
        """Drops all."""
        self.answers.clear()
        self.size = 0
        self._of_one: dict[str, int] = {}
        self._sessions: dict[int, set[bytes]] = {}
        self._cookies: dict[int, set[bytes]] = {}

    def put(self, key: bytes, answer: Answer) -> None:
        """Keeps an answer in place of an older one to the same question, if there is room."""
        self.drop(key)
        answer.size += _FRAME + len(key)
        of_one = self._of_one.get(answer.session_id, 0)
        is_full = len(self.answers) >= self._most or self.size + answer.size > self._most * MIDDLE
        if is_full or answer.size > LARGEST or of_one >= MOST_OF_ONE:
            return
        self.answers[key] = answer
        self.size += answer.size
        self._of_one[answer.session_id] = of_one + 1
        self._sessions.setdefault(answer.session, set()).add(key)
        for cookie in answer.cookies:
            self._cookies.setdefault(cookie, set()).add(key)

    def drop(self, key: bytes) -> None:
        """Drops the answer to a question, if there is one."""
        answer = self.answers.pop(key, None)
        if answer is None:
            return
        self.size -= answer.size
        self._of_one[answer.session_id] -= 1
        if not self._of_one[answer.session_id]:
            del self._of_one[answer.session_id]
        _remove(self._sessions, answer.session, key)
        for cookie in answer.cookies:
            _remove(self._cookies, cookie, key)

    def drop_session(self, place: int) -> None:
        """Drops what is kept about the sessions of a place."""
        self._drop_all(self._sessions.get(place, ()))

    def drop_cookie(self, place: int) -> None:
        """Drops what is kept about whoever presents the cookies of a place."""
        self._drop_all(self._cookies.get(place, ()))

    def sweep(self, now: float) -> None:
        """Drops what has ended by itself, which nobody may ask about again."""
        self._drop_all(key for key, answer in self.answers.items() if answer.until <= now)

    def _drop_all(self, keys: Iterable[bytes]) -> None:
        for key in list(keys):
            self.drop(key)


def _remove(index: dict[int, set[bytes]], place: int, key: bytes) -> None:
    keys = index.get(place)
    if keys is not None:
        keys.discard(key)
        if not keys:
            del index[place]
