"""Owns how the fake authority judges a request: the authority's rules in short. Does not know who is signed in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from gatelodge import v1
from gatelodge.testing.visitor import now

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from gatelodge.testing.visitor import Visitor

_SAFE = frozenset({b"GET", b"HEAD", b"OPTIONS", b"TRACE"})

_DENIALS: dict[v1.DeniedReason.ValueType, tuple[str, str, str]] = {
    v1.DENIED_REASON_ORIGIN_REFUSED: (
        "origin_refused",
        "Requests from this origin are not allowed",
        "Send the request from the site itself, or add the origin to app.cors.allowed_origins.",
    ),
    v1.DENIED_REASON_SCOPE_MISSING: (
        "scope_missing",
        "Missing scope",
        "Log in with an account or application that is granted the scope.",
    ),
    v1.DENIED_REASON_LOGIN_TOO_OLD: (
        "login_too_old",
        "A fresh login is needed",
        "Log in again, then repeat the request.",
    ),
}
_CSRF = (
    "csrf_mismatch",
    "CSRF token mismatch",
    "Fetch a fresh token from /auth/me and send it in the X-CSRF-Token header.",
)


def judge(
    question: v1.ValidateSessionRequest, visitor: Visitor, origins: Collection[bytes]
) -> v1.JudgedRequirements | v1.DeniedReason.ValueType:
    """What was judged and found good, or why the request may not go ahead."""
    judged = v1.JudgedRequirements()
    context, asked = question.context, question.requirements
    if question.HasField("context") and _needs_csrf(context, asked.csrf):
        if not comes_from_here(context, origins):
            return v1.DENIED_REASON_ORIGIN_REFUSED
        judged.origin = context.HasField("origin")
        if not _is_upgrade(context):
            if not context.HasField("csrf_token"):
                return v1.DENIED_REASON_CSRF_MISSING
            if context.csrf_token != visitor.csrf_token.encode():
                return v1.DENIED_REASON_CSRF_INVALID
            judged.csrf = True
    if not set(asked.scopes) <= set(visitor.scopes):
        return v1.DENIED_REASON_SCOPE_MISSING
    judged.scopes.extend(asked.scopes)
    if asked.HasField("max_login_age"):
        if now() > visitor.logged_in_at + asked.max_login_age.ToTimedelta():
            return v1.DENIED_REASON_LOGIN_TOO_OLD
        judged.max_login_age.CopyFrom(asked.max_login_age)
    return judged


def comes_from_here(context: v1.RequestContext, origins: Collection[bytes]) -> bool:
    """Whether an unsafe request or an upgrade passes the origin rule."""
    if context.HasField("origin"):
        return context.origin in origins
    if _is_upgrade(context):
        return False
    return not context.HasField("sec_fetch_site") or context.sec_fetch_site in {b"same-origin", b"none"}


def denied(
    reason: v1.DeniedReason.ValueType, question: v1.ValidateSessionRequest, visitor: Visitor | None, request_id: str
) -> v1.DeniedSession:
    """The answer to a request that a living session may not make."""
    public, detail, remedy = _DENIALS.get(reason, _CSRF)
    message = v1.DeniedSession(reason=reason, remedy=remedy)
    if visitor is not None:
        message.session.CopyFrom(visitor.info())
    if visitor is not None and reason == v1.DENIED_REASON_SCOPE_MISSING:
        message.missing_scopes.extend(sorted(set(question.requirements.scopes) - set(visitor.scopes)))
        detail = f"{detail}: {' '.join(message.missing_scopes)}"
    if visitor is not None and reason == v1.DENIED_REASON_LOGIN_TOO_OLD:
        age = question.requirements.max_login_age.seconds
        message.login_query = urlencode({"provider": visitor.provider, "max_age": age})
    if question.HasField("context"):
        if message.login_query and _is_on_its_way(question):
            message.answer.CopyFrom(_login(question.context, message.login_query))
        else:
            message.answer.CopyFrom(trouble(403, public, detail, remedy, request_id))
    return message


def inactive(
    reason: v1.InactiveReason.ValueType, question: v1.ValidateSessionRequest, request_id: str
) -> v1.InactiveSession:
    """The answer where there is no living session."""
    message = v1.InactiveSession(reason=reason)
    if not question.HasField("context"):
        return message
    if _is_on_its_way(question):
        message.answer.CopyFrom(_login(question.context))
    elif reason in {v1.INACTIVE_REASON_NONE, v1.INACTIVE_REASON_FORGED, v1.INACTIVE_REASON_AMBIGUOUS}:
        message.answer.CopyFrom(trouble(401, "not_signed_in", "Not signed in", "Log in first.", request_id))
    else:
        remedy = "The session has ended. Log in again."
        message.answer.CopyFrom(trouble(401, "session_ended", "Session expired", remedy, request_id))
    return message


def end_of(question: v1.SessionServiceRevokeRequest, presented: Visitor) -> str | None:
    """Which session to end, by its public id, or ``others``; ``None`` where a browser said neither."""
    target = question.WhichOneof("target")
    if target == "session_id":
        return question.session_id
    if target == "all_others":
        return "others"
    if target not in {"form", "json"}:
        return presented.session_id
    try:
        said = json.loads(question.json) if target == "json" else dict(parse_qsl(question.form.decode("latin-1")))
    except ValueError:
        return None
    end = said.get("end") if isinstance(said, dict) else None
    return end if isinstance(end, str) and (end == "others" or end.startswith("sid_")) else None


def trouble(status: int, reason: str, detail: str, remedy: str, request_id: str) -> v1.HttpAnswer:
    """Something that went wrong, as JSON."""
    return of_json(status, {"detail": detail, "reason": reason, "remedy": remedy, "request_id": request_id})


def of_json(status: int, body: Mapping[str, object]) -> v1.HttpAnswer:
    """A JSON answer."""
    return v1.HttpAnswer(
        status=status, headers=_headers(), content_type="application/json", body=json.dumps(body).encode()
    )


def redirect(status: int, location: str) -> v1.HttpAnswer:
    """A redirect."""
    return v1.HttpAnswer(status=status, headers=_headers(), location=location)


def is_navigation(context: v1.RequestContext) -> bool:
    """Whether a person's browser is on its way to a page."""
    if context.HasField("x_requested_with") or _is_upgrade(context):
        return False
    if context.HasField("sec_fetch_mode"):
        return context.sec_fetch_mode == b"navigate"
    return b"text/html" in context.accept.lower()


def _headers() -> list[v1.HttpHeader]:
    headers = {"cache-control": "no-store", "referrer-policy": "no-referrer", "x-content-type-options": "nosniff"}
    return [v1.HttpHeader(name=name, value=value) for name, value in headers.items()]


def _is_on_its_way(question: v1.ValidateSessionRequest) -> bool:
    return not question.answer_json and is_navigation(question.context) and question.context.method in _SAFE


def _login(context: v1.RequestContext, query: str = "") -> v1.HttpAnswer:
    place = urlencode({"redirect_uri": context.target.decode("latin-1")})
    return redirect(302, f"/auth/web/login?{query}{'&' if query else ''}{place}")


def _is_upgrade(context: v1.RequestContext) -> bool:
    return context.method == b"GET" and b"websocket" in context.upgrade.lower()


def _needs_csrf(context: v1.RequestContext, csrf: v1.CsrfRequirement.ValueType) -> bool:
    if csrf == v1.CSRF_REQUIREMENT_UNSPECIFIED:
        return context.method not in _SAFE or _is_upgrade(context)
    return csrf == v1.CSRF_REQUIREMENT_REQUIRED
