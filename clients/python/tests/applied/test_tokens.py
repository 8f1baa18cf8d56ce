"""Bearer tokens on an API's routes, the same in every framework."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from gatelodge import v1
from gatelodge.testing.authority import _ANSWERS, FakeAuthority

if TYPE_CHECKING:
    from tests.applied.browsers import Browser, Got

VALIDATE_TOKEN = "/gatelodge.v1.TokenService/ValidateToken"


def reason(got: Got) -> str:
    return str(json.loads(got.body)["reason"])


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_good_token_reaches_the_view(browser: Browser, fake_authority: FakeAuthority, scheme: str) -> None:
    token = fake_authority.issue_token("google_1")
    got = browser.send("POST", "/api", authorization=f"{scheme} {token}")
    assert (got.status, json.loads(got.body)) == (200, {"user_id": "google_1"})
    assert [name for name, _ in fake_authority.asked].count("ValidateToken") == 1, "once per request"
    assert "ValidateSession" not in [name for name, _ in fake_authority.asked]


@pytest.mark.parametrize("header", [{}, {"authorization": "Basic YTpi"}, {"authorization": "Bearer"}])
def test_without_a_token_it_is_401_and_nothing_is_said_of_errors(browser: Browser, header: dict[str, str]) -> None:
    got = browser.send("POST", "/api", **header)
    assert (got.status, reason(got)) == (401, "not_signed_in")
    assert got.header("www-authenticate") == "Bearer"


def test_a_bad_token_is_401_and_the_cookie_does_not_help(browser: Browser, fake_authority: FakeAuthority) -> None:
    token = fake_authority.issue_token()
    fake_authority.withdraw_token(token)
    cookie = f"session={fake_authority.sign_in().credential}"
    got = browser.send("POST", "/api", authorization=f"Bearer {token}", cookie=cookie)
    assert (got.status, reason(got)) == (401, "invalid_token")
    assert got.header("www-authenticate") == 'Bearer error="invalid_token"'


def test_a_token_that_lacks_something_is_403(browser: Browser, fake_authority: FakeAuthority) -> None:
    for scopes, permissions, why in (
        ((), ("write",), "scope_missing"),
        (("admin",), ("read",), "permission_missing"),
    ):
        token = fake_authority.issue_token(scopes=scopes, permissions=permissions)
        got = browser.get("/api/admin", authorization=f"Bearer {token}")
        assert (got.status, reason(got)) == (403, why)
        assert (got.header("www-authenticate") or "").startswith('Bearer error="insufficient_scope"')
    token = fake_authority.issue_token("google_1", scopes=["admin", "x"], permissions=["write"])
    assert browser.get("/api/admin", authorization=f"Bearer {token}").status == 200


def test_could_not_say_is_503(browser: Browser, fake_authority: FakeAuthority) -> None:
    token = fake_authority.issue_token()
    browser.get("/open")
    fake_authority.away()
    got = browser.send("POST", "/api", authorization=f"Bearer {token}")
    assert (got.status, got.header("retry-after")) == (503, "1")


def test_an_older_authority_that_did_not_judge_is_503(
    browser: Browser, fake_authority: FakeAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    active = v1.ValidateTokenResponse(active=v1.ActiveToken(identity=v1.Identity(user_id="google_1")))
    monkeypatch.setitem(_ANSWERS, VALIDATE_TOKEN, lambda *_: active)
    assert browser.get("/api/admin", authorization="Bearer x").status == 503
    assert browser.send("POST", "/api", authorization="Bearer x").status == 200


@pytest.mark.parametrize(
    "said",
    [
        v1.ValidateTokenResponse(inactive=v1.InactiveToken(reason=v1.TOKEN_INACTIVE_REASON_NONE)),
        v1.ValidateTokenResponse(denied=v1.DeniedToken()),
        v1.ValidateTokenResponse(active=v1.ActiveToken(client_id="program")),
    ],
)
def test_without_an_answer_or_an_identity_nobody_can_say(
    browser: Browser, monkeypatch: pytest.MonkeyPatch, said: v1.ValidateTokenResponse
) -> None:
    monkeypatch.setitem(_ANSWERS, VALIDATE_TOKEN, lambda *_: said)
    got = browser.send("POST", "/api", authorization="Bearer x")
    assert (got.status, got.header("retry-after"), got.header("www-authenticate")) == (503, "1", None)


@pytest.mark.parametrize("around", ["{}", " {}", "\t{} \t"])
def test_what_stands_around_a_token_is_none_of_it(browser: Browser, fake_authority: FakeAuthority, around: str) -> None:
    token = fake_authority.issue_token("google_1")
    got = browser.send("POST", "/api", authorization="Bearer " + around.format(token))
    assert (got.status, json.loads(got.body)) == (200, {"user_id": "google_1"})


def test_what_the_guard_answers_varies_by_cookie(browser: Browser) -> None:
    got = browser.send("POST", "/api", authorization="Bearer x")
    assert (got.status, (got.header("vary") or "").lower()) == (401, "cookie")
