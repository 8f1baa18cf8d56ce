"""Owns the mistakes that somebody makes with the body of a logout, each with the cases that must notice it. Does not
know the other ways to be broken."""

from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from .broken import Broken


def _change_form(how: Callable[[bytes], bytes]):
    def question(call):
        if call.method == "StartLogout":
            call.request.form = how(call.request.form)

    return question


def _only_the_plain_label(asked):
    kind = asked.header("content-type") or b""
    if kind != b"application/x-www-form-urlencoded":
        asked.change("content-type", lambda _value: b"text/plain")


def _call_with_half_a_body(asked):
    asked.change("content-length", lambda _value: b"%d" % len(asked.body))


FORMS: dict[str, Broken] = {
    "drops forms": Broken(
        ("forms: a content type plain is a forms", "forms: escapes and a plus in a form arrive as they came"),
        question=_change_form(lambda _form: b""),
    ),
    "decodes forms": Broken(
        ("forms: escapes and a plus in a form arrive as they came",), question=_change_form(unquote_to_bytes)
    ),
    "takes forms for text": Broken(
        ("forms: bytes that are not UTF-8 in a form arrive as they came",),
        question=_change_form(lambda form: form.decode("utf-8", "replace").encode()),
    ),
    "passes on every body": Broken(
        ("forms: a body labelled JSON is not passed on", "forms: a body labelled a list is not passed on"),
        request=lambda asked: asked.change("content-type", lambda _value: b"application/x-www-form-urlencoded"),
    ),
    "knows forms by their whole label": Broken(
        ("forms: a content type with parameters is a forms", "forms: a content type in mixed case is a forms"),
        request=_only_the_plain_label,
    ),
    "hides that a form was too long": Broken(
        ("forms: a form is cut past the limit of the settings: a byte more",),
        question=_change_form(lambda form: form[:20]),
    ),
    # What stands before a broken edge reads every body to its end.
    "waits for bodies for ever": Broken(("forms: a form that stays away is 408 and calls nothing",)),
    "calls with half a body": Broken(
        ("forms: a form whose browser stops sending calls nothing",), request=_call_with_half_a_body
    ),
}
