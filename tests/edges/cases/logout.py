"""Logging out: /auth/web/logout and /auth/web/logged-out."""

import re
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

from ..authority import changed
from ..browser import FETCH, NAVIGATION
from ..case import case, each, equal, error, guarded, no_cookie, status, true
from ..programs import ORIGIN


@case
def a_fetch_gets_a_message_and_the_providers_logout(s):
    got = guarded(status(s.post("/auth/web/logout", [*s.with_token(), *FETCH]), 200))
    true(got.json()["message"] and got.json()["logout_url"].startswith(s.authority.provider), str(got))
    equal(got.header("set-cookie").split(";")[0], "session=")
    true("Max-Age=0" in got.header("set-cookie"), str(got))


@case
def the_session_is_dead_afterwards(s):
    headers = s.with_token()
    status(s.post("/auth/web/logout", headers), 200)
    error(s.get("/auth/me", headers), 401, "session_ended")
    error(s.get("/private", [*headers, *FETCH]), 401, "session_ended")


@case
def without_a_session_it_is_200(s):
    no_cookie(guarded(status(s.post("/auth/web/logout"), 200)))


@case
def a_dead_cookie_is_cleared(s):
    got = status(s.post("/auth/web/logout", [("cookie", "session=sess_dead")]), 200)
    true("Max-Age=0" in got.header("set-cookie"), str(got))


@case
def a_former_cookie_is_cleared_too(s):
    got = status(s.post("/auth/web/logout", [("cookie", "session=x; former_session=y")]), 200)
    equal({line.split("=")[0] for line in got.all("set-cookie")}, {"session", "former_session"})


@case
def without_a_token_it_is_403_and_the_session_lives(s):
    cookie = s.cookie()
    guarded(no_cookie(error(s.post("/auth/web/logout", [cookie]), 403, "csrf_mismatch")))
    status(s.get("/auth/me", [cookie]), 200)


@case
def a_foreign_page_cannot_log_out(s):
    headers = s.with_token()
    got = s.post("/auth/web/logout", [*headers, ("origin", "https://evil.example")])
    no_cookie(error(got, 403, "origin_refused"))
    status(s.get("/auth/me", headers), 200)


@case
def a_form_is_sent_on_to_the_landing_place(s):
    got = guarded(status(s.post("/auth/web/logout", NAVIGATION), 303))
    equal(got.header("location"), "/")


@case
def the_providers_logout_leads_back_and_on(s):
    browser = s.signed_in()
    token = browser.get("/auth/me").header("x-csrf-token")
    address = browser.post("/auth/web/logout?redirect_uri=%2Fbye%3Fx%3D1", [("x-csrf-token", token), *FETCH])
    back = browser.navigate(address.json()["logout_url"])
    true(back.header("location").startswith(f"{s.base_url}/auth/web/logged-out?state="), str(back))
    last = guarded(status(browser.navigate(back.header("location")), 302))
    equal(last.header("location"), "/bye?x=1")


@case
def an_allowed_front_end_is_a_place_to_go_after(s):
    place = quote(f"{ORIGIN}/auth-callback", safe="")
    got = status(s.post(f"/auth/web/logout?redirect_uri={place}", NAVIGATION), 303)
    equal(got.header("location"), f"{ORIGIN}/auth-callback")


@case
def a_logout_at_the_provider_ends_the_session_too(s):
    browser, other = s.signed_in(), s.signed_in()
    page = browser.navigate(f"{s.authority.provider}/logout")
    proof = re.search(rb'name="proof" value="([^"]+)"', page.body)[1]
    kind = [("content-type", "application/x-www-form-urlencoded")]
    status(browser.post(f"{s.authority.provider}/logout/confirm", kind, b"proof=" + proof), 200)
    error(browser.get("/auth/me"), 401, "session_ended")
    status(other.get("/auth/me"), 200)


@each(
    {
        "no state": "",
        "an empty state": "?state=",
        "a foreign state": "?state=AAAA",
        "a doubled state": "?state=A&state=A",
    }
)
def coming_back_with_x_leads_nowhere(s, query):
    guarded(no_cookie(error(s.get(f"/auth/web/logged-out{query}"), 400, "state_invalid")))


@case
def coming_back_with_a_foreign_state_is_a_page_for_a_person(s):
    got = status(s.get("/auth/web/logged-out?state=A", NAVIGATION), 400)
    true(got.header("content-type").startswith("text/html") and not got.header("location"), str(got))


@case
def ten_at_once_are_all_answered_and_the_session_is_dead(s):
    headers = s.with_token()
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: s.post("/auth/web/logout", headers), range(10)))
    equal({got.status for got in answers}, {200})
    true(all("Max-Age=0" in got.header("set-cookie") for got in answers), "each clears the cookie")
    error(s.get("/auth/me", headers), 401, "session_ended")


@case
def one_persons_logout_leaves_the_other_alone(s):
    other = s.cookie(1)
    status(s.post("/auth/web/logout", s.with_token(0)), 200)
    status(s.get("/auth/me", [other]), 200)


@case
def the_query_is_passed_on_undecoded(s):
    s.post("/auth/web/logout?redirect_uri=%2Fx%zz&y=+%20")
    equal(s.asked("StartLogout").query, b"redirect_uri=%2Fx%zz&y=+%20")


@case
def the_way_back_passes_its_query_on(s):
    s.get("/auth/web/logged-out?state=a%2Bb")
    equal(s.asked("CompleteLogout").query, b"state=a%2Bb")


@case
def several_cookies_to_clear_are_several_headers(s):
    lines = ["session=; Path=/; Max-Age=0", "a=; Path=/x, y; Max-Age=0", 'b="q"; Path=/']

    def cleared(answer):
        del answer.answer.set_cookies[:]
        answer.answer.set_cookies.extend(lines)

    s.rule("StartLogout", changed(cleared))
    equal(s.post("/auth/web/logout").all("set-cookie"), lines)
