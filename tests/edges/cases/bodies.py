"""Bodies, wanted or not, large or odd: none is read into an answer, none is in the way."""

from ..browser import FETCH
from ..case import body_is, case, each, error, status, true

LARGE = b"a" * 1_000_000


@each({"nothing": b"", "1 byte": b"x", "1 MB": LARGE, "bytes": bytes(range(256)) * 10})
def a_body_of_x_reaches_the_application(s, body):
    got = s.post("/private", [*s.with_token(), ("content-type", "application/octet-stream")], body)
    body_is(status(got, 200), {"user_id": "dev_testuser1"})


@case
def a_chunked_body_reaches_the_application(s):
    body = b"5\r\nhello\r\n0\r\n\r\n"
    status(s.post("/private", [*s.with_token(), ("transfer-encoding", "chunked")], body), 200)


@case
def a_denial_comes_however_large_the_body(s):
    error(s.post("/private", [s.cookie()], LARGE), 403, "csrf_mismatch")


@case
def a_401_comes_however_large_the_body(s):
    error(s.post("/private", FETCH, LARGE), 401, "not_signed_in")


@each({"a form": "application/x-www-form-urlencoded", "JSON": "application/json", "nonsense": "x"})
def a_logout_is_led_nowhere_by_x(s, kind):
    got = s.post("/auth/web/logout", [*s.with_token(), ("content-type", kind)], b"redirect_uri=https://evil.example")
    true(b"evil" not in status(got, 200).body and not got.header("location"), str(got))


@case
def a_logout_with_a_large_body_is_answered(s):
    status(s.post("/auth/web/logout", s.with_token(), LARGE), 200)


@case
def a_get_with_a_body_is_answered(s):
    status(s.request("GET", "/auth/me", [s.cookie()], b"{}"), 200)


@case
def a_405_with_a_body_is_answered(s):
    error(s.request("PUT", "/auth/me", [], LARGE), 405, "METHOD_NOT_ALLOWED")


@case
def a_token_in_the_body_does_not_count(s):
    (cookie, (_, token)) = s.with_token()
    kind = ("content-type", "application/x-www-form-urlencoded")
    error(s.post("/private", [cookie, kind], b"x-csrf-token=" + token.encode()), 403, "csrf_mismatch")
