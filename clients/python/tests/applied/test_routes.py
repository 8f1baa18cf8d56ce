"""The login routes, the same in every framework."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from gatelodge.testing import FakeAuthority
    from tests.applied.browsers import Browser, Got


def cookie_of(got: Got) -> str:
    return "; ".join(line.partition(";")[0] for line in got.all("set-cookie"))


def test_a_whole_login_and_logout(browser: Browser, fake_authority: FakeAuthority) -> None:
    fake_authority.next_visitor(user_id="google_7", email="seven@example.com")
    begun = browser.get("/auth/web/login?redirect_uri=/private%3Fa=1")
    assert begun.status == 302
    done = browser.get(begun.header("location") or "", cookie=cookie_of(begun))
    assert (done.status, done.header("location")) == (302, "/private?a=1")
    cookie = cookie_of(done)
    me = browser.get("/auth/me", cookie=cookie)
    who = json.loads(me.body)
    assert {**who, "csrf_token": "t"} == {
        "user_id": "google_7",
        "email": "seven@example.com",
        "name": None,
        "provider": "google",
        "csrf_token": "t",
    }
    assert me.header("x-csrf-token") == who["csrf_token"]
    assert browser.send("POST", "/auth/web/logout", cookie=cookie).status == 403, "not without the token"
    out = browser.send("POST", "/auth/web/logout", cookie=cookie, x_csrf_token=who["csrf_token"])
    assert (out.status, json.loads(out.body)["message"]) == (200, "Logged out successfully")
    assert "Max-Age=0" in out.all("set-cookie")[0]
    assert browser.get("/auth/me", cookie=cookie).status == 401


@pytest.mark.parametrize(
    ("line", "call", "reason"),
    [
        ("POST /auth/web/backchannel-logout", "HandleBackchannelLogout", "request_malformed"),
        ("GET /auth/web/frontchannel-logout?iss=x&sid=y", "HandleFrontchannelLogout", "provider_unknown"),
    ],
)
def test_a_provider_needs_no_csrf_token_and_no_cookie_to_tell_of_a_logout(
    browser: Browser, fake_authority: FakeAuthority, line: str, call: str, reason: str
) -> None:
    cookie = f"session={fake_authority.sign_in().credential}"
    got = browser.send(*line.split(), cookie=cookie, origin="https://idp.example")
    assert (got.status, json.loads(got.body)["reason"]) == (400, reason)
    assert [name for name, _ in fake_authority.asked if name != "GetEdgeSettings"] == [call]
    assert browser.get("/auth/me", cookie=cookie).status == 200, "it was believed by nobody"


def test_every_answer_has_what_keeps_it_from_others(browser: Browser) -> None:
    for got in (browser.get("/auth/me"), browser.get("/auth/web/login"), browser.send("PUT", "/auth/me")):
        assert got.header("cache-control") == "no-store"
        assert got.header("x-content-type-options") == "nosniff"
        assert got.header("content-security-policy") == "frame-ancestors 'none'"
        assert {"Cookie", "Origin"} <= set((got.header("vary") or "").split(", "))


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "PROPFIND"])
def test_another_method_is_405_json(browser: Browser, fake_authority: FakeAuthority, method: str) -> None:
    got = browser.send(method, "/auth/me")
    assert (got.status, json.loads(got.body)["reason"]) == (405, "METHOD_NOT_ALLOWED")
    assert got.header("allow") == "GET, HEAD, OPTIONS"
    assert browser.send("HEAD", "/auth/web/login").status == 405, "a preview must not spend a login"
    assert {name for name, _ in fake_authority.asked} == {"GetEdgeSettings"}


def test_head_is_get_without_the_body(browser: Browser, fake_authority: FakeAuthority) -> None:
    cookie = f"session={fake_authority.sign_in().credential}"
    got = browser.send("HEAD", "/auth/me", cookie=cookie)
    assert (got.status, got.body) == (200, b"")
    assert int(got.header("content-length") or 0) > 0


def test_options_is_answered_from_the_settings(browser: Browser, fake_authority: FakeAuthority) -> None:
    asked = {"access_control_request_method": "POST"}
    allowed = browser.send("OPTIONS", "/auth/me", origin="https://spa.example", **asked)
    assert (allowed.status, allowed.header("access-control-allow-origin")) == (204, "https://spa.example")
    assert allowed.header("access-control-max-age") == "600"
    other = browser.send("OPTIONS", "/auth/me", origin="https://spa.example.evil.example", **asked)
    assert (other.status, other.header("access-control-allow-origin")) == (204, None)
    assert {name for name, _ in fake_authority.asked} == {"GetEdgeSettings"}


def test_no_other_path_is_touched(browser: Browser) -> None:
    got = browser.get("/auth/elsewhere")
    assert (got.status, got.header("vary")) == (404, None)


def test_the_location_is_copied_byte_for_byte(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    place = "https://a.example/x?y=%2f%7e|'\"^`{}"
    monkeypatch.setattr("gatelodge.testing.judge.redirect", _to(place))
    assert browser.get("/auth/web/login").header("location") == place


def _to(place: str) -> object:
    from gatelodge import v1  # noqa: PLC0415

    return lambda status, _: v1.HttpAnswer(status=status, location=place)
