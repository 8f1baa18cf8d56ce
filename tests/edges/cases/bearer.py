"""Bearer tokens on the routes of an API: what is asked, and who never gets in."""

from gatelodge.v1 import http_answer_pb2, token_pb2

from ..authority import UNKNOWN_OUTCOME, always, at_first, refused
from ..case import case, could_not_say, each, equal, error, guarded, no_cookie, status, true
from ..programs import ORIGIN
from .guards import METHODS

METHOD = "ValidateToken"
BEARER = ("authorization", "Bearer good")
REALM = 'Bearer error="invalid_token", realm="as the authority says"'


def _active(user: str = "google_1", **judged):
    answer = token_pb2.ValidateTokenResponse()
    answer.active.identity.user_id = user
    answer.active.client_id = "program"
    answer.active.judged.CopyFrom(token_pb2.TokenRequirements(**judged))
    return answer


def _answer(code: int, reason: str) -> http_answer_pb2.HttpAnswer:
    body = b'{"detail":"no","reason":"%s","request_id":"r"}' % reason.encode()
    headers = [http_answer_pb2.HttpHeader(name="www-authenticate", value=REALM)]
    return http_answer_pb2.HttpAnswer(status=code, headers=headers, content_type="application/json", body=body)


def _inactive(reason: int = token_pb2.TOKEN_INACTIVE_REASON_FORGED):
    answer = token_pb2.ValidateTokenResponse()
    answer.inactive.reason = reason
    answer.inactive.answer.CopyFrom(_answer(401, "invalid_token"))
    return answer


def _denied(reason: int = token_pb2.TOKEN_DENIED_REASON_SCOPE_MISSING):
    answer = token_pb2.ValidateTokenResponse()
    answer.denied.reason = reason
    answer.denied.answer.CopyFrom(_answer(403, "scope_missing"))
    return answer


def _user(answer, user_id: str | None):
    equal(status(answer, 200).json()["user_id"], user_id)


def _never_ran(answer):
    true(answer.status != 200 and b"user_id" not in answer.body, f"the handler ran: {answer}")
    return answer


def _could_not_say(answer):
    return could_not_say(_never_ran(answer))


@case
def a_good_token_reaches_the_handler(s):
    s.rule(METHOD, always(_active()))
    _user(s.get("/api", [BEARER]), "google_1")
    asked = s.asked(METHOD)
    equal((asked.token, asked.provider), (b"good", ""))
    equal(asked.requirements, token_pb2.TokenRequirements())


@case
def a_token_that_speaks_for_a_program_alone_has_no_user(s):
    s.rule(METHOD, always(_active("")))
    _user(s.get("/api", [BEARER]), None)


@each({"as written": "Bearer", "in lower case": "bearer", "in capitals": "BEARER"})
def the_scheme_is_known_x(s, scheme):
    s.rule(METHOD, always(_active()))
    status(s.get("/api", [("authorization", f"{scheme} good")]), 200)
    equal(s.asked(METHOD).token, b"good")


@each(
    {
        "escapes": b"a%41b%3D+c",
        "padding and all marks": b"a-._~+/9==",
        "a comma and a space": b"a, b",
        "bytes beyond ASCII": b"a\xe9b",
    }
)
def x_of_a_token_arrives_undecoded(s, token):
    s.rule(METHOD, always(_inactive()))
    _never_ran(status(s.get("/api", [("authorization", b"Bearer " + token)]), 401))
    equal(s.asked(METHOD).token, token)


@each(
    {
        "no header": [],
        "another scheme": [("authorization", "Basic Z29vZA==")],
        "a longer scheme": [("authorization", "Bearers good")],
        "no scheme": [("authorization", "good")],
        "the scheme alone": [("authorization", "Bearer")],
        "the scheme and nothing but spaces": [("authorization", "Bearer   ")],
        "a tab in place of the space": [("authorization", "Bearer\tgood")],
        "a cookie": [("cookie", "session=good")],
    }
)
def with_x_no_token_is_presented(s, headers):
    s.rule(METHOD, always(_inactive()))
    _never_ran(status(s.get("/api?access_token=good", headers), 401))
    equal(s.asked(METHOD).token, b"")


