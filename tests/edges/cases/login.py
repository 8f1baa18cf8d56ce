"""Logging in: /auth/web/login and /auth/web/callback."""

import re
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from ..browser import FETCH, NAVIGATION
from ..case import case, each, equal, error, guarded, no_cookie, status, true
from ..programs import ORIGIN


@case
def a_login_leads_to_the_provider_and_binds_the_browser(s):
    got = guarded(status(s.get("/auth/web/login?provider=dev", NAVIGATION), 302))
    asked = parse_qs(urlsplit(got.header("location")).query)
    true(got.header("location").startswith(s.authority.provider), str(got))
    equal(asked["redirect_uri"], [f"{s.base_url}/auth/web/callback"])
    binding = got.header("set-cookie")
    true(binding.startswith("login_binding=bind_") and "HttpOnly" in binding and "SameSite=Lax" in binding, binding)


@case
def the_location_is_copied_byte_for_byte(s):
    place = "https://idp.example/a%20b?x=%2F&y=a+b&z='()*!~;:@$#frag%C3%A9"
    s.rule("StartLogin", lambda _call, ask: _with(ask(), location=place))
    equal(s.get("/auth/web/login").header("location"), place)


def _with(message, **fields):
    for name, value in fields.items():
        setattr(message.answer, name, value)
    return message


@case
def a_fetch_that_asks_for_json_gets_the_address(s):
    got = guarded(status(s.get("/auth/web/login?provider=dev", FETCH), 200))
    true(got.json()["url"].startswith(s.authority.provider) and got.all("set-cookie"), str(got))


@case
def an_unknown_provider_is_400_for_a_fetch(s):
    guarded(no_cookie(error(s.get("/auth/web/login?provider=nobody", FETCH), 400, "provider_unknown")))


@case
def an_unknown_provider_is_a_page_for_a_person(s):
    got = guarded(no_cookie(status(s.get("/auth/web/login?provider=nobody", NAVIGATION), 400)))
    true(got.header("content-type").startswith("text/html") and b"/auth/web/login?provider=dev" in got.body, str(got))
    true("default-src 'none'" in got.header("content-security-policy"), "the authority's own policy stands")


@case
def a_parameter_that_comes_twice_is_refused(s):
    no_cookie(error(s.get("/auth/web/login?provider=dev&provider=dev"), 400, "request_malformed"))


@case
def a_login_without_a_provider_takes_the_only_one(s):
    status(s.get("/auth/web/login"), 302)


@case
def a_browser_that_is_bound_stays_bound_to_the_same_value(s):
    browser = s.browser()
    browser.navigate("/auth/web/login?provider=dev")
    first = browser.cookie("login_binding")
    browser.navigate("/auth/web/login?provider=dev")
    equal(browser.cookie("login_binding"), first)


@case
def a_whole_login_makes_a_session(s):
    browser = s.browser()
    back = guarded(status(browser.log_in(s.authority.provider), 302))
    equal(back.header("location"), "/")
    session = next(line for line in back.all("set-cookie") if line.startswith("session="))
    true(all(word in session for word in ("HttpOnly", "SameSite=Lax", "Path=/")), session)
    equal(browser.get("/auth/me").json()["user_id"], "dev_testuser1")


@case
def a_login_leads_back_to_the_return_place(s):
    place = "/a/b?c=d&e=%20f#g"
    back = s.browser().log_in(s.authority.provider, query=f"provider=dev&redirect_uri={quote(place, safe='')}")
    equal(back.header("location"), place)


@case
def a_login_leads_back_to_an_allowed_front_end(s):
    place = f"{ORIGIN}/auth-callback"
    back = s.browser().log_in(s.authority.provider, query=f"provider=dev&redirect_uri={quote(place, safe='')}")
    equal(back.header("location"), place)


@case
def two_tabs_log_in_side_by_side(s):
    browser, provider = s.browser(), s.authority.provider
    first = browser.callback_address(provider)
    # The provider knows the person by now: the second tab comes straight back.
    second = browser.begin_login().header("location")
    true(first != second, "two logins")
    status(browser.navigate(first), 302)
    status(browser.navigate(second), 302)
    status(browser.get("/auth/me"), 200)


