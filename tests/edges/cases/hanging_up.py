"""Browsers that go away before they are answered: what changes or ends something runs to its end all the same."""

import threading

from ..authority import held
from ..case import case, each, equal, error, true

FORM = ("content-type", "application/x-www-form-urlencoded")
ROUTES = {
    "a login": ("StartLogin", "GET", "/auth/web/login?provider=dev"),
    "a callback": ("CompleteCallback", "GET", "/auth/web/callback?code=c&state=s"),
    "a choice": ("CompleteCallback", "POST", "/auth/web/callback"),
    "a logout": ("StartLogout", "POST", "/auth/web/logout"),
    "a return from a logout": ("CompleteLogout", "GET", "/auth/web/logged-out"),
    "a refresh": ("RefreshTokens", "POST", "/auth/web/refresh"),
    "a refresh of user info": ("GetUserInfo", "POST", "/auth/web/userinfo"),
    "a revocation": ("Revoke", "POST", "/auth/web/sessions/revoke"),
    "a logout that a provider's server tells of": ("HandleBackchannelLogout", "POST", "/auth/web/backchannel-logout"),
    "a logout that a provider's page tells of": ("HandleFrontchannelLogout", "GET", "/auth/web/frontchannel-logout"),
}


@each(ROUTES)
def x_is_not_given_up(s, row):
    method, verb, path = row
    release = threading.Event()
    s.rule(method, held(release))
    headers, body = ([("cookie", "session=x; login_binding=y"), FORM], b"a=b") if verb == "POST" else ([], None)
    try:
        under_way = s.hang_up_on(verb, path, headers, body, call=method)
        true(under_way.is_waited_for(), f"the edge gave {method} up with the browser")
        equal(len(s.calls(method)), 1)
    finally:
        release.set()


@case
def a_logout_that_nobody_waits_for_ends_the_session(s):
    headers = s.with_token()
    release = threading.Event()
    s.rule("StartLogout", held(release))
    try:
        under_way = s.hang_up_on("POST", "/auth/web/logout", headers, b"", call="StartLogout")
        true(under_way.is_waited_for(), "the edge gave the logout up with the browser")
    finally:
        release.set()
    s.eventually(lambda: s.get("/auth/me", headers[:1]).status != 200, "the session ends")
    error(s.get("/auth/me", headers[:1]), 401, "session_ended")
