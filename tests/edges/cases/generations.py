"""An authority from the past and one from the future: what is not understood is never a yes."""

from gatelodge.v1 import http_answer_pb2, login_pb2, session_pb2

from ..authority import (
    LATER,
    SPINE,
    UNKNOWN_FIELDS,
    UNKNOWN_OUTCOME,
    always,
    changed,
    refused,
    with_unknown_fields,
)
from ..browser import FETCH, NAVIGATION
from ..case import body_is, case, could_not_say, each, equal, error, status, true

METHODS = SPINE | LATER
Answer = session_pb2.ValidateSessionResponse


# The past: requirements that it does not know, it ignores.


def _unjudged(answer):
    answer.active.ClearField("judged")


def _scoped_by_the_past(call, ask):
    call.request.ClearField("requirements")
    return ask(call.request)


@each(
    {
        "the scope": "/scoped",
        "the login's age": "/fresh",
        "the role": "/role",
        "the permission": "/permitted",
        "the email address": "/verified",
        "the login's class": "/strong",
        "the login's method": "/two-factor",
    }
)
def where_x_was_not_judged_it_is_503(s, path):
    cookie = s.cookie()
    s.rule("ValidateSession", _scoped_by_the_past)
    could_not_say(s.get(path, [cookie]))
    could_not_say(s.get(path, [cookie, *NAVIGATION]))


@case
def where_nothing_at_all_was_judged_an_unsafe_request_is_503(s):
    headers = s.with_token()
    s.rule("ValidateSession", changed(_unjudged))
    could_not_say(s.post("/private", headers))


@case
def where_the_token_was_not_judged_an_unsafe_request_is_503(s):
    def no_token(answer):
        answer.active.judged.csrf = False

    headers = s.with_token()
    s.rule("ValidateSession", changed(no_token))
    could_not_say(s.post("/private", headers))


@case
def where_nothing_was_asked_nothing_has_to_be_judged(s):
    cookie = s.cookie()
    s.rule("ValidateSession", changed(_unjudged))
    for path in ("/auth/me", "/private", "/optional"):
        status(s.get(path, [cookie]), 200)


@each({"another scope": ["reader"], "a scope in capitals": ["ADMIN"], "a longer scope": ["admin:all"], "no scope": []})
def where_only_x_was_judged_it_is_503(s, scopes):
    def judged(call, ask):
        answer = _scoped_by_the_past(call, ask)
        answer.active.judged.scopes.extend(scopes)
        return answer

    cookie = s.cookie()
    s.rule("ValidateSession", judged)
    could_not_say(s.get("/scoped", [cookie]))


@each(
    {
        "shorter": (0, 500_000_000, True),
        "as asked for": (1, 0, True),
        "longer": (1, 1, False),
        "much longer": (300, 0, False),
    }
)
def where_the_age_that_was_judged_is_x(s, row):
    seconds, nanos, is_a_yes = row

    def judged(call, ask):
        answer = _scoped_by_the_past(call, ask)
        answer.active.judged.max_login_age.seconds = seconds
        answer.active.judged.max_login_age.nanos = nanos
        return answer

    cookie = s.cookie()
    s.rule("ValidateSession", judged)
    got = s.get("/fresh", [cookie])
    status(got, 200) if is_a_yes else could_not_say(got)


@case
def settings_without_limits_cut_nothing(s):
    def unlimited(answer):
        answer.settings.ClearField("limits")

    with s.own_edge(rules={"GetEdgeSettings": changed(unlimited)}) as e:
        e.get("/auth/me", [("cookie", "session=" + "x" * 9000), ("user-agent", "y" * 6000)])
        asked = e.asked("ValidateSession")
        equal((len(asked.cookies[0].value), len(asked.context.user_agent)), (9000, 6000))


@case
def settings_without_cors_share_with_nobody(s):
    def closed(answer):
        answer.settings.ClearField("cors")

    with s.own_edge(rules={"GetEdgeSettings": changed(closed)}) as e:
        got = status(e.get("/auth/me", [("origin", "http://localhost:5173")]), 401)
        equal([name for name, _ in got.headers if name.startswith("access-control")], [])
        status(e.options("/auth/me", "http://localhost:5173"), 204)


