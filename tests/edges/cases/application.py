"""Sessions on an application's own routes."""

from urllib.parse import parse_qs, quote, urlsplit

from gatelodge.v1.session_pb2 import Requirements
from google.protobuf.duration_pb2 import Duration

from ..authority import changed
from ..browser import FETCH, NAVIGATION, XHR
from ..case import asked_each_time, body_is, case, each, equal, error, guarded, no_cookie, status, true
from ..programs import ORIGIN


@case
def a_route_without_sessions_asks_nobody(s):
    got = status(s.get("/open", [("cookie", "session=x")]), 200)
    equal((got.body, s.calls()), (b"open", []))


@each(
    {
        "an unknown path": "/nothing-here",
        "a path below": "/auth/me/x",
        "a path beside": "/auth/web",
        "a path that only begins so": "/auth/web/loginx",
        "a path in capitals": "/AUTH/ME",
        "another route set": "/v1/auth/google/authorize",
    }
)
def x_is_left_to_the_framework(s, path):
    got = no_cookie(status(s.get(path, [("cookie", "session=x"), *NAVIGATION]), 404))
    equal((s.calls(), got.words("vary") & {"cookie"}), ([], set()))


@case
def an_unknown_path_is_left_alone_whatever_the_method(s):
    for method in ("GET", "POST", "OPTIONS", "DELETE"):
        got = no_cookie(s.request(method, "/nothing-here", [("origin", ORIGIN)]))
        names = {name for name, _ in got.headers if name.startswith("access-control-")}
        equal((got.words("vary") & {"cookie"}, names), (set(), set()), str(got))
    equal(s.calls(), [])


@case
def a_slash_at_the_end_is_another_path(s):
    for path in ("/auth/me/", "/auth/web/login/"):
        got = s.get(path, [s.cookie()])
        true(
            got.status >= 300 and b"user_id" not in got.body and "localhost" not in str(got.header("location")),
            str(got),
        )


@case
def somebody_gets_in(s):
    body_is(status(s.get("/private", [s.cookie()]), 200), {"user_id": "dev_testuser1"})


@each({"a fetch": FETCH, "an old XHR": XHR, "a bare request": [("accept", "*/*")]})
def nobody_is_401_to_x(s, headers):
    guarded(no_cookie(error(s.get("/private", headers), 401, "not_signed_in")))


@each(
    {
        "a path": "/private",
        "a query": "/private?a=b&c=%2F%20d",
    }
)
def a_person_without_a_session_is_sent_to_the_login_and_back_to_x(s, target):
    got = guarded(no_cookie(status(s.get(target, NAVIGATION), 302)))
    equal(got.header("location"), f"/auth/web/login?redirect_uri={quote(target, safe='')}")


@case
def that_redirect_really_leads_back(s):
    browser = s.browser()
    to_login = browser.navigate("/private?x=1").header("location")
    query = urlsplit(to_login).query
    back = browser.log_in(s.authority.provider, query=query)
    equal(back.header("location"), "/private?x=1")
    status(browser.navigate("/private?x=1"), 200)


@case
def a_form_without_a_session_is_401(s):
    error(s.post("/private", NAVIGATION), 401, "not_signed_in")


@each({"POST": "POST", "HEAD": "HEAD"})
def nobody_may_x(s, method):
    status(s.request(method, "/private", FETCH), 401)


@case
def an_xhr_is_never_redirected(s):
    for headers in (FETCH, XHR, [*XHR, ("accept", "text/html")], [("sec-fetch-mode", "cors"), ("accept", "text/html")]):
        for path in ("/private", "/scoped", "/fresh"):
            equal(status(s.get(path, headers), 401).header("location"), None)


@case
def a_session_may_be_optional(s):
    body_is(status(s.get("/optional"), 200), {"user_id": None})
    body_is(status(s.get("/optional", [s.cookie()]), 200), {"user_id": "dev_testuser1"})


@case
def where_it_is_optional_a_dead_cookie_is_nobody(s):
    headers = s.with_token()
    status(s.post("/auth/web/logout", headers), 200)
    body_is(no_cookie(status(s.get("/optional", headers), 200)), {"user_id": None})


@case
def a_person_goes_on_where_a_session_is_optional(s):
    body_is(status(s.get("/optional", NAVIGATION), 200), {"user_id": None})


@case
@asked_each_time
def one_request_is_one_question(s):
    cookie = s.cookie()
    for path in ("/private", "/optional"):
        before = len(s.calls("ValidateSession"))
        s.get(path, [cookie])
        equal(len(s.calls("ValidateSession")) - before, 1, path)


