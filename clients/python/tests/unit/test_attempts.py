from __future__ import annotations

from datetime import timedelta

import grpc
import pytest

from gatelodge import _methods as methods
from gatelodge import errors
from gatelodge._attempts import Attempts


def unavailable(retry_after: float | None = None) -> errors.GatelodgeError:
    wait = None if retry_after is None else timedelta(seconds=retry_after)
    return errors.StoreUnavailableError("away", code=grpc.StatusCode.UNAVAILABLE, retry_after=wait)


def attempts(timeout: float | None = None, chance: float = 0.0) -> Attempts:
    return Attempts(methods.VALIDATE_SESSION, timeout, now=0, chance=lambda: chance)


def test_waits_double_up_to_a_second_and_are_shortened_by_up_to_a_half() -> None:
    longest, shortest = attempts(60), attempts(60, chance=1.0)
    waits = [longest.wait_after(unavailable(), 0) for _ in range(7)]
    assert waits == [0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
    assert [shortest.wait_after(unavailable(), 0) for _ in range(7)] == [wait / 2 for wait in waits]


def test_never_sooner_than_the_authority_asked_for() -> None:
    assert attempts().wait_after(unavailable(0.4), 0) == 0.4


def test_never_past_the_deadline() -> None:
    with pytest.raises(errors.StoreUnavailableError):
        attempts().wait_after(unavailable(6), 0)
    with pytest.raises(errors.StoreUnavailableError):
        attempts().wait_after(unavailable(), 1.96)
    assert attempts().remaining(1.5) == 0.5
    assert attempts(0.3).remaining(0.1) == pytest.approx(0.2)


@pytest.mark.parametrize(
    "failure",
    [
        errors.InternalError("no", code=grpc.StatusCode.INTERNAL),
        errors.OverloadedError("no", code=grpc.StatusCode.RESOURCE_EXHAUSTED, retry_after=timedelta()),
        errors.ProviderUnavailableError("may have spent the token", code=grpc.StatusCode.UNAVAILABLE),
    ],
)
def test_only_what_a_repeat_can_mend_is_repeated(failure: errors.GatelodgeError) -> None:
    with pytest.raises(type(failure)):
        attempts().wait_after(failure, 0)


@pytest.mark.parametrize("method", [methods.START_LOGIN, methods.COMPLETE_CALLBACK, methods.HEALTH_CHECK])
def test_a_login_is_never_repeated(method: methods.Method[object, object]) -> None:  # type: ignore[type-var]
    with pytest.raises(errors.StoreUnavailableError):
        Attempts(method, None, now=0).wait_after(unavailable(), 0)


@pytest.mark.parametrize(
    "method", [methods.START_LOGOUT, methods.HANDLE_BACKCHANNEL_LOGOUT, methods.HANDLE_FRONTCHANNEL_LOGOUT]
)
def test_a_logout_is_repeated_once(method: methods.Method[object, object]) -> None:  # type: ignore[type-var]
    call = Attempts(method, None, now=0)
    assert (call.remaining(0), call.is_repeated) == (8.0, False)
    call.wait_after(unavailable(), 0)
    assert call.is_repeated
    with pytest.raises(errors.StoreUnavailableError):
        call.wait_after(unavailable(), 0)


@pytest.mark.parametrize(
    "method", [methods.REVOKE_SESSION, methods.REVOKE_AS_ADMIN, methods.DISABLE_USER, methods.DELETE_USER]
)
def test_what_ends_sessions_has_time_to_be_told_everywhere(method: methods.Method[object, object]) -> None:  # type: ignore[type-var]
    assert Attempts(method, None, now=0).remaining(0) == 8.0


def test_an_authority_that_is_not_there_is_asked_once_more() -> None:
    call, unreached = attempts(), errors.UnreachableError("away", code=grpc.StatusCode.UNAVAILABLE)
    assert call.wait_after(unreached, 0) == 0.5
    with pytest.raises(errors.UnreachableError):
        call.wait_after(unreached, 0)


def test_a_repeat_that_runs_out_of_time_leaves_the_cause() -> None:
    call = attempts()
    call.wait_after(unavailable(), 0)
    with pytest.raises(errors.StoreUnavailableError):
        call.wait_after(errors.deadline_exceeded(), 2)
