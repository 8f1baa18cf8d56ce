"""Owns what is to be done about a request of an API: the token that it presents, or what to answer instead (RFC 6750).

Does not know how the authority is asked, or by which framework.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatelodge import answer, presented, v1
from gatelodge.answer import Answer, Refused
from gatelodge.errors import InconclusiveError
from gatelodge.token import Token

if TYPE_CHECKING:
    from gatelodge.presented import RawRequest
    from gatelodge.requirements import TokenRequirements
    from gatelodge.verdict import TokenVerdict


def question(request: RawRequest, requirements: TokenRequirements) -> v1.ValidateTokenRequest:
    """What to ask."""
    return v1.ValidateTokenRequest(
        token=presented.bearer_token(request), requirements=requirements.message(), provider=requirements.provider
    )


def decide(request: RawRequest, verdict: TokenVerdict) -> Token:
    """What follows from the answer.

    Raises:
        Refused: the application does not get the request.
    """
    if isinstance(verdict, v1.ActiveToken):
        try:
            return Token.read(verdict)
        except InconclusiveError as error:
            raise Refused(answer.failed(request, error)) from error
    if verdict.HasField("answer"):
        raise Refused(answer.copy(request, verdict.answer))
    raise Refused(_in_short(request, verdict))


def _in_short(request: RawRequest, verdict: v1.InactiveToken | v1.DeniedToken) -> Answer:
    """Where the authority gave no answer."""
    if isinstance(verdict, v1.DeniedToken):
        refused = answer.error(request, 403, "FORBIDDEN", "This token may not make this request.")
        return refused.with_headers(("www-authenticate", 'Bearer error="insufficient_scope"'))
    refused = answer.error(request, 401, "NOT_SIGNED_IN", "Could not validate credentials.")
    # Whoever sent no token is told nothing of errors (RFC 6750, 3.1).
    is_missing = verdict.reason == v1.TOKEN_INACTIVE_REASON_NONE
    return refused.with_headers(("www-authenticate", "Bearer" if is_missing else 'Bearer error="invalid_token"'))
