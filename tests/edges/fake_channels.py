"""Owns what the reference fake says to a provider that tells of a logout. Does not know how a session is found."""

from collections.abc import Callable
from urllib.parse import parse_qsl

from gatelodge.v1 import http_answer_pb2, login_pb2

from .fake_answers import as_json, error

ISSUER, LOGOUT_TOKEN = "https://provider.example", "logout_"
LOGGED_OUT = b"<!doctype html>\n<title>Logged out</title>\n<p>Logged out</p>\n"
FRAMED_BY_ISSUER = f"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors {ISSUER}"

# Ends the living sessions that are meant, and says how many.
End = Callable[[Callable[[dict], bool]], int]


def told_by_server(form: bytes, carried_out: set[str], end: End) -> login_pb2.HandleBackchannelLogoutResponse:
    """The answer to a logout token, which is carried out once."""
    tokens = [value for name, value in parse_qsl(form.decode("latin-1")) if name == "logout_token"]
    is_malformed = len(tokens) != 1
    if is_malformed or not tokens[0].startswith(LOGOUT_TOKEN):
        reason = "request_malformed" if is_malformed else "logout_token_rejected"
        answer = error(400, reason, "The logout token was not accepted", error="invalid_request")
        return login_pb2.HandleBackchannelLogoutResponse(answer=answer)
    named = tokens[0].removeprefix(LOGOUT_TOKEN)
    ended = 0 if named in carried_out else end(lambda one: named in (one["user_id"], one.get("provider_session")))
    carried_out.add(named)
    return login_pb2.HandleBackchannelLogoutResponse(answer=as_json(200, {}), revoked_count=ended)


def told_by_page(query: bytes, end: End) -> login_pb2.HandleFrontchannelLogoutResponse:
    """The answer to a page that names a session of the provider's own."""
    said = dict(parse_qsl(query.decode("latin-1")))
    if not said.get("iss") or not said.get("sid"):
        answer = error(400, "request_malformed", "The parameters iss and sid are needed")
        return login_pb2.HandleFrontchannelLogoutResponse(answer=answer)
    if said["iss"] != ISSUER:
        answer = error(400, "provider_unknown", "No provider of this issuer may log out in this way")
        return login_pb2.HandleFrontchannelLogoutResponse(answer=answer)
    ended = end(lambda one: one.get("provider_session") == said["sid"])
    answer = http_answer_pb2.HttpAnswer(status=200, content_type="text/html; charset=utf-8", body=LOGGED_OUT)
    answer.headers.append(http_answer_pb2.HttpHeader(name="content-security-policy", value=FRAMED_BY_ISSUER))
    return login_pb2.HandleFrontchannelLogoutResponse(answer=answer, revoked_count=ended)
