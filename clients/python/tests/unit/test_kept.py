"""What is kept, and what is not: by a clock of the test's own."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING

import grpc
import pytest

from gatelodge import Checked, Inactive, errors, v1
from gatelodge._kept import SILENCE, Asking, Kept, Missing, _place
from gatelodge._question import Allowance
from gatelodge._room import LARGEST, MIDDLE, MOST_OF_ONE, Answer, Room

if TYPE_CHECKING:
    from gatelodge._kept import Brought

    KeptHere = Kept[Future[Brought]]
    AskingHere = Asking[Future[Brought]]

CHECKED = Checked(Inactive(v1.INACTIVE_REASON_ENDED, None), "v1")
LONG = 60.0


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def told(
    position: int,
    kind: v1.SessionEventKind.ValueType | None = None,
    *,
    session_id: str = "sid_1",
    reset: bool = False,
    is_deaf: bool = False,
) -> v1.WatchSessionsResponse:
    events = [] if kind is None else [v1.SessionEvent(kind=kind, session_id=session_id)]
    message = v1.WatchSessionsResponse(events=events, position=bytes([position]), reset=reset)
    if not is_deaf:
        message.max_staleness.seconds = 5
    return message


def cookies(value: str = "a") -> list[v1.Cookie]:
    return [v1.Cookie(name="session", value=value.encode())]


def question(value: str = "a") -> v1.ValidateSessionRequest:
    return v1.ValidateSessionRequest(cookies=cookies(value))


def ask(kept: KeptHere, name: str = "a") -> AskingHere:
    asking = kept.look(name.encode(), question(name))
    assert isinstance(asking, Asking), "it is known, or nobody vouches for it"
    return asking


def answer(
    kept: KeptHere, asking: AskingHere, position: int = 1, keep_for: float = LONG, *, of: str = "sid_1", size: int = 300
) -> None:
    kept.settle(asking, CHECKED, Allowance(of, bytes([position]), keep_for, size))


def is_known(kept: KeptHere, name: str = "a") -> bool:
    found = kept.look(name.encode(), question(name))
    if isinstance(found, Asking):
        kept.settle(found, None)
    return isinstance(found, Checked)


def knowing(clock: Clock, most: int = 8) -> KeptHere:
    kept: KeptHere = Kept(most, Future, clock)
    kept.hear(told(1))
    answer(kept, ask(kept))
    assert is_known(kept)
    return kept


def test_nothing_is_answered_from_memory_while_nobody_vouches_for_it() -> None:
    clock = Clock()
    kept: KeptHere = Kept(8, Future, clock)
    assert kept.look(b"a", question()) is None, "nobody vouches yet"
    kept = knowing(clock)
    assert kept.known_up_to() == b"\x01"
    clock.now += SILENCE
    assert kept.look(b"a", question()) is None, "no message came"
    assert kept.known_up_to() == b""
    assert kept.position() == b"\x01", "there it goes on"
    kept.hear(told(2))
    assert is_known(kept), "the stream went on where it was"
    kept.hear(told(3, is_deaf=True))
    assert kept.look(b"a", question()) is None, "the authority hears nothing itself"
    kept.hear(told(4))
    kept.broken()
    assert kept.look(b"a", question()) is None


def test_an_answer_is_never_older_than_it_allows() -> None:
    clock = Clock()
    kept: KeptHere = Kept(8, Future, clock)
    kept.hear(told(1))
    asking = ask(kept)
    clock.now += 0.5
    answer(kept, asking, keep_for=0.7)
    clock.now += 0.19
    assert is_known(kept)
    clock.now += 0.02
    assert not is_known(kept), "it counts from when it was asked"


@pytest.mark.parametrize("kind", [*v1.SessionEventKind.values(), 99])
def test_what_an_event_names_is_asked_again(kind: v1.SessionEventKind.ValueType) -> None:
    kept = knowing(Clock())
    kept.hear(told(2, kind))
    assert len(kept) == 0, "it leaves memory at once"
    assert not is_known(kept)


def test_an_event_forgets_no_more_than_it_names() -> None:
    kept = knowing(Clock())
    # Places are shared by chance.
    other = next(name for name in (f"sid_{number}" for number in range(2, 99)) if _place(name) != _place("sid_1"))
    kept.hear(told(3, v1.SESSION_EVENT_KIND_REVOKED, session_id=other))
    assert is_known(kept)
    kept.hear(told(4, v1.SESSION_EVENT_KIND_REVOKED, session_id=""))
    assert not is_known(kept), "it is about more than one"


def test_what_the_caller_changed_is_asked_again() -> None:
    kept = knowing(Clock())
    other = next(name for name in "bcd" if _place(name.encode()) != _place(b"a"))
    kept.forget_cookies(cookies(other))
    assert is_known(kept)
    kept.forget_cookies([*cookies(other), *cookies("a")])
    assert len(kept) == 0, "it leaves memory at once"
    assert not is_known(kept)
    kept = knowing(Clock())
    kept.forget_session(next(name for name in ("sid_2", "sid_3", "sid_4") if _place(name) != _place("sid_1")))
    assert is_known(kept)
    kept.forget_session("sid_1")
    assert len(kept) == 0
    assert not is_known(kept)
    kept = knowing(Clock())
    kept.forget_all()
    assert not is_known(kept)
    assert len(kept) == 0


def test_a_reset_empties_it() -> None:
    kept = knowing(Clock())
    kept.hear(told(1, reset=True))
    assert not is_known(kept)
    assert len(kept) == 0


# store.md, 6.
def test_an_insert_that_began_before_an_invalidation_never_wins() -> None:
    kept: KeptHere = Kept(8, Future, Clock())
    kept.hear(told(1))
    early = ask(kept)
    kept.hear(told(5, v1.SESSION_EVENT_KIND_REVOKED))
    answer(kept, early, 9)
    assert len(kept) == 0, "it was asked before"
    answer(kept, ask(kept), 4)
    assert not is_known(kept), "the authority that answered had heard less than the one that is watched"
    answer(kept, ask(kept), 5)
    assert is_known(kept)
    before = ask(kept, "b")
    kept.hear(told(2, reset=True))
    answer(kept, before, 9)
    assert not is_known(kept, "b"), "it was asked before the reset"


@pytest.mark.parametrize("says_so", [True, False])
def test_positions_never_go_down_before_their_time(*, says_so: bool) -> None:
    clock = Clock()
    kept: KeptHere = Kept(8, Future, clock)
    kept.hear(told(5))
    kept.hear(told(2, reset=says_so))
    assert (kept.known_up_to(), kept.position()) == (b"\x05", b"\x02")
    answer(kept, ask(kept), 4)
    assert not is_known(kept), "it rests on less than was known before the reset"
    answer(kept, ask(kept), 5)
    assert is_known(kept)
    clock.now += 6
    kept.hear(told(3))
    assert kept.known_up_to() == b"\x03"
    answer(kept, ask(kept, "b"), 3)
    assert is_known(kept, "b"), "by now nobody answers from what is older"


def test_whoever_is_asked_has_to_know_what_this_client_ended() -> None:
    clock = Clock()
    kept: KeptHere = Kept(8, Future, clock)
    kept.has_told(b"\x07")
    kept.has_told(b"")
    kept.has_told(b"\x06")
    assert kept.known_up_to() == b"\x07", "whole or not"
    kept.hear(told(5))
    assert (kept.known_up_to(), kept.position()) == (b"\x07", b"\x05")
    answer(kept, ask(kept), 6)
    assert not is_known(kept)
    answer(kept, ask(kept), 7)
    assert is_known(kept)
    clock.now += 6
    assert kept.known_up_to() == b""


def test_an_answer_that_comes_while_nobody_vouches_is_not_kept() -> None:
    clock = Clock()
    kept: KeptHere = Kept(8, Future, clock)
    kept.hear(told(1))
    asking = ask(kept)
    clock.now += SILENCE
    answer(kept, asking)
    kept.hear(told(1))
    assert not is_known(kept)


def test_who_asks_after_something_was_forgotten_does_not_wait_for_what_was_asked_before() -> None:
    kept: KeptHere = Kept(8, Future, Clock())
    kept.hear(told(1))
    first = ask(kept)
    assert kept.look(b"a", question()) is first.flight
    kept.forget_all()
    second = ask(kept)
    kept.settle(first, None)
    assert kept.look(b"a", question()) is second.flight, "the second is being asked still"
    kept.settle(second, None)
    assert second.flight.result() is Missing.GONE
    ask(kept)


def test_what_is_shared_is_the_same_for_all() -> None:
    kept: KeptHere = Kept(8, Future, Clock())
    kept.hear(told(1))
    store = errors.StoreUnavailableError("away", code=grpc.StatusCode.UNAVAILABLE)
    for outcome, brought in ((CHECKED, Missing.OWN), (store, store), (errors.deadline_exceeded(), Missing.OWN)):
        asking = ask(kept)
        kept.settle(asking, outcome)
        assert asking.flight.result() is brought
        assert not is_known(kept), "and none of it is kept"
    asking = ask(kept)
    answer(kept, asking)
    assert asking.flight.result() is CHECKED


def test_the_room_is_bounded_and_what_has_ended_leaves_it() -> None:
    clock = Clock()
    kept = knowing(clock, most=3)
    for name in "bcd":
        answer(kept, ask(kept, name), keep_for=1)
    assert len(kept) == 3
    assert is_known(kept)
    assert not is_known(kept, "d")
    clock.now += 1.5
    kept.hear(told(1))
    assert len(kept) == 1
    answer(kept, ask(kept, "d"), keep_for=1)
    assert is_known(kept, "d")
    clock.now += 1.5
    kept.broken()
    assert len(kept) == 1, "so it is while nobody vouches"


def test_nobody_takes_the_room_of_others() -> None:
    kept: KeptHere = Kept(100, Future, Clock())
    kept.hear(told(1))
    for number in range(40):
        answer(kept, ask(kept, str(number)))
    assert len(kept) == MOST_OF_ONE
    kept.forget_session("sid_1")
    assert len(kept) == 0
    for number in range(40):
        answer(kept, ask(kept, str(number)), of=f"sid_{number}", size=LARGEST - MIDDLE)
    assert 12 <= len(kept) <= 14, "those that are large leave room for fewer"
    kept.forget_all()
    answer(kept, ask(kept), size=LARGEST)
    assert len(kept) == 0, "it is too large"


def test_the_room_remembers_nothing_of_what_has_gone() -> None:
    room = Room(8)
    for turn in range(3):
        for number in range(4):
            room.put(b"%d" % (number % 2), Answer(CHECKED, LONG, f"sid_{turn}", turn, (7, number, number), 1))
        assert len(room.answers) == 2
    room.drop_session(0)
    assert len(room.answers) == 2
    room.drop_cookie(3)
    assert list(room.answers) == [b"0"]
    room.sweep(LONG)
    assert (room.answers, room.size, room._of_one, room._sessions, room._cookies) == ({}, 0, {}, {}, {})


def test_from_memory_no_settings_are_news() -> None:
    kept = knowing(Clock())
    found = kept.look(b"a", question())
    assert isinstance(found, Checked)
    assert (found.verdict, found.settings_version) == (CHECKED.verdict, "")
