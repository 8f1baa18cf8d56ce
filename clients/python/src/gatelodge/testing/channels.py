"""Owns what the fake authority's one provider tells of logouts there. Does not know how a browser logs out."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from gatelodge import v1
from gatelodge.testing import judge
from gatelodge.testing.tokens import Tokens
from gatelodge.testing.visitor import ISSUER

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatelodge.testing.visitor import Visitor

_LOGOUT_TOKEN = "logout_"  # noqa: S105 - what each begins with
_PAGE = b"<!doctype html>\n<title>Logged out</title>\n<p>Logged out</p>\n"
_POLICY = f"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors {ISSUER}"


class Channels(Tokens):
    """What the provider has told."""

    def __init__(self) -> None:
        super().__init__()
        self._told: set[str] = set()

    def logout_token(self, session_or_user: str) -> str:
        """What the provider's server sends as ``logout_token`` to ``/auth/web/backchannel-logout``.

        It is carried out once. A page of the provider names its session at ``/auth/web/frontchannel-logout``, as
        ``sid`` beside ``iss=https://provider.example``.

        Args:
            session_or_user: a ``provider_session`` of :meth:`sign_in`, or the id of a user who has logged out of all.
        """
        return _LOGOUT_TOKEN + session_or_user

    def _handle_backchannel_logout(
        self, question: v1.HandleBackchannelLogoutRequest, request_id: str
    ) -> v1.HandleBackchannelLogoutResponse:
        tokens = parse_qs(question.form.decode("latin-1"), keep_blank_values=True).get("logout_token", [])
        if len(tokens) != 1:
            answer = _not_accepted("request_malformed", request_id)
            return v1.HandleBackchannelLogoutResponse(answer=answer, settings_version="fake")
        if not tokens[0].startswith(_LOGOUT_TOKEN):
            answer = _not_accepted("logout_token_rejected", request_id)
            return v1.HandleBackchannelLogoutResponse(answer=answer, settings_version="fake")
        named, ended = tokens[0].removeprefix(_LOGOUT_TOKEN), 0
        if named not in self._told:
            ended = self._end_where(lambda visitor: named in {visitor.user_id, visitor.provider_session})
        self._told.add(named)
        answer = judge.of_json(200, {})
        return v1.HandleBackchannelLogoutResponse(answer=answer, revoked_count=ended, settings_version="fake")

    def _handle_frontchannel_logout(
        self, question: v1.HandleFrontchannelLogoutRequest, request_id: str
    ) -> v1.HandleFrontchannelLogoutResponse:
        said = parse_qs(question.query.decode("latin-1"))
        issuer, session = (said.get(name, [""])[0] for name in ("iss", "sid"))
        if not issuer or not session:
            detail, remedy = "The parameters iss and sid are needed", "Send each of them once."
            answer = judge.trouble(400, "request_malformed", detail, remedy, request_id)
            return v1.HandleFrontchannelLogoutResponse(answer=answer, settings_version="fake")
        if issuer != ISSUER:
            detail = "No provider of this issuer may log out in this way"
            answer = judge.trouble(400, "provider_unknown", detail, "", request_id)
            return v1.HandleFrontchannelLogoutResponse(answer=answer, settings_version="fake")
        ended = self._end_where(lambda visitor: visitor.provider_session == session)
        answer = v1.HttpAnswer(status=200, content_type="text/html; charset=utf-8", body=_PAGE)
        answer.headers.append(v1.HttpHeader(name="content-security-policy", value=_POLICY))
        return v1.HandleFrontchannelLogoutResponse(answer=answer, revoked_count=ended, settings_version="fake")

    def _end_where(self, is_meant: Callable[[Visitor], bool]) -> int:
        meant = [visitor for visitor in self._living() if is_meant(visitor)]
        for visitor in meant:
            self.end(visitor)
        return len(meant)


def _not_accepted(reason: str, request_id: str) -> v1.HttpAnswer:
    """For a provider's server (OpenID Connect Back-Channel Logout 1.0, 2.8)."""
    detail = "The logout token was not accepted"
    body = {"error": "invalid_request", "detail": detail, "reason": reason, "request_id": request_id}
    return judge.of_json(400, body)
