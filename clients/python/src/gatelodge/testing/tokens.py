"""Owns the bearer tokens that are good at the fake authority. Does not know HTTP beyond what an API answers."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from gatelodge import v1
from gatelodge._identified import claims_of
from gatelodge.testing import judge
from gatelodge.testing.lacks import lack_of
from gatelodge.testing.people import People
from gatelodge.testing.visitor import Visitor, now, user_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_DETAIL = "Could not validate credentials"
_FRONT_END = "front-end"
"""Whom a token of a session is for that names no other audience."""
_REMEDY = "Send a valid access token: Authorization: Bearer <token>."


@dataclass(frozen=True)
class _Issued:
    active: v1.ActiveToken
    logged_in_at: datetime


class Tokens(People):
    """Whose tokens are good, and what for."""

    def __init__(self) -> None:
        super().__init__()
        self._tokens: dict[bytes, _Issued] = {}
        self._faults: dict[bytes, v1.TokenInactiveReason.ValueType] = {}
        """Why those are good no more that are not."""

    def issue_token(  # noqa: PLR0913
        self,
        user_id: str = "fake_1",
        *,
        scopes: Iterable[str] = (),
        permissions: Iterable[str] = (),
        roles: Iterable[str] = (),
        email: str = "",
        email_verified: bool | None = None,
        acr: str = "",
        amr: Iterable[str] = (),
        audiences: Iterable[str] = (),
        client_id: str = "",
        login_age: timedelta = timedelta(),
        token: str | None = None,
    ) -> str:
        """Makes an access token: send it as ``Authorization: Bearer <token>``.

        Args:
            user_id: whose it is, ``<provider>_<sub>``; empty for one that speaks for a program alone.
            scopes: the scopes that it was granted.
            permissions: what it permits beyond scopes.
            roles: the roles that it names.
            email: the email address that it names.
            email_verified: whether it says that the address is verified; by default where there is one.
            acr: the authentication context class that it names.
            amr: the authentication methods that it names (RFC 8176).
            audiences: whom it is for.
            client_id: the OAuth2 client that it was given to.
            login_age: how long ago its user logged in.
            token: the token itself; a random one by default.
        """
        provider, _, sub = user_id.partition("_")
        identity = v1.Identity(
            user_id=user_id,
            tenant="default",
            provider=provider,
            sub=sub,
            email=email,
            email_verified=bool(email) if email_verified is None else email_verified,
            scopes=scopes,
            roles=roles,
            acr=acr,
            amr=amr,
        )
        active = v1.ActiveToken(
            kind=v1.TOKEN_KIND_JWT,
            identity=identity,
            client_id=client_id,
            audiences=audiences,
            permissions=permissions,
        )
        active.issue_time.FromDatetime(now())
        active.expire_time.FromDatetime(now() + timedelta(hours=1))
        return self._issue(active, now() - login_age, token)

    def token_of(self, visitor: Visitor, claims: Mapping[str, Any] | None = None) -> str:
        """Makes a token that speaks for a session, and ends with it, as the route set ``spa`` gives its front ends.

        Args:
            visitor: the session.
            claims: claims of the application's own.
        """
        active = v1.ActiveToken(
            kind=v1.TOKEN_KIND_MINTED,
            identity=visitor.identity(),
            permissions=visitor.permissions,
            audiences=[_FRONT_END],
            session=visitor.info(),
        )
        active.claims.update({"sub": visitor.user_id, **(claims or {})})
        active.issue_time.FromDatetime(now())
        active.expire_time.FromDatetime(now() + timedelta(hours=1))
        return self._issue(active, visitor.logged_in_at)

    def _issue(self, active: v1.ActiveToken, logged_in_at: datetime, token: str | None = None) -> str:
        token = token or f"token_{secrets.token_hex(16)}"
        self._tokens[token.encode()] = _Issued(active, logged_in_at)
        self._faults.pop(token.encode(), None)
        return token

    def withdraw_token(self, token: str) -> None:
        """From now on the token is good for nothing: whoever issued it took it back."""
        self._faults[token.encode()] = v1.TOKEN_INACTIVE_REASON_ENDED

    def expire_token(self, token: str) -> None:
        """From now on the token is good for nothing: its time is up."""
        self._faults[token.encode()] = v1.TOKEN_INACTIVE_REASON_EXPIRED

    def _mint_token(self, question: v1.MintTokenRequest, _: str) -> v1.MintTokenResponse:
        """Another token of the session that a cookie or a token presents, with claims of the application's own."""
        found = self._session_of(question.token) if question.token else self._found(question.cookies)
        if not isinstance(found, Visitor):
            return v1.MintTokenResponse(inactive=v1.InactiveSession(reason=found))
        minted = v1.MintedToken(type="Bearer", session=found.info())
        minted.value = self.token_of(found, claims_of(question.application_claims))
        active = self._tokens[minted.value.encode()].active
        if question.audience:
            active.audiences[:] = [question.audience]
        minted.expire_time.CopyFrom(active.expire_time)
        return v1.MintTokenResponse(minted=minted)

    def _session_of(self, token: bytes) -> Visitor | v1.InactiveReason.ValueType:
        """Whom a good token of a session speaks for."""
        issued = self._tokens.get(token)
        if issued is None or self._fault_of(token, issued) is not None:
            return v1.INACTIVE_REASON_FORGED
        spoken_for = [one for one in self._living() if one.session_id == issued.active.session.session_id]
        return spoken_for[0] if spoken_for else v1.INACTIVE_REASON_FORGED

    def _fault_of(self, token: bytes, issued: _Issued) -> v1.TokenInactiveReason.ValueType | None:
        """Why a token that was issued is good no more."""
        if issued.active.session.session_id in self._ends:
            is_gone = issued.active.identity.user_id in self._deleted
            return v1.TOKEN_INACTIVE_REASON_USER_GONE if is_gone else v1.TOKEN_INACTIVE_REASON_ENDED
        return self._faults.get(token)

    def _validate_token(self, question: v1.ValidateTokenRequest, request_id: str) -> v1.ValidateTokenResponse:
        found, audience = self._tokens.get(question.token), question.requirements.audience
        if found is None:
            fault = v1.TOKEN_INACTIVE_REASON_FORGED if question.token else v1.TOKEN_INACTIVE_REASON_NONE
            return v1.ValidateTokenResponse(inactive=_inactive(fault, question, request_id))
        is_for_others = audience and audience not in found.active.audiences
        other = v1.TOKEN_INACTIVE_REASON_OTHER_AUDIENCE if is_for_others else None
        why = self._fault_of(question.token, found) or other
        if why is not None:
            return v1.ValidateTokenResponse(inactive=_inactive(why, question, request_id))
        denied = _denied(question.requirements, found, request_id)
        if denied is not None:
            return v1.ValidateTokenResponse(denied=denied)
        answer = v1.ValidateTokenResponse(active=found.active)
        answer.active.judged.CopyFrom(question.requirements)
        if question.refresh and found.active.identity.user_id:
            answer.active.refresh_time.FromDatetime(now())
        if question.answer_user:
            answer.active.answer.CopyFrom(judge.of_json(200, user_of(found.active.identity)))
        return answer


