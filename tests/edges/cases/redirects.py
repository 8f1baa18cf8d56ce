"""Return places that lead elsewhere: refused where a login or logout begins, so none is ever followed."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

from ..browser import FETCH, NAVIGATION
from ..case import case, each, equal, no_cookie, status, true
from ..programs import ORIGIN

LINES = Path(__file__).with_name("data").joinpath("return_places.txt").read_text().splitlines()
PLACES = [line for line in LINES if line and not line.startswith("#")]
assert len(set(PLACES)) == len(PLACES) >= 200, "at least 200 different places"


def _every_place(s, ask):
    port = s.host.rsplit(":", 1)[1]
    places = [place.replace("{host}", s.host).replace("{port}", port) for place in PLACES]

    def trouble(place):
        got = ask(place)
        if got.status == 400 and not got.header("location") and not got.all("set-cookie"):
            return None
        return f"{place}: {got.status} {got.header('location')}"

    with ThreadPoolExecutor(4) as pool:
        passed = [found for found in pool.map(trouble, places) if found]
    true(not passed, f"{len(passed)} of {len(places)} were not refused:\n         " + "\n         ".join(passed))


@case
def a_login_with_a_place_elsewhere_is_400(s):
    _every_place(s, lambda place: s.get(f"/auth/web/login?provider=dev&redirect_uri={place}", NAVIGATION))


@case
def a_login_by_fetch_with_a_place_elsewhere_is_400(s):
    _every_place(s, lambda place: s.get(f"/auth/web/login?redirect_uri={place}", FETCH))


@case
def a_logout_with_a_place_elsewhere_is_400(s):
    _every_place(s, lambda place: s.post(f"/auth/web/logout?redirect_uri={place}", NAVIGATION))


@case
def a_logout_with_a_place_elsewhere_ends_nothing(s):
    headers = s.with_token()
    no_cookie(status(s.post("/auth/web/logout?redirect_uri=//evil.example", headers), 400))
    status(s.get("/auth/me", headers), 200)


@case
def two_places_are_400(s):
    no_cookie(status(s.get("/auth/web/login?redirect_uri=/&redirect_uri=//evil.example"), 400))


@case
def the_refusal_says_which_are_allowed(s):
    got = status(s.get("/auth/web/login?redirect_uri=//evil.example", FETCH), 400).json()
    equal(got["reason"], "redirect_not_allowed")
    true(f"{s.base_url}/*" in got["remedy"] and f"{ORIGIN}/auth-callback" in got["remedy"], got["remedy"])


@case
def the_refusal_never_breaks_a_later_login(s):
    browser = s.browser()
    status(browser.navigate("/auth/web/login?redirect_uri=//evil.example"), 400)
    status(browser.log_in(s.authority.provider), 302)


@each(
    {
        "a path": ("/a/b", "/a/b"),
        "a path with a query": ("/a?b=c&d=%2F", "/a?b=c&d=%2F"),
        "a fragment": ("/a#b", "/a#b"),
        "an address in a query": ("/a?next=https://evil.example", "/a?next=https://evil.example"),
        "a path that looks like a host": ("/evil.example", "/evil.example"),
        "dots inside": ("/a/../b", "/b"),
        "the front end": (f"{ORIGIN}/auth-callback", f"{ORIGIN}/auth-callback"),
        "the front end with a query": (f"{ORIGIN}/auth-callback?x=1", f"{ORIGIN}/auth-callback?x=1"),
        "a path below an allowed one": ("https://spa.example.com/in/deep?x", "https://spa.example.com/in/deep?x"),
    }
)
def x_is_a_place_to_go(s, row):
    asked, meant = row
    got = status(s.post(f"/auth/web/logout?redirect_uri={quote(asked, safe='')}", NAVIGATION), 303)
    equal(got.header("location"), meant)
