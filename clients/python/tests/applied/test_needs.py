"""Everything that a guard can ask of a session or a token, the same in every framework."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

if TYPE_CHECKING:
    from gatelodge.testing import FakeAuthority
    from tests.applied.browsers import Browser, Got

WHO: dict[str, Any] = {
    "email": "ada@example.com",
    "scopes": ["email", "bills"],
    "permissions": ["pay", "write"],
    "roles": ["staff"],
    "acr": "3",
    "amr": ["otp", "pwd"],
}
LESS: list[tuple[str, object, str, str]] = [
    ("scopes", ["bills"], "scope_missing", "Missing scope: email"),
    ("scopes", ["email"], "scope_missing", "Missing scope: orders bills"),
    ("permissions", ["write"], "permission_missing", "Missing permission: pay"),
    ("permissions", ["pay"], "permission_missing", "Missing permission: read write"),
    ("roles", [], "role_missing", "Missing role: staff"),
    ("email_verified", False, "email_not_verified", "A verified email address is needed"),
    ("acr", "1", "acr_missing", "A stronger login is needed"),
    ("amr", ["pwd"], "amr_missing", "A login is needed that uses otp"),
    ("login_age", timedelta(hours=2), "login_too_old", "A fresh login is needed"),
]
LOGINS = {"acr_missing", "amr_missing", "login_too_old"}


def said(got: Got) -> tuple[str, str]:
    body = json.loads(got.body)
    return body["reason"], body["detail"]


def test_whoever_has_everything_gets_in(browser: Browser, fake_authority: FakeAuthority) -> None:
    visitor, token = fake_authority.sign_in(**WHO), fake_authority.issue_token(**WHO)
    assert browser.get("/strict", cookie=f"session={visitor.credential}").status == 200
    assert browser.get("/api/strict", authorization=f"Bearer {token}").status == 200


@pytest.mark.parametrize("less", LESS, ids=lambda less: f"{less[0]}-{less[2]}")
def test_whoever_lacks_one_thing_is_told_which(
    browser: Browser, fake_authority: FakeAuthority, less: tuple[str, object, str, str]
) -> None:
    field, value, reason, detail = less
    who = {**WHO, field: value}
    got = browser.get("/strict", cookie=f"session={fake_authority.sign_in(**who).credential}")
    assert (got.status, *said(got)) == (403, reason, detail)
    assert ("login_path" in json.loads(got.body)) is (reason in LOGINS)
    got = browser.get("/api/strict", authorization=f"Bearer {fake_authority.issue_token(**who)}")
    assert (got.status, *said(got)) == (401 if reason in LOGINS else 403, reason, detail)
    error = "insufficient_user_authentication" if reason in LOGINS else "insufficient_scope"
    assert (got.header("www-authenticate") or "").startswith(f'Bearer error="{error}"')


def test_a_page_that_needs_another_login_leads_there(browser: Browser, fake_authority: FakeAuthority) -> None:
    visitor = fake_authority.sign_in(**{**WHO, "acr": "1"})
    got = browser.get("/strict", cookie=f"session={visitor.credential}", accept="text/html", sec_fetch_mode="navigate")
    assert got.status == 302
    place = urlsplit(got.header("location") or "")
    asked = {name: values[0] for name, values in parse_qs(place.query).items()}
    assert (place.path, asked["acr_values"], asked["max_age"]) == ("/auth/web/login", "2 3", "3600")
    assert asked["redirect_uri"].endswith("/strict")