def _inactive(
    reason: v1.TokenInactiveReason.ValueType, question: v1.ValidateTokenRequest, request_id: str
) -> v1.InactiveToken:
    if question.answer_user and reason == v1.TOKEN_INACTIVE_REASON_USER_GONE:
        gone = judge.trouble(404, "user_not_found", "User not found", "Log in again.", request_id)
        return v1.InactiveToken(reason=reason, answer=gone)
    is_none = reason == v1.TOKEN_INACTIVE_REASON_NONE
    answer = judge.trouble(401, "not_signed_in" if is_none else "invalid_token", _DETAIL, _REMEDY, request_id)
    challenge = "Bearer" if is_none or question.answer_user else 'Bearer error="invalid_token"'
    return v1.InactiveToken(reason=reason, answer=_challenged(answer, challenge))


def _denied(asked: v1.TokenRequirements, found: _Issued, request_id: str) -> v1.DeniedToken | None:
    active = found.active
    lack = lack_of(asked, active.identity, active.permissions, now() - found.logged_in_at)
    if lack is None:
        return None
    denied = v1.DeniedToken(reason=v1.TokenDeniedReason.Value(f"TOKEN_DENIED_REASON_{lack.reason.upper()}"))
    if lack.field is not None:
        getattr(denied, lack.field).extend(lack.missing)
    if lack.is_mended_by_login:
        answer = judge.trouble(401, lack.reason, lack.detail, "Log in again, then repeat the request.", request_id)
        denied.answer.CopyFrom(_challenged(answer, _login_challenge(asked)))
        return denied
    challenge = 'Bearer error="insufficient_scope"'
    if denied.missing_scopes:
        challenge += f', scope="{" ".join(denied.missing_scopes)}"'
    answer = judge.trouble(403, lack.reason, lack.detail, "Ask for a token that has it.", request_id)
    denied.answer.CopyFrom(_challenged(answer, challenge))
    return denied


def _login_challenge(asked: v1.TokenRequirements) -> str:
    """What a login has to be asked for (RFC 9470, 3)."""
    classes = f', acr_values="{" ".join(asked.acr_values)}"' if asked.acr_values else ""
    age = f', max_age="{asked.max_login_age.seconds}"' if asked.HasField("max_login_age") else ""
    return f'Bearer error="insufficient_user_authentication"{classes}{age}'


def _challenged(answer: v1.HttpAnswer, challenge: str) -> v1.HttpAnswer:
    answer.headers.append(v1.HttpHeader(name="www-authenticate", value=challenge))
    return answer
