from __future__ import annotations

import logging
import sys

import grpc
import pytest

from gatelodge import Edge, InconclusiveError, errors, v1
from gatelodge.settings import Freshness, Settings, Settled


def message(**fields: object) -> v1.EdgeSettings:
    given = {"version": "1", "session_cookie_names": ["session"], "csrf_header": "X-CSRF-Token", **fields}
    return v1.EdgeSettings(**given)  # type: ignore[arg-type]


def answer(version: str = "1", seconds: int = 60, **fields: object) -> v1.GetEdgeSettingsResponse:
    settings = message(version=version, **fields)
    settings.ask_again_after.seconds = seconds
    return v1.GetEdgeSettingsResponse(settings=settings)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("session_cookie_names", []),
        ("csrf_header", "no header\r\n"),
        ("csrf_header", ""),
        ("cors", v1.CorsSettings(allowed_headers=["a\r\nb"])),
    ],
)
def test_what_cannot_be_used_is_named(field: str, value: object) -> None:
    with pytest.raises(InconclusiveError, match=field):
        Settings.read(message(**{field: value}))


def test_a_limit_that_is_not_stated_is_none() -> None:
    settings = Settings.read(message(limits=v1.Limits(max_cookies=4)))
    assert (settings.limits.cookies, settings.limits.query_bytes) == (4, sys.maxsize)
    assert settings.ask_again_after == 60
    assert Settings.read(answer(seconds=0).settings).ask_again_after == 1, "an authority isn't asked in a tight circle"


@pytest.mark.parametrize(
    ("host", "cookie"),
    [
        (b"app.example.com", "app"),
        (b"acme.example.com", "acme"),
        (b"ACME.example.com:8000", "acme"),
        (b"[::1]:8000", "acme"),
        (b"[::1]", "acme"),
        (b"app.example.com:8443", "other"),
        (b"app.example.com:9000", "app"),
        (b"elsewhere.example", "app"),
        (b"acme.example.com, acme.example.com", "app"),
        (b"acme.example.com\xff", "app"),
        (b"", "app"),
    ],
)
def test_settings_are_those_of_the_tenant_whose_host_was_asked(host: bytes, cookie: str) -> None:
    told = v1.GetEdgeSettingsResponse(
        settings=message(session_cookie_names=["app"], hosts=["app.example.com"]),
        others=[
            message(session_cookie_names=["acme"], hosts=["acme.example.com", "[::1]", "app.example.com"]),
            message(session_cookie_names=["other"], hosts=["app.example.com:8443"]),
        ],
    )
    assert Settled.read(told).of(host).session_cookies == {cookie.encode()}
    del told.others[:]
    assert Settled.read(told).of(host).session_cookies == {b"app"}


def test_unusable_settings_of_any_tenant_are_a_failure() -> None:
    told = v1.GetEdgeSettingsResponse(settings=message(), others=[message(csrf_header="")])
    with pytest.raises(InconclusiveError, match="csrf_header"):
        Settled.read(told)


def test_a_failure_leaves_the_last_good_settings_and_pauses_grow() -> None:
    freshness = Freshness(lambda _: None, chance=lambda: 0.0)
    assert freshness.took(answer()) == 60
    away = errors.UnreachableError("away", code=grpc.StatusCode.UNAVAILABLE)
    assert [freshness.failed(away) for _ in range(7)] == [0.5, 1, 2, 4, 5, 5, 5]
    assert freshness.took(answer(csrf_header="no header\r\n")) == 5, "unusable ones are a failure"
    assert freshness.settled is not None
    assert freshness.settled.first.version == "1"
    freshness.took(answer())
    assert freshness.failed(away) == 0.5


def test_a_change_is_told_once() -> None:
    seen: list[str] = []
    freshness = Freshness(lambda settings: seen.append(settings.version))
    for version in ("1", "1", "2"):
        freshness.took(answer(version))
    assert seen == ["1", "2"]
    assert freshness.is_other("3")
    assert not freshness.is_other("2")
    assert not freshness.is_other("")


@pytest.mark.parametrize(
    ("urls", "is_trouble"),
    [
        (["https://a.example/app/auth/web/callback", "http://localhost/auth/web/callback"], False),
        ([], False),
        (["https://a.example/app/auth/web/callback"], True),
    ],
)
def test_a_callback_elsewhere_is_said_loudly(
    urls: list[str], is_trouble: bool, caplog: pytest.LogCaptureFixture
) -> None:
    addresses = [v1.CallbackAddress(route_set=v1.ROUTE_SET_WEB, url=url) for url in urls]
    Edge()._check_callbacks(Settings.read(message(callback_addresses=addresses)))
    errors_told = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert bool(errors_told) is is_trouble


@pytest.mark.parametrize("prefix", ["/", "app", "/app/", "//a", "/{id}", "/a b", "/a?b", "/<x>", "/ä"])
def test_a_mount_prefix_is_a_plain_path(prefix: str) -> None:
    assert Edge(mount_prefix="/a/b-c_d.e~f").path(Edge().routes[0]) == "/a/b-c_d.e~f/auth/web/login"
    with pytest.raises(ValueError, match="mount_prefix"):
        Edge(mount_prefix=prefix)
