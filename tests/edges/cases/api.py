"""Front ends of many tenants that collect their session: /v1/auth/oidc/... and /v1/refresh."""

import json
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from gatelodge.v1 import login_pb2

from ..authority import always
from ..browser import FETCH, NAVIGATION
from ..case import case, could_not_say, each, equal, error, guarded, no_cookie, status, true
from ..programs import ORIGIN
from ..route_set import RouteSet, fails, goes_on

API = login_pb2.ROUTE_SET_API
START, CALLBACK = "/v1/auth/oidc/dev/start", "/v1/auth/oidc/dev/callback"
SESSION, REFRESH = "/v1/auth/oidc/session", "/v1/refresh"
FRONT_END = f"{ORIGIN}/auth-callback"
WANTED = "?" + urlencode({"frontend_redirect_uri": FRONT_END})
JSON = [("content-type", "application/json")]
FORM = [("content-type", "application/x-www-form-urlencoded")]
SET = RouteSet(
    {START: "GET", CALLBACK: "GET", SESSION: "POST", REFRESH: "POST"},
    ("StartLogin", "CompleteCallback", "RefreshTokens"),
)


def _key(text: str):
    return ("idempotency-key", text)


def _at_callback(s, browser) -> str:
    """Begins a login, and answers the callback's address that the provider sends the browser to."""
    began = status(browser.navigate(START + WANTED), 302)
    return browser.fill_in(browser.navigate(began.header("location")), s.authority.provider)


def _brought(s, browser) -> dict[str, str]:
    """Logs in, and answers what the front end's page is given."""
    page = status(browser.navigate(_at_callback(s, browser)), 302).header("location")
    true(page.startswith(f"{FRONT_END}?"), page)
    return dict(parse_qsl(urlsplit(page).query))


def _collect(browser, brought: dict[str, str], key: str = "k1", kind=JSON, headers=()):
    return browser.post(SESSION, [*kind, _key(key), ("origin", ORIGIN), *headers], json.dumps(brought).encode())


@case
def a_start_leads_to_the_provider_and_binds_its_browser(s):
    got = guarded(status(s.get(START + WANTED, NAVIGATION), 302))
    address = got.header("location")
    true(address.startswith(s.authority.provider), str(got))
    equal(parse_qs(urlsplit(address).query)["redirect_uri"], [f"{s.base_url}{CALLBACK}"])
    binding = got.all("set-cookie")
    true(len(binding) == 1 and binding[0].startswith("login_binding=bind_"), f"the binding alone: {got}")


@case
def a_script_is_told_the_address(s):
    got = guarded(status(s.get(START + WANTED, FETCH), 200))
    true(got.json()["url"].startswith(s.authority.provider) and got.header("location") is None, str(got))


@case
def a_start_passes_on_its_query_its_provider_and_its_cookies(s):
    for provider in ("dev", "d%65v", "~"):
        s.get(f"/v1/auth/oidc/{provider}/start?a=%20b", [("cookie", "login_binding=b1; other=o"), ("x-tenant-id", "t")])
        asked = s.calls("StartLogin")[-1].request
        equal((asked.route_set, asked.query, asked.provider), (API, b"a=%20b", provider.encode()))
        equal(([cookie.value for cookie in asked.cookies], asked.context.x_tenant_id), ([b"b1"], b"t"))


@each(
    {
        "no front end": (START, 400, "frontend_redirect_uri_missing"),
        "a front end elsewhere": (f"{START}?frontend_redirect_uri=https://evil.example/", 400, "redirect_not_allowed"),
        "an unknown provider": (f"/v1/auth/oidc/nobody/start{WANTED}", 404, "provider_unknown"),
    }
)
def a_start_with_x_begins_no_login(s, row):
    path, code, reason = row
    got = error(no_cookie(guarded(s.get(path))), code, reason)
    true(got.json()["remedy"], str(got))


