"""How an edge comes by its settings and keeps them, in threads and in an event loop."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import grpc
import pytest

from gatelodge import AsyncClient, Client, ClientOptions, _methods
from gatelodge.gate import AsyncGate, Gate
from gatelodge.presented import RawRequest
from tests.wire.authority import KEY, Authority, Refusal, Silence, active, settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatelodge.settings import Settings

SETTINGS = _methods.GET_EDGE_SETTINGS
REQUEST = RawRequest(method=b"GET", target=b"/", query=b"", headers=[], peer=None)


def test_the_first_request_waits_for_the_settings_and_they_are_asked_for_once(authority: Authority) -> None:
    authority.say(_methods.VALIDATE_SESSION, active())
    gate = Gate(Client(authority.options))
    assert authority.count(SETTINGS) == 0, "nothing happens before the first request"
    assert gate.admit(REQUEST).required().user_id == "google_1"
    gate.admit(REQUEST)
    assert authority.count(SETTINGS) == 1
    gate.keeper.close()


async def test_so_it_is_in_an_event_loop(authority: Authority) -> None:
    authority.say(_methods.VALIDATE_SESSION, active())
    gate = AsyncGate(AsyncClient(authority.options))
    assert (await gate.admit(REQUEST)).required().user_id == "google_1"
    await gate.admit(REQUEST)
    assert authority.count(SETTINGS) == 1
    gate.keeper.close()
    await gate.client.close()


def test_a_fault_of_the_application_does_not_end_the_asking(authority: Authority) -> None:
    faults = iter([RuntimeError("a fault"), None])

    def take(_: Settings) -> None:
        if (fault := next(faults)) is not None:
            raise fault

    keeper = Gate(Client(authority.options), on_settings=take).keeper
    assert keeper.settings(b"") is None
    authority.wait_for(SETTINGS, 2)
    _wait_for(lambda: keeper.settings(b"") is not None)
    keeper.close()


async def test_so_it_is_for_a_task(authority: Authority) -> None:
    faults = iter([RuntimeError("a fault"), None])

    def take(_: Settings) -> None:
        if (fault := next(faults)) is not None:
            raise fault

    gate = AsyncGate(AsyncClient(authority.options), on_settings=take)
    assert await gate.keeper.settings(b"") is None
    for _ in range(500):
        if await gate.keeper.settings(b"") is not None:
            break
        await asyncio.sleep(0.01)
    assert await gate.keeper.settings(b"") is not None
    gate.keeper.close()
    await gate.client.close()


def test_requests_ask_for_no_settings_however_many_wait(authority: Authority) -> None:
    authority.say(SETTINGS, Refusal(grpc.StatusCode.INTERNAL, "INTERNAL"))
    keeper = Gate(Client(authority.options)).keeper
    end = time.monotonic() + 3
    while time.monotonic() < end:
        keeper.settings(b"")
        time.sleep(0.01)
    assert authority.count(SETTINGS) <= 4, "the pauses grow"
    keeper.close()


def _wait_for(holds: Callable[[], bool]) -> None:
    for _ in range(500):
        if holds():
            return
        time.sleep(0.01)
    assert holds()


def test_another_version_in_an_answer_brings_new_settings(authority: Authority) -> None:
    authority.say(_methods.VALIDATE_SESSION, active(version="v2"))
    gate = Gate(Client(authority.options))
    gate.admit(REQUEST)
    authority.say(SETTINGS, settings("v2"))
    authority.wait_for(SETTINGS, 2)
    gate.keeper.close()


def test_after_a_failure_requests_are_answered_at_once_and_it_recovers_by_itself(authority: Authority) -> None:
    authority.say(SETTINGS, Refusal(grpc.StatusCode.INTERNAL, "INTERNAL"))
    keeper = Gate(Client(authority.options)).keeper
    assert keeper.settings(b"") is None
    begun = time.monotonic()
    assert keeper.settings(b"") is None
    assert time.monotonic() - begun < 0.5, "only the first request waits"
    authority.say(SETTINGS, settings())
    authority.wait_for(SETTINGS, 2)
    for _ in range(500):
        if keeper.settings(b"") is not None:
            break
        time.sleep(0.01)
    assert keeper.settings(b"") is not None
    keeper.close()


def test_a_slow_authority_holds_the_first_request_up_no_longer_than_its_deadline(authority: Authority) -> None:
    authority.say(SETTINGS, Silence())
    keeper = Gate(Client(ClientOptions(authority.options.address, KEY, timeout=0.3))).keeper
    begun = time.monotonic()
    assert keeper.settings(b"") is None
    assert time.monotonic() - begun < 1
    keeper.close()


@pytest.mark.parametrize("version", ["v1", ""])
def test_the_same_version_and_none_ask_nothing(authority: Authority, version: str) -> None:
    authority.say(_methods.VALIDATE_SESSION, active(version=version))
    gate = Gate(Client(authority.options))
    gate.admit(REQUEST)
    assert not gate.keeper._asking.get().now.is_set()
    gate.keeper.close()
