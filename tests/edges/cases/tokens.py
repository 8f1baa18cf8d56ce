"""New tokens and user info: /auth/web/refresh and /auth/web/userinfo."""

import time

from gatelodge.v1 import http_answer_pb2

from ..authority import RefusedError, always, at_first, refused, slow
from ..browser import FETCH, NAVIGATION
from ..case import case, could_not_say, each, equal, error, guarded, no_cookie, status, true
from ..programs import ORIGIN

REFRESH, USER_INFO = "/auth/web/refresh", "/auth/web/userinfo"
PROVIDER_AWAY = http_answer_pb2.HttpAnswer(
    status=503,
    content_type="application/json",
    headers=[http_answer_pb2.HttpHeader(name="retry-after", value="4")],
    body=b'{"detail": "d", "reason": "provider_unavailable", "request_id": "r"}',
)
ASKING = {"a refresh": ("RefreshTokens", REFRESH), "asking for user info": ("GetUserInfo", USER_INFO)}


@case
def new_tokens_are_fetched(s):
    body = guarded(no_cookie(status(s.post(REFRESH, s.with_token()), 200))).json()
    true(body["message"] and body["expires_at"] > time.time(), str(body))
    true(body["session"]["idle_expires_at"] <= body["session"]["expires_at"], str(body))
    true("token" not in {name for name in body if name != "message"}, "no token leaves the authority")


@case
def user_info_says_who_somebody_is(s):
    body = guarded(no_cookie(status(s.get(USER_INFO, [s.cookie()]), 200))).json()
    expected = {"user_id": "dev_testuser1", "provider": "dev", "email": "testuser1@example.com", "name": "Tessa Usher"}
    equal({name: body[name] for name in expected}, expected)
    true({"sub", "email_verified", "picture", "claims"} <= set(body), str(body))
    equal(s.asked("GetUserInfo").refresh, False)


@case
def user_info_by_post_asks_the_provider(s):
    body = guarded(no_cookie(status(s.post(USER_INFO, s.with_token()), 200))).json()
    equal((body["user_id"], s.asked("GetUserInfo").refresh), ("dev_testuser1", True))


@case
def user_info_by_head_is_as_by_get_without_the_body(s):
    equal(guarded(status(s.request("HEAD", USER_INFO, [s.cookie()]), 200)).body, b"")
    asked = s.asked("GetUserInfo")
    equal((asked.context.method, asked.refresh), (b"HEAD", False))


@each({"refresh=true": "?refresh=true", "refresh=1": "?refresh=1", "_method=POST": "?_method=POST"})
def user_info_by_get_asks_no_provider_for_x(s, query):
    status(s.get(USER_INFO + query, [s.cookie()]), 200)
    equal(s.asked("GetUserInfo").refresh, False)


@each(ASKING)
def x_passes_on_the_session_cookies_and_the_context(s, row):
    method, path = row
    cookies = ("cookie", "a=b; session=x; login_binding=y; former_session=z; session=w")
    s.post(f"{path}?a=%20b", [cookies, ("x-csrf-token", "t"), ("origin", ORIGIN)])
    asked = s.asked(method)
    expected = [("session", b"x"), ("former_session", b"z"), ("session", b"w")]
    equal([(cookie.name, cookie.value) for cookie in asked.cookies], expected)
    context = asked.context
    equal((context.method, context.target), (b"POST", f"{path}?a=%20b".encode()))
    equal((context.csrf_token, context.origin), (b"t", ORIGIN.encode()))


@each(
    {
        name: (verb, path)
        for name, verb, path in (
            ("a refresh", "POST", REFRESH),
            ("user info", "GET", USER_INFO),
            ("asking for user info", "POST", USER_INFO),
        )
    }
)
def nobody_gets_x(s, row):
    for headers in (FETCH, NAVIGATION, []):
        guarded(no_cookie(error(s.request(*row, headers), 401, "not_signed_in")))


@each(
    {
        name: (verb, path)
        for name, verb, path in (
            ("a refresh", "POST", REFRESH),
            ("user info", "GET", USER_INFO),
            ("asking for user info", "POST", USER_INFO),
        )
    }
)
def after_a_logout_there_is_no_x(s, row):
    headers = s.with_token()
    status(s.post("/auth/web/logout", headers), 200)
    no_cookie(error(s.request(*row, headers), 401, "session_ended"))