@case
def a_callback_leads_to_the_front_end_with_code_and_state_and_no_session(s):
    browser = s.browser()
    address = _at_callback(s, browser)
    got = no_cookie(guarded(status(browser.navigate(address), 302)))
    came = dict(parse_qsl(urlsplit(address).query))
    place = urlsplit(got.header("location"))
    equal(dict(parse_qsl(place.query)), {"code": came["code"], "state": came["state"]})
    asked = s.asked("CompleteCallback")
    equal((asked.route_set, asked.WhichOneof("response"), asked.provider), (API, "query", b"dev"))


@case
def a_session_is_collected_once_and_the_same_again_under_its_key(s):
    browser = s.browser()
    brought = _brought(s, browser)
    equal(browser.cookie("session"), None)
    first = guarded(status(_collect(browser, brought), 201))
    body = first.json()
    equal((body["user"]["user_id"], body["user"]["provider"]), ("dev_testuser1", "dev"))
    true(body["session"]["idle_expires_at"] <= body["session"]["expires_at"] and body["csrf_token"], str(body))
    cookie = browser.cookie("session")
    true(cookie, str(first))
    again = guarded(status(_collect(browser, brought), 200))
    equal((again.json(), again.all("set-cookie")), (body, first.all("set-cookie")))
    status(browser.get("/auth/me", FETCH), 200)


@case
def a_session_that_was_collected_is_nobody_elses(s):
    browser = s.browser()
    brought = _brought(s, browser)
    status(_collect(browser, brought), 201)
    error(no_cookie(guarded(_collect(browser, brought, "k2"))), 409, "already_complete")


@case
def another_body_under_the_same_key_is_409(s):
    browser = s.browser()
    brought = _brought(s, browser)
    status(_collect(browser, brought), 201)
    got = error(no_cookie(guarded(_collect(browser, {**brought, "code": "x"}))), 409, "idempotency_key_reused")
    true(got.json()["remedy"], str(got))


@each(
    {
        "no key": ([], 400, "idempotency_key_missing"),
        "an empty key": ([_key("")], 400, "idempotency_key_missing"),
        "a key of 256 characters": ([_key("k" * 256)], 400, "idempotency_key_invalid"),
        "a key that is no text": ([("idempotency-key", b"\xff")], 400, "idempotency_key_invalid"),
    }
)
def x_is_400_and_collects_nothing(s, row):
    headers, code, reason = row
    browser = s.browser()
    brought = _brought(s, browser)
    answer = browser.post(SESSION, [*JSON, *headers], json.dumps(brought).encode())
    got = error(no_cookie(guarded(answer)), code, reason)
    true(got.json()["remedy"], str(got))
    status(_collect(browser, brought, "k" * 255), 201)


@case
def a_body_is_taken_as_curl_sends_it(s):
    browser = s.browser()
    status(_collect(browser, _brought(s, browser), kind=FORM), 201)


@case
def a_collection_is_passed_on_as_it_came(s):
    body = b'{ "code": "\\u0063", "state":"s"}'
    for kind, field in ((JSON, "json"), (FORM, "form")):
        s.post(SESSION, [*kind, ("idempotency-key", "a b,%20"), ("cookie", "login_binding=b1")], body)
        asked = s.calls("CompleteCallback")[-1].request
        equal((asked.route_set, asked.WhichOneof("response"), getattr(asked, field)), (API, field, body))
        equal((asked.idempotency_header, asked.provider), (b"a b,%20", b""))
        equal([(cookie.name, cookie.value) for cookie in asked.cookies], [("login_binding", b"b1")])


@each(
    {
        "no body": ([], b""),
        "plain text": ([("content-type", "text/plain")], b'{"code":"x","state":"y"}'),
        "a form": (FORM, b"code=x&state=y"),
        "no code": (JSON, b'{"state":"y"}'),
        "no state": (JSON, b'{"code":"x"}'),
        "a state that is not ours": (JSON, b'{"code":"x","state":"y"}'),
    }
)
def a_collection_with_x_is_400(s, row):
    kind, body = row
    got = no_cookie(guarded(status(s.post(SESSION, [*kind, _key("k")], body), 400)))
    true(got.json()["detail"] and got.json()["reason"], str(got))


