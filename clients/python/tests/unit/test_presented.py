from __future__ import annotations

import dataclasses
from dataclasses import replace

import pytest

from gatelodge import asgi, presented, v1, wsgi
from gatelodge.presented import RawRequest
from gatelodge.settings import Limits, Settings

SETTINGS = Settings(
    version="1",
    ask_again_after=60,
    is_https=False,
    session_cookies=frozenset({b"session", b"former"}),
    binding_cookies=frozenset({b"login"}),
    csrf_header="x-csrf-token",
    callbacks=(),
)


def request(*headers: tuple[bytes, bytes], **fields: object) -> RawRequest:
    raw = RawRequest(method=b"GET", target=b"/x?a=%20", query=b"a=%20", headers=headers, peer=None)
    return dataclasses.replace(raw, **fields)  # type: ignore[arg-type]


def cookies(*lines: bytes, settings: Settings = SETTINGS) -> list[tuple[str, bytes]]:
    found = presented.session_cookies(request(*((b"cookie", line) for line in lines)), settings)
    return [(cookie.name, cookie.value) for cookie in found]


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ([b"session=a"], [("session", b"a")]),
        ([b"session=a; session=b"], [("session", b"a"), ("session", b"b")]),
        ([b"session=a", b"x=y;session=b"], [("session", b"a"), ("session", b"b")]),
        ([b"former=a; session=b"], [("former", b"a"), ("session", b"b")]),
        ([b'\t session="a b" \t;x'], [("session", b'"a b"')]),
        ([b"session=a=b%20\xff"], [("session", b"a=b%20\xff")]),
        ([b"session="], [("session", b"")]),
        ([b"session", b"Session=a", b"sessionx=a", b"=session"], []),
        ([b"login=a"], []),
        ([], []),
    ],
)
def test_cookies_are_passed_as_they_came(lines: list[bytes], found: list[tuple[str, bytes]]) -> None:
    assert cookies(*lines) == found


def test_a_login_also_passes_the_binding_cookie() -> None:
    found = presented.login_cookies(request((b"cookie", b"login=l; session=s")), SETTINGS)
    assert [cookie.name for cookie in found] == ["session", "login"]


def test_what_is_too_much_is_cut() -> None:
    limits = Limits(cookie_bytes=3, cookies=2, header_bytes=4, query_bytes=2)
    settings = dataclasses.replace(SETTINGS, limits=limits)
    passed = cookies(b"session=12345; session=b; session=c", settings=settings)
    assert passed == [("session", b"1234"), ("session", b"b")]
    assert presented.query(request(), settings) == b"a=%"
    context = presented.context(request((b"user-agent", b"12345")), settings)
    assert (context.user_agent, context.target) == (b"1234", b"/x?a")


def test_headers_are_joined_but_what_proxies_append_stays_apart() -> None:
    lines = [(b"x-forwarded-for", str(n).encode()) for n in range(70)]
    context = presented.context(
        request((b"accept", b"a"), (b"accept", b"b"), (b"x-csrf-token", b"t"), (b"forwarded", b"for=x"), *lines),
        SETTINGS,
    )
    assert (context.accept, context.csrf_token, list(context.forwarded)) == (b"a, b", b"t", [b"for=x"])
    assert list(context.x_forwarded_for) == [str(n).encode() for n in range(6, 70)], "the last 64"
    assert not context.HasField("origin")


def test_an_empty_header_is_not_an_absent_one() -> None:
    assert presented.context(request((b"origin", b"")), SETTINGS).HasField("origin")


@pytest.mark.parametrize("field", [field.name for field in v1.RequestContext.DESCRIPTOR.fields])
def test_every_field_of_the_context_is_passed_on(field: str) -> None:
    headers = [(header, b"v") for header in presented._SINGLE_HEADERS.values()]
    headers += [(b"x-forwarded-for", b"v"), (b"forwarded", b"v"), (b"x-csrf-token", b"v"), (b"x-place", b"v")]
    context = presented.context(request(*headers, peer="192.0.2.7"), replace(SETTINGS, place_header="x-place"))
    assert field in {f.name for f, _ in context.ListFields()}


@pytest.mark.parametrize(
    ("peer", "passed"),
    [
        ("192.0.2.7", b"192.0.2.7"),
        ("::ffff:192.0.2.7", b"192.0.2.7"),
        ("2001:DB8:0::7", b"2001:db8::7"),
        ("fe80::1%eth0", b"fe80::1"),
        ("testclient", b""),
        (None, b""),
    ],
)
def test_the_peer_is_an_address_without_port(peer: str | None, passed: bytes) -> None:
    assert presented.context(request(peer=peer), SETTINGS).peer_address == passed


@pytest.mark.parametrize("given", [b"", b"a b", b"a" * 65, b"\xff", b"a\n"])
def test_a_request_id_that_is_not_plain_is_replaced(given: bytes) -> None:
    raw = request((b"x-request-id", given))
    assert len(raw.request_id) == 32
    assert raw.request_id == raw.request_id, "and stays the same"
    assert request((b"x-request-id", b"Az_.-9")).request_id == "Az_.-9"


def test_asgi_gives_the_bytes_of_the_request_line() -> None:
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/a b",
        "raw_path": b"/a%20b",
        "query_string": b"q=%2F\xff",
        "headers": [(b"cookie", b"a=\xff")],
        "client": ("192.0.2.7", 1),
    }
    raw = asgi.raw_request(scope)
    assert (raw.target, raw.query, raw.peer) == (b"/a%20b?q=%2F\xff", b"q=%2F\xff", "192.0.2.7")
    assert asgi.raw_request({**scope, "raw_path": None, "query_string": b""}).target == b"/a%20b"


def test_wsgi_gives_the_bytes_behind_latin_1() -> None:
    environ = {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "/app",
        "PATH_INFO": "/a \xc3\xa4",
        "QUERY_STRING": "q=\xff",
        "HTTP_X_CSRF_TOKEN": "t",
        "HTTP_COOKIE": "session=\xff",
        "CONTENT_TYPE": "",
        "CONTENT_LENGTH": "3",
        "REMOTE_ADDR": "192.0.2.7",
    }
    raw = wsgi.raw_request(environ)
    assert (raw.method, raw.target, raw.query) == (b"POST", b"/app/a%20%C3%A4?q=\xff", b"q=\xff")
    assert sorted(raw.headers) == [(b"content-length", b"3"), (b"cookie", b"session=\xff"), (b"x-csrf-token", b"t")]
    assert wsgi.raw_request({**environ, "RAW_URI": "/app/a%20?x"}).target == b"/app/a%20?x"
    assert wsgi.raw_request({**environ, "RAW_URI": "http://evil.example/"}).target.startswith(b"/app/")