@each(
    {
        "two spaces before it": "Bearer  good",
        "many spaces before it": "Bearer      good",
        "a space and a tab before it": "Bearer \tgood",
        "a space behind it": "Bearer good ",
        "a tab behind it": "Bearer good\t",
    }
)
def x_are_no_part_of_a_token(s, line):
    s.rule(METHOD, always(_active()))
    _user(s.get("/api", [("authorization", line)]), "google_1")
    equal(s.asked(METHOD).token, b"good")


@each(
    {
        "two Authorization headers": [("authorization", "Bearer good"), ("authorization", "Bearer good")],
        "two Authorization headers of two kinds": [
            ("authorization", "Basic Z29vZA=="),
            ("authorization", "Bearer good"),
        ],
    }
)
def of_x_none_counts(s, headers):
    def rule(call, _ask):
        return _active() if call.request.token == b"good" else _inactive()

    s.rule(METHOD, rule)
    _never_ran(status(s.get("/api", headers), 401))
    equal(s.asked(METHOD).token, b"")


@each(METHODS)
def x_without_a_token_never_reaches_the_handler(s, method):
    s.rule(METHOD, always(_inactive()))
    _never_ran(status(s.request(method, "/api"), 401))


@each(METHODS)
def x_with_a_good_token_does(s, method):
    s.rule(METHOD, always(_active()))
    status(s.request(method, "/api", [BEARER]), 200)


@case
def a_session_opens_no_api(s):
    cookie = s.cookie()
    s.rule(METHOD, always(_inactive()))
    _never_ran(status(s.get("/api", [cookie]), 401))
    equal(s.calls("ValidateSession"), [])


@case
def a_token_that_is_not_good_gets_the_authoritys_answer(s):
    s.rule(METHOD, always(_inactive()))
    got = guarded(error(no_cookie(_never_ran(s.get("/api", [BEARER]))), 401, "invalid_token"))
    equal(got.header("www-authenticate"), REALM)


@case
def a_token_that_is_not_enough_gets_the_authoritys_answer(s):
    s.rule(METHOD, always(_denied()))
    got = guarded(error(no_cookie(_never_ran(s.get("/api", [BEARER]))), 403, "scope_missing"))
    equal(got.header("www-authenticate"), REALM)


@each({"inactive": (_inactive, 401), "denied": (_denied, 403)})
def a_reason_of_the_future_for_x_changes_nothing(s, row):
    answer, code = row
    s.rule(METHOD, always(answer(99)))
    status(_never_ran(s.get("/api", [BEARER])), code)


@each({"inactive": "inactive", "denied": "denied"})
def x_without_an_answer_is_503(s, outcome):
    answer = token_pb2.ValidateTokenResponse()
    getattr(answer, outcome).SetInParent()
    s.rule(METHOD, always(answer))
    _could_not_say(s.get("/api", [BEARER]))


@each({"/api": {}, "/api/scoped": {"scopes": ["admin"]}})
def a_good_token_without_an_identity_is_503_at_x(s, judged):
    answer = _active(**judged)
    answer.active.ClearField("identity")
    s.rule(METHOD, always(answer))
    _could_not_say(s.get("/api/scoped" if judged else "/api", [BEARER]))


@each(
    {
        name: name
        for name in ("UNAVAILABLE", "INTERNAL", "UNAUTHENTICATED", "PERMISSION_DENIED", "NOT_FOUND", "UNIMPLEMENTED")
    }
)
def the_status_x_is_503(s, code):
    s.rule(METHOD, refused(code))
    _could_not_say(s.get("/api", [BEARER]))


@each({"an unset outcome": b"", "an unknown outcome": UNKNOWN_OUTCOME})
def x_is_503(s, answer):
    s.rule(METHOD, always(answer))
    _could_not_say(s.get("/api", [BEARER]))


