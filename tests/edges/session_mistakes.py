"""Owns the mistakes with rotated credentials, tokens, lists of sessions, choices and tenants, each with the cases that
must notice it. Does not know how they are put before an edge."""

from .broken import Broken
from .wire import Answer


def _drop_token_beside_cookies(asked, got, _again):
    if got.all("set-cookie") and asked.target in (b"/private", b"/optional"):
        got.headers = [(name, value) for name, value in got.headers if name != "x-csrf-token"]


def _add_token(_asked, got, _again):
    got.headers.append(("x-csrf-token", "csrf_x"))


def _ask_provider_by_get(call):
    if call.method == "GetUserInfo":
        call.request.refresh = b"refresh=" in call.request.context.target or call.request.refresh


def _forget_context(call):
    if call.method in ("RefreshTokens", "GetUserInfo"):
        call.request.context.method = b"GET"


def _choice_as_query(call):
    if call.method == "CompleteCallback" and call.request.WhichOneof("response") != "query":
        call.request.query = b""


def _json_as_form(call):
    if call.method == "Revoke" and call.request.WhichOneof("target") == "json":
        call.request.form = call.request.json


def _read_pages(call):
    if call.method == "ListUserSessions":
        call.request.page_token, call.request.query = call.request.query.decode("latin-1"), b""


def _any_body_is_a_form(asked):
    if asked.method == b"POST" and asked.header("content-type") == b"text/plain":
        asked.change("content-type", lambda _value: b"application/x-www-form-urlencoded")


def _forget_place(call):
    if call.request.DESCRIPTOR.fields_by_name.get("context"):
        call.request.context.ClearField("place")


def _one_tenant_for_all(method, answer):
    if method.name == "GetEdgeSettings":
        del answer.others[:]


def _name_no_tenant(call):
    call.metadata.pop("x-tenant-id", None)


def _name_the_browsers_tenant(call):
    call.metadata["x-tenant-id"] = ["acme"]


def _forget_answers_of_statuses(_asked, got, _again):
    if got.status == 409:
        return Answer(503, [("retry-after", "1")], b"{}")
    return None


def _has_two_guards(asked) -> bool:
    return asked.target in (b"/both", b"/twice")


def _deliver_with_a_503(asked, got, _again):
    if _has_two_guards(asked) and got.status == 503:
        got.headers.append(("set-cookie", "session=next; Path=/; HttpOnly; SameSite=Lax"))


def _deliver_with_a_yes_alone(asked, got, _again):
    if _has_two_guards(asked) and got.status in (401, 403):
        got.headers = [(name, value) for name, value in got.headers if name not in ("set-cookie", "x-csrf-token")]


def _say_again_what_varies(_asked, got, _again):
    if "cookie" in got.words("vary"):
        got.headers.append(("vary", "cookie"))


def _ask_for_one_guard(asked):
    if _has_two_guards(asked):
        asked.target = b"/private"


SESSIONS: dict[str, Broken] = {
    "says twice what an answer varies by": Broken(
        (
            "two guards: the inner guards 401 at /both has what the outer one delivers",
            "two guards: the inner guards 403 at /twice has what the outer one delivers",
            "two guards: where the inner guard gets a status at /both nothing is delivered",
            "answers: where the authoritys vary names Cookie it is not named again",
        ),
        answer=_say_again_what_varies,
    ),
    "keeps a rotated token to itself": Broken(
        ("rotation: the successor and its token reach a page", "rotation: the successor and its token reach a change"),
        answer=_drop_token_beside_cookies,
    ),
    "sends a token with every answer": Broken(
        ("rotation: where nothing was rotated an application sends no token",), answer=_add_token
    ),
    "asks the provider for a GET": Broken(
        ("tokens: user info by get asks no provider for refresh=true",), question=_ask_provider_by_get
    ),
    "lets a refresh pass as a GET": Broken(
        ("tokens: a refresh passes on the session cookies and the context",), question=_forget_context
    ),
    "takes a choice by its query": Broken(
        ("choice: a choice arrives as it came of JSON", "choice: a choice arrives as it came of a form"),
        question=_choice_as_query,
    ),
    "takes JSON for a form": Broken(("sessions: the body arrives as it came of JSON",), question=_json_as_form),
    "takes any body for a form": Broken(
        ("sessions: a body of text stays unread", "choice: a choice of text stays unread"), request=_any_body_is_a_form
    ),
    "reads the pages of a list itself": Broken(("sessions: the query arrives undecoded",), question=_read_pages),
    "tells no place": Broken(("context: the place arrives under the header of the settings",), question=_forget_place),
    "applies the first tenant's settings to all": Broken(
        (
            "tenants: cookies are those of the tenant whose host was asked",
            "tenants: origins are those of the tenant whose host was asked",
            "tenants: the csrf header is that of the tenant whose host was asked",
            "tenants: https is demanded by the tenant whose host was asked",
        ),
        reply=_one_tenant_for_all,
    ),
    "names no tenant": Broken(("tenants: a tenant that is set is named with every call",), question=_name_no_tenant),
    "names the tenant of a browser's header": Broken(
        ("tenants: without one no call names a tenant",), question=_name_the_browsers_tenant
    ),
    "delivers what an outer guard has with an inner one's 503": Broken(
        (
            "two guards: where the inner guard gets a status at /both nothing is delivered",
            "two guards: where the inner guard gets an unset outcome at /twice nothing is delivered",
        ),
        answer=_deliver_with_a_503,
    ),
    "keeps to itself what an outer guard has where an inner one refuses": Broken(
        (
            "two guards: the inner guards 401 at /both has what the outer one delivers",
            "two guards: the inner guards 403 at /twice has what the outer one delivers",
        ),
        answer=_deliver_with_a_yes_alone,
    ),
    "asks for one of two guards": Broken(
        (
            "two guards: each guard asks at /both",
            "two guards: each guard asks at /twice",
            "two guards: a session without a token is not enough",
        ),
        request=_ask_for_one_guard,
    ),
    "takes a provider's trouble for its own": Broken(
        ("tokens: the answer of a status is copied for a refresh",), answer=_forget_answers_of_statuses
    ),
}