@each(ASKING)
def x_without_the_token_is_403(s, row):
    _, path = row
    cookie, token = s.with_token()
    no_cookie(error(s.post(path, [cookie]), 403, "csrf_mismatch"))
    no_cookie(error(s.post(path, [cookie, ("x-csrf-token", "x")]), 403, "csrf_mismatch"))
    status(s.post(path, [cookie, token]), 200)


@each(
    {
        f"{name} from {origin}": (path, origin)
        for name, (_, path) in ASKING.items()
        for origin in ("https://evil.example", "null", f"{ORIGIN}.evil.example")
    }
)
def x_is_403(s, row):
    path, origin = row
    no_cookie(error(s.post(path, [*s.with_token(), ("origin", origin)]), 403, "origin_refused"))


@each(ASKING)
def an_allowed_origin_may_read_the_answer_to_x(s, row):
    got = guarded(status(s.post(row[1], [*s.with_token(), ("origin", ORIGIN)]), 200))
    equal(got.header("access-control-allow-origin"), ORIGIN)
    equal(got.header("access-control-allow-credentials"), "true")


@case
def a_foreign_origin_may_not_read_user_info(s):
    got = status(s.get(USER_INFO, [s.cookie(), ("origin", "https://evil.example")]), 200)
    equal([name for name, _ in got.headers if name.startswith("access-control-")], [])


@each(ASKING)
def the_answer_to_x_is_copied_whole(s, row):
    method, path = row
    whole = http_answer_pb2.HttpAnswer(status=418, location="/tea", set_cookies=["a=1", "b=2"], body=b"\xff")
    whole.headers.append(http_answer_pb2.HttpHeader(name="x-further", value="1"))

    def odd(_call, ask):
        answer = ask()
        answer.ClearField(answer.WhichOneof("outcome"))
        answer.answer.CopyFrom(whole)
        return answer

    s.rule(method, odd)
    got = guarded(status(s.post(path), 418))
    equal((got.all("set-cookie"), got.header("location"), got.body), (["a=1", "b=2"], "/tea", b"\xff"))
    equal(got.header("x-further"), "1")


@each(ASKING)
def x_without_an_answer_is_503(s, row):
    method, path = row
    s.rule(method, always(b""))
    could_not_say(s.post(path, s.with_token()))


# What the provider, or the want of a token, kept from being answered: the authority's words, not "could not say".


def _refused_with(answer, code="FAILED_PRECONDITION", reason="NO_REFRESH_TOKEN"):
    def rule(_call, _ask):
        raise RefusedError(code, reason=reason, answer=answer)

    return rule


@each(ASKING)
def the_answer_of_a_status_is_copied_for_x(s, row):
    method, path = row
    answer = http_answer_pb2.HttpAnswer(status=409, body=b"{}", content_type="application/json")
    answer.headers.append(http_answer_pb2.HttpHeader(name="x-further", value="1"))
    s.rule(method, _refused_with(answer))
    got = guarded(no_cookie(status(s.post(path, s.with_token()), 409)))
    equal((got.body, got.header("x-further"), len(s.calls(method))), (b"{}", "1", 1))


@each(ASKING)
def a_provider_in_trouble_is_asked_once_for_x(s, row):
    method, path = row
    s.rule(method, _refused_with(PROVIDER_AWAY, "UNAVAILABLE", "PROVIDER_UNAVAILABLE"))
    got = guarded(no_cookie(error(s.post(path, s.with_token()), 503, "provider_unavailable")))
    equal((got.header("retry-after"), len(s.calls(method))), ("4", 1))


@case
def an_answer_of_a_status_that_can_not_be_copied_is_503(s):
    answer = http_answer_pb2.HttpAnswer(status=409, location="/x\r\ny: z")
    s.rule("RefreshTokens", _refused_with(answer))
    could_not_say(s.post(REFRESH, s.with_token()))


@case
def a_status_without_an_answer_is_503(s):
    s.rule("RefreshTokens", refused("FAILED_PRECONDITION", reason="NO_REFRESH_TOKEN"))
    could_not_say(s.post(REFRESH, s.with_token()))


@each(ASKING)
def a_slow_provider_is_waited_for_with_x(s, row):
    method, path = row
    headers = s.with_token()
    s.rule(method, slow(3))
    status(s.post(path, headers), 200)


@each(ASKING)
def a_short_absence_during_x_goes_unnoticed(s, row):
    method, path = row
    s.rule(method, at_first(1, refused("UNAVAILABLE", reason="REFRESH_IN_PROGRESS")))
    status(s.post(path, s.with_token()), 200)
    equal(len(s.calls(method)), 2)
