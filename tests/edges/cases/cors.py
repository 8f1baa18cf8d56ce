"""Other origins: what they may read of the edge's routes, and what a preflight is told."""

from ..authority import refused
from ..browser import FETCH
from ..case import case, each, equal, guarded, status, true
from ..programs import ORIGIN
from .methods import ROUTES

FOREIGN = {
    "a foreign origin": "https://evil.example",
    "the origin null": "null",
    "an empty origin": "",
    "a star": "*",
    "an origin in upper case": "HTTP://LOCALHOST:5173",
    "an origin with another port": "http://localhost:51730",
    "an origin with another scheme": "https://localhost:5173",
    "an origin with a slash": f"{ORIGIN}/",
    "an origin that begins right": f"{ORIGIN}.evil.example",
    "an origin that ends right": "http://evil.example/?http://localhost:5173",
    "an origin with a user": "http://x@localhost:5173",
    "a list of origins": f"{ORIGIN}, {ORIGIN}",
    "an origin of bytes": b"http://localhost:5173\xff",
}


def shared(answer, origin=ORIGIN):
    """This origin may read the answer, with its cookies."""
    equal(answer.header("access-control-allow-origin"), origin, str(answer))
    equal(answer.header("access-control-allow-credentials"), "true", str(answer))
    true("origin" in answer.words("vary"), f"Vary: Origin: {answer}")
    return answer


def kept(answer):
    """No origin may read the answer, and caches know that others might."""
    names = [name for name, _ in answer.headers if name.startswith("access-control-")]
    equal(names, [], str(answer))
    true("origin" in answer.words("vary"), f"Vary: Origin: {answer}")
    return answer


@case
def an_allowed_origin_may_read_with_credentials(s):
    got = shared(status(s.get("/auth/me", [s.cookie(), ("origin", ORIGIN)]), 200))
    true("x-csrf-token" in got.words("access-control-expose-headers"), str(got))


@each(FOREIGN)
def x_may_read_nothing(s, origin):
    kept(status(s.get("/auth/me", [s.cookie(), ("origin", origin)]), 200))


@case
def two_origin_headers_may_read_nothing(s):
    kept(s.get("/auth/me", [("origin", ORIGIN), ("origin", ORIGIN)]))


@case
def a_request_without_origin_is_told_nothing(s):
    kept(s.get("/auth/me"))


@each(
    {
        "a 401": ("GET", "/auth/me", 401),
        "a 405": ("DELETE", "/auth/me", 405),
        "a 400": ("GET", "/auth/web/login?provider=nobody", 400),
        "a logout": ("POST", "/auth/web/logout", 200),
        "a login": ("GET", "/auth/web/login", 200),
        "a way back": ("GET", "/auth/web/logged-out", 400),
    }
)
def an_allowed_origin_may_read_x(s, row):
    method, path, expected = row
    shared(guarded(status(s.request(method, path, [("origin", ORIGIN), *FETCH]), expected)))


@case
def an_allowed_origin_may_read_a_403(s):
    shared(status(s.post("/auth/web/logout", [s.cookie(), ("origin", ORIGIN)]), 403))


@case
def an_allowed_origin_may_read_a_503(s):
    s.rule("ValidateSession", refused("INTERNAL"))
    shared(status(s.get("/auth/me", [("origin", ORIGIN)]), 503))


@case
def a_foreign_origin_may_not_read_a_503(s):
    s.rule("ValidateSession", refused("INTERNAL"))
    kept(status(s.get("/auth/me", [("origin", "https://evil.example")]), 503))


@each({path: (path, taken) for path, taken in ROUTES.items()})
def a_preflight_for_x_is_answered(s, row):
    path, taken = row
    got = shared(guarded(status(s.options(path, ORIGIN, next(iter(taken))), 204)))
    true(taken <= {word.upper() for word in got.words("access-control-allow-methods")}, str(got))
    true("x-csrf-token" in got.words("access-control-allow-headers"), str(got))
    true((got.header("access-control-max-age") or "").isdigit(), str(got))
    equal((got.body, s.calls()), (b"", []))


@each(FOREIGN)
def a_preflight_from_x_is_told_nothing(s, origin):
    got = kept(guarded(status(s.options("/auth/me", origin), 204)))
    true(got.words("allow"), "Allow all the same")


@case
def a_preflight_with_a_cookie_is_not_validated(s):
    shared(status(s.options("/auth/me", ORIGIN, headers=[s.cookie()]), 204))
    equal(s.calls("ValidateSession"), [])


@case
def no_answer_ever_says_star(s):
    for method, path in (("GET", "/auth/me"), ("OPTIONS", "/auth/me"), ("GET", "/auth/web/login"), ("PUT", "/auth/me")):
        got = s.request(method, path, [("origin", "*"), ("access-control-request-method", "GET")])
        true("*" not in [value for name, value in got.headers if name.startswith("access-control-")], str(got))