@case
def an_authority_that_knows_only_the_spine_is_enough(s):
    with s.own_edge(rules={method: refused("UNIMPLEMENTED", reason="METHOD_UNKNOWN") for method in LATER}) as e:
        headers = e.with_token()
        form = [*headers, ("content-type", "application/x-www-form-urlencoded")]
        for path in ("userinfo", "sessions", "frontchannel-logout?iss=x"):
            could_not_say(e.get(f"/auth/web/{path}", headers))
        for path in ("userinfo", "refresh", "sessions/revoke", "backchannel-logout"):
            could_not_say(e.post(f"/auth/web/{path}", form, b"end=others"))
        equal({call.method for call in e.calls()} & LATER, LATER - {"CheckSessions", "WatchSessions"})
        body_is(status(e.post("/private", headers), 200), {"user_id": "dev_testuser1"})
        status(e.post("/auth/web/logout", headers), 200)
        error(e.get("/auth/me", headers), 401, "session_ended")


@case
def answers_that_name_no_version_are_taken(s):
    def unnamed(answer):
        answer.settings_version = ""

    with s.own_edge(rules={"ValidateSession": changed(unnamed)}) as e:
        for _ in range(3):
            status(e.get("/auth/me"), 401)
        equal(len(e.site.between.called("GetEdgeSettings")), 1)


@each({"inactive": "inactive", "denied": "denied"})
def x_without_an_answer_gets_the_edges_own(s, outcome):
    def bare(answer):
        getattr(answer, outcome).SetInParent()
        getattr(answer, outcome).ClearField("answer")

    s.rule("ValidateSession", changed(bare))
    for path in ("/auth/me", "/private"):
        got = status(s.get(path, FETCH), 401 if outcome == "inactive" else 403)
        true({"detail", "reason", "request_id"} <= set(got.json()), str(got))


# The future: it says things that nobody here knows.


def _from_the_future(_call, ask):
    return with_unknown_fields(ask())


@case
def unknown_fields_change_nothing(s):
    with s.own_edge(rules=dict.fromkeys(METHODS, _from_the_future)) as e:
        headers = e.with_token()
        status(e.post("/auth/web/refresh", headers), 200)
        status(e.get("/auth/web/userinfo", headers), 200)
        status(e.post("/auth/web/userinfo", headers), 200)
        equal(len(status(e.get("/auth/web/sessions?page_size=1", headers), 200).json()["sessions"]), 1)
        other = status(e.get("/auth/web/sessions", [e.cookie()]), 200).json()["sessions"]
        end = b"end=" + next(one["session_id"] for one in other if one["current"]).encode()
        kind = ("content-type", "application/x-www-form-urlencoded")
        ended = status(e.post("/auth/web/sessions/revoke", [*headers, kind], end), 200)
        equal(ended.json()["revoked_count"], 1)
        error(e.post("/auth/web/backchannel-logout", [kind], b"logout_token=x"), 400, "logout_token_rejected")
        error(e.get("/auth/web/frontchannel-logout?iss=x&sid=y"), 400, "provider_unknown")
        body_is(status(e.post("/private", headers), 200), {"user_id": "dev_testuser1"})
        body_is(status(e.get("/optional"), 200), {"user_id": None})
        error(e.post("/private", headers[:1]), 403, "csrf_mismatch")
        status(e.post("/auth/web/logout", headers), 200)
        error(e.get("/auth/web/logged-out"), 400, "state_invalid")


@each({"unset": b"", "unknown": UNKNOWN_OUTCOME, "unknown fields alone": UNKNOWN_FIELDS})
def an_outcome_that_is_x_is_503(s, raw):
    cookie = s.cookie()
    s.rule("ValidateSession", always(raw))
    for path in ("/auth/me", "/private", "/optional", "/scoped"):
        could_not_say(s.get(path, [cookie]))
        could_not_say(s.get(path, [cookie, *NAVIGATION]))


