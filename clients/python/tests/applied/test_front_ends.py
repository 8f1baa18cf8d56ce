"""The route sets ``spa`` and ``api`` before the fake authority, as an application's own tests go through them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from fastapi import FastAPI
from flask import Flask
from starlette.testclient import TestClient

from gatelodge import API, SPA, WEB, AsyncClient, Client, Login, SignedIn, Token, v1
from gatelodge.fastapi import Gatelodge
from gatelodge.flask import Gatelodge as FlaskGatelodge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from gatelodge.testing import FakeAuthority

ALL = [WEB, API, SPA]
START = "/v1/auth/oidc/fake/start?frontend_redirect_uri=/signed-in"
OCTOCAT = {"user_id": "github_583231", "name": "The Octocat", "claims": {"login": "octocat", "company": "@github"}}


@dataclass
class FrontEnd:
    """A page of the application, in a browser that keeps cookies."""

    ask: Callable[..., tuple[int, Any, Mapping[str, str]]]

    def brought(self, path: str = "/login", **headers: str) -> dict[str, str]:
        """Begins a login, and answers what the provider sends back."""
        status, body, _ = self.ask("GET", path, headers={"accept": "application/json", **headers})
        assert status == 200, body
        return dict(parse_qsl(urlsplit(body["url"]).query))

    def forward(self, brought: dict[str, str], **headers: str) -> tuple[int, Any]:
        return self.ask("POST", "/authorize", json=brought, headers=headers)[:2]

    def collect(self, brought: dict[str, str], key: str = "k1") -> tuple[int, Any]:
        headers = {"idempotency-key": key} if key else {}
        return self.ask("POST", "/v1/auth/oidc/session", json=brought, headers=headers)[:2]

    def me(self, token: str) -> tuple[int, Any]:
        return self.ask("GET", "/me", headers={"authorization": f"Bearer {token}"})[:2]


def _fastapi(authority: FakeAuthority, users: Any = None) -> Iterator[FrontEnd]:
    app, gatelodge = FastAPI(), Gatelodge(route_sets=ALL, users=users)
    gatelodge.install(app)
    client = TestClient(app, base_url="http://testserver", follow_redirects=False)

    def ask(method: str, path: str, **how: Any) -> tuple[int, Any, Mapping[str, str]]:
        got = client.request(method, path, **how)
        return got.status_code, got.json() if got.content else None, got.headers

    with authority.behind(gatelodge):
        yield FrontEnd(ask)


def _flask(authority: FakeAuthority) -> Iterator[FrontEnd]:
    app = Flask(__name__)
    gatelodge = FlaskGatelodge(app, route_sets=ALL)
    client = app.test_client()

    def ask(method: str, path: str, **how: Any) -> tuple[int, Any, Mapping[str, str]]:
        got = client.open(path, method=method, base_url="http://testserver", **how)
        return got.status_code, got.get_json(silent=True), dict(got.headers)

    with authority.behind(gatelodge):
        yield FrontEnd(ask)


@pytest.fixture(params=[_fastapi, _flask], ids=["fastapi", "flask"])
def page(request: pytest.FixtureRequest, fake_authority: FakeAuthority) -> Iterator[FrontEnd]:
    yield from request.param(fake_authority)


def test_a_forwarded_code_brings_a_token_and_its_user(page: FrontEnd, fake_authority: FakeAuthority) -> None:
    fake_authority.next_visitor(**OCTOCAT)
    status, body = page.forward(page.brought())
    known = {"id": "github_583231", "login": "octocat", "name": "The Octocat", "company": "@github"}
    user = {**known, "location": None, "email": None, "picture": None}
    assert (status, body["token_type"], body["user"]) == (200, "bearer", user)
    assert page.me(body["access_token"]) == (200, user)


def test_a_code_forwarded_again_brings_another_token_of_the_same_session(
    page: FrontEnd, fake_authority: FakeAuthority
) -> None:
    brought = page.brought()
    first, again = page.forward(brought)[1], page.forward(brought)[1]
    assert first["access_token"] != again["access_token"]
    (session,) = fake_authority.client().admin.list_sessions(v1.ListSessionsRequest()).sessions
    fake_authority.client().admin.revoke(v1.AdminServiceRevokeRequest(session_id=session.info.session_id))
    for token in (first["access_token"], again["access_token"]):
        assert page.me(token)[0] == 401, "a token ends with its session"


def test_what_is_no_end_of_a_login_says_why(page: FrontEnd, fake_authority: FakeAuthority) -> None:
    assert page.forward({"code": "x", "state": "nobodys"})[1]["reason"] == "state_invalid"
    brought = page.brought()
    for sent, status, reason in (
        ({**brought, "code": ""}, 400, "request_malformed"),
        ({**brought, "code": "of another"}, 401, "code_refused"),
        ({"state": brought["state"], "error": "access_denied"}, 403, "access_denied"),
    ):
        got, body = page.forward(sent)
        assert (got, body["reason"]) == (status, reason)
    got, body = page.forward(brought, origin="https://evil.example")
    assert (got, body["reason"]) == (403, "origin_refused")
    page.brought()  # the cookie is of this login from here on
    got, body = page.forward(brought)
    assert (got, body["reason"]) == (400, "other_browser")
    assert not fake_authority.client().admin.list_sessions(v1.ListSessionsRequest()).sessions


def test_a_bad_token_and_a_user_who_is_gone_are_told_apart(page: FrontEnd, fake_authority: FakeAuthority) -> None:
    status, body, headers = page.ask("GET", "/me", headers={"authorization": "Bearer x"})
    assert (status, body["detail"]) == (401, "Could not validate credentials")
    assert headers["www-authenticate"] == "Bearer"
    token = page.forward(page.brought())[1]["access_token"]
    fake_authority.client().admin.delete_user(v1.DeleteUserRequest(user_id="fake_1"))
    status, body = page.me(token)
    assert (status, body["reason"]) == (404, "user_not_found")


def test_a_session_is_collected_once_and_the_same_again_under_its_key(
    page: FrontEnd, fake_authority: FakeAuthority
) -> None:
    fake_authority.next_visitor(user_id="google_1")
    way = page.brought(START, **{"x-tenant-id": "acme"})
    assert page.collect(way)[1]["reason"] == "login_expired", "not before the callback"
    query = f"code={way['code']}&state={way['state']}"
    status, _, headers = page.ask("GET", f"/v1/auth/oidc/fake/callback?{query}")
    assert (status, headers["location"]) == (302, f"/signed-in?{query}")
    assert "set-cookie" not in headers
    assert page.collect(way, "")[1]["reason"] == "idempotency_key_missing"
    status, body = page.collect(way)
    assert (status, body["tenant"], body["user"]["user_id"]) == (201, "default", "google_1")
    assert body["session"]["session_id"].startswith("sid_")
    assert page.collect(way) == (200, body)
    for again, reason in (
        (page.collect({**way, "more": "x"}), "idempotency_key_reused"),
        (page.collect(way, "k2"), "already_complete"),
    ):
        assert (again[0], again[1]["reason"]) == (409, reason)
    assert page.ask("GET", "/auth/me")[1]["user_id"] == "google_1"
    assert page.ask("POST", "/v1/refresh")[1]["reason"] == "api_key_missing"
    status, body, _ = page.ask("POST", "/v1/refresh", headers={"x-api-key": "glk_x"})
    assert (status, sorted(body["session"])) == (200, ["created_at", "expires_at", "idle_expires_at", "last_active_at"])


@pytest.mark.parametrize(
    ("path", "status", "reason"),
    [
        ("/v1/auth/oidc/other/start?frontend_redirect_uri=/", 404, "provider_unknown"),
        ("/v1/auth/oidc/fake/start", 400, "frontend_redirect_uri_missing"),
        ("/v1/auth/oidc/fake/start?frontend_redirect_uri=https://evil.example/", 400, "redirect_not_allowed"),
        ("/v1/auth/oidc/fake/callback?code=fake&state=nobodys", 400, "state_invalid"),
    ],
)
def test_a_login_of_the_api_that_can_not_be_says_why(page: FrontEnd, path: str, status: int, reason: str) -> None:
    got, body, _ = page.ask("GET", path)
    assert (got, body["reason"]) == (status, reason)


class Rows:
    """Users of the application's own, with a token that has their row in it, as in examples/github."""

    def __init__(self, backend: AsyncClient) -> None:
        self.backend = backend
        self.rows: dict[str, int] = {}

    async def signed_in(self, login: Login) -> SignedIn:
        row = self.rows.setdefault(login.sub, len(self.rows) + 1)
        question = v1.MintTokenRequest(token=login.token.encode())
        question.application_claims["user"] = row
        minted = await self.backend.tokens.mint_token(question)
        return SignedIn({"id": row, "is_new": login.is_new}, token=minted.minted.value)

    async def find(self, token: Token) -> Mapping[str, Any] | None:
        return {"id": token.claims["user"]} if token.claims["user"] in self.rows.values() else None


