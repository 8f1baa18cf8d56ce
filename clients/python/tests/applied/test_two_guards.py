"""Two guards on one route, the same in every framework: each asks, and the outer one's cookies go out, or none do."""

import json
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient

from gatelodge import errors, v1
from gatelodge.fastapi import Gatelodge, Session, Token
from gatelodge.testing.authority import _ANSWERS, FakeAuthority
from tests.applied.browsers import Browser, Got, asking

INNER = {
    "/both": "/gatelodge.v1.TokenService/ValidateToken",
    "/twice": "/gatelodge.v1.SessionService/ValidateSession",
}
OUTER = INNER["/twice"]
GONE = v1.HttpAnswer(status=401, set_cookies=["session=; Max-Age=0"], body=b"gone")
TOO_LITTLE = v1.HttpAnswer(status=403, body=b"too little")


def rotated(of: str) -> v1.ActiveSession:
    return v1.ActiveSession(
        identity=v1.Identity(user_id=of),
        session=v1.SessionInfo(session_id="sid_1"),
        judged=v1.JudgedRequirements(scopes=["admin"]),
        set_cookies=[f"session={of}"],
        csrf_token=f"csrf_{of}",
    )


def ask(browser: Browser, monkeypatch: pytest.MonkeyPatch, path: str, inner: Any) -> Got:
    """The outer guard's session was rotated; the inner one is answered with this, or fails."""
    answers: list[Any] = [v1.ValidateSessionResponse(active=rotated("outer"))]

    def session(*_: object) -> Any:
        return said(answers.pop(0) if answers else inner)

    def said(answer: Any) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setitem(_ANSWERS, INNER["/both"], lambda *_: said(inner))
    monkeypatch.setitem(_ANSWERS, OUTER, session)
    return browser.get(path, cookie="session=former", authorization="Bearer t")


def test_who_passes_both_is_asked_about_twice(
    browser: Browser, fake_authority: FakeAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = v1.ValidateTokenResponse(active=v1.ActiveToken(identity=v1.Identity(user_id="program")))
    got = ask(browser, monkeypatch, "/both", token)
    assert (got.status, json.loads(got.body)) == (200, {"user_id": "outer"})
    assert (got.all("set-cookie"), got.header("x-csrf-token")) == (["session=outer"], "csrf_outer")
    got = ask(browser, monkeypatch, "/twice", v1.ValidateSessionResponse(active=rotated("inner")))
    assert (got.status, json.loads(got.body)) == (200, {"user_id": "inner"})
    assert got.all("set-cookie") == ["session=outer", "session=inner"], "a browser takes the last"
    assert (got.header("x-csrf-token"), got.header("cache-control")) == ("csrf_inner", "no-store")
    asked = [name for name, _ in fake_authority.asked if name.startswith("Validate")]
    assert asked == ["ValidateSession", "ValidateToken", "ValidateSession", "ValidateSession"]


@pytest.mark.parametrize(
    ("path", "inner", "status", "cookies"),
    [
        ("/both", v1.ValidateTokenResponse(inactive=v1.InactiveToken(answer=GONE)), 401, ["session=; Max-Age=0"]),
        ("/both", v1.ValidateTokenResponse(denied=v1.DeniedToken(answer=TOO_LITTLE)), 403, []),
        ("/twice", v1.ValidateSessionResponse(inactive=v1.InactiveSession(answer=GONE)), 401, ["session=; Max-Age=0"]),
        ("/twice", v1.ValidateSessionResponse(denied=v1.DeniedSession(answer=TOO_LITTLE)), 403, []),
    ],
)
def test_the_inner_ones_refusal_has_what_the_outer_one_delivers(  # noqa: PLR0917
    browser: Browser, monkeypatch: pytest.MonkeyPatch, path: str, inner: Any, status: int, cookies: list[str]
) -> None:
    got = ask(browser, monkeypatch, path, inner)
    assert (got.status, got.all("set-cookie")) == (status, ["session=outer", *cookies])
    assert (got.header("x-csrf-token"), got.header("cache-control")) == ("csrf_outer", "no-store")
    assert (got.header("vary") or "").lower() == "cookie"


@pytest.mark.parametrize("path", INNER)
@pytest.mark.parametrize("inner", [errors.InternalError("a fault"), None])
def test_what_the_inner_one_cant_say_delivers_nothing(
    browser: Browser, monkeypatch: pytest.MonkeyPatch, path: str, inner: Exception | None
) -> None:
    unset = {"/both": v1.ValidateTokenResponse(), "/twice": v1.ValidateSessionResponse()}
    got = ask(browser, monkeypatch, path, inner or unset[path])
    assert (got.status, got.all("set-cookie"), got.header("x-csrf-token")) == (503, [], None)


@pytest.mark.parametrize("path", INNER)
def test_who_does_not_pass_the_outer_one_is_asked_about_once(
    browser: Browser, fake_authority: FakeAuthority, path: str
) -> None:
    assert browser.get(path, authorization="Bearer t").status == 401
    assert [name for name, _ in fake_authority.asked if name.startswith("Validate")] == ["ValidateSession"]


def test_the_middleware_alone_delivers_with_a_refusal_too(
    fake_authority: FakeAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an API has it, which logs nobody in."""
    gate, app = Gatelodge(), FastAPI()
    app.add_middleware(gate.middleware)

    @app.get("/both")
    async def both(_: Annotated[Session, Depends(gate.session)], __: Annotated[Token, Depends(gate.token)]) -> None:
        raise AssertionError

    browser = Browser("fastapi", gate, asking(TestClient(app)))
    with fake_authority.behind(gate):
        inactive = v1.InactiveToken(answer=GONE)
        got = ask(browser, monkeypatch, "/both", v1.ValidateTokenResponse(inactive=inactive))
        assert (got.status, got.all("set-cookie")) == (401, ["session=outer", "session=; Max-Age=0"])
        got = ask(browser, monkeypatch, "/both", v1.ValidateTokenResponse())
        assert (got.status, got.all("set-cookie")) == (503, [])
