"""Front ends that forward the code and hold a token: /login, /authorize and /me."""

import json
from urllib.parse import parse_qs, parse_qsl, urlsplit

from gatelodge.v1 import login_pb2

from ..authority import UNKNOWN_OUTCOME, always, changed
from ..browser import FETCH, NAVIGATION
from ..case import body_is, case, could_not_say, each, equal, error, guarded, no_cookie, status, true
from ..programs import ORIGIN
from ..route_set import RouteSet, fails, goes_on

JSON = [("content-type", "application/json")]
SPA = login_pb2.ROUTE_SET_SPA
NAMES = ["company", "email", "id", "location", "login", "name", "picture"]
SET = RouteSet(
    {"/login": "GET", "/authorize": "POST", "/me": "GET"}, ("StartLogin", "CompleteCallback", "ValidateToken")
)


def _bearer(token: str, scheme: str = "Bearer"):
    return [("authorization", f"{scheme} {token}")]


def _brought(s, browser, user: int = 0) -> dict[str, str]:
    """Begins a login, and answers what the provider sends to the front end's page."""
    began = status(browser.get("/login", FETCH), 200)
    page = browser.fill_in(browser.navigate(began.json()["url"]), s.authority.provider, user)
    true(page.startswith(f"{ORIGIN}/auth/dev?"), page)
    return dict(parse_qsl(urlsplit(page).query))


def _forward(browser, brought: dict[str, str], headers=()):
    return browser.post("/authorize", [*JSON, ("origin", ORIGIN), *headers], json.dumps(brought).encode())


def _token(s) -> str:
    browser = s.browser()
    return status(_forward(browser, _brought(s, browser)), 200).json()["access_token"]


@case
def a_login_is_an_address_for_a_script_and_binds_its_browser(s):
    for headers in (FETCH, NAVIGATION, []):
        got = guarded(status(s.get("/login", headers), 200))
        url = got.json()["url"]
        true(url.startswith(s.authority.provider) and got.header("location") is None, str(got))
        equal(parse_qs(urlsplit(url).query)["redirect_uri"], [f"{ORIGIN}/auth/dev"])
        binding = got.all("set-cookie")
        true(len(binding) == 1 and binding[0].startswith("login_binding=bind_"), f"the binding alone: {got}")


@case
def the_login_route_passes_on_its_query_and_cookies(s):
    s.get("/login?provider=dev&a=%20b", [("cookie", "login_binding=b1; other=o")])
    asked = s.asked("StartLogin")
    equal((asked.route_set, asked.query), (SPA, b"provider=dev&a=%20b"))
    equal([cookie.value for cookie in asked.cookies], [b"b1"])
    equal(asked.context.target, b"/login?provider=dev&a=%20b")


@case
def a_forwarded_code_brings_a_token_and_its_user(s):
    browser = s.browser()
    got = no_cookie(guarded(status(_forward(browser, _brought(s, browser)), 200)))
    body = got.json()
    equal((sorted(body), body["token_type"]), (["access_token", "token_type", "user"], "bearer"))
    user = body["user"]
    equal((sorted(user), user["id"], user["company"]), (NAMES, "dev_testuser1", None))
    equal(got.header("access-control-allow-origin"), ORIGIN)
    body_is(guarded(status(s.get("/me", _bearer(body["access_token"])), 200)), user)


@case
def a_body_is_passed_on_as_it_came(s):
    body = b'{ "code": "\\u0063", "state":"s"}'
    s.post("/authorize", [("content-type", "Application/JSON; charset=utf-8"), ("cookie", "login_binding=b1")], body)
    asked = s.asked("CompleteCallback")
    equal((asked.route_set, asked.WhichOneof("response"), asked.json), (SPA, "json", body))
    equal([(cookie.name, cookie.value) for cookie in asked.cookies], [("login_binding", b"b1")])


@each(
    {
        "no body": ([], b""),
        "a form": ([("content-type", "application/x-www-form-urlencoded")], b"code=x&state=y"),
        "plain text": ([("content-type", "text/plain")], b'{"code":"x","state":"y"}'),
    }
)
def x_is_400_and_says_what_to_send(s, row):
    headers, body = row
    got = error(no_cookie(guarded(s.post("/authorize", headers, body))), 400, "request_malformed")
    true("application/json" in got.json()["detail"], str(got))


@each(
    {
        "no state": ({"code": "x"}, "state_invalid"),
        "nothing": ({}, "state_invalid"),
        "a forged state": ({"code": "x", "state": "AQAAAAG" + "A" * 69}, "state_invalid"),
    }
)
def a_body_with_x_is_400(s, row):
    body, reason = row
    error(no_cookie(guarded(s.post("/authorize", JSON, json.dumps(body).encode()))), 400, reason)


@case
def a_body_without_a_code_is_400_and_spends_nothing(s):
    browser = s.browser()
    brought = _brought(s, browser)
    error(_forward(browser, {"state": brought["state"]}), 400, "request_malformed")
    status(_forward(browser, brought), 200)


@case
def a_code_in_another_browser_brings_nothing(s):
    brought, other = _brought(s, s.browser()), s.browser()
    error(no_cookie(_forward(other, brought)), 400, "other_browser")
    other.get("/login", FETCH)
    error(no_cookie(_forward(other, brought)), 400, "other_browser")


