"""No cache keeps what belongs to one browser."""

from ..authority import refused
from ..browser import FETCH, NAVIGATION
from ..case import case, each, equal, guarded, status, true


@each(
    {
        "a login": ("GET", "/auth/web/login", NAVIGATION, 302),
        "a login as JSON": ("GET", "/auth/web/login", FETCH, 200),
        "a refused login": ("GET", "/auth/web/login?provider=x", NAVIGATION, 400),
        "a failed callback": ("GET", "/auth/web/callback", NAVIGATION, 400),
        "nobody": ("GET", "/auth/me", FETCH, 401),
        "a logout": ("POST", "/auth/web/logout", FETCH, 200),
        "a logout of a form": ("POST", "/auth/web/logout", NAVIGATION, 303),
        "a refused logout": ("POST", "/auth/web/logout", [("origin", "null")], 403),
        "a failed way back": ("GET", "/auth/web/logged-out", FETCH, 400),
        "a list of sessions": ("GET", "/auth/web/sessions", FETCH, 401),
        "a choice": ("POST", "/auth/web/callback", FETCH, 400),
        "a refresh": ("POST", "/auth/web/refresh", FETCH, 401),
        "user info": ("GET", "/auth/web/userinfo", FETCH, 401),
        "another method": ("PUT", "/auth/me", [], 405),
        "OPTIONS": ("OPTIONS", "/auth/me", [], 204),
        "HEAD": ("HEAD", "/auth/me", [], 401),
    }
)
def the_answer_to_x_is_nobodys_to_keep(s, row):
    method, path, headers, expected = row
    got = guarded(status(s.request(method, path, headers), expected))
    true({"cookie", "origin"} <= got.words("vary"), str(got))
    true(not got.words("cache-control") & {"public", "immutable"}, str(got))
    equal((got.header("etag"), got.header("last-modified")), (None, None))


@case
def the_answer_to_somebody_is_nobodys_to_keep(s):
    got = guarded(status(s.get("/auth/me", [s.cookie()]), 200))
    true({"cookie", "origin"} <= got.words("vary"), str(got))


@case
def a_callback_is_nobodys_to_keep(s):
    guarded(status(s.browser().log_in(s.authority.provider), 302))


@case
def a_503_is_nobodys_to_keep(s):
    s.rule("ValidateSession", refused("INTERNAL"))
    true({"cookie", "origin"} <= guarded(status(s.get("/auth/me"), 503)).words("vary"), "Vary")


@case
def a_conditional_request_gets_a_whole_answer(s):
    cookie = s.cookie()
    for line in (
        ("if-none-match", "*"),
        ("if-modified-since", "Fri, 01 Jan 2100 00:00:00 GMT"),
        ("range", "bytes=0-1"),
    ):
        got = status(s.get("/auth/me", [cookie, line]), 200)
        true(got.json()["user_id"], str(got))


@case
def the_scheme_http_demands_no_https(s):
    for path in ("/auth/me", "/auth/web/login"):
        equal(s.get(path).header("strict-transport-security"), None)


@case
def an_applications_answer_varies_by_cookie(s):
    cookie = s.cookie()
    for path, headers in (("/private", [cookie]), ("/optional", [cookie]), ("/optional", [])):
        true("cookie" in status(s.get(path, headers), 200).words("vary"), path)


@case
def an_applications_answer_without_sessions_is_left_alone(s):
    got = status(s.get("/open"), 200)
    equal((got.header("cache-control"), got.words("vary") & {"cookie"}), (None, set()))
