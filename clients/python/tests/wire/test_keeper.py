"""How an edge comes by its settings and keeps them, in threads and in an event loop."""

from __future__ import annotations

import time

import grpc
import pytest

from gatelodge import AsyncClient, Client, ClientOptions, _methods
from gatelodge.gate import AsyncGate, Gate
from gatelodge.presented import RawRequest
from tests.wire.authority import KEY, Authority, Refusal, Silence, active, settings

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
    assert keeper.settings() is None
    begun = time.monotonic()
    assert keeper.settings() is None
    assert time.monotonic() - begun < 0.5, "only the first request waits"
    authority.say(SETTINGS, settings())
    authority.wait_for(SETTINGS, 2)
    for _ in range(500):
        if keeper.settings() is not None:
            break
        time.sleep(0.01)
    assert keeper.settings() is not None
    keeper.close()


def test_a_slow_authority_holds_the_first_request_up_no_longer_than_its_deadline(authority: Authority) -> None:
    authority.say(SETTINGS, Silence())
    keeper = Gate(Client(ClientOptions(authority.options.address, KEY, timeout=0.3))).keeper
    begun = time.monotonic()
    assert keeper.settings() is None
    assert time.monotonic() - begun < 1
    keeper.close()


@pytest.mark.parametrize("version", ["v1", ""])
def test_the_same_version_and_none_ask_nothing(authority: Authority, version: str) -> None:
    authority.say(_methods.VALIDATE_SESSION, active(version=version))
    gate = Gate(Client(authority.options))
    gate.admit(REQUEST)
    assert not gate.keeper._asking.get().now.is_set()
    gate.keeper.close()
