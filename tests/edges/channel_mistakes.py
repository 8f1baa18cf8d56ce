"""Owns the mistakes that somebody makes with the logouts that a provider tells of, each with the cases that must notice
it. Does not know the other ways to be broken."""

from urllib.parse import unquote_to_bytes

from .broken import Broken

BACK = b"/auth/web/backchannel-logout"
FRONT = b"/auth/web/frontchannel-logout"


def _decode_form(call):
    if call.method == "HandleBackchannelLogout":
        call.request.form = unquote_to_bytes(call.request.form)


def _decode_query(call):
    if call.method == "HandleFrontchannelLogout":
        call.request.query = unquote_to_bytes(call.request.query)


def _label_every_body(asked):
    if asked.target.startswith(BACK):
        asked.change("content-type", lambda _value: b"application/x-www-form-urlencoded")


def _let_nobody_frame(asked, got, _again):
    if asked.target.startswith((BACK, FRONT)):
        names = [(name, value) for name, value in got.headers if name != "content-security-policy"]
        got.headers = [*names, ("content-security-policy", "frame-ancestors 'none'")]


def _guard_against_other_sites(asked, got, _again):
    if asked.target.startswith((BACK, FRONT)) and asked.header("origin"):
        got.status = 403


def _forget_the_context(call):
    if call.method.startswith("Handle"):
        call.request.context.ClearField("x_tenant_id")


def _take_every_method(asked):
    if asked.target == FRONT and asked.method == b"POST":
        asked.method = b"GET"


CHANNELS: dict[str, Broken] = {
    "decodes the form of a back-channel logout": Broken(
        ("channel logout: escapes and a plus in a servers form arrive as they came",), question=_decode_form
    ),
    "decodes the query of a front-channel logout": Broken(
        ("channel logout: a pages query is passed on undecoded",), question=_decode_query
    ),
    "takes every body for a back-channel logout's": Broken(
        ("channel logout: a servers body labelled JSON is not passed on",), request=_label_every_body
    ),
    "lets no provider frame its answer": Broken(
        ("channel logout: the front channel answers as the authority says",), answer=_let_nobody_frame
    ),
    "asks providers for the application's own CSRF rules": Broken(
        (
            "channel logout: the back channel answers as the authority says",
            "channel logout: the front channel answers as the authority says",
        ),
        answer=_guard_against_other_sites,
    ),
    "does not say for which tenant a provider's logout is": Broken(
        ("channel logout: the back channel says what the edge saw",), question=_forget_the_context
    ),
    "takes a front-channel logout by any method": Broken(
        ("channel logout: the front channel takes one method",), request=_take_every_method
    ),
}
