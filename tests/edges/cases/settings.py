"""The settings of an edge: followed while it runs, kept when they can't be had."""

import time
from itertools import pairwise

from ..authority import at_first, changed, refused
from ..browser import FETCH, NAVIGATION
from ..case import case, could_not_say, each, equal, error, guarded, no_cookie, status, true
from ..programs import ORIGIN, Authority
from .methods import ROUTES

OTHER = "http://localhost:3000"


@case
def an_authority_restarted_with_other_settings_is_followed(s):
    authority = Authority(f"authority-of-{s.tag}")
    try:
        with s.own_edge(authority=authority) as e:
            cookie = e.cookie()
            equal(e.get("/auth/me", [("origin", OTHER)]).header("access-control-allow-origin"), None)
            authority.stop()
            could_not_say(e.get("/auth/me", [cookie]))
            sessions = {"csrf_header": "X-My-Token", "cookie": {"name": "other", "former_names": ["session"]}}
            page = {"page": f"{OTHER}/auth/{{provider}}"}
            authority.start({"app": {"cors": {"allowed_origins": [OTHER]}, "sessions": sessions, "spa": page}})
            e.eventually(
                lambda: e.get("/auth/me", [("origin", OTHER)]).header("access-control-allow-origin") == OTHER,
                "the new origin",
                20,
            )
            got = status(e.get("/auth/me", [cookie]), 200)
            true(got.header("set-cookie").startswith("other="), "the cookie moves to its new name")
            token = got.header("x-my-token")
            status(e.post("/private", [cookie, ("x-my-token", token)]), 200)
            error(e.post("/private", [cookie, ("x-csrf-token", token)]), 403, "csrf_mismatch")
            equal(e.get("/auth/me", [("origin", ORIGIN)]).header("access-control-allow-origin"), None)
    finally:
        authority.close()


def _with(**fields):
    def change(answer):
        for name, value in fields.items():
            if isinstance(value, list):
                getattr(answer.settings, name)[:] = value
            else:
                setattr(answer.settings, name, value)

    return changed(change)


@case
def an_answer_that_names_another_version_leads_to_new_settings(s):
    with s.own_edge(rules={"GetEdgeSettings": _with(version="old", csrf_header="x-old")}) as e:
        cookie = e.cookie()
        # What was asked while there were no settings may lead to one more question; then none is due for a minute.
        time.sleep(1.5)
        e.site.between.rule("GetEdgeSettings", lambda _call, ask: ask())
        e.eventually(lambda: e.get("/auth/me", [cookie]).header("x-csrf-token"), "the new settings")


@each({"StartLogin": ("GET", "/auth/web/login"), "StartLogout": ("POST", "/auth/web/logout")})
def the_version_in_the_answer_of_x_counts_too(s, row):
    with s.own_edge(rules={"GetEdgeSettings": at_first(1, _with(version="old"))}, ready=False) as e:
        e.eventually(lambda: e.request(*row).status != 503, "settings")
        e.eventually(lambda: e.request(*row) and len(e.site.between.called("GetEdgeSettings")) > 1, "asked again")


@case
def versions_that_always_differ_are_asked_about_once_a_second_at_most(s):
    def another(answer):
        answer.settings_version = "another"

    with s.own_edge(rules={"ValidateSession": changed(another)}) as e:
        end = time.monotonic() + 2.5
        while time.monotonic() < end:
            status(e.get("/auth/me"), 401)
        times = [call.at for call in e.site.between.called("GetEdgeSettings")]
        gaps = [later - earlier for earlier, later in pairwise(times)]
        true(2 <= len(times) <= 5 and all(gap > 0.9 for gap in gaps), f"asked with pauses of {gaps}")


@case
def settings_are_asked_for_again_after_the_time_they_name(s):
    def soon(answer):
        answer.settings.ask_again_after.seconds = 1

    with s.own_edge(rules={"GetEdgeSettings": changed(soon)}) as e:
        e.eventually(lambda: len(e.site.between.called("GetEdgeSettings")) >= 3, "asked again and again")


@case
def the_last_good_settings_stay_when_asking_fails(s):
    def soon(answer):
        answer.settings.ask_again_after.seconds = 1

    with s.own_edge(rules={"GetEdgeSettings": changed(soon)}) as e:
        e.site.between.rule("GetEdgeSettings", refused("INTERNAL"))
        before = len(e.site.between.called("GetEdgeSettings"))
        e.eventually(lambda: len(e.site.between.called("GetEdgeSettings")) > before, "asked in vain")
        status(e.get("/auth/me", [e.cookie()]), 200)


@each({"no settings at all": None, "no cookie names": {"session_cookie_names": []}})
def an_answer_with_x_takes_none_away(s, fields):
    def soon(answer):
        answer.settings.ask_again_after.seconds = 1

    def useless(answer):
        if fields is None:
            answer.ClearField("settings")
        else:
            answer.settings.session_cookie_names[:] = []

    with s.own_edge(rules={"GetEdgeSettings": changed(soon)}) as e:
        cookie = e.cookie()
        e.site.between.rule("GetEdgeSettings", changed(useless))
        before = len(e.site.between.called("GetEdgeSettings"))
        e.eventually(lambda: len(e.site.between.called("GetEdgeSettings")) > before, "asked in vain")
        status(e.get("/auth/me", [cookie]), 200)


@case
def until_there_are_settings_it_is_asked_with_growing_pauses(s):
    with s.own_edge(ready=False, rules={"GetEdgeSettings": refused("INTERNAL")}) as e:
        end = time.monotonic() + 3
        while time.monotonic() < end:
            could_not_say(e.get("/auth/me"))
        count = len(e.site.between.called("GetEdgeSettings"))
        true(2 <= count <= 12, f"asked {count} times in 3 s")


