"""Which questions are the same, and which answers may be kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gatelodge import v1
from gatelodge._question import Allowance, key_of

if TYPE_CHECKING:
    from collections.abc import Callable


def question() -> v1.ValidateSessionRequest:
    made = v1.ValidateSessionRequest(
        cookies=[v1.Cookie(name="session", value=b"a")],
        context=v1.RequestContext(method=b"GET", target=b"/", user_agent=b"A", host=b"app.example"),
        requirements=v1.Requirements(scopes=["x"]),
        can_set_cookies=True,
    )
    made.requirements.max_login_age.seconds = 60
    return made


def changed(change: Callable[[v1.ValidateSessionRequest], object]) -> bytes | None:
    made = question()
    change(made)
    return key_of(made)


def context(**fields: bytes) -> bytes | None:
    return changed(lambda made: made.context.MergeFrom(v1.RequestContext(**fields)))  # type: ignore[arg-type]


SAME = {
    "method": b"HEAD",
    "target": b"/elsewhere",
    "accept": b"text/html",
    "content_type": b"text/plain",
    "origin": b"https://a.example",
    "sec_fetch_site": b"none",
    "sec_fetch_mode": b"navigate",
    "sec_fetch_dest": b"document",
    "x_requested_with": b"fetch",
    "csrf_token": b"t",
}
LISTS = ("x_forwarded_for", "forwarded")


def test_what_changes_nothing_about_a_yes_is_the_same_question() -> None:
    same = key_of(question())
    assert same is not None
    for field, value in SAME.items():
        assert context(**{field: value}) == same, field
    assert changed(lambda made: setattr(made, "answer_json", True)) == same


def test_all_else_is_another_question() -> None:
    same = key_of(question())
    others = [
        changed(lambda made: setattr(made.cookies[0], "value", b"b")),
        changed(lambda made: made.cookies.add(name="session", value=b"b")),
        changed(lambda made: setattr(made, "can_set_cookies", False)),
        changed(lambda made: setattr(made, "touch", False)),
        changed(lambda made: made.ClearField("context")),
        changed(lambda made: made.requirements.scopes.append("y")),
        changed(lambda made: setattr(made.requirements.max_login_age, "seconds", 61)),
        changed(lambda made: setattr(made.requirements, "csrf", v1.CSRF_REQUIREMENT_NOT_REQUIRED)),
    ]
    for field in v1.RequestContext.DESCRIPTOR.fields_by_name:
        if field in LISTS:
            others.append(changed(lambda made, field=field: getattr(made.context, field).append(b"192.0.2.1")))  # type: ignore[misc]
        elif field not in SAME and field != "upgrade":
            others.append(context(**{field: b"another"}))
    assert None not in others
    assert len({same, *others}) == len(others) + 1, "each is a question of its own"


def test_the_method_of_a_request_that_may_change_something_counts_where_no_token_is_needed() -> None:
    def of(method: bytes) -> bytes | None:
        def change(made: v1.ValidateSessionRequest) -> None:
            made.context.method = method
            made.requirements.csrf = v1.CSRF_REQUIREMENT_NOT_REQUIRED

        return changed(change)

    assert of(b"GET") == of(b"HEAD") != of(b"POST")


def test_these_are_asked_each_time() -> None:
    never = [
        context(method=b"POST"),
        context(upgrade=b"websocket"),
        changed(lambda made: setattr(made, "issue_csrf_token", True)),
        changed(lambda made: setattr(made, "as_of_position", b"x")),
        changed(lambda made: made.ClearField("cookies")),
        changed(lambda made: setattr(made.requirements, "csrf", v1.CSRF_REQUIREMENT_REQUIRED)),
    ]
    assert never == [None] * 6


def active() -> v1.ValidateSessionResponse:
    made = v1.ValidateSessionResponse(active=v1.ActiveSession(event_position=b"p"))
    made.active.session.session_id = "sid_1"
    made.active.keep_for.FromMilliseconds(1500)
    return made


def test_an_answer_says_itself_how_it_may_be_kept() -> None:
    assert Allowance.of(active()) == Allowance("sid_1", b"p", 1.5, 2 * active().ByteSize())


@pytest.mark.parametrize(
    "change",
    [
        lambda made: made.active.ClearField("keep_for"),
        lambda made: made.active.ClearField("event_position"),
        lambda made: made.active.set_cookies.append("session=b"),
        lambda made: setattr(made.active, "csrf_token", "t"),
        lambda made: made.inactive.SetInParent(),
        lambda made: made.denied.SetInParent(),
        lambda made: made.ClearField("active"),
    ],
)
def test_no_other_answer_is_kept(change: Callable[[v1.ValidateSessionResponse], object]) -> None:
    made = active()
    change(made)
    assert Allowance.of(made) is None