@case
def a_code_forwarded_again_brings_a_token_of_the_same_session(s):
    browser = s.browser()
    brought = _brought(s, browser)
    first, again = _forward(browser, brought).json(), status(_forward(browser, brought), 200).json()
    equal(again["user"], first["user"])
    true(again["access_token"] != first["access_token"], "each is a token of its own")
    for token in (first["access_token"], again["access_token"]):
        status(s.get("/me", _bearer(token)), 200)


@case
def a_page_of_another_origin_can_forward_nothing(s):
    browser = s.browser()
    brought = _brought(s, browser)
    body = json.dumps(brought).encode()
    for origin in ("https://evil.example", "null"):
        error(no_cookie(browser.post("/authorize", [*JSON, ("origin", origin)], body)), 403, "origin_refused")
    status(_forward(browser, brought), 200)


@case
def a_refusal_at_the_provider_is_told(s):
    browser = s.browser()
    brought = _brought(s, browser)
    refusal = {"error": "access_denied", "state": brought["state"], "iss": brought["iss"]}
    error(no_cookie(_forward(browser, refusal)), 403, "access_denied")


@case
def a_login_of_the_other_set_is_none_of_this_one(s):
    browser = s.browser()
    brought = dict(parse_qsl(urlsplit(browser.callback_address(s.authority.provider)).query))
    error(no_cookie(_forward(browser, brought)), 400, "state_invalid")


@each(
    {
        "no header": [],
        "another scheme": [("authorization", "Basic eDp5")],
        "an empty token": [("authorization", "Bearer ")],
        "a bad token": _bearer("x.y.z"),
        "a token in the query": [],
    }
)
def x_is_401_with_the_challenge(s, headers):
    got = error(no_cookie(guarded(s.get("/me?access_token=x", headers))), 401, s.get("/me", headers).json()["reason"])
    equal((got.header("www-authenticate"), got.json()["detail"]), ("Bearer", "Could not validate credentials"))


@case
def of_two_tokens_none_counts(s):
    token = _token(s)
    status(s.get("/me", [*_bearer(token), *_bearer(token)]), 401)


@case
def the_scheme_is_compared_without_case(s):
    token = _token(s)
    for scheme in ("bearer", "BEARER", "bEaReR"):
        status(s.get("/me", _bearer(token, scheme)), 200)


@case
def the_token_and_what_was_seen_are_passed_on(s):
    s.get("/me", [*_bearer("a%20b"), ("x-tenant-id", "t")])
    asked = s.asked("ValidateToken")
    equal((asked.token, asked.answer_user, asked.context.x_tenant_id), (b"a%20b", True, b"t"))


@case
def a_head_of_the_user_is_as_a_get_without_its_body(s):
    got = status(s.request("HEAD", "/me", _bearer(_token(s))), 200)
    equal(got.body, b"")


@case
def a_yes_without_an_answer_is_503(s):
    s.rule("ValidateToken", changed(lambda answer: answer.active.ClearField("answer")))
    could_not_say(s.get("/me", _bearer(_token(s))))


@case
def an_outcome_from_the_future_is_503(s):
    s.rule("ValidateToken", always(UNKNOWN_OUTCOME))
    could_not_say(s.get("/me", _bearer("x")))


@each(
    {
        "StartLogin": ("StartLogin", "GET", "/login"),
        "CompleteCallback": ("CompleteCallback", "POST", "/authorize"),
        "ValidateToken": ("ValidateToken", "GET", "/me"),
    }
)
def x_that_fails_is_503(s, row):
    fails(s, *row, JSON)


@each(
    {
        "/login": ("HEAD", "/login", "GET, OPTIONS"),
        "/authorize": ("GET", "/authorize", "POST, OPTIONS"),
        "/me": ("POST", "/me", "GET, HEAD, OPTIONS"),
    }
)
def another_method_is_405_at_x(s, row):
    SET.refuses(s, *row)


@case
def a_preflight_lets_a_front_end_send_its_token(s):
    for path, method in (("/me", "GET"), ("/authorize", "POST")):
        got = status(s.options(path, ORIGIN, method), 204)
        equal(got.header("access-control-allow-origin"), ORIGIN)
        true({"authorization", "content-type"} <= set(got.words("access-control-allow-headers")), str(got))
    equal(status(s.options("/me", "https://evil.example"), 204).header("access-control-allow-origin"), None)


@case
def a_set_that_is_off_is_an_unknown_path(s):
    SET.is_unknown_when_off(s)


@case
def a_set_that_was_not_mounted_is_an_unknown_path(s):
    SET.is_unknown_when_not_mounted(s)


@case
def a_prefix_stands_before_this_set_too(s):
    with s.own_edge(prefix="/app") as e:
        status(e.get("/app/login", FETCH), 200)
        status(e.get("/app/me"), 401)
        status(e.get("/login"), 404)


@each(
    {
        "a login": ("StartLogin", "GET", "/login", None),
        "a forwarded code": ("CompleteCallback", "POST", "/authorize", b"{}"),
    }
)
def x_is_not_given_up(s, row):
    call, verb, path, body = row
    goes_on(s, call, verb, path, JSON if body else [], body)