@case
def a_https_base_url_demands_https(s):
    with s.own_edge(rules={"GetEdgeSettings": _with(public_base_url="https://app.example.com")}) as e:
        for method, path in (
            ("GET", "/auth/me"),
            ("GET", "/auth/web/login"),
            ("PUT", "/auth/me"),
            ("OPTIONS", "/auth/me"),
        ):
            equal(e.request(method, path).header("strict-transport-security"), "max-age=31536000", path)
        equal(e.get("/open").header("strict-transport-security"), None)


@case
def a_set_that_is_off_answers_as_an_unknown_path(s):
    with s.own_edge(rules={"GetEdgeSettings": _with(route_sets=[])}, ready=False) as e:
        e.eventually(lambda: e.get("/auth/me").status != 503, "settings")
        for path, taken in ROUTES.items():
            for method in (*sorted(taken), "OPTIONS", "PUT"):
                status(no_cookie(e.request(method, path)), 404)
        equal(e.calls(), [])
        status(e.get("/private", FETCH), 401)


@case
def the_limits_are_those_of_the_settings(s):
    def small(answer):
        limits = answer.settings.limits
        limits.max_cookie_bytes, limits.max_cookies, limits.max_header_bytes, limits.max_query_bytes = 5, 2, 7, 10

    with s.own_edge(rules={"GetEdgeSettings": changed(small)}) as e:
        e.get(
            "/auth/web/login?0123456789abc",
            [("cookie", "session=123456789; session=1; session=2"), ("accept", "0123456789")],
        )
        asked = e.asked("StartLogin")
        equal([cookie.value for cookie in asked.cookies], [b"123456", b"1"])
        equal((asked.query, asked.context.accept), (b"0123456789a", b"0123456"))


@case
def names_of_cookies_are_those_of_the_settings(s):
    with s.own_edge(
        rules={"GetEdgeSettings": _with(session_cookie_names=["__Host-a", "b"], binding_cookie_names=["c"])}
    ) as e:
        e.get("/auth/web/login", [("cookie", "session=1; __Host-a=2; b=3; login_binding=4; c=5")])
        equal(
            sorted((cookie.name, cookie.value) for cookie in e.asked("StartLogin").cookies),
            [("__Host-a", b"2"), ("b", b"3"), ("c", b"5")],
        )


@case
def headers_for_other_origins_are_those_of_the_settings(s):
    def other(answer):
        cors = answer.settings.cors
        cors.allowed_origins[:], cors.allowed_methods[:] = ["https://a.example", "app://b"], ["GET", "BREW"]
        cors.allowed_headers[:], cors.exposed_headers[:] = ["x-one", "x-two"], ["x-three"]
        cors.max_age.seconds = 77

    with s.own_edge(rules={"GetEdgeSettings": changed(other)}) as e:
        for origin in ("https://a.example", "app://b"):
            got = status(e.options("/auth/me", origin), 204)
            equal(got.header("access-control-allow-origin"), origin)
            equal(got.words("access-control-allow-methods"), {"get", "brew"})
            equal(got.words("access-control-allow-headers"), {"x-one", "x-two"})
            equal(got.header("access-control-max-age"), "77")
            equal(e.get("/auth/me", [("origin", origin)]).words("access-control-expose-headers"), {"x-three"})


@case
def headers_for_other_origins_change_while_the_edge_runs(s):
    def at(age):
        def change(answer):
            answer.settings.version = f"of {age}"
            cors = answer.settings.cors
            cors.allowed_headers[:], cors.exposed_headers[:] = [f"x-in-{age}"], [f"x-out-{age}"]
            cors.max_age.seconds = age

        return changed(change)

    with s.own_edge(rules={"GetEdgeSettings": at(11)}) as e:
        time.sleep(1.5)
        e.site.between.rule("GetEdgeSettings", at(22))
        e.get("/auth/me")
        e.eventually(lambda: e.options("/auth/me", ORIGIN).header("access-control-max-age") == "22", "the new age")
        equal(e.options("/auth/me", ORIGIN).words("access-control-allow-headers"), {"x-in-22"})
        equal(e.get("/auth/me", [("origin", ORIGIN)]).words("access-control-expose-headers"), {"x-out-22"})


@case
def headers_for_other_origins_that_the_settings_lack_are_not_sent(s):
    def bare(answer):
        origins = list(answer.settings.cors.allowed_origins)
        answer.settings.cors.Clear()
        answer.settings.cors.allowed_origins[:] = origins

    with s.own_edge(rules={"GetEdgeSettings": changed(bare)}) as e:
        for got in (e.options("/auth/me", ORIGIN), e.get("/auth/me", [("origin", ORIGIN)])):
            names = {name for name, _ in got.headers if name.startswith("access-control-")}
            equal(names, {"access-control-allow-origin", "access-control-allow-credentials"})


# The mount prefix.


@case
def under_a_prefix_the_routes_are_there_and_nowhere_else(s):
    with s.own_edge(prefix="/app") as e:
        guarded(error(e.get("/app/auth/me"), 401, "not_signed_in"))
        status(e.get("/app/auth/web/login?provider=dev", NAVIGATION), 302)
        status(e.request("OPTIONS", "/app/auth/me"), 204)
        for path in ROUTES:
            status(e.get(path), 404)
        equal(e.asked("StartLogin").context.target, b"/app/auth/web/login?provider=dev")


@case
def a_callback_elsewhere_is_an_error_in_the_log(s):
    with s.own_edge(prefix="/app") as e:
        e.eventually(lambda: "/app/auth/web/callback" in e.site.program.said(), "the log names the edge's own callback")
        true(
            "/auth/web/callback" in e.site.program.said().replace("/app/auth/web/callback", ""),
            "and the configured one",
        )
