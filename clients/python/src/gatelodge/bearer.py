"""Owns what is to be done about a request of an API: the token that it presents, or what to answer instead (RFC 6750).

Does not know how the authority is asked, or by which framework.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatelodge import answer, presented, v1
from gatelodge.answer import Refusal, Refused
from gatelodge.errors import InconclusiveError
from gatelodge.token import Token

if TYPE_CHECKING:
    from gatelodge.presented import RawRequest
    from gatelodge.requirements import TokenRequirements
    from gatelodge.verdict import TokenVerdict


def question(request: RawRequest, requirements: TokenRequirements) -> v1.ValidateTokenRequest:
    """What to ask."""
    return v1.ValidateTokenRequest(
        token=presented.bearer_token(request),
        requirements=requirements.message(),
        provider=requirements.provider,
        refresh=requirements.refresh,
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
    refusal = Refusal.DENIED if isinstance(verdict, v1.DeniedToken) else Refusal.SIGNED_OUT
    raise Refused(answer.copy(request, verdict.answer if verdict.HasField("answer") else None), refusal)