@case
def an_authority_that_checks_no_tokens_lets_nobody_in(s):
    _could_not_say(s.get("/api", [BEARER]))


@case
def an_answer_that_breaks_a_header_is_503(s):
    answer = _inactive()
    answer.inactive.answer.headers[0].value = "Bearer\r\nset-cookie: a=b"
    s.rule(METHOD, always(answer))
    _could_not_say(s.get("/api", [BEARER]))


NEEDS = {
    "/api/scoped": {"scopes": ["admin"]},
    "/api/orders": {"audience": "orders"},
    "/api/strong": {"acr_values": ["2"]},
}


@each({path: (path, needs) for path, needs in NEEDS.items()})
def what_x_needs_is_asked(s, row):
    path, needs = row
    s.rule(METHOD, always(_active(**needs)))
    _user(s.get(path, [BEARER]), "google_1")
    equal(s.asked(METHOD).requirements, token_pb2.TokenRequirements(**needs))


@each({path: path for path in NEEDS})
def where_what_x_needs_was_not_judged_it_is_503(s, path):
    s.rule(METHOD, always(_active()))
    _could_not_say(s.get(path, [BEARER]))
    s.rule(METHOD, always(_active(audience="other", acr_values=["1"], scopes=["other"])))
    _could_not_say(s.get(path, [BEARER]))


@each({"another scope": {"scopes": ["read"]}, "one of several": {"any_scopes": ["admin"]}})
def where_x_was_judged_a_need_is_503(s, judged):
    s.rule(METHOD, always(_active(**judged)))
    _could_not_say(s.get("/api/scoped", [BEARER]))


@case
def what_was_judged_beyond_the_need_does_no_harm(s):
    s.rule(METHOD, always(_active(scopes=["read", "admin"], email_verified=True)))
    status(s.get("/api/scoped", [BEARER]), 200)


@case
def where_no_audience_is_needed_any_of_the_authoritys_is_good(s):
    s.rule(METHOD, always(_active(audience="orders")))
    _user(s.get("/api", [BEARER]), "google_1")
    equal(s.asked(METHOD).requirements.audience, "")
    s.rule(METHOD, always(_active(audience="orders", scopes=["admin"])))
    _user(s.get("/api/scoped", [BEARER]), "google_1")


@each({"no other": "", "none that begins alike": "orders-eu", "none in capitals": "ORDERS"})
def where_an_audience_is_needed_x_does(s, judged):
    s.rule(METHOD, always(_active(audience=judged)))
    _could_not_say(s.get("/api/orders", [BEARER]))


@each({"an allowed origin": ORIGIN, "a foreign origin": "https://evil.example"})
def a_preflight_of_x_is_a_request_without_a_token(s, origin):
    s.rule(METHOD, always(_inactive()))
    _never_ran(status(s.options("/api", origin), 401))
    equal(s.asked(METHOD).token, b"")


@case
def a_short_absence_goes_unnoticed(s):
    s.rule(METHOD, at_first(2, refused("UNAVAILABLE", reason="STORE_UNAVAILABLE"), then=always(_active())))
    status(s.get("/api", [BEARER]), 200)
    equal(len(s.calls(METHOD)), 3)


@case
def the_provider_may_have_to_be_asked(s):
    s.rule(METHOD, always(_active()))
    s.get("/api", [BEARER])
    left = s.the_call(METHOD).seconds_left
    true(left is not None and 8 < left <= 10, f"{left} s are left")


@case
def a_call_carries_the_requests_id(s):
    s.rule(METHOD, always(_active()))
    s.get("/api", [BEARER])
    equal(s.the_call(METHOD).request_id, s.tag)


@case
def every_request_is_asked_about(s):
    s.rule(METHOD, at_first(1, always(_active()), then=always(_inactive())))
    status(s.get("/api", [BEARER]), 200)
    _never_ran(status(s.get("/api", [BEARER]), 401))
