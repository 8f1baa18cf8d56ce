"""What only one framework has."""

import time
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, HTTPException
from fastapi.testclient import TestClient
from flask import Flask, abort
from starlette.websockets import WebSocketDisconnect

import gatelodge.django
import gatelodge.flask
from gatelodge import OptionsError
from gatelodge.fastapi import Gatelodge, Session
from gatelodge.testing import FakeAuthority
from tests.applications import django_app, fastapi_app, flask_app


def test_a_websocket_is_judged_by_its_origin(fake_authority: FakeAuthority) -> None:
    cookies = fake_authority.sign_in(user_id="google_1").cookies
    with fake_authority.behind(fastapi_app.gatelodge):
        client = TestClient(fastapi_app.app, cookies=cookies)
        headers = {"origin": "http://testserver", "upgrade": "websocket"}
        with client.websocket_connect("/socket", headers=headers) as socket:
            assert socket.receive_text() == "google_1"
        with (
            pytest.raises(WebSocketDisconnect),
            client.websocket_connect("/socket", headers={**headers, "origin": "https://evil.example"}),
        ):
            pass


def test_two_dependencies_of_one_request_ask_once(fake_authority: FakeAuthority) -> None:
    gate, app = Gatelodge(), FastAPI()
    gate.install(app)

    @app.get("/")
    async def home(
        one: Annotated[Session, Depends(gate.session)], two: Annotated[Session | None, Depends(gate.optional_session)]
    ) -> bool:
        return one is two

    with fake_authority.behind(gate):
        client = TestClient(app, cookies=fake_authority.sign_in().cookies)
        assert client.get("/").json() is True
    assert [name for name, _ in fake_authority.asked].count("ValidateSession") == 1


def test_the_router_alone_logs_people_in(fake_authority: FakeAuthority) -> None:
    gate, app = Gatelodge(mount_prefix="/app"), FastAPI()
    app.include_router(gate.router())
    with fake_authority.behind(gate):
        client = TestClient(app)
        assert client.get("/app/auth/me").status_code == 401
        assert client.put("/app/auth/me").status_code == 405
        assert client.get("/auth/me").status_code == 404
    assert "/app/auth/me" not in client.get("/openapi.json").json()["paths"]


def test_a_session_without_the_middleware_says_what_to_do() -> None:
    gate, app = Gatelodge(), FastAPI()

    @app.get("/")
    async def home(session: Annotated[Session, Depends(gate.session)]) -> str:
        return session.user_id

    with pytest.raises(RuntimeError, match=r"gatelodge.install\(app\)"):
        TestClient(app).get("/")


def test_missing_settings_are_a_fault_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    gate, app = Gatelodge(), FastAPI()
    gate.install(app)
    with pytest.raises(OptionsError, match="GATELODGE_ADDRESS"), TestClient(app):
        pass
    monkeypatch.setenv("GATELODGE_ADDRESS", "http://127.0.0.1:1")
    for make in (Gatelodge, gatelodge.flask.Gatelodge):
        with pytest.raises(OptionsError, match="GATELODGE_API_KEY"):
            make()


def test_a_flask_view_that_raises_delivers_its_cookies_all_the_same(fake_authority: FakeAuthority) -> None:
    app = Flask(__name__)
    gate = gatelodge.flask.Gatelodge(app)

    @app.get("/gone")
    @gate.session_required
    def gone() -> str:
        abort(410)

    with fake_authority.behind(gate):
        visitor = fake_authority.sign_in(credential="old", renewed_credential="new")
        got = app.test_client(use_cookies=False).get("/gone", headers={"cookie": f"session={visitor.credential}"})
    assert (got.status_code, got.headers["cache-control"], got.headers["vary"]) == (410, "no-store", "Cookie")
    assert got.headers["set-cookie"].startswith("session=new;")
    assert got.headers["x-csrf-token"] == visitor.csrf_token


def test_a_handler_that_fails_delivers_its_cookies_all_the_same(fake_authority: FakeAuthority) -> None:
    gate, app = Gatelodge(), FastAPI()
    gate.install(app)

    @app.get("/fails")
    async def fails(_: Annotated[Session, Depends(gate.session)]) -> str:
        raise ZeroDivisionError

    @app.get("/gone")
    async def gone(_: Annotated[Session, Depends(gate.session)]) -> str:
        raise HTTPException(410)

    with fake_authority.behind(gate):
        for path, status in (("/fails", 500), ("/gone", 410)):
            visitor = fake_authority.sign_in(credential=f"old{path}", renewed_credential=f"new{path}")
            browser = TestClient(app, raise_server_exceptions=False)
            got = browser.get(path, headers={"cookie": f"session={visitor.credential}"})
            assert (got.status_code, got.headers["cache-control"], got.headers["vary"]) == (
                status,
                "no-store",
                "Cookie",
            )
            assert [line.partition(";")[0] for line in got.headers.get_list("set-cookie")] == [f"session=new{path}"]
            assert got.headers["x-csrf-token"] == visitor.csrf_token


@pytest.mark.parametrize("application", [flask_app, django_app])
def test_a_worker_asks_before_the_first_request_does(application: Any, fake_authority: FakeAuthority) -> None:
    """Threads, after a fork: in gunicorn's ``post_worker_init``."""
    gate = gatelodge.django if application is django_app else flask_app.gatelodge
    with fake_authority.behind(gate):
        application.start()
        until = time.monotonic() + 10
        while "GetEdgeSettings" not in [name for name, _ in fake_authority.asked]:
            assert time.monotonic() < until, "nothing is asked"
            time.sleep(0.005)


def test_djangos_asgi_edge_asks_when_its_server_starts(fake_authority: FakeAuthority) -> None:
    with fake_authority.behind(gatelodge.django), TestClient(django_app.asgi_app):
        until = time.monotonic() + 10
        while "GetEdgeSettings" not in [name for name, _ in fake_authority.asked]:
            assert time.monotonic() < until, "nothing is asked"
            time.sleep(0.005)


def test_djangos_asgi_edge_does_not_start_with_a_setting_that_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    def fault() -> None:
        raise OptionsError("GATELODGE_ADDRESS is missing")

    monkeypatch.setattr(gatelodge.django.conf.async_edge(), "start", fault)
    with pytest.raises(OptionsError), TestClient(django_app.asgi_app):
        pass


def test_flask_views_say_what_they_lack(fake_authority: FakeAuthority) -> None:
    app = Flask(__name__)
    app.testing = True
    gate = gatelodge.flask.Gatelodge(app)

    @app.get("/unmarked")
    def unmarked() -> str:
        return gate.session.user_id

    @app.get("/optional")
    @gate.session_optional
    def optional() -> str:
        return gate.session.user_id

    with fake_authority.behind(gate):
        for path, told in (("/unmarked", "session_required or"), ("/optional", "optional_session")):
            with pytest.raises(RuntimeError, match=told):
                app.test_client().get(path)
