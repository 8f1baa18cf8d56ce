"""An edge that keeps answers for a moment while it watches: as good as one that asks each time."""

import contextlib

from ..authority import refused, revoke
from ..browser import FETCH
from ..case import body_is, case, equal, error, status, true

KEEP = {"GATELODGE_KEEP_ANSWERS": "16384"}


@contextlib.contextmanager
def knowing(s):
    """An edge of its own that knows the session behind a cookie, and the headers of that session's unsafe requests."""
    with s.own_edge(environment=KEEP) as e:
        headers = e.with_token()
        e.eventually(lambda: not asks(e, headers[:1]), "an answer is kept")
        yield e, headers


def asks(e, headers, path="/private"):
    """How many questions a request leads to."""
    before = len(e.calls("ValidateSession"))
    status(e.get(path, [*headers, *FETCH]), 200)
    return len(e.calls("ValidateSession")) - before


@case
def what_is_kept_holds_for_every_route_that_needs_no_more(s):
    with knowing(s) as (e, headers):
        e.eventually(
            lambda: [asks(e, headers[:1], path) for path in ("/private", "/optional", "/private?a=b")] == [0, 0, 0],
            "one answer serves three routes",
        )
        body_is(e.get("/optional", headers[:1]), {"user_id": "dev_testuser1"})


@case
def what_an_answer_depends_on_is_asked_about(s):
    with knowing(s) as (e, headers):
        for other in (
            ("user-agent", "another"),
            ("accept-language", "tlh"),
            ("x-forwarded-for", "192.0.2.7"),
            ("forwarded", "for=192.0.2.7"),
            ("x-tenant-id", "another"),
        ):
            before = len(e.calls("ValidateSession"))
            e.get("/private", [headers[0], other, *FETCH])
            true(len(e.calls("ValidateSession")) > before, f"{other[0]} tells clients apart")
        error(e.get("/scoped", [headers[0], *FETCH]), 403, "scope_missing")


@case
def an_unsafe_request_is_always_asked_about(s):
    with knowing(s) as (e, headers):
        for _ in range(3):
            before = len(e.calls("ValidateSession"))
            status(e.post("/private", headers), 200)
            equal(len(e.calls("ValidateSession")) - before, 1)
        error(e.post("/private", headers[:1]), 403, "csrf_mismatch")


@case
def a_logout_is_known_at_once(s):
    with knowing(s) as (e, headers):
        status(e.post("/auth/web/logout", headers), 200)
        error(e.get("/private", [headers[0], *FETCH]), 401, "session_ended")


@case
def what_another_edge_ended_is_heard_of(s):
    with knowing(s) as (e, headers):
        status(s.post("/auth/web/logout", headers), 200)
        e.eventually(lambda: e.get("/private", [headers[0], *FETCH]).status == 401, "the logout is heard of", 1.0)


@case
def what_an_admin_ended_is_heard_of(s):
    with knowing(s) as (e, headers):
        listed = status(e.get("/auth/web/sessions", headers), 200).json()["sessions"]
        own = next(one["session_id"] for one in listed if one["current"])
        revoke(e.authority.address, e.authority.key("admin"), own)
        e.eventually(lambda: e.get("/private", [headers[0], *FETCH]).status == 401, "the revocation is heard of", 1.0)


@case
def while_nothing_is_heard_every_request_is_asked_about(s):
    with knowing(s) as (e, headers):
        e.site.between.rule("WatchSessions", refused("UNAVAILABLE"))
        e.eventually(lambda: all(asks(e, headers[:1]) for _ in range(3)), "it asks each time", 5.0)
        for _ in range(5):
            equal(asks(e, headers[:1]), 1)


@case
def with_the_authority_away_nothing_that_is_kept_outlives_it(s):
    with knowing(s) as (e, headers):
        e.site.valve.shut()
        e.eventually(lambda: e.get("/private", [headers[0], *FETCH]).status == 503, "nobody vouches any more", 5.0)


@case
def an_authority_that_lets_nobody_watch_is_asked_each_time(s):
    with s.own_edge(environment=KEEP, rules={"WatchSessions": refused("PERMISSION_DENIED")}) as e:
        cookie = e.cookie()
        for _ in range(5):
            equal(asks(e, [cookie]), 1)
