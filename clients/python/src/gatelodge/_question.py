"""Owns which questions have an answer that may be kept, and what makes two of them the same. Keeps none itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gatelodge import v1
from gatelodge.verdict import SAFE_METHODS, is_csrf_needed

_new = v1.ValidateSessionRequest
# What is left of the context is what a client is known by; these say how to answer who has no session.
_NOT_OF_A_YES = (
    "target",
    "accept",
    "content_type",
    "origin",
    "sec_fetch_site",
    "sec_fetch_mode",
    "sec_fetch_dest",
    "x_requested_with",
    "csrf_token",
)


def key_of(question: v1.ValidateSessionRequest) -> bytes | None:
    """All that a yes to the question depends on.

    ``None`` for a question that has to be asked each time: its answer carries a token of its own, it is about a request
    that changes something, or it says itself how fresh the answer has to be.
    """
    context = question.context
    method = context.method or None
    if question.issue_csrf_token or context.HasField("upgrade") or not question.cookies or question.as_of_position:
        return None
    if is_csrf_needed(question.requirements.csrf, method):
        return None
    bare = _new()
    bare.CopyFrom(question)
    bare.ClearField("answer_json")
    if method is not None:
        clear: Any = bare.context.ClearField
        # A request that may change something, though it needs no token, equals none that may not.
        if method in SAFE_METHODS:
            clear("method")
        for name in _NOT_OF_A_YES:
            clear(name)
    return bare.SerializeToString()


@dataclass(frozen=True)
class Allowance:
    """How the authority lets an answer be kept."""

    session_id: str
    position: bytes
    keep_for: float
    size: int = 0
    """How much memory the answer takes, about."""

    @classmethod
    def of(cls, answer: v1.ValidateSessionResponse) -> Allowance | None:
        """Only a yes may be kept at all, and only one that carries nothing for one response."""
        active = answer.active
        if not answer.HasField("active") or active.set_cookies or active.csrf_token:
            return None
        if not active.event_position or not active.HasField("keep_for"):
            return None
        keep_for = active.keep_for.seconds + active.keep_for.nanos / 1e9
        # As it came, and as what Python makes of it.
        return cls(active.session.session_id, active.event_position, keep_for, 2 * answer.ByteSize())