@case
def another_browser_collects_nothing(s):
    browser, other = s.browser(), s.browser()
    brought = _brought(s, browser)
    error(no_cookie(guarded(_collect(other, brought))), 401, "other_browser")
    status(other.navigate(START + WANTED), 302)
    error(no_cookie(guarded(_collect(other, brought))), 401, "other_browser")
    status(_collect(browser, brought), 201)


@case
def a_wrong_code_collects_nothing(s):
    browser = s.browser()
    brought = _brought(s, browser)
    error(no_cookie(guarded(_collect(browser, {**brought, "code": "x"}, "k0"))), 401, "code_refused")
    status(_collect(browser, brought), 201)


@case
def nothing_is_collected_before_the_callback(s):
    browser = s.browser()
    address = _at_callback(s, browser)
    came = dict(parse_qsl(urlsplit(address).query))
    error(no_cookie(guarded(_collect(browser, came, "early"))), 400, "login_expired")
    status(browser.navigate(address), 302)
    status(_collect(browser, {"code": came["code"], "state": came["state"]}), 201)


@case
def a_page_of_another_origin_collects_nothing(s):
    browser = s.browser()
    brought = _brought(s, browser)
    body = json.dumps(brought).encode()
    for origin in ("https://evil.example", "null"):
        headers = [*JSON, _key("k"), ("origin", origin)]
        error(no_cookie(browser.post(SESSION, headers, body)), 403, "origin_refused")
    status(_collect(browser, brought), 201)


@case
def a_login_that_failed_is_told_to_the_front_end_and_to_who_collects_it(s):
    browser = s.browser()
    came = dict(parse_qsl(urlsplit(_at_callback(s, browser)).query))
    failed = {**came, "code": "wrong"}
    place = status(browser.navigate(f"{CALLBACK}?{urlencode(failed)}"), 302).header("location")
    told = dict(parse_qsl(urlsplit(place).query))
    equal((told["error"], told["code"], told["state"]), ("code_refused", "wrong", came["state"]))
    got = _collect(browser, {"code": "wrong", "state": came["state"]})
    error(no_cookie(guarded(got)), 401, "code_refused")


@case
def a_code_at_the_address_of_another_provider_is_refused(s):
    browser = s.browser()
    query = urlsplit(_at_callback(s, browser)).query
    error(no_cookie(guarded(browser.get(f"/v1/auth/oidc/other/callback?{query}"))), 404, "provider_unknown")
    status(browser.navigate(f"{CALLBACK}?{query}"), 302)


@case
def a_login_of_the_other_set_is_none_of_this_one(s):
    browser = s.browser()
    query = urlsplit(browser.callback_address(s.authority.provider)).query
    error(no_cookie(browser.get(f"{CALLBACK}?{query}", FETCH)), 400, "state_invalid")


def _signed_in(s):
    browser = s.browser()
    status(_collect(browser, _brought(s, browser)), 201)
    return browser


@case
def a_caller_with_a_key_refreshes_a_session(s):
    browser = _signed_in(s)
    got = no_cookie(guarded(status(browser.post(REFRESH, [("x-api-key", s.authority.key("backend"))]), 200)))
    session = got.json()["session"]
    true(session["idle_expires_at"] <= session["expires_at"] and session["last_active_at"], str(got))


@each(
    {
        "no key": ([], "api_key_missing"),
        "an empty key": ([("x-api-key", "")], "api_key_missing"),
        "a key of nobody's": ([("x-api-key", "glk_nobody")], "api_key_invalid"),
        "a CSRF token alone": ([("x-csrf-token", "csrf_x")], "api_key_missing"),
    }
)
def a_refresh_with_x_is_401(s, row):
    headers, reason = row
    got = error(no_cookie(guarded(_signed_in(s).post(REFRESH, headers))), 401, reason)
    true(got.json()["remedy"], str(got))


