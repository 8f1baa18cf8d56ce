"""Owns which sessions a call may have ended or changed, so that what is kept of them is forgotten. Keeps none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc

from gatelodge._methods import Reach
from gatelodge.errors import GatelodgeError, OverloadedError, ProviderUnavailableError
from gatelodge.v1 import session_pb2

if TYPE_CHECKING:
    from gatelodge._kept import Kept

EVERYWHERE = b"everywhere"
"""The parameter of a logout that ends more than the session that is presented."""
_NOTHING_WAS_DONE = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.UNIMPLEMENTED,
}


def forget_changed(kept: Kept[Any], reach: Reach, question: Any, outcome: Any, *, is_repeated: bool) -> None:
    """Forgets what a call may have ended or changed that has come back; whoever is asked has to know of it.

    Args:
        kept: what is kept.
        reach: which sessions such a call may end or change.
        question: what was asked.
        outcome: the answer; why there is none; or ``None`` where the call was given up.
        is_repeated: whether it was sent more than once: a repeat finds nothing left to end, and its answer tells of
            nothing.
    """
    if reach is Reach.NONE or not getattr(question, "refresh", True):
        return
    kept.has_told(getattr(outcome, "event_position", b""))
    kept.forget_cookies(getattr(question, "cookies", ()))
    if reach is Reach.PRESENTED:
        return
    if is_repeated or outcome is None:
        kept.forget_all()
    elif isinstance(outcome, GatelodgeError):
        if not _says_nothing_was_done(reach, outcome):
            kept.forget_all()
    elif reach is Reach.TARGET and question.WhichOneof("target") == "session_id":
        if outcome.revoked_count:
            kept.forget_session(question.session_id)
    elif _is_more(reach, question, outcome):
        kept.forget_all()


def _says_nothing_was_done(reach: Reach, failure: GatelodgeError) -> bool:
    """Whether a call that was sent once has ended nothing. Anybody can send what fails so."""
    if failure.code in _NOTHING_WAS_DONE or isinstance(failure, OverloadedError):
        return True
    return reach is Reach.TOLD and isinstance(failure, ProviderUnavailableError)


def _is_more(reach: Reach, question: Any, answer: Any) -> bool:
    """Whether other sessions have ended than the one that was presented.

    Anybody can send what leads to it, so a call that ended none forgets none.
    """
    if reach is Reach.ANY:
        return True
    if reach is Reach.LOGGED_OUT:
        more = 0 if EVERYWHERE in question.query else 1
        return bool(answer.revoked_count > more)
    is_one = isinstance(question, session_pb2.SessionServiceRevokeRequest) and question.HasField("presented_session")
    return bool(answer.revoked_count) and not is_one
