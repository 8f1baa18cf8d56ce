"""How an answer of the authority becomes HTTP: all of it, byte for byte, or none of it."""

from gatelodge.v1 import http_answer_pb2, login_pb2

from ..authority import always, changed
from ..case import case, could_not_say, each, equal, guarded, status, true

HttpAnswer, HttpHeader = http_answer_pb2.HttpAnswer, http_answer_pb2.HttpHeader
COOKIE = "session=new; Path=/; HttpOnly"


def _answering(s, **fields):
    answer = HttpAnswer(**{"status": 200, **fields})
    s.rule("StartLogin", always(login_pb2.StartLoginResponse(answer=answer)))
    return s.get("/auth/web/login")


@each(
    {str(code): code for code in (200, 202, 299, 302, 303, 307, 400, 401, 403, 409, 418, 429, 451, 500, 502, 503, 599)}
)
def the_status_x_is_copied(s, code):
    got = guarded(_answering(s, status=code, body=b"x", content_type="text/plain"))
    equal((got.status, got.body), (code, b"x"))


@case
def a_body_is_copied_byte_for_byte(s):
    body = bytes(range(256)) * 40
    got = _answering(s, body=body, content_type="application/octet-stream")
    equal((got.body, got.header("content-type")), (body, "application/octet-stream"))


@case
def a_large_body_is_copied(s):
    body = b"0123456789abcdef" * 16_384
    equal(_answering(s, body=body, content_type="text/plain").body, body)


@each({"with a charset": "text/html; charset=iso-8859-1", "of an unknown kind": 'application/x-y+json; a="b"'})
def a_content_type_x_is_copied_as_it_is(s, kind):
    equal(_answering(s, body=b"\xe9", content_type=kind).header("content-type"), kind)


@each({"iso-8859-1": "text/html; charset=iso-8859-1", "utf-8": "text/html; charset=utf-8"})
def a_content_type_in_x_means_the_same(s, kind):
    """Whatever a server does to the space before it (RFC 9110, 8.3.1)."""
    got = _answering(s, body=b"\xe9", content_type=kind).header("content-type")
    equal([part.strip().lower() for part in got.split(";")], kind.split("; "))


@case
def an_answer_without_a_body_has_none(s):
    equal(_answering(s, status=302, location="/x").body, b"")


@case
def every_cookie_is_a_header_of_its_own_in_this_order(s):
    lines = [
        "b=2; Path=/; Expires=Wed, 21 Oct 2026 07:28:00 GMT",
        'a="1,2"; Path=/',
        "b=3%20; Secure",
        "__Host-x=y==; Path=/; Secure; HttpOnly; SameSite=None; Partitioned",
        "empty=; Path=/; Max-Age=0",
    ]
    equal(_answering(s, set_cookies=lines).all("set-cookie"), lines)


@case
def further_headers_are_copied(s):
    headers = [HttpHeader(name="clear-site-data", value='"cache", "cookies"'), HttpHeader(name="x-odd", value="a  b;=")]
    got = _answering(s, headers=headers)
    equal((got.header("clear-site-data"), got.header("x-odd")), ('"cache", "cookies"', "a  b;="))


@case
def a_header_that_comes_twice_is_copied_twice(s):
    headers = [HttpHeader(name="link", value="</a>; rel=next"), HttpHeader(name="link", value="</b>; rel=prev")]
    equal(_answering(s, headers=headers).all("link"), ["</a>; rel=next", "</b>; rel=prev"])


@each(
    {
        "Cache-Control": ("cache-control", "no-store, private, max-age=0"),
        "Referrer-Policy": ("referrer-policy", "same-origin"),
        "Content-Security-Policy": ("content-security-policy", "default-src 'none'; frame-ancestors 'self'"),
    }
)
def the_authoritys_own_x_stands(s, row):
    name, value = row
    equal(_answering(s, headers=[HttpHeader(name=name, value=value)]).all(name), [value])


@case
def the_authoritys_vary_is_added_to(s):
    got = _answering(s, headers=[HttpHeader(name="vary", value="Accept")])
    true({"accept", "cookie", "origin"} <= got.words("vary"), str(got))


@each({"Cookie": "cookie, Accept", "Origin": "Accept,ORIGIN", "both": "Origin, Cookie"})
def where_the_authoritys_vary_names_x_it_is_not_named_again(s, value):
    got = guarded(_answering(s, headers=[HttpHeader(name="vary", value=value)]))
    true({"cookie", "origin"} <= got.words("vary"), str(got))


