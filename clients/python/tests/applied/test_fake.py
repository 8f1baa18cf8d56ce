"""The fake authority through the two clients."""

from __future__ import annotations

import pytest

from gatelodge import Active, GatelodgeError, Inactive, MethodUnknownError, v1
from gatelodge.testing import FakeAuthority


def question(credential: str) -> v1.ValidateSessionRequest:
    return v1.ValidateSessionRequest(cookies=[v1.Cookie(name="session", value=credential.encode())])


async def test_somebody_is_signed_in_as_anyone_with_anything() -> None:
    authority = FakeAuthority()
    visitor = authority.sign_in("google_1", name="One", scopes=["a"], claims={"team": "x", "level": 2})
    for checked in (
        authority.client().sessions.check(question(visitor.credential)),
        await authority.async_client().sessions.check(question(visitor.credential)),
    ):
        assert isinstance(checked.verdict, Active)
        session = checked.verdict.session
        assert (session.user_id, session.name, session.email, session.provider) == ("google_1", "One", None, "google")
        assert (sorted(session.scopes), session.claims) == (["a"], {"team": "x", "level": 2})
        assert session.created_at <= session.logged_in_at < session.expires_at


def test_what_ends_a_session_ends_it() -> None:
    authority = FakeAuthority()
    client = authority.client()
    one, two, three = (authority.sign_in("google_1") for _ in range(3))
    authority.end(one)
    cookies = [v1.Cookie(name="session", value=two.credential.encode())]
    presented = v1.PresentedSession()
    revoke = v1.SessionServiceRevokeRequest(cookies=cookies, presented_session=presented)
    assert client.sessions.revoke(revoke).revoked_count == 1
    assert client.admin.revoke(v1.AdminServiceRevokeRequest(user_id="google_1")).revoked_count == 1
    for visitor in (one, two, three):
        checked = client.sessions.check(question(visitor.credential))
        assert isinstance(checked.verdict, Inactive)
        assert checked.verdict.reason == v1.INACTIVE_REASON_REVOKED


def test_it_fails_as_it_is_told_to() -> None:
    authority = FakeAuthority()
    authority.fail(MethodUnknownError("no such thing"))
    with pytest.raises(MethodUnknownError, match="no such thing"):
        authority.client().sessions.check(question("x"))


def test_what_it_does_not_know_it_says() -> None:
    with pytest.raises(GatelodgeError, match="ListProviders"):
        FakeAuthority().client().login.list_providers(v1.LoginServiceListProvidersRequest())
