from __future__ import annotations

from datetime import timedelta

import pytest

from gatelodge import (
    Active,
    Csrf,
    Inactive,
    InconclusiveError,
    Requirements,
    SessionNeeds,
    TokenRequirements,
    v1,
    verdict,
)
from gatelodge.requirements import are_judged


def question(method: bytes | None, requirements: Requirements) -> v1.ValidateSessionRequest:
    context = None if method is None else v1.RequestContext(method=method)
    return v1.ValidateSessionRequest(context=context, requirements=requirements.message())


def answer(judged: v1.JudgedRequirements | None = None) -> v1.ValidateSessionResponse:
    identity, info = v1.Identity(user_id="google_1"), v1.SessionInfo(session_id="sid_1")
    active = v1.ActiveSession(identity=identity, session=info, judged=judged)
    return v1.ValidateSessionResponse(active=active, settings_version="v1")


def judged(*scopes: str, csrf: bool = False, seconds: int = 0, nanos: int = 0) -> v1.JudgedRequirements:
    message = v1.JudgedRequirements(csrf=csrf, scopes=scopes)
    if seconds:
        message.max_login_age.seconds, message.max_login_age.nanos = seconds, nanos
    return message


TWO_SCOPES = Requirements(scopes=("a", "b"))
YOUNG = Requirements(max_login_age=timedelta(seconds=300))


@pytest.mark.parametrize(
    ("asked", "found", "is_yes"),
    [
        (question(b"GET", TWO_SCOPES), judged("b", "a"), True),
        (question(b"GET", TWO_SCOPES), judged("a"), False),
        (question(b"GET", TWO_SCOPES), None, False),
        (question(b"GET", YOUNG), judged(seconds=300), True),
        (question(b"GET", YOUNG), judged(seconds=299), True),
        (question(b"GET", YOUNG), judged(seconds=300, nanos=1), False),
        (question(b"GET", YOUNG), judged(), False),
        (question(b"GET", Requirements()), None, True),
        (question(None, Requirements()), None, True),
        (question(b"POST", Requirements()), judged(), False),
        (question(b"QUERY", Requirements()), judged(), False),
        (question(b"POST", Requirements()), judged(csrf=True), True),
        (question(b"POST", Requirements(csrf=Csrf.NOT_REQUIRED)), judged(), True),
        (question(b"GET", Requirements(csrf=Csrf.REQUIRED)), judged(), False),
    ],
)
def test_a_requirement_that_was_not_judged_is_no_yes(
    asked: v1.ValidateSessionRequest, found: v1.JudgedRequirements | None, is_yes: bool
) -> None:
    if is_yes:
        checked = verdict.read(asked, answer(found))
        assert isinstance(checked.verdict, Active)
        assert checked.verdict.session.user_id == "google_1"
        assert checked.settings_version == "v1"
    else:
        with pytest.raises(InconclusiveError, match="older"):
            verdict.read(asked, answer(found))


EVERY: list[SessionNeeds] = [
    {"scopes": ["a"]},
    {"any_scopes": ["a", "b"]},
    {"permissions": ["a"]},
    {"any_permissions": ["a", "b"]},
    {"roles": ["a"]},
    {"acr_values": ["2", "1"]},
    {"amr_values": ["otp"]},
    {"email_verified": True},
    {"max_login_age": timedelta(seconds=5)},
]


@pytest.mark.parametrize("one", EVERY, ids=lambda one: next(iter(one)))
def test_each_requirement_has_to_be_among_those_that_were_judged(one: SessionNeeds) -> None:
    every = Requirements(**{name: value for needs in EVERY for name, value in needs.items()})  # type: ignore[arg-type]
    asked, whole = Requirements.of(**one).message(), _judged_as(every.message())
    assert are_judged(every.message(), whole)
    assert are_judged(asked, whole)
    assert not are_judged(asked, v1.JudgedRequirements())
    without = v1.JudgedRequirements()
    without.CopyFrom(whole)
    (field,) = one
    without.ClearField(field)  # type: ignore[arg-type]
    assert not are_judged(every.message(), without)
    asked_of_token = TokenRequirements.of(**one).message()  # type: ignore[misc]
    assert are_judged(asked_of_token, asked_of_token)
    assert not are_judged(asked_of_token, v1.TokenRequirements())


@pytest.mark.parametrize("field", ["any_scopes", "any_permissions", "acr_values"])
def test_one_of_a_list_is_enough_and_one_of_a_longer_list_is_not(field: str) -> None:
    asked = Requirements(**{field: ("2", "1")}).message()  # type: ignore[arg-type]
    assert are_judged(asked, v1.JudgedRequirements(**{field: ["1"]}))  # type: ignore[arg-type]
    assert not are_judged(asked, v1.JudgedRequirements(**{field: ["2", "0"]})), "it may have passed by the 0"  # type: ignore[arg-type]


def _judged_as(asked: v1.Requirements) -> v1.JudgedRequirements:
    """What was asked for, as an authority that judged all of it says it."""
    judged = v1.JudgedRequirements(email_verified=asked.email_verified, max_login_age=asked.max_login_age)
    for name in ("scopes", "any_scopes", "permissions", "any_permissions", "roles", "acr_values", "amr_values"):
        getattr(judged, name).extend(getattr(asked, name))
    return judged


def test_an_outcome_from_the_future_is_neither_yes_nor_no() -> None:
    with pytest.raises(InconclusiveError, match="newer"):
        verdict.read(v1.ValidateSessionRequest(), v1.ValidateSessionResponse())


@pytest.mark.parametrize("missing", ["identity", "session"])
def test_a_session_of_nobody_is_no_yes(missing: str) -> None:
    given = answer()
    given.active.ClearField(missing)  # type: ignore[arg-type]
    with pytest.raises(InconclusiveError, match="whose"):
        verdict.read(v1.ValidateSessionRequest(), given)


def test_an_unknown_inactive_reason_is_inactive() -> None:
    given = v1.ValidateSessionResponse()
    given.MergeFromString(b"\x12\x02\x08\x63")  # reason 99
    checked = verdict.read(v1.ValidateSessionRequest(), given)
    assert isinstance(checked.verdict, Inactive)
    assert checked.verdict.answer is None


def test_a_slip_in_requirements_is_told() -> None:
    with pytest.raises(TypeError, match="admin"):
        Requirements.of(scopes="admin")
    with pytest.raises(TypeError, match="otp"):
        TokenRequirements.of(amr_values="otp")
    with pytest.raises(ValueError, match="max_login_age"):
        Requirements(max_login_age=timedelta(milliseconds=1))