@each(
    {
        "a line end in a header": {"headers": [HttpHeader(name="x-a", value="b\r\nset-cookie: evil=1")]},
        "a bare line feed in a header": {"headers": [HttpHeader(name="x-a", value="b\nc: d")]},
        "a bare carriage return in a header": {"headers": [HttpHeader(name="x-a", value="b\rc")]},
        "a zero byte in a header": {"headers": [HttpHeader(name="x-a", value="b\0c")]},
        "a space in a header's name": {"headers": [HttpHeader(name="x a", value="b")]},
        "a colon in a header's name": {"headers": [HttpHeader(name="x:a", value="b")]},
        "a line end in a header's name": {"headers": [HttpHeader(name="x\r\ny", value="b")]},
        "a header without a name": {"headers": [HttpHeader(name="", value="b")]},
        "a line end in the location": {"status": 302, "location": "/x\r\nset-cookie: evil=1"},
        "a zero byte in the location": {"status": 302, "location": "/x\0"},
        "a line end in the content type": {"content_type": "text/html\r\nx: y", "body": b"x"},
        "a line end in a cookie": {"set_cookies": [COOKIE, "a=b\r\nx: y"]},
        "a zero byte in a cookie": {"set_cookies": ["a=b\0", COOKIE]},
        "a length of its own": {"headers": [HttpHeader(name="content-length", value="5")], "body": b"x"},
        "a transfer coding of its own": {"headers": [HttpHeader(name="transfer-encoding", value="chunked")]},
        "a connection header": {"headers": [HttpHeader(name="connection", value="close")]},
        "an upgrade": {"headers": [HttpHeader(name="upgrade", value="websocket")]},
        "a trailer": {"headers": [HttpHeader(name="trailer", value="x")]},
        "a length in capitals": {"headers": [HttpHeader(name="Content-Length", value="0")]},
        "the status 0": {"status": 0},
        "the status 100": {"status": 100},
        "the status 199": {"status": 199},
        "the status 600": {"status": 600},
        "the status 1200": {"status": 1200},
        "the status 4294967295": {"status": 4_294_967_295},
    }
)
def of_an_answer_with_x_nothing_is_copied(s, fields):
    got = could_not_say(_answering(s, **{"set_cookies": [COOKIE], **fields}))
    equal((got.header("location"), got.header("x-a")), (None, None))


@case
def an_answer_that_is_not_there_is_503(s):
    s.rule("StartLogin", always(login_pb2.StartLoginResponse()))
    could_not_say(s.get("/auth/web/login"))


@each(
    {
        "CompleteCallback": ("GET", "/auth/web/callback"),
        "StartLogout": ("POST", "/auth/web/logout"),
        "CompleteLogout": ("GET", "/auth/web/logged-out"),
    }
)
def the_answer_of_x_is_copied_too(s, row):
    def odd(answer):
        answer.answer.CopyFrom(HttpAnswer(status=418, set_cookies=[COOKIE, "a=b"], body=b"\xfftea", content_type="x/y"))

    methods = {"/auth/web/callback": "CompleteCallback", "/auth/web/logout": "StartLogout"}
    s.rule(methods.get(row[1], "CompleteLogout"), changed(odd))
    got = guarded(status(s.request(*row), 418))
    equal((got.all("set-cookie"), got.body, got.header("content-type")), ([COOKIE, "a=b"], b"\xfftea", "x/y"))


@each({"at /auth/me": "/auth/me", "on an application's route": "/private"})
def a_cookie_that_can_be_no_header_x_is_503(s, path):
    def torn(answer):
        answer.active.set_cookies.append("session=x\r\nx: y")

    cookie = s.cookie()
    s.rule("ValidateSession", changed(torn))
    could_not_say(s.get(path, [cookie]))


@case
def a_token_that_can_be_no_header_is_503(s):
    def torn(answer):
        answer.active.csrf_token = "csrf_\r\nx: y"

    cookie = s.cookie()
    s.rule("ValidateSession", changed(torn))
    could_not_say(s.get("/auth/me", [cookie]))


@each({"inactive": "inactive", "denied": "denied"})
def the_answer_of_x_is_copied_whole(s, outcome):
    whole = HttpAnswer(status=418, location="/tea", set_cookies=["a=1", "b=2"], body=b"\xff", content_type="x/y")
    whole.headers.append(HttpHeader(name="x-further", value="1"))

    def said(answer):
        getattr(answer, outcome).answer.CopyFrom(whole)

    for path in ("/auth/me", "/private"):
        s.rule("ValidateSession", changed(said))
        got = status(s.get(path), 418)
        equal((got.all("set-cookie"), got.header("location"), got.body), (["a=1", "b=2"], "/tea", b"\xff"), path)
        equal((got.header("x-further"), got.header("content-type")), ("1", "x/y"), path)