@case
def a_key_of_another_kind_of_caller_refreshes_nothing(s):
    headers = [("x-api-key", s.authority.key("admin"))]
    error(no_cookie(guarded(_signed_in(s).post(REFRESH, headers))), 401, "api_key_invalid")


@case
def a_refresh_without_a_session_is_401(s):
    got = guarded(status(s.post(REFRESH, [("x-api-key", s.authority.key("backend"))]), 401))
    true(got.json()["detail"] and got.json()["reason"], str(got))


@case
def the_key_and_the_session_are_passed_on(s):
    s.post(REFRESH, [("x-api-key", "a b"), ("cookie", "session=s1; login_binding=b1")])
    asked = s.asked("RefreshTokens")
    equal((asked.api_key, asked.HasField("api_key")), (b"a b", True))
    equal([(cookie.name, cookie.value) for cookie in asked.cookies], [("session", b"s1")])
    s.post(REFRESH)
    equal((s.calls("RefreshTokens")[-1].request.HasField("api_key")), True)


@case
def a_refresh_of_the_other_set_brings_no_key(s):
    s.post("/auth/web/refresh", [("x-api-key", "k"), s.cookie()])
    equal(s.asked("RefreshTokens").HasField("api_key"), False)


@each(
    {
        "StartLogin": ("StartLogin", "GET", START + WANTED),
        "CompleteCallback": ("CompleteCallback", "POST", SESSION),
        "the callback's call": ("CompleteCallback", "GET", f"{CALLBACK}?code=x&state=y"),
        "RefreshTokens": ("RefreshTokens", "POST", REFRESH),
    }
)
def x_that_fails_is_503(s, row):
    fails(s, *row, [*JSON, _key("k")])


@case
def an_answer_that_lacks_is_503(s):
    s.rule("CompleteCallback", always(login_pb2.CompleteCallbackResponse(settings_version="v")))
    could_not_say(s.post(SESSION, [*JSON, _key("k")], b"{}"))


@each(
    {
        "the start": ("HEAD", START, "GET, OPTIONS"),
        "the callback": ("POST", CALLBACK, "GET, OPTIONS"),
        "the session": ("GET", SESSION, "POST, OPTIONS"),
        "the refresh": ("GET", REFRESH, "POST, OPTIONS"),
    }
)
def another_method_is_405_at_x(s, row):
    SET.refuses(s, *row)


@case
def a_preflight_lets_a_front_end_send_its_keys(s):
    for path, method in ((SESSION, "POST"), (REFRESH, "POST"), (START, "GET")):
        got = status(s.options(path, ORIGIN, method), 204)
        equal(got.header("access-control-allow-origin"), ORIGIN)
        wanted = {"content-type", "idempotency-key", "x-api-key", "x-tenant-id"}
        true(wanted <= set(got.words("access-control-allow-headers")), str(got))


@case
def a_set_that_is_off_is_an_unknown_path(s):
    SET.is_unknown_when_off(s)


@case
def a_set_that_was_not_mounted_is_an_unknown_path(s):
    SET.is_unknown_when_not_mounted(s)


@case
def a_prefix_stands_before_this_set_too(s):
    with s.own_edge(prefix="/app") as e:
        status(e.get(f"/app{START}{WANTED}", FETCH), 200)
        equal(e.calls("StartLogin")[-1].request.provider, b"dev")
        status(e.request("POST", f"/app{REFRESH}", body=b""), 401)
        status(e.get(START), 404)


@each(
    {
        "a start": ("StartLogin", "GET", START, None),
        "a callback": ("CompleteCallback", "GET", CALLBACK, None),
        "a collection": ("CompleteCallback", "POST", SESSION, b"{}"),
        "a refresh": ("RefreshTokens", "POST", REFRESH, b""),
    }
)
def x_is_not_given_up(s, row):
    call, verb, path, body = row
    goes_on(s, call, verb, path, JSON if body else [], body)
