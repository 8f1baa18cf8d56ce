"""What a proxy or a liar may say of the request: an edge derives nothing from it."""

from urllib.parse import parse_qs, urlsplit

from ..browser import NAVIGATION
from ..case import case, each, equal, error, status, true
from ..wire import compose, exchange

LIES = {
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Scheme": "https",
    "X-Forwarded-Port": "8443",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-Server": "evil.example",
    "X-Host": "evil.example",
    "X-Original-Host": "evil.example",
    "X-Original-URL": "/open",
    "X-Rewrite-URL": "/open",
    "X-Script-Name": "/evil",
    "Forwarded": "for=192.0.2.1;host=evil.example;proto=https",
    "X-Real-IP": "203.0.113.1",
    "X-Forwarded-For": "203.0.113.1",
    "X-Forwarded-Ssl": "on",
    "Front-End-Https": "on",
}


@each({name: (name, value) for name, value in LIES.items()})
def x_leads_a_login_nowhere_else(s, lie):
    got = status(s.get("/auth/web/login?provider=dev", [lie, *NAVIGATION]), 302)
    asked = parse_qs(urlsplit(got.header("location")).query)
    equal(asked["redirect_uri"], [f"{s.base_url}/auth/web/callback"])
    true("Secure" not in got.header("set-cookie") and "Domain" not in got.header("set-cookie"), str(got))
    true(got.header("strict-transport-security") is None, str(got))
    context = s.asked("StartLogin").context
    equal((context.target, context.host), (b"/auth/web/login?provider=dev", s.host.encode()))


@each(
    {
        "a foreign host": "evil.example",
        "a host with a user": "localhost@evil.example",
        "an address": "[::1]:1",
        "no host": "",
    }
)
def x_as_host_leads_a_login_nowhere_else(s, host):
    got = s.get("/auth/web/login?provider=dev", NAVIGATION, host=host)
    if status(got, 302, 400).status == 302:
        asked = parse_qs(urlsplit(got.header("location")).query)
        equal(asked["redirect_uri"], [f"{s.base_url}/auth/web/callback"])
        true("evil" not in str(got), str(got))


@case
def a_foreign_host_is_no_origin(s):
    headers = [*s.with_token(), ("origin", "http://evil.example")]
    error(s.post("/private", headers, host="evil.example"), 403, "origin_refused")


@case
def a_return_place_comes_from_the_path_not_from_the_host(s):
    got = status(s.get("/private?a=b", NAVIGATION, host="evil.example"), 302)
    equal(got.header("location"), "/auth/web/login?redirect_uri=%2Fprivate%3Fa%3Db")


@each(
    {
        "two slashes": "//evil.example/private",
        "a backslash": "/\\evil.example",
        "two slashes and the route": "//evil.example/auth/me",
    }
)
def a_path_of_x_leads_nowhere_else(s, target):
    got = s.get(target, NAVIGATION)
    location = got.header("location") or ""
    true(urlsplit(location).netloc in ("", s.host) and not location.startswith(("//", "/\\")), str(got))


@case
def a_request_line_that_names_a_host_leads_nowhere_else(s):
    request = compose("GET", "http://evil.example/auth/web/login?provider=dev", [("host", s.host), *NAVIGATION])
    got = exchange(s.site.address, request)
    if status(got, 302, 400, 404).status == 302:
        asked = parse_qs(urlsplit(got.header("location")).query)
        equal(asked["redirect_uri"], [f"{s.base_url}/auth/web/callback"])


@each(
    {
        "X-User-Id": "x-user-id",
        "X-Forwarded-User": "x-forwarded-user",
        "Remote-User": "remote-user",
        "Authorization": "authorization",
    }
)
def x_makes_nobody_somebody(s, name):
    lie = [(name, "dev_testuser1")]
    error(s.get("/private", [*lie, ("accept", "application/json")]), 401, "not_signed_in")
    equal(s.get("/private", [*lie, s.cookie(1)]).json()["user_id"], "dev_testuser2")
