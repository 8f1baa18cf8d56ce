"""Owns when a failed call is repeated. Does not send anything: time and chance are arguments."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import grpc

from gatelodge.errors import DeadlineExceededError, GatelodgeError, ProviderUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatelodge._methods import Method

_FIRST_WAIT = 0.05
_LONGEST_WAIT = 1.0
# An authority that can't be reached is asked once more and no oftener: a person waits, and a connection that can't be
# made costs up to the time that one may take. But it may be starting again, which is quick.
_REPEATS_UNREACHED = 1
_UNREACHED_WAIT = 0.5


class Attempts:
    """The attempts of one call.

    Only UNAVAILABLE is repeated, only where the contract says that it is safe, never sooner than the authority asked
    for, never past the deadline, and once at most while no authority can be reached.
    """

    def __init__(
        self, method: Method[Any, Any], timeout: float | None, now: float, chance: Callable[[], float] = random.random
    ) -> None:
        self._deadline = now + (method.timeout if timeout is None else timeout)
        self._repeats = method.repeats
        self._chance = chance
        self._longest_wait = _FIRST_WAIT
        self._earlier: GatelodgeError | None = None

    @property
    def is_repeated(self) -> bool:
        """Whether it was sent more than once: what went before may have been done, though its answer was lost."""
        return self._earlier is not None

    def remaining(self, now: float) -> float:
        """Seconds until the deadline."""
        return max(self._deadline - now, 0.001)

    def wait_after(self, failure: GatelodgeError, now: float) -> float:
        """Seconds to wait before the next attempt.

        Raises:
            GatelodgeError: there is to be none.
        """
        if isinstance(failure, DeadlineExceededError):
            # A repeat that ran out of time says less than the failure that led to it.
            raise self._earlier or failure
        if _is_unreached(failure):
            self._repeats, self._longest_wait = min(self._repeats, _REPEATS_UNREACHED), _UNREACHED_WAIT
        wait = self._longest_wait * (1 - self._chance() / 2)
        if failure.retry_after is not None:
            wait = max(wait, failure.retry_after.total_seconds())
        if self._repeats == 0 or not _is_worth_repeating(failure) or now + wait >= self._deadline:
            raise failure
        self._repeats -= 1
        self._longest_wait = min(_LONGEST_WAIT, self._longest_wait * 2)
        self._earlier = failure
        return wait


def _is_unreached(failure: GatelodgeError) -> bool:
    return failure.code is grpc.StatusCode.UNAVAILABLE and failure.reason is None


def _is_worth_repeating(failure: GatelodgeError) -> bool:
    # A provider in trouble may have spent the refresh token that it was sent: to send it again could end the grant.
    return failure.code is grpc.StatusCode.UNAVAILABLE and not isinstance(failure, ProviderUnavailableError)
