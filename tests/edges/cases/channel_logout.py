"""Logouts that a provider tells of: /auth/web/backchannel-logout and /auth/web/frontchannel-logout. An edge that has
not got them yet goes --without "channel logout: "."""

from gatelodge.v1.http_answer_pb2 import HttpAnswer, HttpHeader

from ..authority import at_first, changed, refused
from ..browser import NAVIGATION
from ..case import case, could_not_say, each, equal, error, guarded, no_cookie, status, true

BACK = "/auth/web/backchannel-logout"
FRONT = "/auth/web/frontchannel-logout"
FORM = ("content-type", "application/x-www-form-urlencoded")
POLICY = "default-src 'none'; frame-ancestors https://idp.example"
ROUTES = {
    "the back channel": ("HandleBackchannelLogout", "POST", BACK),
    "the front channel": ("HandleFrontchannelLogout", "GET", FRONT),
}


def _said(answer):
    answer.answer.CopyFrom(HttpAnswer(status=200, content_type="text/html", body=b"done"))
    answer.answer.headers.append(HttpHeader(name="content-security-policy", value=POLICY))


@each(
    {
        "escapes and a plus": b"logout_token=%61%2B+b&x=%zz",
        "bytes that are not UTF-8": b"a=\xff\xfe\x00&b=\r\n",
        "doubled and empty names": b"a=1&a=2&&=&b",
    }
)
def x_in_a_servers_form_arrive_as_they_came(s, form):
    s.post(BACK, [FORM], form)
    equal(s.asked("HandleBackchannelLogout").form, form)


@each(
    {
        "plain": "application/x-www-form-urlencoded",
        "in mixed case": "Application/X-WWW-Form-UrlEncoded",
        "with parameters": "application/x-www-form-urlencoded; x=y",
    }
)
def a_content_type_x_is_a_servers_forms(s, label):
    s.post(BACK, [("content-type", label)], b"logout_token=x")
    equal(s.asked("HandleBackchannelLogout").form, b"logout_token=x")


@each({"JSON": "application/json", "plain text": "text/plain", "nothing": ""})
def a_servers_body_labelled_x_is_not_passed_on(s, label):
    error(s.post(BACK, [("content-type", label)], b"logout_token=x"), 400, "request_malformed")
    equal(s.asked("HandleBackchannelLogout").form, b"")


@case
def a_servers_form_is_cut_past_the_limit(s):
    def small(answer):
        answer.settings.limits.max_body_bytes = 20

    with s.own_edge(rules={"GetEdgeSettings": changed(small)}) as e:
        error(e.post(BACK, [FORM], b"logout_token=" + b"x" * 100), 400, "logout_token_rejected")
        equal(len(e.asked("HandleBackchannelLogout").form), 21)


@each({"nothing": b"", "no token": b"token=x", "two tokens": b"logout_token=x&logout_token=x"})
def with_x_a_server_ends_nothing(s, form):
    cookie = s.cookie()
    got = no_cookie(guarded(error(s.post(BACK, [FORM, cookie], form), 400, "request_malformed")))
    equal(got.json()["error"], "invalid_request")
    status(s.get("/auth/me", [cookie]), 200)


@case
def a_token_that_nobody_signed_ends_nothing(s):
    cookie = s.cookie()
    got = s.post(BACK, [FORM], b"logout_token=e30.e30.e30")
    no_cookie(guarded(error(got, 400, "logout_token_rejected")))
    status(s.get("/auth/me", [cookie]), 200)


@case
def a_pages_query_is_passed_on_undecoded(s):
    s.get(f"{FRONT}?iss=https%3A%2F%2Fidp.example&sid=a+%20%zz")
    equal(s.asked("HandleFrontchannelLogout").query, b"iss=https%3A%2F%2Fidp.example&sid=a+%20%zz")


@case
def a_page_that_names_no_session_ends_nothing(s):
    cookie = s.cookie()
    no_cookie(guarded(error(s.get(f"{FRONT}?iss=x", [cookie]), 400, "request_malformed")))
    no_cookie(guarded(error(s.get(f"{FRONT}?iss=x&sid=y", [cookie]), 400, "provider_unknown")))
    status(s.get("/auth/me", [cookie]), 200)


@each(ROUTES)
def x_answers_as_the_authority_says(s, row):
    call, verb, path = row
    s.rule(call, changed(_said))
    # No token, and an origin that is nobody's: neither is looked for here.
    got = no_cookie(status(s.request(verb, path, [FORM, ("origin", "https://idp.example"), *NAVIGATION]), 200))
    equal((got.body, got.all("content-security-policy")), (b"done", [POLICY]))
    true("no-store" in got.words("cache-control"), str(got))


@each(ROUTES)
def x_says_what_the_edge_saw(s, row):
    call, verb, path = row
    s.request(verb, f"{path}?a=b", [FORM, ("x-tenant-id", "acme"), ("cookie", "session=s")], host="acme.example")
    asked = s.asked(call)
    context = asked.context
    equal((context.method, context.target), (verb.encode(), f"{path}?a=b".encode()))
    equal((context.host, context.x_tenant_id, asked.route_set), (b"acme.example", b"acme", 1))


@each(ROUTES)
def x_tells_its_deadline(s, row):
    call, verb, path = row
    s.request(verb, path)
    left = s.the_call(call).seconds_left
    true(left is not None and 6.5 < left <= 8, f"{call} within 8 s, told {left}")


@each(ROUTES)
def x_is_repeated_once_at_most(s, row):
    call, verb, path = row
    s.rule(call, at_first(1, refused("UNAVAILABLE", reason="STORE_UNAVAILABLE")))
    status(s.request(verb, path), 400)
    equal(len(s.calls(call)), 2)


@each(ROUTES)
def x_says_503_while_nobody_can_say(s, row):
    call, verb, path = row
    s.rule(call, refused("UNAVAILABLE", reason="STORE_UNAVAILABLE"))
    could_not_say(s.request(verb, path))
    equal(len(s.calls(call)), 2)


@each(ROUTES)
def x_takes_one_method(s, row):
    _, taken, path = row
    for method in ("GET", "POST", "PUT", "DELETE", "PROPFIND"):
        if method != taken:
            got = guarded(error(s.request(method, path), 405, "METHOD_NOT_ALLOWED"))
            equal(got.words("allow"), {"options", taken.lower()}, method)
    status(s.request("HEAD", path), 405)
    got = guarded(status(s.request("OPTIONS", path), 204))
    equal((got.words("allow"), s.calls()), ({"options", taken.lower()}, []))
