"""Methods that a route does not take, HEAD, and OPTIONS."""

from ..browser import NAVIGATION
from ..case import case, each, equal, error, guarded, status, true

ROUTES = {
    "/auth/web/login": {"GET"},
    "/auth/web/callback": {"GET", "POST"},
    "/auth/me": {"GET", "HEAD"},
    "/auth/web/logout": {"POST"},
    "/auth/web/logged-out": {"GET"},
    "/auth/web/refresh": {"POST"},
    "/auth/web/userinfo": {"GET", "HEAD", "POST"},
    "/auth/web/sessions": {"GET", "HEAD"},
    "/auth/web/sessions/revoke": {"POST"},
}
OTHERS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@each({path: (path, taken) for path, taken in ROUTES.items()})
def what_x_does_not_take_is_405_and_calls_nothing(s, row):
    path, taken = row
    for method in OTHERS:
        if method not in taken:
            got = guarded(error(s.request(method, path), 405, "METHOD_NOT_ALLOWED"))
            equal(got.words("allow"), {"options", *map(str.lower, taken)}, method)
    equal(s.calls(), [])


@each({path: (path, taken) for path, taken in ROUTES.items()})
def an_odd_method_on_x_is_405_too(s, row):
    path, taken = row
    got = guarded(error(s.request("PROPFIND", path), 405, "METHOD_NOT_ALLOWED"))
    equal((got.words("allow"), s.calls()), ({"options", *map(str.lower, taken)}, []))


@each({path: path for path, taken in ROUTES.items() if "HEAD" not in taken})
def head_on_x_is_405_without_a_body(s, path):
    got = guarded(status(s.request("HEAD", path), 405))
    equal((got.body, s.calls()), (b"", []))


@case
def head_on_the_callback_spends_no_login(s):
    browser = s.browser()
    address = browser.callback_address(s.authority.provider)
    status(browser.send("HEAD", address), 405)
    status(browser.navigate(address), 302)
    status(browser.get("/auth/me"), 200)


@each({path: (path, taken) for path, taken in ROUTES.items()})
def options_on_x_is_204_with_allow_and_calls_nothing(s, row):
    path, taken = row
    got = guarded(status(s.request("OPTIONS", path), 204))
    equal(got.words("allow"), {"options", *map(str.lower, taken)})
    equal((got.body, s.calls()), (b"", []))


@each(
    {
        "X-HTTP-Method-Override": "x-http-method-override",
        "X-HTTP-Method": "x-http-method",
        "X-Method-Override": "x-method-override",
    }
)
def x_changes_no_method(s, name):
    error(s.get("/auth/web/logout", [(name, "POST")]), 405, "METHOD_NOT_ALLOWED")
    error(s.post("/auth/me?_method=GET", [(name, "GET")]), 405, "METHOD_NOT_ALLOWED")
    equal(s.calls(), [])


@case
def a_logout_by_get_logs_nobody_out(s):
    cookie = s.cookie()
    error(s.get("/auth/web/logout", [cookie, *NAVIGATION]), 405, "METHOD_NOT_ALLOWED")
    status(s.get("/auth/me", [cookie]), 200)


@case
def a_method_in_lower_case_is_another_method(s):
    got = s.request("get", "/auth/me", [s.cookie()])
    true(got.status in (400, 405, 501) and b"user_id" not in got.body, str(got))
