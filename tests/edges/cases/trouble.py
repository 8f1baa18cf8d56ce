"""The authority away, slow or failing: 503, nobody is logged out, and all is well once it is back."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from grpc import StatusCode

from ..authority import at_first, refused, slow
from ..browser import FETCH, NAVIGATION
from ..case import body_is, case, could_not_say, each, equal, status, true

CODES = [code.name for code in StatusCode if code is not StatusCode.OK]
ROUTES = {
    "GET /auth/web/login": ("StartLogin", "GET", "/auth/web/login"),
    "GET /auth/web/callback": ("CompleteCallback", "GET", "/auth/web/callback?code=c&state=s"),
    "GET /auth/me": ("ValidateSession", "GET", "/auth/me"),
    "HEAD /auth/me": ("ValidateSession", "HEAD", "/auth/me"),
    "POST /auth/web/logout": ("StartLogout", "POST", "/auth/web/logout"),
    "GET /auth/web/logged-out": ("CompleteLogout", "GET", "/auth/web/logged-out"),
    "POST /auth/web/callback": ("CompleteCallback", "POST", "/auth/web/callback"),
    "GET /auth/web/sessions": ("ListUserSessions", "GET", "/auth/web/sessions"),
    "POST /auth/web/sessions/revoke": ("Revoke", "POST", "/auth/web/sessions/revoke"),
    "POST /auth/web/refresh": ("RefreshTokens", "POST", "/auth/web/refresh"),
    "GET /auth/web/userinfo": ("GetUserInfo", "GET", "/auth/web/userinfo"),
    "POST /auth/web/userinfo": ("GetUserInfo", "POST", "/auth/web/userinfo"),
    "POST /auth/web/backchannel-logout": ("HandleBackchannelLogout", "POST", "/auth/web/backchannel-logout"),
    "GET /auth/web/frontchannel-logout": (
        "HandleFrontchannelLogout",
        "GET",
        "/auth/web/frontchannel-logout?iss=x&sid=y",
    ),
}
APPLICATION = ("/private", "/optional", "/scoped", "/fresh")


@each({code: code for code in CODES})
def the_status_x_is_503_and_keeps_the_cookie(s, code):
    cookie = s.cookie()
    s.rule("ValidateSession", refused(code))
    could_not_say(s.get("/auth/me", [cookie]))
    could_not_say(s.get("/private", [cookie, *NAVIGATION]))


@each({name: row for name, row in ROUTES.items() if "HEAD" not in name})
def a_failed_call_is_503_at_x(s, row):
    method, verb, path = row
    s.rule(method, refused("INTERNAL"))
    could_not_say(s.request(verb, path, [("cookie", "session=x; login_binding=y")]))


@case
def a_503_to_head_has_no_body(s):
    s.rule("ValidateSession", refused("INTERNAL"))
    equal(status(s.request("HEAD", "/auth/me"), 503).body, b"")


@each({path: path for path in APPLICATION})
def the_application_at_x_does_not_run_on_doubt(s, path):
    s.rule("ValidateSession", refused("INTERNAL"))
    for headers in (FETCH, NAVIGATION, []):
        could_not_say(s.get(path, [("cookie", "session=x"), *headers]))


@case
def what_the_authority_says_of_its_trouble_stays_here(s):
    s.rule("ValidateSession", refused("INTERNAL", message="redis://user:canary@10.0.0.1 refused", reason="INTERNAL"))
    got = could_not_say(s.get("/auth/me"))
    true(b"canary" not in got.body and b"redis" not in got.body, str(got))


@each(
    {
        "0.2 s": (0.2, "1"),
        "1 s": (1.0, "1"),
        "1.5 s": (1.5, "2"),
        "7 s": (7.0, "7"),
        "7.001 s": (7.001, "8"),
        "90 s": (90.0, "90"),
    }
)
def a_retry_info_of_x_is_rounded_up(s, row):
    seconds, expected = row
    s.rule("ValidateSession", refused("RESOURCE_EXHAUSTED", reason="OVERLOADED", retry_after=seconds))
    equal(could_not_say(s.get("/auth/me")).header("retry-after"), expected)


# Repeating a call.


@case
def a_short_absence_goes_unnoticed(s):
    cookie = s.cookie()
    s.rule("ValidateSession", at_first(2, refused("UNAVAILABLE", reason="STORE_UNAVAILABLE")))
    status(s.get("/auth/me", [cookie]), 200)
    equal(len(s.calls("ValidateSession")), 3)


@case
def an_authority_that_is_not_reached_is_asked_once_more(s):
    s.rule("ValidateSession", refused("UNAVAILABLE"))
    could_not_say(s.get("/auth/me"))
    first, second = s.calls("ValidateSession")
    true(0.24 < second.at - first.at < 1, f"after {second.at - first.at:.3f} s")


@case
def a_provider_in_trouble_is_not_asked_again(s):
    s.rule("ValidateSession", refused("UNAVAILABLE", reason="PROVIDER_UNAVAILABLE"))
    could_not_say(s.get("/auth/me"))
    equal(len(s.calls("ValidateSession")), 1)


@case
def a_logout_is_repeated_after_a_short_absence(s):
    s.rule("StartLogout", at_first(1, refused("UNAVAILABLE", reason="STORE_UNAVAILABLE")))
    status(s.post("/auth/web/logout"), 200)


@case
def a_logout_is_repeated_once_at_most(s):
    s.rule("StartLogout", refused("UNAVAILABLE", reason="STORE_UNAVAILABLE"))
    could_not_say(s.post("/auth/web/logout"))
    equal(len(s.calls("StartLogout")), 2)


@case
def a_slow_logout_is_waited_for_8_s(s):
    s.rule("StartLogout", slow(14))
    got = could_not_say(s.post("/auth/web/logout"))
    true(7.5 < got.seconds < 13, f"after {got.seconds:.1f} s")


@each({name: row for name, row in ROUTES.items() if row[0] in ("StartLogin", "CompleteCallback")})
def x_is_never_repeated(s, row):
    method, verb, path = row
    s.rule(method, refused("UNAVAILABLE"))
    could_not_say(s.request(verb, path))
    equal(len(s.calls(method)), 1)


@each({code: code for code in CODES if code not in ("UNAVAILABLE",)})
def the_status_x_is_not_repeated(s, code):
    s.rule("ValidateSession", refused(code))
    could_not_say(s.get("/auth/me"))
    equal(len(s.calls("ValidateSession")), 1)


@case
def a_repeat_comes_no_sooner_than_asked_for(s):
    s.rule("ValidateSession", at_first(1, refused("UNAVAILABLE", retry_after=0.6)))
    status(s.get("/auth/me"), 401)
    first, second = s.calls("ValidateSession")
    true(second.at - first.at >= 0.6, f"after {second.at - first.at:.3f} s")


@case
def repeats_are_spread_out(s):
    s.rule("ValidateSession", refused("UNAVAILABLE", reason="STORE_UNAVAILABLE"))
    could_not_say(s.get("/auth/me"))
    calls = s.calls("ValidateSession")
    true(3 <= len(calls) <= 12, f"{len(calls)} calls within the deadline")
    true(calls[-1].at - calls[0].at < 2.2, "and none after it")


@case
def where_the_wait_is_longer_than_the_deadline_the_answer_comes_at_once(s):
    s.rule("ValidateSession", refused("UNAVAILABLE", retry_after=30))
    got = could_not_say(s.get("/auth/me"))
    true(got.seconds < 1.5 and got.header("retry-after") == "30", f"{got.seconds} s, {got}")
    equal(len(s.calls("ValidateSession")), 1)


# A slow authority.


@each({path: path for path in ("/auth/me", "/private", "/optional")})
def a_slow_authority_is_waited_for_2_s_at_x(s, path):
    cookie = s.cookie()
    s.rule("ValidateSession", slow(6))
    got = could_not_say(s.get(path, [cookie]))
    true(1.5 < got.seconds < 4, f"after {got.seconds:.1f} s")


@case
def one_slow_answer_delays_no_other_request(s):
    cookie, others = s.cookie(), threading.Semaphore(0)

    def waits_for_another(_call, ask):
        answer = ask()
        others.acquire(timeout=10)
        return answer

    def asks(_):
        got = s.get("/auth/me", [cookie])
        others.release()
        return got.status

    s.rule("ValidateSession", at_first(4, waits_for_another))
    with ThreadPoolExecutor(8) as pool:
        equal(list(pool.map(asks, range(8))), [200] * 8)


@case
def an_answer_within_the_deadline_is_taken(s):
    cookie = s.cookie()
    s.rule("ValidateSession", slow(1))
    status(s.get("/auth/me", [cookie]), 200)


@case
def a_slow_login_is_waited_for(s):
    s.rule("StartLogin", slow(3))
    status(s.get("/auth/web/login", NAVIGATION), 302)


# The authority away, on an edge of the case's own.


def _all_503(e, cookie):
    for _, verb, path in ROUTES.values():
        got = e.request(verb, path, [cookie])
        status(got, 503) if verb == "HEAD" else could_not_say(got)
    for path in APPLICATION:
        could_not_say(e.get(path, [cookie]))
    equal(status(e.get("/open", [cookie]), 200).body, b"open")
    status(e.get("/nothing-here", [cookie]), 404)


@case
def with_the_authority_away_all_is_503_and_then_well_again(s):
    with s.own_edge() as e:
        headers = e.with_token()
        e.site.valve.shut()
        _all_503(e, headers[0])
        e.site.valve.open()
        e.eventually(lambda: e.get("/auth/me", headers).status == 200, "the same cookie is good again")
        body_is(status(e.post("/private", headers), 200), {"user_id": "dev_testuser1"})


@case
def with_the_authority_away_405_and_preflights_still_work(s):
    with s.own_edge() as e:
        e.site.valve.shut()
        status(e.request("PUT", "/auth/me"), 405)
        equal(
            status(e.options("/auth/me", "http://localhost:5173"), 204).header("access-control-allow-credentials"),
            "true",
        )
        equal(
            could_not_say(e.get("/auth/me", [("origin", "http://localhost:5173")])).header(
                "access-control-allow-credentials"
            ),
            "true",
        )


@case
def an_authority_that_says_nothing_is_503_within_the_deadline(s):
    with s.own_edge() as e:
        cookie = e.cookie()
        e.site.valve.silence()
        for path in ("/auth/me", "/private"):
            got = could_not_say(e.get(path, [cookie]))
            true(got.seconds < 4, f"after {got.seconds:.1f} s")
        e.site.valve.shut()
        e.site.valve.open()
        e.eventually(lambda: e.get("/auth/me", [cookie]).status == 200, "well again", 20)


@case
def a_torn_connection_logs_nobody_out(s):
    with s.own_edge() as e:
        cookie = e.cookie()
        for _ in range(5):
            e.site.valve.tear()
            got = e.get("/auth/me", [cookie])
            if status(got, 200, 503).status == 503:
                could_not_say(got)
        e.eventually(lambda: e.get("/auth/me", [cookie]).status == 200, "well again")


@case
def a_connection_torn_under_a_call_logs_nobody_out(s):
    with s.own_edge() as e:
        cookie = e.cookie()
        e.rule("ValidateSession", at_first(1, slow(0.5)))
        threading.Timer(0.25, e.site.valve.tear).start()
        got = e.get("/auth/me", [cookie])
        if status(got, 200, 503).status == 503:
            could_not_say(got)


@case
def an_authority_that_is_not_there_at_the_start_may_come_later(s):
    with s.own_edge(ready=False, reachable=False) as e:
        cookie = s.cookie()
        _all_503(e, cookie)
        for path in ("/auth/web/login", "/auth/me"):
            could_not_say(e.request("OPTIONS", path))
            could_not_say(e.request("PUT", path))
        e.site.valve.open()
        e.eventually(lambda: e.get("/auth/me", [cookie]).status == 200, "well at last", 20)
        body_is(status(e.get("/private", [cookie]), 200), {"user_id": "dev_testuser1"})


@case
def a_login_across_a_restart_of_the_authority_is_completed(s):
    browser = s.browser()
    address = browser.callback_address(s.authority.provider)
    s.rule("CompleteCallback", at_first(1, refused("UNAVAILABLE")))
    could_not_say(browser.navigate(address))
    status(browser.navigate(address), 302)
    status(browser.get("/auth/me"), 200)


@case
def a_wrong_api_key_is_503_and_the_log_names_the_setting(s):
    wrong = {"GATELODGE_API_KEY": "glk_wrong"}
    with s.own_edge(ready=False, environment=wrong) as e:
        _all_503(e, ("cookie", "session=x"))
        e.eventually(lambda: "GATELODGE_API_KEY" in e.site.program.said(), "the log names GATELODGE_API_KEY")
        true("glk_wrong" not in e.site.program.said(), "and never the key")


@case
def an_api_key_of_another_role_is_503_and_the_log_names_the_setting(s):
    with s.own_edge(ready=False, role="backend") as e:
        could_not_say(e.get("/auth/me"))
        e.eventually(lambda: "GATELODGE_API_KEY" in e.site.program.said(), "the log names GATELODGE_API_KEY")


@case
def an_unknown_tenant_is_503_and_the_log_names_the_setting(s):
    with s.own_edge(ready=False, environment={"GATELODGE_TENANT": "nobodys"}) as e:
        _all_503(e, ("cookie", "session=x"))
        e.eventually(lambda: "GATELODGE_TENANT" in e.site.program.said(), "the log names GATELODGE_TENANT")
        true("GATELODGE_API_KEY" not in e.site.program.said(), "and not the key, with which all is well")


@case
def a_key_that_is_withdrawn_logs_nobody_out(s):
    cookie = s.cookie()
    s.rule("ValidateSession", refused("UNAUTHENTICATED", reason="CALLER_UNAUTHENTICATED"))
    could_not_say(s.get("/auth/me", [cookie]))
    could_not_say(s.get("/private", [cookie, *NAVIGATION]))


@case
def while_it_is_away_answers_come_soon(s):
    with s.own_edge() as e:
        e.site.valve.shut()
        begun = time.monotonic()
        with ThreadPoolExecutor(10) as pool:
            answers = list(pool.map(lambda _: e.get("/auth/me"), range(30)))
        equal({got.status for got in answers}, {503})
        true(time.monotonic() - begun < 12, f"30 answers took {time.monotonic() - begun:.1f} s")
