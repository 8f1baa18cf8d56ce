"""The fake authority through the two clients."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from gatelodge import (
    Active,
    Inactive,
    InvalidFieldError,
    MethodUnknownError,
    SessionNotFoundError,
    StoreUnavailableError,
    Token,
    TokenRequirements,
    TokenVerdict,
    UserNotFoundError,
    VersionConflictError,
    _methods,
    v1,
)
from gatelodge.testing import FakeAuthority
from gatelodge.testing.authority import _ANSWERS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


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
        assert session.logged_in_at is not None
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


@pytest.mark.parametrize(
    ("target", "count", "is_counted"),
    [
        ({"session_id": "sid_of_one"}, 1, True),
        ({"user_id": "google_1"}, 2, True),
        ({"provider": "google"}, 3, False),
        ({"provider_session": v1.ProviderSession(provider="google", provider_session_id="s1")}, 2, True),
        ({"provider_session": v1.ProviderSession(provider="github", provider_session_id="s1")}, 0, True),
        ({"tenant": v1.WholeTenant()}, 4, False),
        ({"everything": v1.Everything()}, 4, False),
    ],
)
def test_an_admin_ends_what_they_name_and_learns_before_how_much_that_is(
    target: dict[str, Any], count: int, *, is_counted: bool
) -> None:
    authority = FakeAuthority()
    one = authority.sign_in("google_1", provider_session="s1")
    authority.sign_in("google_1", provider_session="s2")
    authority.sign_in("google_2", provider_session="s1")
    authority.sign_in("github_1")
    target = {name: one.session_id if value == "sid_of_one" else value for name, value in target.items()}
    admin = authority.client().admin
    assert admin.preview_revoke(v1.PreviewRevokeRequest(**target)).count == count
    revoked = admin.revoke(v1.AdminServiceRevokeRequest(**target)).revoked_count
    assert revoked == (count if is_counted else 0)
    assert len(admin.list_sessions(v1.ListSessionsRequest()).sessions) == 4 - count
    with pytest.raises(InvalidFieldError):
        admin.revoke(v1.AdminServiceRevokeRequest())


def test_it_lists_what_a_filter_lets_through() -> None:
    authority = FakeAuthority()
    one = authority.sign_in("google_1", provider_session="s1")
    authority.sign_in("google_1")
    authority.sign_in("github_1", login_age=timedelta(hours=1))
    admin = authority.client().admin
    soon, then = one.info().create_time, one.info().create_time
    then.seconds -= 60
    for fields, count in (
        ({"user_id": "google_1"}, 2),
        ({"provider": "github"}, 1),
        ({"provider": "google", "provider_session_id": "s1"}, 1),
        ({"created_after": then}, 2),
        ({"created_before": then}, 1),
        ({"created_after": soon, "provider": "github"}, 0),
    ):
        assert len(admin.list_sessions(v1.ListSessionsRequest(**fields)).sessions) == count, fields


def test_it_fails_as_it_is_told_to() -> None:
    authority = FakeAuthority()
    authority.fail(MethodUnknownError("no such thing"))
    with pytest.raises(MethodUnknownError, match="no such thing"):
        authority.client().sessions.check(question("x"))


def test_it_has_an_answer_to_every_method() -> None:
    authority = FakeAuthority()
    client, visitor = authority.client(), authority.sign_in("google_1")
    cookies = [v1.Cookie(name="session", value=visitor.credential.encode())]
    (provider,) = client.login.list_providers(v1.LoginServiceListProvidersRequest()).providers
    assert provider.name == "fake"
    refreshed = client.sessions.refresh_tokens(v1.RefreshTokensRequest(cookies=cookies)).refreshed
    (listed,) = client.admin.list_sessions(v1.ListSessionsRequest(user_id="google_1")).sessions
    found = client.admin.get_session(v1.GetSessionRequest(session_id=visitor.session_id)).session
    assert refreshed.session.session_id == listed.info.session_id == found.info.session_id == visitor.session_id
    assert client.is_serving()
    methods = {method.path for method in vars(_methods).values() if isinstance(method, _methods.Method)}
    assert methods - _ANSWERS.keys() == {_methods.GET_EDGE_SETTINGS.path}


def test_it_keeps_attributes_by_their_version() -> None:
    authority = FakeAuthority()
    client, visitor = authority.client(), authority.sign_in()
    cookies = [v1.Cookie(name="session", value=visitor.credential.encode())]
    kept = client.sessions.update_attributes(v1.UpdateAttributesRequest(cookies=cookies, set={"cart": b"7"}))
    assert (kept.attributes.version, kept.attributes.values["cart"]) == (1, b"7")
    with pytest.raises(VersionConflictError):
        client.sessions.update_attributes(v1.UpdateAttributesRequest(cookies=cookies, remove=["cart"]))
    found = client.sessions.get_attributes(v1.GetAttributesRequest(cookies=cookies)).attributes
    assert found == kept.attributes


def test_a_user_who_is_disabled_has_no_session() -> None:
    authority = FakeAuthority()
    client, _ = authority.client(), authority.sign_in("google_1")
    (user,) = client.admin.list_users(v1.ListUsersRequest()).users
    assert user.state == v1.USER_STATE_ACTIVE
    assert client.admin.preview_revoke(v1.PreviewRevokeRequest(user_id="google_1")).count == 1
    assert client.admin.disable_user(v1.DisableUserRequest(user_id="google_1")).revoked_count == 1
    assert client.admin.get_user(v1.GetUserRequest(user_id="google_1")).user.state == v1.USER_STATE_DISABLED
    client.admin.enable_user(v1.EnableUserRequest(user_id="google_1"))
    assert client.admin.delete_user(v1.DeleteUserRequest(user_id="google_1")).revoked_count == 0
    assert client.admin.get_user(v1.GetUserRequest(user_id="google_1")).user.state == v1.USER_STATE_DELETED
    with pytest.raises(UserNotFoundError):
        client.admin.get_user(v1.GetUserRequest(user_id="google_2"))


def test_a_session_that_is_not_there_is_not_found() -> None:
    authority = FakeAuthority()
    visitor = authority.sign_in()
    authority.end(visitor)
    with pytest.raises(SessionNotFoundError):
        authority.client().admin.get_session(v1.GetSessionRequest(session_id=visitor.session_id))
    assert not authority.client().admin.list_sessions(v1.ListSessionsRequest()).sessions
    refresh = v1.RefreshTokensRequest(cookies=[v1.Cookie(name="session", value=visitor.credential.encode())])
    assert authority.client().sessions.refresh_tokens(refresh).inactive.reason == v1.INACTIVE_REASON_REVOKED


def test_it_tells_what_happens_from_where_somebody_was() -> None:
    authority = FakeAuthority()
    client, visitor = authority.client(), authority.sign_in()
    with client.sessions.watch_sessions(v1.WatchSessionsRequest()) as watching:
        first = next(watching)
        authority.end(visitor)
        (event,) = next(watching).events
    assert (first.reset, first.HasField("max_staleness")) == (False, True)
    assert (event.kind, event.session_id) == (v1.SESSION_EVENT_KIND_REVOKED, visitor.session_id)
    later = v1.WatchSessionsRequest(after_position=first.position)
    with client.sessions.watch_sessions(later) as watching:
        assert next(watching).reset, "it remembers nothing, and says so"


async def test_many_are_asked_about_on_one_stream() -> None:
    authority = FakeAuthority()
    visitor = authority.sign_in()
    asked = [
        v1.CheckSessionsRequest(id=1, question=question(visitor.credential)),
        v1.CheckSessionsRequest(id=2, question=question("x")),
    ]
    answers = list(authority.client().sessions.check_sessions(asked))
    assert [(one.id, one.answer.WhichOneof("outcome")) for one in answers] == [(1, "active"), (2, "inactive")]
    authority.fail(StoreUnavailableError("no", code=grpc.StatusCode.UNAVAILABLE))

    async def questions() -> AsyncIterator[v1.CheckSessionsRequest]:
        yield asked[0]

    (failed,) = [one async for one in authority.async_client().sessions.check_sessions(questions())]
    assert (failed.error.code, failed.error.reason) == (14, "STORE_UNAVAILABLE")


def test_a_token_is_good_for_what_it_was_issued_for() -> None:
    authority = FakeAuthority()
    client = authority.client()
    token = authority.issue_token("google_1", scopes=["a"], audiences=["api"], login_age=timedelta(minutes=5))

    def check(**requirements: Any) -> TokenVerdict:
        asked = TokenRequirements(**requirements).message()
        return client.tokens.check(v1.ValidateTokenRequest(token=token.encode(), requirements=asked))

    good = check(scopes=["a"], audience="api", max_login_age=timedelta(minutes=6))
    assert isinstance(good, v1.ActiveToken)
    read = Token.read(good)
    assert (read.user_id, read.audiences, read.client_id, read.claims) == ("google_1", ("api",), None, {})
    other, stale = check(audience="other"), check(max_login_age=timedelta(minutes=4))
    assert isinstance(other, v1.InactiveToken)
    assert other.reason == v1.TOKEN_INACTIVE_REASON_OTHER_AUDIENCE
    assert isinstance(stale, v1.DeniedToken)
    assert stale.reason == v1.TOKEN_DENIED_REASON_LOGIN_TOO_OLD
    assert stale.answer.status == 401