def test_an_applications_own_users_and_claims_go_along(fake_authority: FakeAuthority) -> None:
    fake_authority.next_visitor(**OCTOCAT)
    users = Rows(fake_authority.async_client())
    for page in _fastapi(fake_authority, users):
        _, first = page.forward(page.brought())
        _, again = page.forward(page.brought())
        assert [body["user"] for body in (first, again)] == [{"id": 1, "is_new": True}, {"id": 1, "is_new": False}]
        assert page.me(first["access_token"]) == (200, {"id": 1})
        users.rows.clear()
        assert page.me(first["access_token"])[0] == 404


def test_a_token_of_a_session_is_made_for_whom_a_backend_names(fake_authority: FakeAuthority) -> None:
    client: Client = fake_authority.client()
    visitor = fake_authority.sign_in("google_1")
    cookie = v1.Cookie(name="session", value=visitor.credential.encode())
    minted = client.tokens.mint_token(v1.MintTokenRequest(cookies=[cookie], audience="orders")).minted
    checked = client.tokens.validate_token(v1.ValidateTokenRequest(token=minted.value.encode()))
    assert (checked.active.session.session_id, list(checked.active.audiences)) == (visitor.session_id, ["orders"])
    for nobody in (v1.MintTokenRequest(audience="orders"), v1.MintTokenRequest(token=b"x")):
        assert client.tokens.mint_token(nobody).HasField("inactive")
