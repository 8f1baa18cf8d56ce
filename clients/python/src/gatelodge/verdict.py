"""Owns how an answer of ValidateSession is read. Does not know how it becomes HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from gatelodge import v1
from gatelodge.errors import InconclusiveError
from gatelodge.requirements import are_judged
from gatelodge.session import Session

SAFE_METHODS = frozenset({b"GET", b"HEAD", b"OPTIONS", b"TRACE"})
"""Those that change nothing (RFC 9110, 9.2.1)."""
_BY_METHOD, _NOT_REQUIRED = v1.CSRF_REQUIREMENT_UNSPECIFIED, v1.CSRF_REQUIREMENT_NOT_REQUIRED


@dataclass(frozen=True)
class Active:
    """The session lives and every requirement is met."""

    session: Session


@dataclass(frozen=True)
class Inactive:
    """There is no living session. A reason that this client does not know changes nothing."""

    reason: v1.InactiveReason.ValueType
    answer: v1.HttpAnswer | None
    """What to answer when the route needs a session; ``None`` when the question had no context."""


@dataclass(frozen=True)
class Denied:
    """The session lives, but this request may not go ahead. Treat an unknown reason as 403."""

    reason: v1.DeniedReason.ValueType
    remedy: str
    answer: v1.HttpAnswer | None
    """What to answer; ``None`` when the question had no context."""
    message: v1.DeniedSession


Verdict: TypeAlias = Active | Inactive | Denied


@dataclass(frozen=True)
class Checked:
    """A verdict, and the version of the edge settings in force."""

    verdict: Verdict
    settings_version: str


def read(question: v1.ValidateSessionRequest, answer: v1.ValidateSessionResponse) -> Checked:
    """Reads an answer as the contract says.

    An older authority ignores a requirement that it does not know, and its "active" is then no yes; a newer one may
    give an outcome that is not known here, which is neither yes nor no.

    Raises:
        InconclusiveError: nothing may be concluded from it.
    """
    return Checked(_verdict(question, answer), answer.settings_version)


def _verdict(question: v1.ValidateSessionRequest, answer: v1.ValidateSessionResponse) -> Verdict:
    outcome = answer.WhichOneof("outcome")
    if outcome == "active":
        session = Session.read(answer.active)
        if not _is_judged(question, session.judged):
            raise InconclusiveError("the authority did not judge all that was asked: it may be older than this client")
        return Active(session)
    if outcome == "inactive":
        inactive = answer.inactive
        return Inactive(inactive.reason, inactive.answer if inactive.HasField("answer") else None)
    if outcome == "denied":
        denied = answer.denied
        return Denied(denied.reason, denied.remedy, denied.answer if denied.HasField("answer") else None, denied)
    raise InconclusiveError("the authority gave an outcome that is not known here: it may be newer than this client")


def _is_judged(question: v1.ValidateSessionRequest, judged: v1.JudgedRequirements) -> bool:
    asked = question.requirements
    method = question.context.method if question.HasField("context") else None
    return (judged.csrf or not is_csrf_needed(asked.csrf, method)) and are_judged(asked, judged)


def is_csrf_needed(csrf: int, method: bytes | None) -> bool:
    """Whether a request of a method (``None`` without a context) needs a CSRF token, as the contract says."""
    if csrf == _BY_METHOD:
        return method is not None and method not in SAFE_METHODS
    return csrf != _NOT_REQUIRED


def for_audience(question: v1.GetAccessTokenRequest, answer: v1.GetAccessTokenResponse) -> v1.GetAccessTokenResponse:
    """The answer, where its token is for whom it was asked.

    Raises:
        InconclusiveError: the token is for somebody else: the authority is too old to know audiences.
    """
    if answer.HasField("access_token") and question.audience not in {"", answer.access_token.audience}:
        raise InconclusiveError("the token is not for the audience that was asked for: the authority may be too old")
    return answer


def by_filter(question: v1.ListSessionsRequest, answer: v1.ListSessionsResponse) -> v1.ListSessionsResponse:
    """The answer, where it lists by the filter that was asked for.

    Raises:
        InconclusiveError: it lists too much: the authority is too old to know the filter.
    """
    asked = v1.SessionFilter(provider=question.provider, provider_session_id=question.provider_session_id)
    for name in ("created_after", "created_before"):
        if question.HasField(name):
            getattr(asked, name).CopyFrom(getattr(question, name))
    # The filter by user is older than the answer's word for it.
    is_new = asked != v1.SessionFilter()
    asked.user_id = question.user_id
    if is_new and answer.applied_filter != asked:
        raise InconclusiveError("the filter that was asked for was not applied: the authority may be too old")
    return answer


TokenVerdict: TypeAlias = "v1.ActiveToken | v1.InactiveToken | v1.DeniedToken"
"""A definite answer about a bearer token. Where it is not active, answer as it says."""


def read_token(question: v1.ValidateTokenRequest, answer: v1.ValidateTokenResponse) -> TokenVerdict:
    """Reads an answer as the contract says: as :func:`read`, of a bearer token.

    Raises:
        InconclusiveError: nothing may be concluded from it.
    """
    outcome = answer.WhichOneof("outcome")
    if outcome == "active":
        asked, judged = question.requirements, answer.active.judged
        is_met = are_judged(asked, judged) and asked.audience in {"", judged.audience}
        if not is_met:
            raise InconclusiveError("the authority did not judge all that was asked: it may be older than this client")
        if question.refresh and answer.active.identity.user_id and not answer.active.HasField("refresh_time"):
            raise InconclusiveError("the authority asked nobody anew who that is: it may be older than this client")
        return answer.active
    if outcome == "inactive":
        return answer.inactive
    if outcome == "denied":
        return answer.denied
    raise InconclusiveError("the authority gave an outcome that is not known here: it may be newer than this client")
