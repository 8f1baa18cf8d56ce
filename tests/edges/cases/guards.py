"""A guarded handler that takes every method: none runs without a session, and preflights are the guard's."""

from ..browser import FETCH
from ..case import body_is, case, could_not_say, each, equal, error, guarded, no_cookie, status, true
from ..programs import ORIGIN
from .cors import FOREIGN, kept, shared

METHODS = {name: name for name in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")}
PREFLIGHT = ("access-control-request-method", "GET")


def _never_ran(answer):
    true(answer.status != 200 and b"user_id" not in answer.body, f"the handler ran: {answer}")
    return answer


@each(METHODS)
def x_without_a_session_is_401(s, method):
    got = guarded(no_cookie(_never_ran(status(s.request(method, "/any", FETCH), 401))))
    true(method == "HEAD" or got.json()["reason"] == "not_signed_in", str(got))


@each({name: name for name in METHODS if name != "HEAD"})
def a_dead_cookie_opens_nothing_to_x(s, method):
    got = _never_ran(s.request(method, "/any", [("cookie", "session=dead"), *FETCH]))
    error(got, 401, "not_signed_in")


@each({"GET": "GET", "OPTIONS": "OPTIONS"})
def x_with_a_session_reaches_the_handler(s, method):
    body_is(status(s.request(method, "/any", [s.cookie(), *FETCH]), 200), {"user_id": "dev_testuser1"})


@each({name: name for name in ("POST", "PUT", "PATCH", "DELETE")})
def x_with_a_session_needs_its_token(s, method):
    cookie, token = s.with_token()
    error(_never_ran(s.request(method, "/any", [cookie])), 403, "csrf_mismatch")
    body_is(status(s.request(method, "/any", [cookie, token]), 200), {"user_id": "dev_testuser1"})


@each(
    {
        "no Origin": [PREFLIGHT],
        "no method to ask for": [("origin", ORIGIN)],
        "a foreign Origin alone": [("origin", "https://evil.example")],
    }
)
def options_with_x_is_judged_as_every_request(s, headers):
    error(_never_ran(s.request("OPTIONS", "/any", [*headers, *FETCH])), 401, "not_signed_in")
    equal(len(s.calls("ValidateSession")), 1)


@each({"DELETE": "DELETE", "GET": "GET"})
def a_preflight_for_x_is_answered_by_the_guard(s, method):
    got = shared(guarded(no_cookie(_never_ran(status(s.options("/any", ORIGIN, method), 204)))))
    true("x-csrf-token" in got.words("access-control-allow-headers"), str(got))
    true(got.words("access-control-allow-methods"), str(got))
    true((got.header("access-control-max-age") or "").isdigit(), str(got))
    equal((got.body, s.calls()), (b"", []))


@case
def a_preflight_is_answered_as_on_the_edges_own_routes(s):
    ours, guards = s.options("/auth/me", ORIGIN), s.options("/any", ORIGIN)
    telling = {name for name, _ in ours.headers if name.startswith("access-control-")}
    equal(
        {name: guards.header(name) for name in telling},
        {name: ours.header(name) for name in telling},
    )


@each(FOREIGN)
def a_preflight_from_x_is_told_nothing(s, origin):
    got = kept(guarded(no_cookie(_never_ran(status(s.options("/any", origin), 204)))))
    equal((got.body, s.calls()), (b"", []))


@case
def a_preflight_with_a_session_never_reaches_the_handler(s):
    cookie = s.cookie()
    shared(_never_ran(status(s.options("/any", ORIGIN, headers=[cookie]), 204)))
    kept(_never_ran(status(s.options("/any", "https://evil.example", headers=[cookie]), 204)))
    equal(s.calls("ValidateSession"), [])


@each({"a plain guard": "/private", "a scope": "/scoped", "a fresh login": "/fresh"})
def no_preflight_gets_past_x(s, path):
    for origin in (ORIGIN, "https://evil.example"):
        got = s.options(path, origin)
        true(b"user_id" not in got.body, str(got))
    equal(s.calls("ValidateSession"), [])


@case
def until_there_are_settings_a_preflight_is_503(s):
    with s.own_edge(ready=False, reachable=False) as away:
        could_not_say(_never_ran(away.options("/any", ORIGIN)))


@case
def a_gate_that_only_looks_asks_nobody_about_a_preflight(s):
    s.options("/optional", ORIGIN, headers=[s.cookie()])
    equal(s.calls("ValidateSession"), [])
