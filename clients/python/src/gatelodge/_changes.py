"""Owns which sessions a call may have ended or changed, so that what is kept of them is forgotten. Keeps none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatelodge._methods import Reach
from gatelodge.v1 import session_pb2

if TYPE_CHECKING:
    from gatelodge._kept import Kept

EVERYWHERE = b"everywhere"
"""The parameter of a logout that ends more than the session that is presented."""
_ONE = {"presented_session", "session_id"}


def forget_changed(kept: Kept[Any], reach: Reach, question: Any, answer: Any, *, is_repeated: bool) -> None:
    """Forgets what a call may have ended or changed that has come back; whoever is asked has to know of it.

    It is unsure what was done when the call failed (then there is no answer), and when it was sent more than once: a
    repeat finds nothing left to end, and its answer tells of nothing.
    """
    if reach is Reach.NONE or not getattr(question, "refresh", True):
        return
    kept.has_told(getattr(answer, "event_position", b""))
    kept.forget_cookies(getattr(question, "cookies", ()))
    if isinstance(question, session_pb2.SessionServiceRevokeRequest) and question.session_id:
        kept.forget_session(question.session_id)
    if _is_more(reach, question, answer, is_unsure=answer is None or is_repeated):
        kept.forget_all()


def _is_more(reach: Reach, question: Any, answer: Any, *, is_unsure: bool) -> bool:
    """Whether other sessions may have ended than those that it presents or names.

    Anybody can send what leads to it, so a call that ended none forgets none.
    """
    if reach is Reach.PRESENTED:
        return False
    if is_unsure or reach is Reach.ANY:
        return True
    if reach is Reach.LOGGED_OUT:
        more = 0 if EVERYWHERE in question.query else 1
        return bool(answer.revoked_count > more)
    if reach is Reach.TOLD:
        return bool(answer.revoked_count > 0)
    is_refused = answer.HasField("inactive") or answer.HasField("denied")
    return not is_refused and question.WhichOneof("target") not in _ONE
