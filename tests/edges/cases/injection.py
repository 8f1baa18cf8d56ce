"""Line ends and other tricks in what a browser sends: none reaches a header of an answer."""

from urllib.parse import quote

from ..browser import NAVIGATION
from ..case import case, each, equal, status, true
from ..wire import NoAnswerError

TRICKS = {
    "an encoded line end": "%0d%0aSet-Cookie:%20evil=1",
    "an encoded line feed": "%0aSet-Cookie:%20evil=1",
    "an encoded carriage return": "%0dSet-Cookie:%20evil=1",
    "a line end encoded twice": "%250d%250aSet-Cookie:%20evil=1",
    "a line end in overlong UTF-8": "%c0%8d%c0%8aSet-Cookie:%20evil=1",
    "a line end of Unicode": "%e5%98%8d%e5%98%8aSet-Cookie:%20evil=1",
    "a line separator": "%e2%80%a8Set-Cookie:%20evil=1",
    "a zero byte": "%00Set-Cookie:%20evil=1",
}
PLACES = (
    "/auth/web/login?provider={}",
    "/auth/web/login?provider=dev&redirect_uri=/{}",
    "/auth/web/login?provider=dev&max_age={}",
    "/auth/web/callback?code={}&state=x",
    "/auth/web/callback?code=x&state={}",
    "/auth/web/callback?error={0}&error_description={0}&state=x",
    "/auth/web/logged-out?state={}",
    "/auth/me?x={}",
    "/private?x={}",
    "/auth/web/{}",
)


def _clean(got):
    for name, value in got.headers:
        true("evil" not in name and not value.startswith("evil"), str(got))
        true(name != "set-cookie" or value.startswith(("login_binding=bind_", "session=")), str(got))
    return got


@each(TRICKS)
def x_in_a_parameter_becomes_no_header(s, trick):
    for place in PLACES:
        _clean(s.get(place.format(trick), NAVIGATION))
    _clean(s.post(f"/auth/web/logout?redirect_uri=/{trick}", NAVIGATION))


@each({"a carriage return": b"a\rb", "a zero byte": b"a\0b", "a line feed": b"a\nx-evil: 1"})
def x_within_a_header_is_refused_or_harmless(s, value):
    for name in ("cookie", "x-request-id", "origin", "x-csrf-token", "user-agent"):
        sent = b"session=" + value if name == "cookie" else value
        try:
            got = s.get("/auth/me", [(name, sent)], tagged=name != "x-request-id")
        except NoAnswerError:
            continue
        true(_clean(got).status in (400, 401, 431), f"{name}: {got}")
        true(got.header("access-control-allow-origin") is None, str(got))


@case
def the_name_of_a_page_is_never_markup(s):
    trick = quote('"><script>alert(1)</script>', safe="")
    for path in (f"/auth/web/login?provider={trick}", f"/auth/web/login?provider=dev&redirect_uri={trick}"):
        got = status(s.get(path, NAVIGATION), 400)
        true(b"<script" not in got.body, str(got))


# X-Request-Id: what is plain stays, anything else is replaced.

PLAIN = {
    "one letter": b"a",
    "64 letters": b"a" * 64,
    "every character that is allowed": b"AZaz09-_.",
    "a UUID": b"123e4567-e89b-12d3-a456-426614174000",
}
ODD = {
    "65 letters": b"a" * 65,
    "nothing": b"",
    "a space": b"a b",
    "a slash": b"a/b",
    "quotes": b'"a"',
    "markup": b"<b>",
    "a semicolon": b"a;b",
    "bytes": b"a\xff",
    "letters beyond ASCII": "aé".encode(),
    "a tab": b"a\tb",
    "10 kB": b"a" * 10_240,
}


def _ids(s, sent):
    marker = f"/auth/me?{s.tag}"
    got = s.get(marker, [("x-request-id", sent)], tagged=False)
    calls = s.site.between.called("ValidateSession")
    ids = [call.request_id for call in calls if call.request.context.target == marker.encode()]
    equal(len(ids), 1)
    return got.json()["request_id"], ids[0]


@each(PLAIN)
def a_request_id_of_x_is_kept(s, sent):
    equal(_ids(s, sent), (sent.decode(), sent.decode()))


@each(ODD)
def a_request_id_of_x_is_replaced(s, sent):
    told, passed_on = _ids(s, sent)
    equal(told, passed_on)
    true(told and told.encode("latin-1") != sent and len(told) <= 64, told)
    true(all(c.isascii() and (c.isalnum() or c in "-_.") for c in told), told)


@case
def two_requests_without_an_id_get_two(s):
    first, second = (s.get("/auth/me", tagged=False).json()["request_id"] for _ in range(2))
    true(first != second, first)


@case
def the_edges_own_errors_name_the_request_too(s):
    equal(s.request("PUT", "/auth/me").json()["request_id"], s.tag)
