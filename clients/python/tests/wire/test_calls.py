"""How both clients call: what goes with a call, when it is repeated, and how it fails."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from gatelodge import AsyncClient, Client, ClientOptions, _methods, errors, v1
from tests.wire.authority import KEY, Authority, Refusal, Silence, active

if TYPE_CHECKING:
    from gatelodge._methods import Method

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
VALIDATE = _methods.VALIDATE_SESSION
QUESTION = v1.ValidateSessionRequest()


class Caller:
    """One of the two clients, called the same way."""

    def __init__(self, flavour: str, options: ClientOptions) -> None:
        self._flavour, self._options = flavour, options

    def __call__(
        self, method: Method[Any, Any], question: Any, timeout: float | None = None, request_id: str | None = None
    ) -> Any:
        options = replace(self._options, timeout=timeout)
        if self._flavour == "sync":
            with Client(options) as client:
                return (client.for_request(request_id) if request_id else client).call(method, question)

        async def call() -> Any:
            async with AsyncClient(options) as client:
                return await (client.for_request(request_id) if request_id else client).call(method, question)

        return asyncio.run(call())


@pytest.fixture(params=["sync", "async"])
def flavour(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def call(flavour: str, authority: Authority) -> Caller:
    return Caller(flavour, authority.options)


def test_key_deadline_and_request_id_go_with_a_call(call: Caller, authority: Authority) -> None:
    authority.say(VALIDATE, active())
    call(VALIDATE, QUESTION, request_id="req-1")
    (metadata,) = authority.metadata[VALIDATE.path]
    assert (metadata["authorization"], metadata["x-request-id"]) == (f"Bearer {KEY}", "req-1")
    assert metadata["user-agent"].startswith("gatelodge-python/")
    assert 1 < authority.deadlines[VALIDATE.path][0] <= 2


def test_a_safe_call_is_repeated_no_sooner_than_asked_for(call: Caller, authority: Authority) -> None:
    authority.say(VALIDATE, Refusal(UNAVAILABLE, "STORE_UNAVAILABLE", 0.4), Refusal(UNAVAILABLE), active())
    begun = time.monotonic()
    call(VALIDATE, QUESTION)
    assert time.monotonic() - begun >= 0.4
    assert authority.count(VALIDATE) == 3


def test_only_unavailable_is_repeated_and_only_where_it_is_safe(call: Caller, authority: Authority) -> None:
    authority.say(VALIDATE, Refusal(grpc.StatusCode.INTERNAL, "INTERNAL"))
    with pytest.raises(errors.InternalError):
        call(VALIDATE, QUESTION)
    for method in (_methods.START_LOGIN, _methods.COMPLETE_CALLBACK):
        authority.say(method, Refusal(UNAVAILABLE, "STORE_UNAVAILABLE"))
        with pytest.raises(errors.StoreUnavailableError) as caught:
            call(method, method.question())
        assert caught.value.request_id == "req-9"
        assert authority.count(method) == 1
    assert authority.count(VALIDATE) == 1


def test_no_answer_in_time_is_deadline_exceeded(call: Caller, authority: Authority) -> None:
    authority.say(VALIDATE, Silence())
    begun = time.monotonic()
    with pytest.raises(errors.DeadlineExceededError):
        call(VALIDATE, QUESTION, timeout=0.2)
    assert time.monotonic() - begun < 1


def test_an_answer_that_is_none_is_inconclusive(call: Caller, authority: Authority) -> None:
    authority.say(VALIDATE, b"\x0a\xff\xff\xff")
    with pytest.raises(errors.InconclusiveError, match="ValidateSession"):
        call(VALIDATE, QUESTION)


def test_an_authority_that_is_away_is_named(flavour: str, free_port: int) -> None:
    call = Caller(flavour, ClientOptions(f"http://127.0.0.1:{free_port}", KEY))
    with pytest.raises(errors.UnreachableError, match=f"http://127.0.0.1:{free_port} can't be reached") as caught:
        call(VALIDATE, QUESTION, timeout=0.3)
    assert caught.value.is_retryable


def test_a_client_finds_an_authority_that_comes_later(free_port: int) -> None:
    client = Client(ClientOptions(f"http://127.0.0.1:{free_port}", KEY))
    with pytest.raises(errors.UnreachableError):
        client.with_timeout(0.2).sessions.check(QUESTION)
    authority = Authority(f"127.0.0.1:{free_port}")
    authority.say(VALIDATE, active())
    client.sessions.check(QUESTION)
    client.close()
    authority.stop()


def test_health_is_asked_without_a_key(authority: Authority) -> None:
    with Client(ClientOptions(f"http://127.0.0.1:{authority.port}", None)) as client:
        for status, is_serving in ((1, True), (2, False)):
            authority.say(_methods.HEALTH_CHECK, _methods.HEALTH_CHECK.answer(value=status))
            assert client.is_serving() is is_serving
    assert "authorization" not in authority.metadata[_methods.HEALTH_CHECK.path][0]


def test_one_async_client_serves_several_event_loops(authority: Authority) -> None:
    authority.say(VALIDATE, active())
    client = AsyncClient(authority.options)

    async def check() -> None:
        await client.sessions.check(QUESTION)
        await client.close()

    asyncio.run(check())
    asyncio.run(check())
    assert authority.count(VALIDATE) == 2