@case
def an_answer_that_is_no_message_is_503(s):
    s.rule("ValidateSession", always(b"\x0a\xff\xff\xff"))
    could_not_say(s.get("/auth/me"))
    s.rule("StartLogin", always(b"\xff\xff\xff\xff\xff"))
    could_not_say(s.get("/auth/web/login"))


@each({"0": 0, "99": 99, "2147483647": 2_147_483_647, "-1": -1})
def the_inactive_reason_x_is_inactive(s, reason):
    def odd(answer):
        answer.inactive.reason = reason

    s.rule("ValidateSession", changed(odd))
    error(s.get("/auth/me"), 401, "not_signed_in")
    error(s.get("/private", FETCH), 401, "not_signed_in")
    status(s.get("/private", NAVIGATION), 302)
    body_is(status(s.get("/optional"), 200), {"user_id": None})


@case
def an_unknown_inactive_reason_without_an_answer_is_401(s):
    s.rule("ValidateSession", always(Answer(inactive=session_pb2.InactiveSession(reason=99))))
    status(s.get("/auth/me"), 401).json()
    status(s.get("/private", FETCH), 401).json()
    body_is(status(s.get("/optional"), 200), {"user_id": None})


@each({"0": 0, "99": 99, "2147483647": 2_147_483_647})
def the_denied_reason_x_without_an_answer_is_403(s, reason):
    s.rule("ValidateSession", always(Answer(denied=session_pb2.DeniedSession(reason=reason))))
    for path in ("/auth/me", "/private", "/optional"):
        status(s.get(path), 403).json()


@case
def an_unknown_denied_reason_comes_with_its_answer(s):
    answer = http_answer_pb2.HttpAnswer(status=451, body=b"{}", content_type="application/json")
    s.rule("ValidateSession", always(Answer(denied=session_pb2.DeniedSession(reason=99, answer=answer))))
    for path in ("/auth/me", "/private"):
        equal(status(s.get(path), 451).body, b"{}")


@each({"identity": ("identity",), "session facts": ("session",), "both": ("identity", "session")})
def somebody_without_x_is_503(s, fields):
    def nameless(answer):
        for name in fields:
            answer.active.ClearField(name)

    cookie = s.cookie()
    s.rule("ValidateSession", changed(nameless))
    for path in ("/auth/me", "/private", "/optional"):
        could_not_say(s.get(path, [cookie]))


@case
def an_unknown_judgement_of_the_fingerprint_is_no_trouble(s):
    def odd(answer):
        answer.active.judged.fingerprint = 99

    cookie = s.cookie()
    s.rule("ValidateSession", changed(odd))
    status(s.get("/private", [cookie]), 200)


@case
def an_unknown_failure_of_a_login_is_copied(s):
    answer = http_answer_pb2.HttpAnswer(status=409, body=b"{}", content_type="application/json")
    s.rule("CompleteCallback", always(login_pb2.CompleteCallbackResponse(answer=answer, failure=99)))
    status(s.get("/auth/web/callback"), 409)


@case
def an_unknown_error_reason_is_503(s):
    s.rule("ValidateSession", refused("FAILED_PRECONDITION", reason="SOMETHING_NEW", retry_after=3))
    equal(could_not_say(s.get("/auth/me")).header("retry-after"), "3")


@case
def unknown_route_sets_are_none_of_ours(s):
    def more(answer):
        answer.settings.route_sets.extend([77, 78])

    with s.own_edge(rules={"GetEdgeSettings": changed(more)}) as e:
        error(e.get("/auth/me"), 401, "not_signed_in")
        status(e.get("/nothing-here"), 404)


@case
def where_only_unknown_route_sets_are_on_ours_are_not(s):
    def other(answer):
        answer.settings.route_sets[:] = [77]

    with s.own_edge(rules={"GetEdgeSettings": changed(other)}) as e:
        status(e.get("/auth/me"), 404)
        equal(e.calls(), [])