@case
def the_question_says_that_cookies_can_be_delivered(s):
    s.get("/private")
    asked = s.asked("ValidateSession")
    equal((asked.can_set_cookies, asked.issue_csrf_token, asked.answer_json), (True, False, False))
    equal((list(asked.requirements.scopes), asked.requirements.HasField("max_login_age")), ([], False))


@case
def a_preflight_is_not_validated(s):
    s.options("/private", "https://evil.example", "POST", [s.cookie()])
    equal(s.calls("ValidateSession"), [])


@case
def a_cookie_that_is_renewed_is_delivered_with_the_response(s):
    value = s.signed_in().cookie("session")
    for path in ("/private", "/optional"):
        got = status(s.get(path, [("cookie", b"former_session=" + value)]), 200)
        true(got.header("set-cookie").startswith("session=" + value.decode()), str(got))
        true("no-store" in got.words("cache-control") and "cookie" in got.words("vary"), str(got))


@case
def the_scope_that_a_route_needs_is_asked_for(s):
    s.get("/scoped")
    equal(list(s.asked("ValidateSession").requirements.scopes), ["admin"])


NEEDS = {
    "/role": {"roles": ["clerk"]},
    "/permitted": {"permissions": ["orders.pay"]},
    "/verified": {"email_verified": True},
    "/strong": {"acr_values": ["2"]},
    "/two-factor": {"amr_values": ["otp"]},
}


@each({path: (path, needs) for path, needs in NEEDS.items()})
def what_x_needs_is_asked_for(s, row):
    path, needs = row
    s.get(path)
    asked = s.asked("ValidateSession").requirements
    asked.ClearField("csrf")
    equal(asked, Requirements(**needs))


@each({"a fetch": FETCH, "a person": NAVIGATION})
def without_the_scope_x_is_403(s, headers):
    got = guarded(no_cookie(error(s.get("/scoped", [s.cookie(), *headers]), 403, "scope_missing")))
    true("admin" in got.json()["detail"], str(got))


@case
def with_the_scope_somebody_gets_in(s):
    def granted(call, ask):
        del call.request.requirements.scopes[:]
        answer = ask(call.request)
        answer.active.judged.scopes.append("admin")
        return answer

    cookie = s.cookie()
    s.rule("ValidateSession", granted)
    body_is(status(s.get("/scoped", [cookie]), 200), {"user_id": "dev_testuser1"})


@case
def the_age_that_a_route_allows_is_asked_for(s):
    s.get("/fresh")
    equal(s.asked("ValidateSession").requirements.max_login_age, Duration(seconds=1))


def _aged(s):
    cookie = s.cookie()
    s.eventually(
        lambda: s.get("/fresh", [cookie, *FETCH]).status == 403, "a login of more than a second ago is too old"
    )
    return cookie


@case
def a_login_that_is_too_old_is_403_to_a_fetch(s):
    guarded(no_cookie(error(s.get("/fresh", [_aged(s), *FETCH]), 403, "login_too_old")))


@case
def a_person_whose_login_is_too_old_is_sent_to_log_in_again(s):
    got = guarded(no_cookie(status(s.get("/fresh?a=b", [_aged(s), *NAVIGATION]), 302)))
    place, query = got.header("location").split("?", 1)
    equal(place, "/auth/web/login")
    asked = parse_qs(query)
    # Sealed: it says to the authority which session the login is for.
    equal(len(asked.pop("step_up")), 1)
    equal(asked, {"provider": ["dev"], "max_age": ["1"], "prompt": ["login"], "redirect_uri": ["/fresh?a=b"]})


@case
def a_login_that_is_fresh_enough_gets_in(s):
    def lenient(call, ask):
        call.request.requirements.max_login_age.seconds = 300
        answer = ask(call.request)
        answer.active.judged.max_login_age.seconds = 1
        return answer

    cookie = s.cookie()
    s.rule("ValidateSession", lenient)
    body_is(status(s.get("/fresh", [cookie]), 200), {"user_id": "dev_testuser1"})


@case
def a_denied_request_never_reaches_the_application(s):
    def denied(answer):
        answer.denied.reason = 6
        answer.denied.answer.status = 200
        answer.denied.answer.body = b"the authority's"

    cookie = s.cookie()
    s.rule("ValidateSession", changed(denied))
    for path in ("/private", "/optional", "/scoped"):
        equal(s.get(path, [cookie]).body, b"the authority's", path)
