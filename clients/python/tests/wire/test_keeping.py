"""Answers that both clients keep, over real gRPC: one stream vouches for them, and is made again."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from gatelodge import AsyncClient, Checked, Client, OptionsError, _methods, _watch, errors, v1
from gatelodge._kept import _place
from tests.wire.authority import Authority, Refusal, Silence, for_keeping, revoked, told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

VALIDATE = _methods.VALIDATE_SESSION
QUESTION = v1.ValidateSessionRequest(cookies=[v1.Cookie(name="session", value=b"a")])


class Flavour:
    """One of the two clients, asked the same way: the asynchronous one in an event loop of its own thread."""

    def __init__(self, name: str, authority: Authority) -> None:
        self._loop = asyncio.new_event_loop() if name == "async" else None
        self.client: Any
        if self._loop is None:
            self.client = Client(authority.options)
        else:
            self._thread = threading.Thread(target=self._loop.run_forever)
            self._thread.start()
            self.client = AsyncClient(authority.options)

    def do(self, call: Callable[[Any], Any]) -> Any:
        if self._loop is None:
            return call(self.client)

        async def made() -> Any:
            result = call(self.client)
            return await result if asyncio.iscoroutine(result) else result

        return asyncio.run_coroutine_threadsafe(made(), self._loop).result(20)

    def call(self, method: _methods.Method[Any, Any], question: Any) -> Any:
        return self.do(lambda client: client.call(method, question))

    def check(self) -> Checked:
        checked: Checked = self.do(lambda client: client.sessions.check(QUESTION))
        return checked

    @property
    def kept(self) -> Any:
        return self.do(lambda client: client._keeping.get().kept)

    def wait_until_heard(self, position: int) -> None:
        kept = self.kept
        until = time.monotonic() + 10
        while kept.known_up_to() != bytes([position]):
            assert time.monotonic() < until, "it was never heard"
            time.sleep(0.002)

    def close(self) -> None:
        self.do(lambda client: client.close())
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
            self._loop.close()


@pytest.fixture(params=["sync", "async"])
def flavour(request: pytest.FixtureRequest, authority: Authority) -> Iterator[Flavour]:
    authority.say(VALIDATE, for_keeping())
    made = Flavour(request.param, authority)
    yield made
    made.close()


def watching(flavour: Flavour, authority: Authority) -> None:
    """The first answer that may be kept makes the client watch; from the first message on it keeps."""
    flavour.check()
    authority.wait_until_watched()
    authority.tell(told(1))
    flavour.wait_until_heard(1)


def count(flavour: Flavour, authority: Authority) -> int:
    """How often the authority is asked for one check."""
    before = authority.count(VALIDATE)
    flavour.check()
    return authority.count(VALIDATE) - before


def test_what_is_watched_is_asked_once_until_something_happens(flavour: Flavour, authority: Authority) -> None:
    watching(flavour, authority)
    assert authority.metadata[_methods.WATCH_SESSIONS.path][0]["authorization"] == "Bearer glk_test"
    assert [count(flavour, authority) for _ in range(3)] == [1, 0, 0]
    authority.tell(told(2, revoked()))
    flavour.wait_until_heard(2)
    authority.say(VALIDATE, for_keeping(2))
    assert [count(flavour, authority) for _ in range(2)] == [1, 0]
    authority.tell(told(3, reset=True))
    flavour.wait_until_heard(3)
    authority.say(VALIDATE, for_keeping(2))
    assert [count(flavour, authority) for _ in range(2)] == [1, 1], "it had heard less than the one that is watched"


def test_questions_rest_on_what_was_heard(flavour: Flavour, authority: Authority) -> None:
    watching(flavour, authority)
    flavour.check()
    asked: list[v1.ValidateSessionRequest] = authority.questions[VALIDATE.path]
    assert [question.as_of_position for question in asked] == [b"", b"\x01"]
    assert not QUESTION.as_of_position, "the caller's own question stays as it is"


def test_a_stream_that_breaks_is_made_again_where_it_was(flavour: Flavour, authority: Authority) -> None:
    watching(flavour, authority)
    assert [count(flavour, authority) for _ in range(2)] == [1, 0]
    authority.tell(Refusal(grpc.StatusCode.UNAVAILABLE, "STREAM_ENDED"))
    authority.wait_until_watched(2)
    assert authority.watched[1].after_position == b"\x01"
    assert count(flavour, authority) == 1, "nobody vouches for it"
    authority.tell(told(2))
    flavour.wait_until_heard(2)
    assert count(flavour, authority) == 0, "nothing was missed"


def test_a_stream_that_says_nothing_is_made_again(
    flavour: Flavour, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    watching(flavour, authority)
    monkeypatch.setattr(_watch, "_SILENT", 0.0)
    flavour.do(lambda client: client._keeping.get().kept.broken())
    assert count(flavour, authority) == 1
    authority.wait_until_watched(2)
    authority.tell(told(2))
    flavour.wait_until_heard(2)


def test_an_authority_that_says_one_word_and_goes_is_not_asked_for_ever(
    flavour: Flavour, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_watch, "_FIRST_WAIT", 0.001)
    monkeypatch.setattr(_watch, "_LASTED", 60.0)
    watching(flavour, authority)
    watch = flavour.do(lambda client: client._keeping.get()._watch)
    waits = []
    for times in range(2, 5):
        authority.tell(Refusal(grpc.StatusCode.UNAVAILABLE, "STREAM_ENDED"))
        authority.wait_until_watched(times)
        waits.append(watch._wait)
        authority.tell(told(times))
        flavour.wait_until_heard(times)
    assert waits == sorted(set(waits)), "the pauses grow, whatever it says"
    monkeypatch.setattr(_watch, "_LASTED", 0.0)
    authority.tell(Refusal(grpc.StatusCode.UNAVAILABLE, "STREAM_ENDED"))
    authority.wait_until_watched(5)
    assert watch._wait == 0.002, "a stream that lasted begins anew"


def test_a_fault_of_this_program_does_not_end_the_watching(
    flavour: Flavour, authority: Authority, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    watching(flavour, authority)
    watch = flavour.do(lambda client: client._keeping.get()._watch)
    opening, faults = watch._opening, iter([OptionsError("a file that is being written"), ValueError("closed")])

    def open_at_last(question: Any) -> Any:
        for fault in faults:
            raise fault
        return opening(question)

    monkeypatch.setattr(watch, "_opening", open_at_last)
    authority.tell(Refusal(grpc.StatusCode.UNAVAILABLE, "STREAM_ENDED"))
    authority.wait_until_watched(2)
    authority.tell(told(2))
    flavour.wait_until_heard(2)
    assert caplog.text.count("can't be watched") == 2


def test_what_was_changed_by_this_client_is_asked_again(flavour: Flavour, authority: Authority) -> None:
    watching(flavour, authority)
    flavour.check()
    presented = v1.SessionServiceRevokeRequest(cookies=QUESTION.cookies, presented_session=v1.PresentedSession())
    changing: list[tuple[_methods.Method[Any, Any], Any]] = [
        (_methods.REVOKE_SESSION, presented),
        (_methods.REVOKE_SESSION, v1.SessionServiceRevokeRequest(all_others=v1.AllOtherSessions())),
        (_methods.START_LOGOUT, v1.StartLogoutRequest(cookies=QUESTION.cookies)),
        (_methods.START_LOGOUT, v1.StartLogoutRequest()),
        (_methods.REVOKE_SESSION, v1.SessionServiceRevokeRequest(form=b"end=sid_1")),
        (_methods.REVOKE_SESSION, v1.SessionServiceRevokeRequest(session_id="sid_1")),
        (_methods.HANDLE_BACKCHANNEL_LOGOUT, v1.HandleBackchannelLogoutRequest()),
        (_methods.HANDLE_FRONTCHANNEL_LOGOUT, v1.HandleFrontchannelLogoutRequest()),
        (_methods.COMPLETE_CALLBACK, v1.CompleteCallbackRequest(cookies=QUESTION.cookies)),
        (_methods.REFRESH_TOKENS, v1.RefreshTokensRequest(cookies=QUESTION.cookies)),
        (_methods.GET_USER_INFO, v1.GetUserInfoRequest(cookies=QUESTION.cookies, refresh=True)),
        (_methods.UPDATE_ATTRIBUTES, v1.UpdateAttributesRequest(cookies=QUESTION.cookies)),
        (_methods.REVOKE_AS_ADMIN, v1.AdminServiceRevokeRequest(user_id="x")),
        (_methods.DISABLE_USER, v1.DisableUserRequest()),
        (_methods.DELETE_USER, v1.DeleteUserRequest()),
    ]
    for method, question in changing:
        authority.say(method, Refusal(grpc.StatusCode.INTERNAL, "INTERNAL"))
        with pytest.raises(errors.InternalError):
            flavour.call(method, question)
        assert [count(flavour, authority) for _ in range(2)] == [1, 0], f"{method.name}, whatever came of it"
    authority.say(_methods.GET_USER_INFO, v1.GetUserInfoResponse())
    flavour.do(lambda client: client.sessions.get_user_info(v1.GetUserInfoRequest(cookies=QUESTION.cookies)))
    assert count(flavour, authority) == 0


AWAY = Refusal(grpc.StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE")
ENDED, NONE_ENDED = v1.SessionServiceRevokeResponse(revoked_count=1), v1.SessionServiceRevokeResponse()
NOBODY = v1.SessionServiceRevokeResponse(inactive=v1.InactiveSession())
FORGED = v1.SessionServiceRevokeResponse(denied=v1.DeniedSession())


def test_what_this_client_ends_is_forgotten_and_no_more_than_may_have_ended(
    flavour: Flavour, authority: Authority
) -> None:
    watching(flavour, authority)
    flavour.check()
    # Another's, of which nothing else is kept.
    cookies = [v1.Cookie(name="session", value=_elsewhere(b"a", (b"b", b"c", b"d")))]
    logout, everywhere = v1.StartLogoutRequest(cookies=cookies), v1.StartLogoutRequest(query=b"everywhere=true")
    back, front = v1.HandleBackchannelLogoutRequest(), v1.HandleFrontchannelLogoutRequest()
    form = v1.SessionServiceRevokeRequest(cookies=cookies, form=b"end=all-others")
    other = v1.SessionServiceRevokeRequest(session_id=_elsewhere("sid_1", ("sid_2", "sid_3", "sid_4")))
    made: list[tuple[_methods.Method[Any, Any], Any, list[Any], int]] = [
        (_methods.START_LOGOUT, logout, [v1.StartLogoutResponse(revoked_count=1)], 0),
        (_methods.START_LOGOUT, logout, [v1.StartLogoutResponse(revoked_count=2)], 1),
        (_methods.START_LOGOUT, logout, [AWAY, v1.StartLogoutResponse(revoked_count=0)], 1),
        (_methods.START_LOGOUT, everywhere, [v1.StartLogoutResponse(revoked_count=0)], 0),
        (_methods.START_LOGOUT, everywhere, [v1.StartLogoutResponse(revoked_count=1)], 1),
        (_methods.HANDLE_BACKCHANNEL_LOGOUT, back, [v1.HandleBackchannelLogoutResponse(revoked_count=0)], 0),
        (_methods.HANDLE_BACKCHANNEL_LOGOUT, back, [v1.HandleBackchannelLogoutResponse(revoked_count=1)], 1),
        (_methods.HANDLE_BACKCHANNEL_LOGOUT, back, [AWAY, v1.HandleBackchannelLogoutResponse(revoked_count=0)], 1),
        (_methods.HANDLE_FRONTCHANNEL_LOGOUT, front, [v1.HandleFrontchannelLogoutResponse(revoked_count=0)], 0),
        (_methods.HANDLE_FRONTCHANNEL_LOGOUT, front, [v1.HandleFrontchannelLogoutResponse(revoked_count=1)], 1),
        (_methods.HANDLE_FRONTCHANNEL_LOGOUT, front, [AWAY, v1.HandleFrontchannelLogoutResponse(revoked_count=0)], 1),
        (_methods.REVOKE_SESSION, form, [ENDED], 1),
        (_methods.REVOKE_SESSION, form, [NONE_ENDED], 0),
        (_methods.REVOKE_SESSION, form, [AWAY, NONE_ENDED], 1),
        (_methods.REVOKE_SESSION, form, [NOBODY], 0),
        (_methods.REVOKE_SESSION, form, [FORGED], 0),
        (_methods.REVOKE_SESSION, form, [AWAY, NOBODY], 1),
        (_methods.REVOKE_SESSION, other, [ENDED], 0),
        (_methods.REVOKE_SESSION, v1.SessionServiceRevokeRequest(session_id="sid_1"), [ENDED], 1),
        (_methods.REVOKE_SESSION, v1.SessionServiceRevokeRequest(session_id="sid_1"), [NONE_ENDED], 0),
        (
            _methods.REVOKE_SESSION,
            v1.SessionServiceRevokeRequest(cookies=cookies, presented_session=v1.PresentedSession()),
            [ENDED],
            0,
        ),
        (
            _methods.REVOKE_SESSION,
            v1.SessionServiceRevokeRequest(cookies=cookies, presented_session=v1.PresentedSession()),
            [AWAY, ENDED],
            1,
        ),
    ]
    for method, question, answers, asked_anew in made:
        authority.say(method, *answers)
        assert flavour.call(method, question) == answers[-1]
        assert [count(flavour, authority) for _ in range(2)] == [asked_anew, 0], f"{method.name}: {question} {answers}"


UNDONE = [
    Refusal(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"),
    Refusal(grpc.StatusCode.UNAUTHENTICATED, "CALLER_UNAUTHENTICATED"),
    Refusal(grpc.StatusCode.PERMISSION_DENIED, ""),
    Refusal(grpc.StatusCode.FAILED_PRECONDITION, "FROM_THE_FUTURE"),
    Refusal(grpc.StatusCode.UNIMPLEMENTED, ""),
    Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED"),
]
NO_KEYS = Refusal(grpc.StatusCode.UNAVAILABLE, "PROVIDER_UNAVAILABLE")
UNSURE = [
    Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, ""),
    Refusal(grpc.StatusCode.DEADLINE_EXCEEDED, ""),
    Refusal(grpc.StatusCode.INTERNAL, "INTERNAL"),
]


def test_a_failure_makes_all_be_asked_about_unless_it_says_that_nothing_was_done(
    flavour: Flavour, authority: Authority
) -> None:
    watching(flavour, authority)
    flavour.check()
    told = (_methods.HANDLE_BACKCHANNEL_LOGOUT, _methods.HANDLE_FRONTCHANNEL_LOGOUT)
    named = v1.SessionServiceRevokeRequest(session_id="sid_1")
    ending: list[tuple[_methods.Method[Any, Any], Any]] = [
        *((method, method.question()) for method in (*told, _methods.START_LOGOUT, _methods.DISABLE_USER)),
        (_methods.REVOKE_SESSION, named),
    ]
    for method, question in ending:
        rows = [([undone], 0) for undone in UNDONE] + [([unsure], 1) for unsure in UNSURE]
        rows += [([AWAY, UNDONE[0]], 1), ([NO_KEYS], 0 if method in told else 1)]
        for answers, asked_anew in rows:
            authority.say(method, *answers)
            with pytest.raises(errors.GatelodgeError):
                flavour.call(method, question)
            found = [count(flavour, authority) for _ in range(2)]
            assert found == [asked_anew, 0], f"{method.name}: {answers}"
    authority.say(_methods.START_LOGOUT, UNDONE[0])
    with pytest.raises(errors.GatelodgeError):
        flavour.call(_methods.START_LOGOUT, v1.StartLogoutRequest(cookies=QUESTION.cookies))
    assert count(flavour, authority) == 1, "whoever presented a cookie is asked about, whatever came of it"


def _elsewhere(one: Any, others: Any) -> Any:
    """One of the others, which shares no place with this one."""
    return next(other for other in others if _place(other) != _place(one))


@pytest.mark.parametrize(
    ("method", "question", "answer"),
    [
        (_methods.START_LOGOUT, v1.StartLogoutRequest(), v1.StartLogoutResponse()),
        (
            _methods.HANDLE_BACKCHANNEL_LOGOUT,
            v1.HandleBackchannelLogoutRequest(),
            v1.HandleBackchannelLogoutResponse(revoked_count=1),
        ),
        (
            _methods.HANDLE_FRONTCHANNEL_LOGOUT,
            v1.HandleFrontchannelLogoutRequest(),
            v1.HandleFrontchannelLogoutResponse(revoked_count=1),
        ),
        (_methods.REVOKE_SESSION, v1.SessionServiceRevokeRequest(), v1.SessionServiceRevokeResponse()),
        (_methods.REVOKE_AS_ADMIN, v1.AdminServiceRevokeRequest(), v1.AdminServiceRevokeResponse()),
        (_methods.DISABLE_USER, v1.DisableUserRequest(), v1.DisableUserResponse()),
        (_methods.DELETE_USER, v1.DeleteUserRequest(), v1.DeleteUserResponse()),
    ],
    ids=lambda value: getattr(value, "name", None) and value.path,
)
def test_whoever_is_asked_has_to_know_what_this_client_ended(
    flavour: Flavour, authority: Authority, method: _methods.Method[Any, Any], question: Any, answer: Any
) -> None:
    answer = type(answer).FromString(answer.SerializeToString())
    answer.event_position = b"\x09"
    authority.say(method, answer)
    flavour.call(method, question)
    flavour.check()
    (asked,) = authority.questions[VALIDATE.path]
    assert asked.as_of_position == b"\x09"


def test_a_list_by_a_filter_that_was_not_applied_is_none(flavour: Flavour, authority: Authority) -> None:
    asked = v1.ListSessionsRequest(user_id="u", provider="p")
    asked.created_after.seconds = 7
    applied = v1.SessionFilter(user_id="u", provider="p", created_after=asked.created_after)

    def ask(question: v1.ListSessionsRequest, answer: v1.SessionFilter | None) -> Any:
        authority.say(_methods.LIST_SESSIONS, v1.ListSessionsResponse(applied_filter=answer))
        return flavour.do(lambda client: client.admin.list_sessions(question))

    assert ask(asked, applied).applied_filter == applied
    assert ask(v1.ListSessionsRequest(page_size=3), None) == v1.ListSessionsResponse()
    assert ask(v1.ListSessionsRequest(user_id="u"), None) == v1.ListSessionsResponse()
    for other in (None, v1.SessionFilter(user_id="u", provider="p"), v1.SessionFilter()):
        with pytest.raises(errors.InconclusiveError, match="filter"):
            ask(asked, other)


def test_a_token_for_somebody_else_is_none(flavour: Flavour, authority: Authority) -> None:
    token = v1.GetAccessTokenResponse(access_token=v1.AccessToken(value="t", audience="api"))
    authority.say(_methods.GET_ACCESS_TOKEN, token)
    for audience in ("", "api"):
        question = v1.GetAccessTokenRequest(audience=audience)
        assert flavour.do(lambda client, asked=question: client.sessions.get_access_token(asked)) == token  # type: ignore[misc]
    with pytest.raises(errors.InconclusiveError, match="audience"):
        flavour.do(lambda client: client.sessions.get_access_token(v1.GetAccessTokenRequest(audience="other")))


def test_equal_questions_at_the_same_time_are_asked_once(flavour: Flavour, authority: Authority) -> None:
    watching(flavour, authority)
    release = threading.Event()
    authority.say(VALIDATE, lambda: (release.wait(10), for_keeping())[1])
    before = authority.count(VALIDATE)
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(flavour.check) for _ in range(8)]
        authority.wait_for(VALIDATE, before + 1)
        time.sleep(0.1)
        release.set()
        found = {id(one.result(10).verdict) for one in asked}
    assert (authority.count(VALIDATE) - before, len(found)) == (1, 1)


def test_trouble_at_the_same_time_is_met_once(flavour: Flavour, authority: Authority) -> None:
    watching(flavour, authority)
    release = threading.Event()
    refusal = Refusal(grpc.StatusCode.INTERNAL, "INTERNAL")
    authority.say(VALIDATE, lambda: (release.wait(10), refusal)[1])
    before = authority.count(VALIDATE)
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(flavour.check) for _ in range(4)]
        authority.wait_for(VALIDATE, before + 1)
        time.sleep(0.1)
        release.set()
        errors_ = [one.exception(10) for one in asked]
    assert [type(error) for error in errors_] == [errors.InternalError] * 4
    assert len({id(error) for error in errors_}) == 4, "each raises its own"
    assert {error.request_id for error in errors_ if isinstance(error, errors.InternalError)} == {"req-9"}
    assert authority.count(VALIDATE) == before + 1


def test_who_waits_for_another_keeps_to_their_own_deadline(flavour: Flavour, authority: Authority) -> None:
    watching(flavour, authority)
    authority.say(VALIDATE, Silence())
    before = authority.count(VALIDATE)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(flavour.do, lambda client: client.with_timeout(1.0).sessions.check(QUESTION))
        authority.wait_for(VALIDATE, before + 1)
        with pytest.raises(errors.DeadlineExceededError):
            flavour.do(lambda client: client.with_timeout(0.05).sessions.check(QUESTION))
        assert not first.done()
        with pytest.raises(errors.DeadlineExceededError):
            first.result(10)


def test_trouble_is_shared_and_not_kept(flavour: Flavour, authority: Authority) -> None:
    watching(flavour, authority)
    authority.say(VALIDATE, Refusal(grpc.StatusCode.INTERNAL, "INTERNAL"), for_keeping())
    with pytest.raises(errors.InternalError):
        flavour.check()
    assert [count(flavour, authority) for _ in range(2)] == [1, 0]


async def test_who_is_cancelled_leaves_the_question_to_another(authority: Authority) -> None:
    authority.say(VALIDATE, for_keeping())
    async with AsyncClient(authority.options) as client:
        await client.sessions.check(QUESTION)
        await asyncio.to_thread(authority.wait_until_watched)
        authority.tell(told(1))
        keeping = client._keeping
        assert keeping is not None
        for _ in range(5000):
            if keeping.get().kept.known_up_to():
                break
            await asyncio.sleep(0.002)
        authority.say(VALIDATE, Silence(), for_keeping())
        first = asyncio.create_task(client.sessions.check(QUESTION))
        await asyncio.to_thread(authority.wait_for, VALIDATE, 2)
        second = asyncio.create_task(client.sessions.check(QUESTION))
        await asyncio.sleep(0)
        first.cancel()
        assert isinstance(await second, Checked)
        assert authority.count(VALIDATE) == 3


def test_one_option_turns_it_off(authority: Authority) -> None:
    authority.say(VALIDATE, for_keeping())
    with Client(replace(authority.options, keep_answers=0)) as client:
        for _ in range(3):
            client.sessions.check(QUESTION)
    assert (authority.count(VALIDATE), authority.watched) == (3, [])


def test_all_copies_of_a_client_share_what_is_kept(flavour: Flavour, authority: Authority) -> None:
    watching(flavour, authority)
    flavour.check()
    before = authority.count(VALIDATE)
    for _ in range(3):
        flavour.do(lambda client: client.for_request("req-1").sessions.check(QUESTION))
    assert authority.count(VALIDATE) == before


def test_a_stream_can_be_read_and_closed(flavour: Flavour, authority: Authority) -> None:
    authority.tell(told(1, revoked()))
    authority.tell(told(2))

    def read(client: Any) -> Any:
        stream = client.sessions.watch_sessions(v1.WatchSessionsRequest())
        if isinstance(client, Client):
            with stream:
                first, second = next(stream), next(stream)
            return [first, second, *stream]

        async def reading() -> Any:
            async with stream:
                first, second = await anext(stream), await anext(stream)
            return [first, second, *[one async for one in stream]]

        return reading()

    assert [message.position for message in flavour.do(read)] == [b"\x01", b"\x02"]


def test_a_stream_that_breaks_off_says_why(flavour: Flavour, authority: Authority) -> None:
    authority.tell(Refusal(grpc.StatusCode.PERMISSION_DENIED))

    def read(client: Any) -> Any:
        stream = client.sessions.watch_sessions(v1.WatchSessionsRequest())
        return next(stream) if isinstance(client, Client) else anext(stream)

    async def awaited(client: Any) -> Any:
        return await read(client)

    with pytest.raises(errors.CallerNotAllowedError):
        flavour.do(read if isinstance(flavour.client, Client) else awaited)


def test_many_questions_ride_one_stream(flavour: Flavour) -> None:
    asked = [v1.CheckSessionsRequest(id=number, question=QUESTION) for number in (7, 8)]

    def read(client: Any) -> Any:
        if isinstance(client, Client):
            return list(client.sessions.check_sessions(asked))

        async def questions() -> Any:
            for one in asked:
                yield one

        async def reading() -> Any:
            return [one async for one in client.sessions.check_sessions(questions())]

        return reading()

    assert [(one.id, one.HasField("answer")) for one in flavour.do(read)] == [(7, True), (8, True)]


PROGRAM = """
import gc, sys, threading, time
from gatelodge import Client, ClientOptions, v1

