"""Owns the mistakes of an edge that keeps answers, each with the cases that must notice it. Does not know how they are
put before an edge."""

import time
from collections.abc import Callable

from .authority import RefusedError
from .broken import Asked, Broken
from .wire import Answer

ENDING = ("StartLogout", "SessionServiceRevoke", "HandleBackchannelLogout", "HandleFrontchannelLogout")
ENDING_CALLS = ("StartLogout", "Revoke", "HandleBackchannelLogout", "HandleFrontchannelLogout")


def _ends(answer) -> bool:
    return answer.DESCRIPTOR.name.removesuffix("Response") in ENDING


def _ask_as_of_nothing(call):
    if call.method == "ValidateSession":
        call.request.as_of_position = b""


def _ask_as_of_an_end_for_a_moment() -> Callable:
    first: dict[bytes, float] = {}

    def question(call):
        if call.method == "ValidateSession" and call.request.as_of_position == b"9":
            begun = first.setdefault(call.request_id.encode(), time.monotonic())
            if time.monotonic() - begun > 2:
                call.request.as_of_position = b""

    return question


def _miss_where_it_is_told(_method, answer):
    if _ends(answer):
        answer.event_position = b""


def _hear_no_reset(method, answer):
    if method.name == "WatchSessions":
        answer.reset, answer.position = False, max(answer.position, b"5")


def _hide_everywhere(asked):
    asked.target = asked.target.replace(b"everywhere", b"%65verywhere")


def _believe_that_one_ended(_method, answer):
    if _ends(answer) and answer.revoked_count:
        answer.revoked_count = 1 if answer.DESCRIPTOR.name == "StartLogoutResponse" else 0
        if answer.DESCRIPTOR.name == "SessionServiceRevokeResponse":
            answer.inactive.SetInParent()


def _believe_that_all_ended(_method, answer):
    if _ends(answer):
        answer.revoked_count = 2
        if answer.DESCRIPTOR.name == "SessionServiceRevokeResponse":
            answer.ClearField("inactive")
            answer.ClearField("denied")


def _forget_all_at_any_failure(call, refused):
    return RefusedError("INTERNAL") if call.method in ENDING_CALLS else refused


def _forget_nobody_at_a_failure(call, refused):
    return RefusedError("INVALID_ARGUMENT") if call.method in ENDING_CALLS else refused


def _give_up_with_the_browser(call):
    if call.method != "ValidateSession":
        call.is_waited_for = lambda: False


def _hide_the_cookie(asked):
    if asked.target.startswith((b"/auth/web/logout", b"/auth/web/sessions/revoke")):
        asked.headers = [line for line in asked.headers if line[0].lower() != b"cookie"]


class _Memory:
    """What was answered once, for half a minute, whatever happens meanwhile."""

    def __init__(self):
        self._kept: dict[tuple[bytes, ...], tuple[float, Answer]] = {}

    def request(self, asked: Asked) -> Answer | None:
        at, answer = self._kept.get(self._key(asked), (0.0, None))
        return answer if time.monotonic() - at < 30 else None

    def answer(self, asked: Asked, got: Answer, _again) -> None:
        if got.status == 200 and asked.method == b"GET" and asked.target == b"/private":
            self._kept.setdefault(self._key(asked), (time.monotonic(), got))

    @staticmethod
    def _key(asked: Asked) -> tuple[bytes, ...]:
        return asked.method, asked.target, asked.header("cookie") or b""


_memory = _Memory()

KEEPING: dict[str, Broken] = {
    "asks as of nothing": Broken(
        (
            "ends: a question rests on what was heard",
            "ends: what this edge ended is asked about as of its end",
            "ends: after a reset all is forgotten and positions do not go down",
        ),
        question=_ask_as_of_nothing,
    ),
    "asks as of its own ends for a moment only": Broken(
        ("ends: for 6 seconds what this edge ended counts whatever becomes of the stream",),
        question=_ask_as_of_an_end_for_a_moment(),
    ),
    "passes over where its own ends are told": Broken(
        ("ends: what this edge ended is asked about as of its end",), reply=_miss_where_it_is_told
    ),
    "hears of no reset": Broken(
        ("ends: after a reset all is forgotten and positions do not go down",), reply=_hear_no_reset
    ),
    "forgets whoever logs out and nobody else": Broken(
        ("ends: what may have ended anybody makes all be asked about",),
        request=_hide_everywhere,
        reply=_believe_that_one_ended,
    ),
    "lets anybody make it forget everybody": Broken(
        (
            "ends: who ends nothing makes nobody be asked about",
            "ends: a logout makes nobody else be asked about",
            "ends: a revocation of JSON that is none makes nobody else be asked about",
            "ends: a revocation of an id that nobody has makes nobody else be asked about",
        ),
        reply=_believe_that_all_ended,
    ),
    "forgets everybody at any failure": Broken(
        (
            "ends: after the status INVALID_ARGUMENT nobody is asked about",
            "ends: after the status OVERLOADED nobody is asked about",
            "ends: a logout whose keys are not to be had makes nobody be asked about",
        ),
        refusal=_forget_all_at_any_failure,
    ),
    "forgets nobody at a failure": Broken(
        (
            "ends: after the status CANCELLED all are asked about",
            "ends: a provider in trouble says nothing of what it does not judge",
            "ends: when nobody knows what ended all are asked about",
        ),
        refusal=_forget_nobody_at_a_failure,
    ),
    "gives up what it sent when the browser goes away": Broken(
        (
            "hanging up: a logout is not given up",
            "hanging up: a refresh of user info is not given up",
            "hanging up: a logout that nobody waits for ends the session",
            "ends: who hangs up on StartLogout makes nobody be asked about",
        ),
        question=_give_up_with_the_browser,
    ),
    "forgets a cookie only when something came of it": Broken(
        ("ends: who presents a cookie is asked about whatever came of it",), request=_hide_the_cookie
    ),
    "remembers beyond the end": Broken(
        (
            "keeping: a logout is known at once",
            "ends: when nobody knows what ended all are asked about",
        ),
        request=_memory.request,
        answer=_memory.answer,
    ),
}
