"""Sessions on an application's own routes, the same in every framework."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from gatelodge import v1
from gatelodge.testing.authority import _ANSWERS, FakeAuthority

if TYPE_CHECKING:
    from tests.applied.browsers import Browser

PAGE = {"accept": "text/html", "sec_fetch_mode": "navigate"}


def test_a_session_reaches_the_view(browser: Browser, fake_authority: FakeAuthority) -> None:
    visitor = fake_authority.sign_in(user_id="google_1")
    got = browser.get("/private", cookie=f"session={visitor.credential}")
    assert (got.status, json.loads(got.body)) == (200, {"user_id": "google_1"})
    assert "Cookie" in (got.header("vary") or "")
    assert [name for name, _ in fake_authority.asked].count("ValidateSession") == 1, "once per request"


def test_without_one_a_browser_is_sent_to_the_login_and_a_fetch_gets_401(browser: Browser) -> None:
    fetch = browser.get("/private")
    assert (fetch.status, json.loads(fetch.body)["reason"]) == (401, "not_signed_in")
    page = browser.get("/private", **PAGE)
    assert page.status == 302
    assert (page.header("location") or "").startswith("/auth/web/login?redirect_uri=%2F")


def test_an_optional_session_is_up_to_the_view(browser: Browser, fake_authority: FakeAuthority) -> None:
    assert json.loads(browser.get("/optional").body) == {"user_id": None}
    visitor = fake_authority.sign_in(user_id="google_1")
    got = browser.get("/optional", cookie=f"session={visitor.credential}")
    assert json.loads(got.body) == {"user_id": "google_1"}


def test_requirements_are_judged(browser: Browser, fake_authority: FakeAuthority) -> None:
    plain, admin = fake_authority.sign_in(), fake_authority.sign_in(scopes=["admin"])
    old = fake_authority.sign_in(login_age=timedelta(hours=1))
    denied = browser.get("/scoped", cookie=f"session={plain.credential}")
    assert (denied.status, json.loads(denied.body)["reason"]) == (403, "scope_missing")
    assert browser.get("/scoped", cookie=f"session={admin.credential}").status == 200
    assert browser.get("/fresh", cookie=f"session={plain.credential}").status == 200
    assert browser.get("/fresh", cookie=f"session={old.credential}").status == 403
    assert "max_age=1" in (browser.get("/fresh", cookie=f"session={old.credential}", **PAGE).header("location") or "")


def test_an_unsafe_request_needs_the_token_and_the_origin(browser: Browser, fake_authority: FakeAuthority) -> None:
    visitor = fake_authority.sign_in()
    cookie = f"session={visitor.credential}"
    assert json.loads(browser.send("POST", "/private", cookie=cookie).body)["reason"] == "csrf_mismatch"
    assert browser.send("POST", "/private", cookie=cookie, **visitor.csrf_headers).status == 200
    foreign = browser.send("POST", "/private", cookie=cookie, origin="https://evil.example", **visitor.csrf_headers)
    assert json.loads(foreign.body)["reason"] == "origin_refused"


@pytest.mark.parametrize("trouble", ["away", "slow"])
def test_trouble_is_503_and_logs_nobody_out(browser: Browser, fake_authority: FakeAuthority, trouble: str) -> None:
    cookie = f"session={fake_authority.sign_in().credential}"
    getattr(fake_authority, trouble)()
    for path in ("/private", "/optional", "/auth/me"):
        got = browser.get(path, cookie=cookie, x_request_id="r-1")
        body = json.loads(got.body)
        assert (got.status, body["reason"], body["request_id"]) == (503, "AUTHORITY_UNAVAILABLE", "r-1")
        assert (got.header("retry-after"), got.header("set-cookie")) == ("1", None)
    assert browser.get("/open").status == 200, "what needs no session is not troubled"
    fake_authority.recover()
    assert browser.get("/private", cookie=cookie).status == 200


def test_cookies_of_the_authority_are_delivered_byte_for_byte(
    browser: Browser, fake_authority: FakeAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    renewed = 'session="n%20=x"; Path=/; HttpOnly; SameSite=Lax; Expires=Thu, 01 Jan 2037 00:00:00 GMT'

    def rotating(authority: FakeAuthority, question: v1.ValidateSessionRequest, request_id: str) -> object:
        assert question.can_set_cookies
        answer = authority._validate(question, request_id)
        answer.active.set_cookies.append(renewed)
        return answer

    monkeypatch.setitem(_ANSWERS, "/gatelodge.v1.SessionService/ValidateSession", rotating)
    cookie = f"session={fake_authority.sign_in().credential}"
    for path in ("/private", "/auth/me"):
        got = browser.get(path, cookie=cookie)
        assert got.all("set-cookie") == [renewed]
        assert got.header("cache-control") == "no-store"


def test_a_preflight_is_not_validated(browser: Browser, fake_authority: FakeAuthority) -> None:
    browser.send("OPTIONS", "/optional", access_control_request_method="POST", origin="https://a.example")
    assert "ValidateSession" not in [name for name, _ in fake_authority.asked]


def test_what_needs_a_session_answers_a_preflight_itself(browser: Browser, fake_authority: FakeAuthority) -> None:
    for origin, told in [("https://spa.example", "https://spa.example"), ("https://evil.example", None)]:
        got = browser.send("OPTIONS", "/any", access_control_request_method="GET", origin=origin)
        assert (got.status, got.header("access-control-allow-origin"), got.body) == (204, told, b"")
    assert "ValidateSession" not in [name for name, _ in fake_authority.asked]


def test_any_other_options_is_judged_as_every_request(browser: Browser, fake_authority: FakeAuthority) -> None:
    assert browser.send("OPTIONS", "/any").status == 401
    assert browser.send("OPTIONS", "/any", access_control_request_method="GET").status == 401
    assert browser.send("OPTIONS", "/any", origin="https://spa.example").status == 401
    got = browser.send("OPTIONS", "/any", cookie=f"session={fake_authority.sign_in().credential}")
    assert got.status == 200


def test_doubled_cookies_are_both_passed_on(browser: Browser, fake_authority: FakeAuthority) -> None:
    one, two = fake_authority.sign_in(), fake_authority.sign_in()
    got = browser.get("/private", cookie=f"session={one.credential}; session={two.credential}")
    assert (got.status, json.loads(got.body)["reason"]) == (401, "not_signed_in"), "ambiguous: neither is taken by luck"


def test_an_ended_session_says_so(browser: Browser, fake_authority: FakeAuthority) -> None:
    visitor = fake_authority.sign_in()
    fake_authority.end(visitor)
    got = browser.get("/private", cookie=f"session={visitor.credential}")
    assert json.loads(got.body)["reason"] == "session_ended"


def test_a_denial_that_was_told_to_the_fake_comes(browser: Browser, fake_authority: FakeAuthority) -> None:
    fake_authority.deny(v1.DENIED_REASON_LOGIN_TOO_OLD)
    got = browser.get("/private", cookie=f"session={fake_authority.sign_in().credential}")
    assert (got.status, json.loads(got.body)["reason"]) == (403, "login_too_old")
