"""Owns the mistakes with bearer tokens, each with the cases that must notice it. Does not know how they are put in."""

from urllib.parse import unquote_to_bytes

from gatelodge.v1 import token_pb2

from .broken import Broken
from .wire import Answer


def _is_api(asked) -> bool:
    return asked.target.split(b"?")[0].startswith(b"/api")


def _let_everybody_in(asked, got, _again):
    return Answer(200, [], b'{"user_id": null}') if _is_api(asked) and got.status == 401 else None


def _take_the_first_of_two(asked):
    first = next((line for line in asked.headers if line[0].lower() == b"authorization"), None)
    asked.headers = [line for line in asked.headers if line[0].lower() != b"authorization" or line is first]


def _take_the_query(asked):
    if b"access_token=" in asked.target and not asked.header("authorization"):
        asked.headers.append((b"authorization", b"Bearer " + asked.target.split(b"access_token=")[1]))


def _demand_the_exact_scheme(asked):
    asked.change("authorization", lambda value: value if value.startswith(b"Bearer ") else b"")


def _answer_preflights(asked, _got, _again):
    is_preflight = asked.method == b"OPTIONS" and asked.header("access-control-request-method")
    return Answer(204, [], b"") if _is_api(asked) and is_preflight else None


def _decode_tokens(call):
    if call.method == "ValidateToken":
        call.request.token = unquote_to_bytes(call.request.token)


def _ask_for_nothing(call):
    if call.method == "ValidateToken":
        call.request.ClearField("requirements")


class _JudgedAll:
    """All that was asked for last was judged, whatever the answer says."""

    def __init__(self):
        self._asked = token_pb2.TokenRequirements()

    def question(self, call):
        if call.method == "ValidateToken":
            self._asked.CopyFrom(call.request.requirements)

    def reply(self, _method, answer):
        if answer.DESCRIPTOR.name == "ValidateTokenResponse" and answer.HasField("active"):
            answer.active.judged.CopyFrom(self._asked)


def _unknown_is_inactive(_method, answer):
    if answer.DESCRIPTOR.name == "ValidateTokenResponse" and not answer.WhichOneof("outcome"):
        answer.inactive.answer.status = 401


def _own_refusals(asked, got, _again):
    if _is_api(asked) and got.status in (401, 403):
        got.headers = [(name, value) for name, value in got.headers if name != "www-authenticate"]


def _trouble_is_refusal(asked, got, _again):
    if _is_api(asked) and got.status == 503:
        return Answer(401, [("www-authenticate", "Bearer")], got.body)
    return None


def _let_in_on_doubt(asked, got, _again):
    return Answer(200, [], b'{"user_id": null}') if _is_api(asked) and got.status == 503 else None


def _refuse_two_itself(asked):
    lines = [name for name, _ in asked.headers if name.lower() == b"authorization"]
    return Answer(401, [("www-authenticate", "Bearer")], b"") if len(lines) > 1 else None


def _keep_a_space(call):
    if call.method == "ValidateToken":
        call.request.token += b" "


def _forget_cookies_in_vary(asked, got, _again):
    if _is_api(asked):
        got.headers = [(n, "Authorization" if n == "vary" else value) for n, value in got.headers]


def _mind_any_audience(_method, answer):
    if answer.DESCRIPTOR.name == "ValidateTokenResponse" and answer.active.judged.audience:
        answer.Clear()


def _know_audiences_by_their_beginning(_method, answer):
    if answer.DESCRIPTOR.name == "ValidateTokenResponse" and answer.active.judged.audience.startswith("orders"):
        answer.active.judged.audience = "orders"


_judged_all = _JudgedAll()

BEARER: dict[str, Broken] = {
    "lets everybody into an API": Broken(
        (
            "bearer: GET without a token never reaches the handler",
            "bearer: OPTIONS without a token never reaches the handler",
            "bearer: with another scheme no token is presented",
            "bearer: a session opens no api",
        ),
        answer=_let_everybody_in,
    ),
    "takes the first of two credentials": Broken(
        ("bearer: of two Authorization headers none counts",), request=_take_the_first_of_two
    ),
    "takes a token from the query": Broken(("bearer: with no header no token is presented",), request=_take_the_query),
    "knows Bearer by case": Broken(("bearer: the scheme is known in lower case",), request=_demand_the_exact_scheme),
    "answers an API's preflights": Broken(
        ("bearer: a preflight of an allowed origin is a request without a token",), answer=_answer_preflights
    ),
    "decodes tokens": Broken(("bearer: escapes of a token arrives undecoded",), question=_decode_tokens),
    "asks for nothing of a token": Broken(
        ("bearer: what /api/scoped needs is asked", "bearer: what /api/orders needs is asked"),
        question=_ask_for_nothing,
    ),
    "takes what was not judged for a yes": Broken(
        (
            "bearer: where what /api/scoped needs was not judged it is 503",
            "bearer: where what /api/orders needs was not judged it is 503",
            "bearer: where another scope was judged a need is 503",
        ),
        question=_judged_all.question,
        reply=_judged_all.reply,
    ),
    "minds an audience that nobody asked for": Broken(
        ("bearer: where no audience is needed any of the authoritys is good",), reply=_mind_any_audience
    ),
    "knows an audience by its beginning": Broken(
        ("bearer: where an audience is needed none that begins alike does",),
        reply=_know_audiences_by_their_beginning,
    ),
    "takes an unknown word about a token for a no": Broken(
        ("bearer: an unset outcome is 503",), reply=_unknown_is_inactive
    ),
    "refuses tokens in words of its own": Broken(
        (
            "bearer: a token that is not good gets the authoritys answer",
            "bearer: a token that is not enough gets the authoritys answer",
        ),
        answer=_own_refusals,
    ),
    "takes trouble for a bad token": Broken(
        (
            "bearer: the status INTERNAL is 503",
            "bearer: an authority that checks no tokens lets nobody in",
            "bearer: inactive without an answer is 503",
            "bearer: denied without an answer is 503",
        ),
        answer=_trouble_is_refusal,
    ),
    "lets somebody in who has no identity": Broken(
        ("bearer: a good token without an identity is 503 at /api",), answer=_let_in_on_doubt
    ),
    "refuses two credentials by itself": Broken(
        ("bearer: of two Authorization headers none counts",), request=_refuse_two_itself
    ),
    "passes on a space behind a token": Broken(
        ("bearer: a space behind it are no part of a token", "bearer: two spaces before it are no part of a token"),
        question=_keep_a_space,
    ),
    "lets an API's refusals be kept for other cookies": Broken(
        (
            "bearer: a token that is not good gets the authoritys answer",
            "bearer: the status INTERNAL is 503",
        ),
        answer=_forget_cookies_in_vary,
    ),
}
