"""Owns how the fake authority judges a request: the authority's rules in short. Does not know who is signed in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from gatelodge import v1
from gatelodge.testing import lacks
from gatelodge.testing.visitor import now

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from gatelodge.testing.lacks import Lack
    from gatelodge.testing.visitor import Visitor

_SAFE = frozenset({b"GET", b"HEAD", b"OPTIONS", b"TRACE"})

_LOGIN_PATH = "/auth/web/login"
_ASK = "Ask whoever runs this application for it, then log in again."
_IN_THAT_WAY = "Log in again in the way that is asked for, then repeat the request."
_DENIALS: dict[v1.DeniedReason.ValueType, tuple[str, str]] = {
    v1.DENIED_REASON_ORIGIN_REFUSED: (
        "Requests from this origin are not allowed",
        "Send the request from the site itself, or add the origin to app.cors.allowed_origins.",
    ),
    v1.DENIED_REASON_SCOPE_MISSING: (
        "Missing scope",
        "Log in with an account or application that is granted the scope.",
    ),
    v1.DENIED_REASON_PERMISSION_MISSING: ("Missing permission", _ASK),
    v1.DENIED_REASON_ROLE_MISSING: ("Missing role", _ASK),
    v1.DENIED_REASON_EMAIL_NOT_VERIFIED: (
        "A verified email address is needed",
        "Verify your email address where you log in, then log in again.",
    ),
    v1.DENIED_REASON_ACR_MISSING: ("A stronger login is needed", _IN_THAT_WAY),
    v1.DENIED_REASON_AMR_MISSING: ("Another way to log in is needed", _IN_THAT_WAY),
    v1.DENIED_REASON_LOGIN_TOO_OLD: ("A fresh login is needed", "Log in again, then repeat the request."),
}
"""What is told of each; all others are faults of a CSRF token."""
_CSRF = ("CSRF token mismatch", "Fetch a fresh token from /auth/me and send it in the X-CSRF-Token header.")
_MENDED_BY_LOGIN = frozenset(
    {v1.DENIED_REASON_ACR_MISSING, v1.DENIED_REASON_AMR_MISSING, v1.DENIED_REASON_LOGIN_TOO_OLD}
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
    lack = lack_of(asked, visitor)
    if lack is not None:
        return v1.DeniedReason.Value(f"DENIED_REASON_{lack.reason.upper()}")
    judged.MergeFrom(
        v1.JudgedRequirements(
            scopes=asked.scopes,
            any_scopes=asked.any_scopes,
            permissions=asked.permissions,
            any_permissions=asked.any_permissions,
            roles=asked.roles,
            email_verified=asked.email_verified,
            acr_values=asked.acr_values,
            amr_values=asked.amr_values,
        )
    )
    if asked.HasField("max_login_age"):
        judged.max_login_age.CopyFrom(asked.max_login_age)
    return judged


def lack_of(asked: v1.Requirements, visitor: Visitor) -> Lack | None:
    """What somebody who is signed in lacks."""
    return lacks.lack_of(asked, visitor.identity(), visitor.permissions, now() - visitor.logged_in_at)


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
    public, (detail, remedy) = _public(reason), _DENIALS.get(reason, _CSRF)
    message = v1.DeniedSession(reason=reason, remedy=remedy)
    if visitor is not None:
        message.session.CopyFrom(visitor.info())
        lack = lack_of(question.requirements, visitor)
        if lack is not None and lack.reason == public:
            detail = lack.detail
            if lack.field is not None:
                getattr(message, lack.field).extend(lack.missing)
        if reason in _MENDED_BY_LOGIN:
            message.login_query = _login_query(visitor, question.requirements, reason)
    if question.HasField("context"):
        if message.login_query and _is_on_its_way(question):
            message.answer.CopyFrom(_login(question.context, message.login_query))
        else:
            told = {"detail": detail, "reason": public, "remedy": remedy, "request_id": request_id}
            way = {"login_path": f"{_LOGIN_PATH}?{message.login_query}"} if message.login_query else {}
            message.answer.CopyFrom(of_json(403, {**told, **way}))
    return message


def _public(reason: v1.DeniedReason.ValueType) -> str:
    return (
        v1.DeniedReason.Name(reason).removeprefix("DENIED_REASON_").lower() if reason in _DENIALS else "csrf_mismatch"
    )


def _login_query(visitor: Visitor, asked: v1.Requirements, reason: v1.DeniedReason.ValueType) -> str:
    """All that the requirements say of the login."""
    query = {"provider": visitor.provider}
    if asked.HasField("max_login_age"):
        query["max_age"] = str(asked.max_login_age.seconds)
    if asked.acr_values:
        query["acr_values"] = " ".join(asked.acr_values)
    if reason == v1.DENIED_REASON_AMR_MISSING:
        query["prompt"] = "login"
    return urlencode(query)


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
    return redirect(302, f"{_LOGIN_PATH}?{query}{'&' if query else ''}{place}")


def _is_upgrade(context: v1.RequestContext) -> bool:
    return context.method == b"GET" and b"websocket" in context.upgrade.lower()


def _needs_csrf(context: v1.RequestContext, csrf: v1.CsrfRequirement.ValueType) -> bool:
    if csrf == v1.CSRF_REQUIREMENT_UNSPECIFIED:
        return context.method not in _SAFE or _is_upgrade(context)
    return csrf == v1.CSRF_REQUIREMENT_REQUIRED
