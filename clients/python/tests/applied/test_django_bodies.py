"""Bodies under ASGI: a login route reads its own, within its own bounds, and other views have what Django has read."""

from __future__ import annotations

import asyncio
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from django.core.asgi import get_asgi_application
from django.http import HttpResponse
from django.test import override_settings
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from starlette.testclient import TestClient

import gatelodge.django
from gatelodge import bodies, v1
from gatelodge.testing import FakeAuthority
from tests.applications import django_app

if TYPE_CHECKING:
    from django.http import HttpRequest

LOGOUT = "/auth/web/logout"
FORM = {"content-type": "application/x-www-form-urlencoded"}


def _form_of(authority: FakeAuthority) -> bytes:
    (asked,) = (asked for _, asked in authority.asked if isinstance(asked, v1.StartLogoutRequest))
    return asked.form


@pytest.mark.parametrize("middleware", [["gatelodge.django.SessionMiddleware"], []])
def test_a_login_routes_body_arrives_with_the_middleware_and_without_it(middleware: list[str]) -> None:
    authority = FakeAuthority()
    with override_settings(MIDDLEWARE=middleware), authority.behind(gatelodge.django):
        application = gatelodge.django.with_lifespan(get_asgi_application())
        got = TestClient(application).post(LOGOUT, content=b"csrf_token=%20x", headers=FORM)
    assert (got.status_code, _form_of(authority)) == (200, b"csrf_token=%20x")


def test_a_view_of_the_projects_own_has_its_body_at_such_a_path_too() -> None:
    @csrf_exempt
    def own(request: HttpRequest) -> HttpResponse:
        return HttpResponse(request.body)

    urls = ModuleType("urls")
    urls.urlpatterns = [path(LOGOUT[1:], own)]  # type: ignore[attr-defined]
    with override_settings(MIDDLEWARE=[], ROOT_URLCONF=urls):
        application = gatelodge.django.with_lifespan(get_asgi_application())
        assert TestClient(application).post(LOGOUT, content=b"a=b", headers=FORM).content == b"a=b"


async def test_a_body_that_stays_away_is_408_and_asks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "WITHIN", 0.05)
    authority, sent = FakeAuthority(), list[Any]()
    scope = {
        "type": "http",
        "method": "POST",
        "path": LOGOUT,
        "raw_path": LOGOUT.encode(),
        "query_string": b"",
        "headers": [(b"content-type", b"application/x-www-form-urlencoded"), (b"content-length", b"9")],
        "client": ("127.0.0.1", 1),
        "server": ("testserver", 80),
        "scheme": "http",
        "http_version": "1.1",
    }

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    with authority.behind(gatelodge.django):
        await asyncio.wait_for(django_app.asgi_app(scope, receive, send), 10)
    assert sent[0]["status"] == 408
    assert "StartLogout" not in [name for name, _ in authority.asked]
