"""Against the real authority: a login in an application, and every call of the clients."""

import logging
import time
from datetime import timedelta
from typing import Annotated

import httpx2
import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient

from gatelodge import (
    Active,
    AsyncClient,
    CallerNotAllowedError,
    CallerUnauthenticatedError,
    Client,
    ClientOptions,
    Inactive,
    InvalidFieldError,
    SessionNotFoundError,
    v1,
)
from gatelodge.fastapi import Gatelodge, Session
from tests.whole.dev import Dev, log_in


def application(dev: Dev, key: str) -> tuple[FastAPI, Gatelodge]:
    gatelodge, app = Gatelodge(ClientOptions(dev.address, key)), FastAPI()
    gatelodge.install(app)

    @app.api_route("/private", methods=["GET", "POST"])
    async def private(session: Annotated[Session, Depends(gatelodge.session)]) -> str:
        return session.user_id

    @app.get("/fresh")
    async def fresh(
        session: Annotated[Session, Depends(gatelodge.require(max_login_age=timedelta(hours=1), scopes=["openid"]))],
    ) -> list[str]:
        return sorted(session.scopes)

    return app, gatelodge


def test_a_person_logs_in_works_and_logs_out(dev: Dev) -> None:
    app, _ = application(dev, dev.keys["edge"])
    with TestClient(app, base_url=dev.base_url, follow_redirects=False) as browser:

        def get(path: str, headers: dict[str, str]) -> httpx2.Response:
            response: httpx2.Response = browser.get(path, headers=headers)
            browser.cookies.clear()
            return response

        assert get("/private", {}).status_code == 401
        cookies = log_in(dev.base_url, get)
        header = {"cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
        me = get("/auth/me", header).json()
        assert (me["user_id"], me["provider"]) == ("dev_testuser1", "dev")
        assert get("/private", header).json() == "dev_testuser1"
        assert "openid" in get("/fresh", header).json()

        assert browser.post("/private", headers=header).json()["reason"] == "csrf_mismatch"
        signed = {**header, "x-csrf-token": me["csrf_token"]}
        assert browser.post("/private", headers=signed).json() == "dev_testuser1"
        session_id = calls(dev, cookies["session"])

        assert browser.post("/auth/web/logout", headers=signed).json()["message"] == "Logged out successfully"
        assert get("/private", header).json()["reason"] == "session_ended"
        with (
            Client(ClientOptions(dev.address, dev.keys["admin"])) as admin,
            pytest.raises(SessionNotFoundError) as caught,
        ):
            admin.for_request("req-1").admin.get_session(v1.GetSessionRequest(session_id=session_id))
        assert caught.value.request_id == "req-1"


def calls(dev: Dev, credential: str) -> str:
    """What a backend and an admin ask about the session; gives its id."""
    cookies = [v1.Cookie(name="session", value=credential.encode())]
    with Client(ClientOptions(dev.address, dev.keys["backend"])) as backend:
        checked = backend.sessions.check(v1.ValidateSessionRequest(cookies=cookies))
        assert isinstance(checked.verdict, Active)
        session = checked.verdict.session
        assert session.created_at <= session.expires_at
        token = backend.sessions.get_access_token(v1.GetAccessTokenRequest(cookies=cookies))
        assert token.access_token.type == "Bearer"
        assert token.access_token.value not in repr(token)
        refreshed = backend.sessions.refresh_tokens(v1.RefreshTokensRequest(cookies=cookies))
        assert refreshed.WhichOneof("outcome") == "refreshed"
        assert backend.login.list_providers(v1.LoginServiceListProvidersRequest()).providers[0].name == "dev"
    with Client(ClientOptions(dev.address, dev.keys["admin"])) as admin:
        (listed,) = admin.admin.list_sessions(v1.ListSessionsRequest(user_id="dev_testuser1")).sessions
        assert listed.info.session_id == session.session_id
        shown = admin.admin.get_session(v1.GetSessionRequest(session_id=session.session_id))
        assert shown.session.identity.user_id == "dev_testuser1"
    return session.session_id


async def test_errors_have_their_class_their_reason_and_the_request_id(dev: Dev) -> None:
    async with AsyncClient(ClientOptions(dev.address, dev.keys["admin"])) as admin:
        assert await admin.is_serving()
        with pytest.raises(InvalidFieldError) as invalid:
            await admin.admin.list_sessions(v1.ListSessionsRequest(page_size=100_000))
        assert [violation.field for violation in invalid.value.field_violations] == ["page_size"]
        with pytest.raises(CallerNotAllowedError, match="GATELODGE_API_KEY"):
            await admin.login.get_edge_settings(v1.GetEdgeSettingsRequest())
        ended = await admin.admin.revoke(v1.AdminServiceRevokeRequest(user_id="dev_nobody"))
        assert ended.revoked_count == 0


def test_a_forged_cookie_is_an_answer_and_no_error(dev: Dev) -> None:
    with Client(ClientOptions(dev.address, dev.keys["backend"])) as client:
        cookies = [v1.Cookie(name="session", value=b"forged\xff")]
        checked = client.sessions.check(v1.ValidateSessionRequest(cookies=cookies))
        assert isinstance(checked.verdict, Inactive)
        assert checked.verdict.reason == v1.INACTIVE_REASON_FORGED
        presented = v1.SessionServiceRevokeRequest(cookies=cookies, presented_session=v1.PresentedSession())
        assert client.sessions.revoke(presented).revoked_count == 0


def test_what_is_kept_ends_when_somebody_else_ends_the_session(dev: Dev) -> None:
    with httpx2.Client(base_url=dev.base_url) as browser:
        credential = log_in(dev.base_url, lambda path, headers: browser.get(path, headers=headers))["session"]
    question = v1.ValidateSessionRequest(cookies=[v1.Cookie(name="session", value=credential.encode())])
    with (
        Client(ClientOptions(dev.address, dev.keys["backend"])) as backend,
        Client(ClientOptions(dev.address, dev.keys["admin"])) as admin,
    ):
        assert backend._keeping is not None
        kept, until = backend._keeping.get().kept, time.monotonic() + 10
        while not len(kept):
            assert time.monotonic() < until, "nothing is kept"
            checked = backend.sessions.check(question)
        assert isinstance(checked.verdict, Active)
        session_id = checked.verdict.session.session_id
        admin.admin.revoke(v1.AdminServiceRevokeRequest(session_id=session_id))
        until = time.monotonic() + 2
        while isinstance(backend.sessions.check(question).verdict, Active):
            assert time.monotonic() < until, "it was never told"


def test_a_wrong_key_says_so_at_once_and_names_the_setting(dev: Dev, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(CallerUnauthenticatedError, match="Check GATELODGE_API_KEY"):
        Client(ClientOptions(dev.address, "wrong")).sessions.check(v1.ValidateSessionRequest())
    app, _ = application(dev, "wrong")
    assert TestClient(app).get("/auth/me").status_code == 503
    told = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "GATELODGE_API_KEY" in told[0].getMessage()
