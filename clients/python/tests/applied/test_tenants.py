"""Several tenants behind one edge, in every framework: a request goes by the settings of whose host it names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gatelodge import ClientOptions, v1
from gatelodge.client import metadata_of
from gatelodge.testing import FakeAuthority
from gatelodge.testing.authority import _ANSWERS
from tests.applied.browsers import BROWSERS, Browser

if TYPE_CHECKING:
    from collections.abc import Iterator

HOSTS = {"app.example": "session", "acme.example": "acme", "ACME.example:8443": "acme", "elsewhere.example": "session"}


class TwoTenants(FakeAuthority):
    """One has the fake's own settings, the other those that differ in all that an edge goes by."""

    def _settings(self) -> v1.GetEdgeSettingsResponse:
        told = super()._settings()
        told.settings.hosts[:] = ["app.example"]
        acme = told.others.add()
        acme.CopyFrom(told.settings)
        acme.hosts[:], acme.session_cookie_names[:] = ["acme.example"], ["acme"]
        acme.csrf_header, acme.public_base_url = "X-Acme", "https://acme.example"
        told.settings.cors.allowed_origins[:] = ["https://spa.session"]
        acme.cors.allowed_origins[:] = ["https://spa.acme"]
        return told

    def _validate(self, question: v1.ValidateSessionRequest, request_id: str) -> v1.ValidateSessionResponse:
        asked = v1.ValidateSessionRequest()
        asked.CopyFrom(question)
        for cookie in asked.cookies:
            cookie.name = "session"
        return super()._validate(asked, request_id)


@pytest.fixture
def two_tenants(monkeypatch: pytest.MonkeyPatch) -> TwoTenants:
    path = "/gatelodge.v1.SessionService/ValidateSession"
    monkeypatch.setitem(_ANSWERS, path, TwoTenants._validate)
    return TwoTenants()


@pytest.fixture(params=BROWSERS)
def browser(request: pytest.FixtureRequest, two_tenants: TwoTenants) -> Iterator[Browser]:
    browser = BROWSERS[request.param]
    with two_tenants.behind(browser.application):
        yield browser


@pytest.mark.parametrize(("host", "tenant"), HOSTS.items())
def test_a_request_goes_by_the_settings_of_its_host(
    browser: Browser, two_tenants: TwoTenants, host: str, tenant: str
) -> None:
    visitor = two_tenants.sign_in(renewed_credential="renewed")
    cookie = f"session={visitor.credential}; acme={visitor.credential}"
    origin, other = f"https://spa.{tenant}", "https://spa.x"
    for path in ("/auth/me", "/private"):
        got = browser.get(path, host=host, cookie=cookie, origin=origin)
        assert got.status == 200
        questions = [asked for _, asked in two_tenants.asked if isinstance(asked, v1.ValidateSessionRequest)]
        assert [cookie.name for cookie in questions[-1].cookies] == [tenant]
        header = {"session": "x-csrf-token", "acme": "x-acme"}
        assert {name: got.header(header[name]) is not None for name in header} == {
            name: name == tenant for name in header
        }
    me = browser.get("/auth/me", host=host, cookie=cookie, origin=origin)
    assert me.header("access-control-allow-origin") == origin
    assert (me.header("strict-transport-security") is not None) is (tenant == "acme")
    for path in ("/auth/me", "/any"):
        for page in ("https://spa.session", "https://spa.acme", other):
            preflight = browser.send("OPTIONS", path, host=host, origin=page, access_control_request_method="GET")
            assert preflight.header("access-control-allow-origin") == (page if page == origin else None)


def test_a_caller_for_several_tenants_names_its_own() -> None:
    options = ClientOptions.from_env(
        {"GATELODGE_ADDRESS": "http://127.0.0.1:1", "GATELODGE_API_KEY": "k", "GATELODGE_TENANT": " acme "}
    )
    assert dict(metadata_of(options, None))["x-tenant-id"] == "acme"
    assert "x-tenant-id" not in dict(metadata_of(ClientOptions("http://127.0.0.1:1", "k"), None))
