"""My devices: /auth/web/sessions and /auth/web/sessions/revoke."""

import json

from gatelodge.v1 import http_answer_pb2

from ..authority import always, changed
from ..browser import FETCH, NAVIGATION
from ..case import case, could_not_say, each, equal, error, guarded, no_cookie, status, true
from ..programs import ORIGIN, Authority

LIST, REVOKE = "/auth/web/sessions", "/auth/web/sessions/revoke"
JSON = ("content-type", "application/json")
FORM = ("content-type", "application/x-www-form-urlencoded")
OTHERS = b'{"end": "others"}'


def _own(s, cookie):
    """The public id of the session that presents this cookie."""
    listed = status(s.get(LIST, [cookie]), 200).json()["sessions"]
    return next(one["session_id"] for one in listed if one["current"])


@case
def the_users_sessions_are_listed(s):
    cookie = s.cookie()
    listed = guarded(no_cookie(status(s.get(LIST, [cookie]), 200))).json()
    own = next(one for one in listed["sessions"] if one["current"])
    true(own["session_id"].startswith("sid_") and own["created"] <= own["idle_end"] <= own["absolute_end"], str(own))
    true({"device", "place", "client_address", "last_active"} <= set(own), str(own))
    equal(sum(one["current"] for one in listed["sessions"]), 1)
    true("next_page_token" in listed, str(listed))


@case
def head_is_as_get_without_the_body(s):
    equal(guarded(status(s.request("HEAD", LIST, [s.cookie()]), 200)).body, b"")


@case
def pages_are_asked_for_by_the_query(s):
    first, _second = s.cookie(1), s.cookie(1)
    page = status(s.get(f"{LIST}?page_size=1", [first]), 200).json()
    equal(len(page["sessions"]), 1)
    after = status(s.get(f"{LIST}?page_size=1&page_token={page['next_page_token']}", [first]), 200).json()
    true(after["sessions"][0]["session_id"] != page["sessions"][0]["session_id"], str(after))


@each({"a size that is no number": "page_size=x", "a token of nobody's": "page_token=x", "a name twice": "a=1&a=2"})
def a_query_with_x_is_400(s, query):
    no_cookie(error(s.get(f"{LIST}?{query}", [s.cookie()]), 400, "request_malformed"))


@case
def the_query_arrives_undecoded(s):
    s.get(f"{LIST}?page_token=%2f+a&x=%ff", [("cookie", "session=x")])
    asked = s.asked("ListUserSessions")
    equal((asked.query, asked.page_size, asked.page_token), (b"page_token=%2f+a&x=%ff", 0, ""))


@each({"as JSON": (JSON, '{{"end": "{}"}}'), "as a form": (FORM, "end={}")})
def another_session_is_ended_x(s, row):
    kind, text = row
    mine, other = s.with_token(), s.cookie()
    body = text.format(_own(s, other)).encode()
    ended = guarded(no_cookie(status(s.post(REVOKE, [*mine, kind], body), 200))).json()
    equal(ended["revoked_count"], 1)
    error(s.get("/auth/me", [other]), 401, "session_ended")
    status(s.get("/auth/me", mine), 200)
    equal(status(s.post(REVOKE, [*mine, kind], body), 200).json()["revoked_count"], 0)


@case
def the_own_session_is_ended_with_its_cookie(s):
    headers = s.with_token()
    body = json.dumps({"end": _own(s, headers[0])}).encode()
    got = guarded(status(s.post(REVOKE, [*headers, JSON], body), 200))
    true(got.header("set-cookie").startswith("session=;") and "Max-Age=0" in got.header("set-cookie"), str(got))
    error(s.get("/auth/me", headers), 401, "session_ended")


@case
def another_persons_session_is_not_ended(s):
    mine, theirs = s.with_token(0), s.cookie(1)
    body = json.dumps({"end": _own(s, theirs)}).encode()
    equal(status(s.post(REVOKE, [*mine, JSON], body), 200).json()["revoked_count"], 0)
    status(s.get("/auth/me", [theirs]), 200)


@case
def all_others_are_ended_and_nobody_elses(s):
    authority = Authority(f"authority-of-{s.tag}")
    try:
        with s.own_edge(authority=authority) as e:
            mine, others, stranger = e.with_token(0), [e.cookie(0), e.cookie(0)], e.cookie(1)
            equal(len(status(e.get(LIST, mine), 200).json()["sessions"]), 3)
            ended = status(e.post(REVOKE, [*mine, JSON], OTHERS), 200).json()
            equal(ended["revoked_count"], 2)
            for other in others:
                error(e.get("/auth/me", [other]), 401, "session_ended")
                error(e.get("/private", [other, *FETCH]), 401, "session_ended")
            status(e.get("/auth/me", mine), 200)
            status(e.get("/auth/me", [stranger]), 200)
            equal(len(status(e.get(LIST, mine), 200).json()["sessions"]), 1)
    finally:
        authority.close()


