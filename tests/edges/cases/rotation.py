"""A credential that is replaced by age: the successor and its CSRF token reach the browser, and a page goes on."""

import time

from ..authority import changed
from ..browser import FETCH, NAVIGATION
from ..case import case, could_not_say, each, equal, status, true
from ..programs import Authority

COOKIE = "session=next; Path=/; HttpOnly; SameSite=Lax"


def rotated(answer):
    if answer.HasField("active"):
        answer.active.set_cookies[:] = [COOKIE]
        answer.active.csrf_token = "csrf_of-next"


@each(
    {
        "a page": ("GET", "/private", NAVIGATION),
        "a fetch": ("GET", "/private", FETCH),
        "HEAD": ("HEAD", "/private", FETCH),
        "a change": ("POST", "/private", FETCH),
        "a route that needs no session": ("GET", "/optional", FETCH),
    }
)
def the_successor_and_its_token_reach_x(s, row):
    verb, path, kind = row
    headers = s.with_token()
    s.rule("ValidateSession", changed(rotated))
    got = status(s.request(verb, path, [*headers, *kind]), 200)
    equal((got.all("set-cookie"), got.all("x-csrf-token")), ([COOKIE], ["csrf_of-next"]), str(got))
    true("no-store" in got.words("cache-control") and "cookie" in got.words("vary"), str(got))


@case
def at_auth_me_the_token_is_in_the_body_too(s):
    cookie = s.cookie()
    s.rule("ValidateSession", changed(rotated))
    got = status(s.get("/auth/me", [cookie]), 200)
    equal((got.all("set-cookie"), got.all("x-csrf-token")), ([COOKIE], ["csrf_of-next"]), str(got))
    equal(got.json()["csrf_token"], "csrf_of-next")


@case
def where_nothing_was_rotated_an_application_sends_no_token(s):
    headers = s.with_token()
    for verb, path in (("GET", "/private"), ("POST", "/private"), ("GET", "/optional")):
        got = status(s.request(verb, path, headers), 200)
        equal((got.all("x-csrf-token"), got.all("set-cookie")), ([], []), str(got))
    true(not any(call.request.issue_csrf_token for call in s.calls("ValidateSession")[1:]), "and asks for none")


@case
def a_route_that_looks_for_no_session_sends_no_token(s):
    s.rule("ValidateSession", changed(rotated))
    equal(s.get("/open", [s.cookie()]).all("x-csrf-token"), [])


@case
def the_token_goes_into_the_header_of_the_settings(s):
    def other(answer):
        answer.settings.csrf_header = "X-Other"

    with s.own_edge(rules={"GetEdgeSettings": changed(other), "ValidateSession": changed(rotated)}) as e:
        got = status(e.get("/private", [s.cookie()]), 200)
        equal((got.all("x-other"), got.all("x-csrf-token")), (["csrf_of-next"], []), str(got))


@each({"/private": "/private", "/optional": "/optional", "/auth/me": "/auth/me"})
def a_token_that_can_be_no_header_is_503_at_x(s, path):
    def torn(answer):
        rotated(answer)
        answer.active.csrf_token = "csrf_\r\nx: y"

    cookie = s.cookie()
    s.rule("ValidateSession", changed(torn))
    could_not_say(s.get(path, [cookie]))


@case
def a_real_rotation_interrupts_neither_of_two_tabs(s):
    authority = Authority(f"authority-of-{s.tag}", {"app": {"sessions": {"rotation": {"after": "1m"}}}})
    try:
        with s.own_edge(authority=authority) as e:
            browser = e.signed_in()
            earlier = browser.get("/auth/me").header("x-csrf-token")
            before = browser.cookie("session")
            time.sleep(61)  # The shortest time that the configuration takes.
            got = status(browser.get("/private"), 200)
            token = got.header("x-csrf-token")
            true(browser.cookie("session") != before and token and token != earlier, str(got))
            # The page that saw the answer, the tab that did not, and what was under way with the former cookie.
            status(browser.post("/private", [("x-csrf-token", token)]), 200)
            status(browser.post("/private", [("x-csrf-token", earlier)]), 200)
            late = status(e.post("/private", [("cookie", b"session=" + before), ("x-csrf-token", earlier)]), 200)
            true(late.header("set-cookie").startswith("session=" + browser.cookie("session").decode()), str(late))
            status(browser.get("/auth/me"), 200)
    finally:
        authority.close()
