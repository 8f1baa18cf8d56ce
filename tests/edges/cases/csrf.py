"""Unsafe requests to an application's routes: the token and the origin."""

from ..authority import changed
from ..browser import FETCH, NAVIGATION
from ..case import body_is, case, each, equal, error, no_cookie, status, true
from ..programs import ORIGIN


@case
def the_right_token_passes(s):
    body_is(status(s.post("/private", s.with_token()), 200), {"user_id": "dev_testuser1"})


@case
def the_same_token_passes_again(s):
    headers = s.with_token()
    for _ in range(3):
        status(s.post("/private", headers), 200)


@case
def no_token_is_403(s):
    no_cookie(error(s.post("/private", [s.cookie()]), 403, "csrf_mismatch"))


@case
def no_token_is_403_for_a_form_too(s):
    error(s.post("/private", [s.cookie(), *NAVIGATION]), 403, "csrf_mismatch")


@each(
    {
        "garbage": "x",
        "an empty one": "",
        "bytes": b"\xff\xfe",
        "one that looks right": "csrf_" + "A" * 60,
        "10 kB": "c" * 10_000,
    }
)
def x_as_token_is_403(s, token):
    error(s.post("/private", [s.cookie(), ("x-csrf-token", token)]), 403, "csrf_mismatch")


@case
def another_persons_token_is_403(s):
    mine, theirs = s.cookie(0), s.with_token(1)[1]
    error(s.post("/private", [mine, theirs]), 403, "csrf_mismatch")


@case
def another_sessions_token_is_403(s):
    error(s.post("/private", [s.cookie(0), s.with_token(0)[1]]), 403, "csrf_mismatch")


@case
def a_token_that_comes_twice_is_403(s):
    headers = s.with_token()
    error(s.post("/private", [*headers, headers[1]]), 403, "csrf_mismatch")


@each({"the query": "?x-csrf-token={}&csrf_token={}", "a cookie": ""})
def a_token_in_x_does_not_count(s, query):
    (_, cookie), (_, token) = s.with_token()
    cookies = cookie if query else cookie + b"; x-csrf-token=" + token.encode() + b"; csrf_token=" + token.encode()
    error(s.post("/private" + query.format(token, token), [("cookie", cookies)]), 403, "csrf_mismatch")


@case
def a_token_without_a_session_is_401(s):
    error(s.post("/private", [s.with_token()[1], *FETCH]), 401, "not_signed_in")


@each({"GET": "GET", "HEAD": "HEAD"})
def a_stale_token_is_no_trouble_for_x(s, method):
    status(s.request(method, "/private", [s.cookie(), ("x-csrf-token", "stale")]), 200)


@each(
    {
        "the edge's own": None,
        "an allowed one": ORIGIN,
    }
)
def with_the_token_origin_x_passes(s, origin):
    status(
        s.post("/private", [*s.with_token(), ("origin", origin or s.base_url), ("sec-fetch-site", "cross-site")]), 200
    )


@each(
    {
        "foreign": "https://evil.example",
        "null": "null",
        "empty": "",
        "in upper case": ORIGIN.upper(),
        "with another port": "http://localhost:5174",
        "with another scheme": "https://localhost:5173",
        "with a slash": f"{ORIGIN}/",
        "that begins right": f"{ORIGIN}.evil.example",
        "that ends right": "http://evil.localhost:5173",
        "with a path": f"{ORIGIN}/x",
        "with a user": "http://localhost:5173@evil.example",
        "of bytes": b"\xff\xfe",
    }
)
def even_with_the_token_an_origin_x_is_403(s, origin):
    headers = s.with_token()
    no_cookie(error(s.post("/private", [*headers, ("origin", origin)]), 403, "origin_refused"))


@case
def two_origins_are_403(s):
    headers = [*s.with_token(), ("origin", ORIGIN), ("origin", ORIGIN)]
    error(s.post("/private", headers), 403, "origin_refused")


@each({"cross-site": 403, "same-site": 403, "same-origin": 200, "none": 200})
def without_an_origin_sec_fetch_site_counts(s, expected):
    site = {403: ["cross-site", "same-site"], 200: ["same-origin", "none"]}[expected]
    for value in site:
        status(s.post("/private", [*s.with_token(), ("sec-fetch-site", value)]), expected)


@case
def a_foreign_origin_may_read_what_is_safe(s):
    status(s.get("/private", [s.cookie(), ("origin", "https://evil.example")]), 200)


@case
def a_denial_that_is_not_judged_here_stands(s):
    def denied(answer):
        answer.denied.reason = 1
        answer.denied.answer.status = 403
        answer.denied.answer.content_type = "text/plain"
        answer.denied.answer.body = b"no\xff"

    headers = s.with_token()
    s.rule("ValidateSession", changed(denied))
    got = status(s.post("/private", headers), 403)
    equal((got.body, got.header("content-type")), (b"no\xff", "text/plain"))
    true("user_id" not in str(got), "the application never ran")