@each(
    {
        "nothing": (JSON, b""),
        "no JSON": (JSON, b"others"),
        "a list": (JSON, b"[]"),
        "another word": (JSON, b'{"end": "all"}'),
        "no id": (JSON, b'{"end": "sid_x"}'),
        "a name twice": (JSON, b'{"end": "others", "end": "others"}'),
        "an empty form": (FORM, b""),
        "a body of another kind": (("content-type", "text/plain"), OTHERS),
        "no kind": (("accept", "*/*"), OTHERS),
    }
)
def a_revocation_of_x_is_400_and_ends_nothing(s, row):
    kind, body = row
    headers, other = s.with_token(1), s.cookie(1)
    no_cookie(error(s.post(REVOKE, [*headers, kind], body), 400, "request_malformed"))
    status(s.get("/auth/me", [other]), 200)


@each(
    {
        "JSON": (JSON, "json", b'{"end": "\xff\xc3\xa9"}'),
        "JSON with a charset": (("content-type", "Application/JSON ; charset=utf-8"), "json", b"{}"),
        "a form": (FORM, "form", b"end=%ff+\xfe"),
    }
)
def the_body_arrives_as_it_came_of_x(s, row):
    kind, field, body = row
    s.post(REVOKE, [("cookie", "session=x"), kind], body)
    asked = s.asked("Revoke")
    equal((asked.WhichOneof("target"), getattr(asked, field)), (field, body))


@each(
    {
        "text": [("content-type", "text/plain")],
        "JSON of another kind": [("content-type", "application/json+x")],
    }
)
def a_body_of_x_stays_unread(s, kinds):
    s.post(REVOKE, [("cookie", "session=x"), *kinds], OTHERS)
    asked = s.asked("Revoke")
    equal((asked.WhichOneof("target"), asked.form), ("form", b""))


@case
def of_a_long_body_one_byte_more_than_allowed_arrives(s):
    s.post(REVOKE, [("cookie", "session=x"), JSON], b"y" * 70_000)
    true(len(s.asked("Revoke").json) < 66_000, "cut")


@case
def session_cookies_and_context_go_along(s):
    cookies = ("cookie", "a=b; session=x; login_binding=y; former_session=z; session=w")
    s.get(LIST, [cookies])
    s.post(REVOKE, [cookies, JSON, ("x-csrf-token", "t"), ("origin", ORIGIN)], OTHERS)
    expected = [("session", b"x"), ("former_session", b"z"), ("session", b"w")]
    for method in ("ListUserSessions", "Revoke"):
        equal([(cookie.name, cookie.value) for cookie in s.asked(method).cookies], expected, method)
    context = s.asked("Revoke").context
    equal((context.method, context.target), (b"POST", REVOKE.encode()))
    equal((context.csrf_token, context.origin), (b"t", ORIGIN.encode()))


@case
def nobody_lists_or_ends_sessions(s):
    for headers in (FETCH, NAVIGATION, []):
        guarded(no_cookie(error(s.get(LIST, headers), 401, "not_signed_in")))
        guarded(no_cookie(error(s.post(REVOKE, [*headers, JSON], OTHERS), 401, "not_signed_in")))


@case
def without_the_token_nothing_is_ended(s):
    mine, other = s.cookie(), s.cookie()
    body = json.dumps({"end": _own(s, other)}).encode()
    no_cookie(error(s.post(REVOKE, [mine, JSON], body), 403, "csrf_mismatch"))
    no_cookie(error(s.post(REVOKE, [mine, JSON, ("x-csrf-token", "x")], body), 403, "csrf_mismatch"))
    status(s.get("/auth/me", [other]), 200)


@each({"https://evil.example": "https://evil.example", "null": "null"})
def from_x_nothing_is_ended(s, origin):
    mine, other = s.with_token(), s.cookie()
    body = json.dumps({"end": _own(s, other)}).encode()
    no_cookie(error(s.post(REVOKE, [*mine, JSON, ("origin", origin)], body), 403, "origin_refused"))
    status(s.get("/auth/me", [other]), 200)


@case
def an_allowed_origin_may_read_and_a_foreign_one_may_not(s):
    cookie = s.cookie()
    equal(s.get(LIST, [cookie, ("origin", ORIGIN)]).header("access-control-allow-origin"), ORIGIN)
    got = status(s.get(LIST, [cookie, ("origin", "https://evil.example")]), 200)
    equal([name for name, _ in got.headers if name.startswith("access-control-")], [])


@each({"the list": ("ListUserSessions", "GET", LIST), "a revocation": ("Revoke", "POST", REVOKE)})
def the_answer_of_x_is_copied_whole(s, row):
    method, verb, path = row
    whole = http_answer_pb2.HttpAnswer(status=418, location="/tea", set_cookies=["a=1", "b=2"], body=b"\xff")

    def odd(answer):
        answer.Clear()
        answer.answer.CopyFrom(whole)

    s.rule(method, changed(odd))
    got = guarded(
        status(s.request(verb, path, [("cookie", "session=x"), JSON], OTHERS if verb == "POST" else None), 418)
    )
    equal((got.all("set-cookie"), got.header("location"), got.body), (["a=1", "b=2"], "/tea", b"\xff"))
    s.rule(method, always(b""))
    could_not_say(s.request(verb, path, [JSON], OTHERS if verb == "POST" else None))
