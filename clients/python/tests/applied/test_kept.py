"""Answers that an application keeps, the same in every framework: what the fake ends is over at once."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient

from gatelodge import v1
from tests.applications import fastapi_app
from tests.applied.browsers import BROWSERS, Browser, asking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gatelodge.testing import FakeAuthority, Visitor


@pytest.fixture(params=["fastapi", "flask", "django"])
def browser(request: pytest.FixtureRequest, fake_authority: FakeAuthority) -> Iterator[Browser]:
    browser = BROWSERS[request.param]
    with fake_authority.behind(browser.application, keep_answers=100):
        if browser.name != "fastapi":
            yield browser
            return
        # An event loop keeps its answers for itself: all requests are in one.
        with TestClient(fastapi_app.app, follow_redirects=False) as client:
            yield replace(browser, ask=asking(client))


def count(fake_authority: FakeAuthority) -> int:
    return [name for name, _ in fake_authority.asked].count("ValidateSession")


def keeping(browser: Browser, fake_authority: FakeAuthority) -> tuple[Visitor, dict[str, str]]:
    """Somebody about whom nobody is asked any more."""
    visitor = fake_authority.sign_in("google_1")
    headers = {"cookie": f"session={visitor.credential}"}
    until = time.monotonic() + 10
    before = -1
    while before != count(fake_authority):
        assert time.monotonic() < until, "it is asked about each time"
        before = count(fake_authority)
        assert browser.get("/private", **headers).status == 200
    return visitor, headers


@pytest.mark.parametrize(
    "end",
    [
        lambda fake, visitor: fake.end(visitor),
        lambda fake, _: fake.client().admin.revoke(v1.AdminServiceRevokeRequest(user_id="google_1")),
        lambda fake, _: fake.client().admin.disable_user(v1.DisableUserRequest(user_id="google_1")),
    ],
)
def test_what_ends_at_the_authority_is_over_at_once(
    browser: Browser, fake_authority: FakeAuthority, end: Callable[[FakeAuthority, Visitor], Any]
) -> None:
    visitor, headers = keeping(browser, fake_authority)
    end(fake_authority, visitor)
    assert browser.get("/private", **headers).status == 401


def test_an_authority_in_trouble_vouches_for_nothing(browser: Browser, fake_authority: FakeAuthority) -> None:
    _, headers = keeping(browser, fake_authority)
    fake_authority.away()
    assert browser.get("/private", **headers).status == 503
    fake_authority.recover()
    assert browser.get("/private", **headers).status == 200


def test_a_denial_reaches_who_was_let_in_before(browser: Browser, fake_authority: FakeAuthority) -> None:
    _, headers = keeping(browser, fake_authority)
    fake_authority.deny()
    assert browser.get("/private", **headers).status == 403


def test_a_logout_here_is_over_here(browser: Browser, fake_authority: FakeAuthority) -> None:
    visitor, headers = keeping(browser, fake_authority)
    signed = {**headers, "x-csrf-token": visitor.csrf_token, "origin": "http://testserver"}
    assert browser.send("POST", "/auth/web/logout", **signed).status == 200
    assert browser.get("/private", **headers).status == 401


def test_a_request_that_changes_something_is_always_asked_about(
    browser: Browser, fake_authority: FakeAuthority
) -> None:
    visitor, headers = keeping(browser, fake_authority)
    before = count(fake_authority)
    assert browser.send("POST", "/private", **headers).status == 403
    signed = {**headers, "x-csrf-token": visitor.csrf_token, "origin": "http://testserver"}
    assert browser.send("POST", "/private", **signed).status == 200
    assert browser.get("/scoped", **headers).status == 403
    assert count(fake_authority) == before + 3
