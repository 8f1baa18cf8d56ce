"""Owns checking sessions with what is kept: equal questions of the same moment are asked once.

Does not know how the authority is asked, or how long anything is kept.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import copy
import threading
import time
from typing import TYPE_CHECKING, Any, Generic

from gatelodge import errors, v1, verdict
from gatelodge._changes import forget_changed
from gatelodge._kept import Asking, F, Kept, Missing
from gatelodge._methods import VALIDATE_SESSION
from gatelodge._question import Allowance, key_of
from gatelodge._watch import AsyncWatch, Watch
from gatelodge.errors import GatelodgeError
from gatelodge.verdict import Checked

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gatelodge._attempts import Attempts
    from gatelodge._kept import Brought
    from gatelodge._methods import Method, Q
    from gatelodge._watch import AsyncOpening, Opening

    Ask = Callable[[v1.ValidateSessionRequest], v1.ValidateSessionResponse]
    AsyncAsk = Callable[[v1.ValidateSessionRequest], Awaitable[v1.ValidateSessionResponse]]


class _Keeping(Generic[F]):
    """What both flavours share."""

    def __init__(self, kept: Kept[F]) -> None:
        self.kept = kept

    def current(self, question: Q) -> Q:
        """The question as it is to be sent: one about a session rests on nothing older than what is known."""
        if not isinstance(question, v1.ValidateSessionRequest) or question.as_of_position:
            return question
        known = self.kept.known_up_to()
        if not known:
            return question
        current = type(question)(as_of_position=known)
        current.MergeFrom(question)
        return current

    def came_back(self, method: Method[Any, Any], question: Any, outcome: Any, attempts: Attempts) -> None:
        """Takes note of what a call may have ended or changed, by its answer or its failure."""
        forget_changed(self.kept, method.changes, question, outcome, is_repeated=attempts.is_repeated)

    def _settle(
        self, asking: Asking[F], question: v1.ValidateSessionRequest, answer: v1.ValidateSessionResponse
    ) -> Checked:
        try:
            checked = verdict.read(question, answer)
        except GatelodgeError as error:
            self.kept.settle(asking, error)
            raise
        self.kept.settle(asking, checked, Allowance.of(answer))
        return checked


class Keeping(_Keeping["concurrent.futures.Future[Brought]"]):
    """Checks sessions in threads."""

    def __init__(self, most: int, opening: Opening) -> None:
        super().__init__(Kept(most, concurrent.futures.Future))
        self._opening = opening
        self._watch: Watch | None = None
        self._beginning = threading.Lock()

    def check(self, question: v1.ValidateSessionRequest, timeout: float | None, ask: Ask) -> Checked:
        """The answer to a question that is kept, or that somebody is asking, or of ``ask``."""
        key = key_of(question)
        until: float | None = None
        while key is not None:
            found = self.kept.look(key, question)
            if isinstance(found, Checked):
                return found
            if isinstance(found, Asking):
                return self._ask(found, question, ask)
            if found is None:
                self._mend()
                break
            until = until or _until(timeout)
            try:
                brought = found.result(until - time.monotonic())
            except concurrent.futures.TimeoutError:
                raise errors.deadline_exceeded() from None
            if brought is Missing.OWN:
                break
            if not isinstance(brought, Missing):
                return _shared(brought)
        answer = ask(question)
        if Allowance.of(answer) is not None:
            self._begin()
        return verdict.read(question, answer)

    def _ask(
        self, asking: Asking[concurrent.futures.Future[Brought]], question: v1.ValidateSessionRequest, ask: Ask
    ) -> Checked:
        try:
            answer = ask(question)
        except BaseException as error:
            self.kept.settle(asking, error if isinstance(error, GatelodgeError) else None)
            raise
        return self._settle(asking, question, answer)

    def _begin(self) -> None:
        with self._beginning:
            if self._watch is None:
                self._watch = Watch(self.kept, self._opening)

    def _mend(self) -> None:
        if self._watch is not None:
            self._watch.mend()

    def pause(self) -> None:
        """Watches no more until there is something to keep again.

        A stream that is open while the process forks leaves gRPC in the child waiting for threads of the parent.
        """
        with self._beginning:
            watch, self._watch = self._watch, None
        if watch is not None:
            watch.end()
            watch.join()
            self.kept.broken()

    def close(self) -> None:
        """Watches no more."""
        with self._beginning:
            if self._watch is not None:
                self._watch.end()


class AsyncKeeping(_Keeping["asyncio.Future[Brought]"]):
    """Checks sessions in one event loop."""

    def __init__(self, most: int, opening: AsyncOpening) -> None:
        super().__init__(Kept(most, asyncio.get_running_loop().create_future))
        self._opening = opening
        self._watch: AsyncWatch | None = None

    async def check(self, question: v1.ValidateSessionRequest, timeout: float | None, ask: AsyncAsk) -> Checked:
        """The answer to a question that is kept, or that somebody is asking, or of ``ask``."""
        key = key_of(question)
        until: float | None = None
        while key is not None:
            found = self.kept.look(key, question)
            if isinstance(found, Checked):
                return found
            if isinstance(found, Asking):
                return await self._ask(found, question, ask)
            if found is None:
                self._mend()
                break
            until = until or _until(timeout)
            # Whoever stops waiting takes nothing from the others.
            await asyncio.wait([found], timeout=until - time.monotonic())
            if not found.done():
                raise errors.deadline_exceeded()
            brought = found.result()
            if brought is Missing.OWN:
                break
            if not isinstance(brought, Missing):
                return _shared(brought)
        answer = await ask(question)
        if Allowance.of(answer) is not None and self._watch is None:
            self._watch = AsyncWatch(self.kept, self._opening)
        return verdict.read(question, answer)

    async def _ask(
        self, asking: Asking[asyncio.Future[Brought]], question: v1.ValidateSessionRequest, ask: AsyncAsk
    ) -> Checked:
        try:
            answer = await ask(question)
        except BaseException as error:
            self.kept.settle(asking, error if isinstance(error, GatelodgeError) else None)
            raise
        return self._settle(asking, question, answer)

    def _mend(self) -> None:
        if self._watch is not None:
            self._watch.mend()

    def close(self) -> None:
        """Watches no more."""
        if self._watch is not None:
            self._watch.end()


def _until(timeout: float | None) -> float:
    """When a check that begins now has to be answered."""
    return time.monotonic() + (VALIDATE_SESSION.timeout if timeout is None else timeout)


def _shared(brought: Checked | GatelodgeError) -> Checked:
    """What somebody else has asked for. An error is raised once by each: it collects where it came by."""
    if isinstance(brought, GatelodgeError):
        raise copy.copy(brought)
    return brought
