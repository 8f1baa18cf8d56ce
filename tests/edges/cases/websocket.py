"""A request that opens a WebSocket: its origin alone decides, since no token can come with it."""

from ..case import case, each, equal, error, no_cookie, status
from ..programs import ORIGIN

UPGRADE = [
    ("connection", "Upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
]


@each({"of the edge itself": None, "of an allowed origin": ORIGIN})
def an_upgrade_x_passes(s, origin):
    status(s.get("/private", [s.cookie(), *UPGRADE, ("origin", origin or s.base_url)]), 200)


@each({"of a foreign origin": "https://evil.example", "of the origin null": "null", "of no origin": None})
def an_upgrade_x_is_403(s, origin):
    lines = [("origin", origin)] if origin else []
    no_cookie(error(s.get("/private", [s.cookie(), *UPGRADE, *lines]), 403, "origin_refused"))


@case
def an_upgrade_with_a_token_needs_an_origin_all_the_same(s):
    error(s.get("/private", [*s.with_token(), *UPGRADE]), 403, "origin_refused")


@case
def an_upgrade_without_a_session_is_401_and_no_redirect(s):
    got = s.get("/private", [*UPGRADE, ("origin", s.base_url), ("accept", "text/html")])
    equal(error(got, 401, "not_signed_in").header("location"), None)


@case
def the_upgrade_header_arrives(s):
    s.get("/private", [*UPGRADE, ("origin", s.base_url)])
    equal(s.asked("ValidateSession").context.upgrade, b"websocket")
