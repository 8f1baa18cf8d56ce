"""Owns the mistakes with front ends that forward the code, each with the cases that must notice it.
Does not know how they are put in."""

from .broken import Broken
from .front_end_mistakes import doubt_is_refusal, take_cookies, take_it_for_the_webs, write_it_anew


def _at(asked, path: bytes) -> bool:
    return asked.target.split(b"?")[0] == path


def _is_a_login(asked) -> bool:
    return _at(asked, b"/login")


def _is_of_the_user(asked) -> bool:
    return _at(asked, b"/me")


def _label_as_json(asked):
    if _at(asked, b"/authorize"):
        asked.change("content-type", lambda _value: b"application/json")


def _go_there_itself(asked, got, _again):
    if _is_a_login(asked) and got.status == 200:
        got.headers.append(("location", got.json()["url"]))


def _ask_for_no_user(call):
    if call.method == "ValidateToken":
        call.request.answer_user = False


def _demand_the_exact_scheme(asked):
    if _is_of_the_user(asked):
        asked.change("authorization", lambda value: value if value.startswith(b"Bearer ") else b"")


SPAS: dict[str, Broken] = {
    "takes whatever is forwarded for JSON": Broken(
        ("spa: a form is 400 and says what to send", "spa: plain text is 400 and says what to send"),
        request=_label_as_json,
    ),
    "writes anew what is forwarded": Broken(("spa: a body is passed on as it came",), question=write_it_anew),
    "takes one route set for the other": Broken(
        (
            "spa: the login route passes on its query and cookies",
            "spa: a body is passed on as it came",
        ),
        question=take_it_for_the_webs,
    ),
    "binds no browser to a forwarded login": Broken(
        (
            "spa: a login is an address for a script and binds its browser",
            "spa: a forwarded code brings a token and its user",
        ),
        answer=take_cookies(_is_a_login),
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
        answer=doubt_is_refusal(_is_of_the_user, [("www-authenticate", "Bearer")]),
    ),
    "knows the scheme of a user by case": Broken(
        ("spa: the scheme is compared without case",), request=_demand_the_exact_scheme
    ),
}