client = Client(ClientOptions(sys.argv[1], "k"))
question = v1.ValidateSessionRequest(cookies=[v1.Cookie(name="session", value=b"a")])
client.sessions.check(question)
print([thread.name for thread in threading.enumerate() if thread.name == "gatelodge-watch"])
"""


def test_a_program_that_watches_ends_without_further_ado(authority: Authority, tmp_path: Path) -> None:
    authority.say(VALIDATE, for_keeping())
    (tmp_path / "program.py").write_text(PROGRAM)
    command = [sys.executable, str(tmp_path / "program.py"), authority.options.address]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "['gatelodge-watch']\n", "")


def test_a_client_that_is_dropped_watches_no_more(authority: Authority) -> None:
    authority.say(VALIDATE, for_keeping())
    # Those of clients of other tests may be there still, and wait to find their authority again.
    others = set(threading.enumerate())
    Client(authority.options).sessions.check(QUESTION)
    authority.wait_until_watched()
    [watch] = [one for one in threading.enumerate() if one.name == "gatelodge-watch" and one not in others]
    until = time.monotonic() + 10
    # It notices with whatever it hears next; of the answered call something may hold the client for a moment more.
    for number in itertools.count(1):
        authority.tell(told(number))
        if not watch.is_alive():
            break
        assert time.monotonic() < until, "it watches for ever"
        time.sleep(0.1)
