"""Owns the mistakes with front ends that forward the code, each with the cases that must notice it.
Does not know how they are put in."""

import json

from gatelodge.v1 import login_pb2

from .broken import Broken
from .wire import Answer


def _at(asked, path: bytes) -> bool:
    return asked.target.split(b"?")[0] == path


def _label_as_json(asked):
    if _at(asked, b"/authorize"):
        asked.change("content-type", lambda _value: b"application/json")


def _write_it_anew(call):
    if call.method == "CompleteCallback" and call.request.json:
        call.request.json = json.dumps(json.loads(call.request.json)).encode()


def _take_it_for_the_other_set(call):
    if call.method in ("StartLogin", "CompleteCallback"):
        call.request.route_set = login_pb2.ROUTE_SET_WEB


def _bind_nobody(asked, got, _again):
    if _at(asked, b"/login"):
        got.headers = [(name, value) for name, value in got.headers if name != "set-cookie"]


def _go_there_itself(asked, got, _again):
    if _at(asked, b"/login") and got.status == 200:
        got.headers.append(("location", got.json()["url"]))


def _ask_for_no_user(call):
    if call.method == "ValidateToken":
        call.request.answer_user = False


def _doubt_is_refusal(asked, got, _again):
    if _at(asked, b"/me") and got.status == 503:
        return Answer(401, [("www-authenticate", "Bearer")], got.body)
    return None


def _demand_the_exact_scheme(asked):
    if _at(asked, b"/me"):
        asked.change("authorization", lambda value: value if value.startswith(b"Bearer ") else b"")


SPAS: dict[str, Broken] = {
    "takes whatever is forwarded for JSON": Broken(
        ("spa: a form is 400 and says what to send", "spa: plain text is 400 and says what to send"),
        request=_label_as_json,
    ),
    "writes anew what is forwarded": Broken(("spa: a body is passed on as it came",), question=_write_it_anew),
    "takes one route set for the other": Broken(
        (
            "spa: the login route passes on its query and cookies",
            "spa: a body is passed on as it came",
        ),
        question=_take_it_for_the_other_set,
    ),
    "binds no browser to a forwarded login": Broken(
        (
            "spa: a login is an address for a script and binds its browser",
            "spa: a forwarded code brings a token and its user",
        ),
        answer=_bind_nobody,
    ),
    "sends scripts away": Broken(
        ("spa: a login is an address for a script and binds its browser",), answer=_go_there_itself
    ),
    "asks for no user": Broken(("spa: the token and what was seen are passed on",), question=_ask_for_no_user),
    "takes doubt about a user for a no": Broken(
        (
            "spa: a yes without an answer is 503",
            "spa: an outcome from the future is 503",
            "spa: ValidateToken that fails is 503",
        ),
        answer=_doubt_is_refusal,
    ),
    "knows the scheme of a user by case": Broken(
        ("spa: the scheme is compared without case",), request=_demand_the_exact_scheme
    ),
}