@case
def two_tabs_may_come_back_in_the_other_order(s):
    browser, provider = s.browser(), s.authority.provider
    first = browser.callback_address(provider)
    second = browser.begin_login().header("location")
    status(browser.navigate(second), 302)
    status(browser.navigate(first), 302)
    status(browser.get("/auth/me"), 200)


@case
def a_callback_in_another_browser_makes_no_session(s):
    address = s.browser().callback_address(s.authority.provider)
    no_cookie(error(s.browser().get(address), 400, "other_browser"))


@case
def a_callback_with_a_foreign_binding_makes_no_session(s):
    address = s.browser().callback_address(s.authority.provider)
    other = s.browser()
    other.begin_login()
    no_cookie(error(other.get(address), 400, "other_browser"))


@case
def a_callback_delivered_twice_gets_the_same_answer(s):
    browser = s.browser()
    address = browser.callback_address(s.authority.provider)
    before = {name: dict(jar) for name, jar in browser.jar.items()}
    first = status(browser.navigate(address), 302)
    browser.jar = before
    again = status(browser.navigate(address), 302)
    equal(_but_its_age(again), _but_its_age(first))


def _but_its_age(got):
    """The cookies that came, without what a second more or less changes."""
    return [re.sub("Max-Age=[0-9]+", "", line) for line in got.all("set-cookie")]


@case
def a_callback_delivered_five_times_at_once_makes_one_session(s):
    browser = s.browser()
    address = browser.callback_address(s.authority.provider)
    target = address.removeprefix(s.base_url)
    cookie = [("cookie", browser.cookie_header())]
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda _: s.get(target, cookie), range(5)))
    sessions = {line for got in answers for line in status(got, 302).all("set-cookie") if line.startswith("session=")}
    equal(len(sessions), 1, f"sessions among {[got.status for got in answers]}")


@each(
    {
        "no query": ("", "state_invalid"),
        "no state": ("?code=x", "state_invalid"),
        "a forged state": (f"?code=x&state=AQAAAAG{'A' * 69}", "state_invalid"),
        "a state twice": ("?code=x&state=y&state=y", "request_malformed"),
        "bytes that are no text": ("?code=%ff&state=%fe", "request_malformed"),
    }
)
def a_callback_with_x_makes_no_session(s, row):
    query, reason = row
    error(no_cookie(s.get(f"/auth/web/callback{query}")), 400, reason)


@case
def a_refusal_at_the_provider_is_told_and_makes_no_session(s):
    browser = s.browser()
    state = parse_qs(urlsplit(browser.callback_address(s.authority.provider)).query)["state"][0]
    answer = urlencode({"error": "access_denied", "state": state, "iss": s.authority.provider})
    got = browser.get(f"/auth/web/callback?{answer}")
    no_cookie(error(got, 403, "access_denied"))


@case
def a_new_login_ends_the_session_it_began_with(s):
    browser = s.signed_in()
    former = browser.cookie("session")
    browser.navigate(browser.begin_login().header("location"))
    true(browser.cookie("session") != former, "another cookie")
    status(browser.get("/auth/me"), 200)
    error(s.get("/auth/me", [("cookie", b"session=" + former)]), 401, "session_ended")


@case
def two_people_are_told_apart(s):
    first, second = s.signed_in(0), s.signed_in(1)
    equal(first.get("/auth/me").json()["user_id"], "dev_testuser1")
    equal(second.get("/auth/me").json()["user_id"], "dev_testuser2")


@case
def the_session_and_binding_cookies_both_go_along(s):
    s.get("/auth/web/login", [("cookie", "login_binding=b1; session=s1; other=o; login_binding=b2")])
    cookies = [(cookie.name, cookie.value) for cookie in s.asked("StartLogin").cookies]
    equal([value for name, value in cookies if name == "login_binding"], [b"b1", b"b2"])
    equal([value for name, value in cookies if name == "session"], [b"s1"])
    equal(len(cookies), 3)


@case
def the_binding_cookie_goes_along_with_the_callback(s):
    s.get("/auth/web/callback?code=c&state=s", [("cookie", "login_binding=b1")])
    asked = s.asked("CompleteCallback")
    equal([(cookie.name, cookie.value) for cookie in asked.cookies], [("login_binding", b"b1")])
    equal((asked.WhichOneof("response"), asked.query), ("query", b"code=c&state=s"))
