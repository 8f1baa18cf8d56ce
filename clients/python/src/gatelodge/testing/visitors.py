"""Owns who is signed in at the fake authority, and the calls about them that no browser's request leads to.

Does not know HTTP, or what a session may do.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import grpc

from gatelodge import _methods as methods
from gatelodge import errors, v1
from gatelodge.testing.events import Events
from gatelodge.testing.visitor import SESSION_COOKIE, Visitor, now

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from google.protobuf.message import Message


class Visitors:
    """Those who are signed in."""

    def __init__(self) -> None:
        self._visitors: dict[str, Visitor] = {}
        self._ends: dict[str, v1.InactiveReason.ValueType] = {}
        self._events = Events()

    def sign_in(  # noqa: PLR0913
        self,
        user_id: str = "fake_1",
        *,
        email: str = "",
        email_verified: bool | None = None,
        name: str = "",
        scopes: Iterable[str] = (),
        roles: Iterable[str] = (),
        permissions: Iterable[str] = (),
        acr: str = "",
        amr: Iterable[str] = (),
        provider: str | None = None,
        claims: Mapping[str, Any] | None = None,
        login_age: timedelta = timedelta(),
        credential: str | None = None,
        csrf_token: str | None = None,
        renewed_credential: str | None = None,
        provider_session: str | None = None,
    ) -> Visitor:
        """Makes a session.

        Args:
            user_id: who it is, ``<provider>_<sub>``.
            email: their email address.
            email_verified: whether the provider says that it verified it; by default where there is one.
            name: their display name.
            scopes: the scopes that were granted.
            roles: their roles.
            permissions: what they may do.
            acr: the authentication context class of the login.
            amr: the authentication methods of the login (RFC 8176).
            provider: the provider's name; by default that of the user id.
            claims: further claims.
            login_age: how long ago the login was.
            credential: the value of the session cookie; a random one by default.
            csrf_token: the one good CSRF token; one made from the credential by default.
            renewed_credential: a second credential, which a check of the first delivers as a new cookie.
            provider_session: the provider's own session (``sid``), by which it tells of a logout.
        """
        credential = credential or f"sess_{secrets.token_hex(16)}"
        visitor = Visitor(
            credential=credential,
            session_id=f"sid_{secrets.token_hex(12)}",
            user_id=user_id,
            email=email,
            email_verified=bool(email) if email_verified is None else email_verified,
            name=name,
            provider=provider or user_id.partition("_")[0],
            scopes=tuple(scopes),
            roles=tuple(roles),
            permissions=tuple(permissions),
            acr=acr,
            amr=tuple(amr),
            claims=dict(claims or {}),
            logged_in_at=now() - login_age,
            csrf_token=csrf_token or f"csrf_{credential}",
            renewed_credential=renewed_credential,
            provider_session=provider_session,
        )
        self._visitors[visitor.credential] = visitor
        return visitor

    def end(self, visitor: Visitor, reason: v1.InactiveReason.ValueType = v1.INACTIVE_REASON_REVOKED) -> None:
        """Ends a session, as a logout elsewhere or an admin does. Whoever watches knows it at once."""
        self._ends[visitor.session_id] = reason
        self._events.tell(v1.SessionEvent(kind=v1.SESSION_EVENT_KIND_REVOKED, session_id=visitor.session_id))

    def _found(self, cookies: Iterable[v1.Cookie]) -> Visitor | v1.InactiveReason.ValueType:
        values = {cookie.value.decode("latin-1") for cookie in cookies if cookie.name == SESSION_COOKIE}
        known = [visitor for visitor in self._visitors.values() if values & visitor.credentials]
        if len(known) > 1:
            return v1.INACTIVE_REASON_AMBIGUOUS
        if not known:
            return v1.INACTIVE_REASON_FORGED if values else v1.INACTIVE_REASON_NONE
        return self._ends.get(known[0].session_id) or known[0]

    def _get_access_token(self, question: v1.GetAccessTokenRequest, _: str) -> v1.GetAccessTokenResponse:
        found = self._found(question.cookies)
        if not isinstance(found, Visitor):
            return v1.GetAccessTokenResponse(inactive=v1.InactiveSession(reason=found))
        token = v1.AccessToken(value=f"token-of-{found.user_id}", type="Bearer", scopes=found.scopes)
        token.audience = question.audience
        return v1.GetAccessTokenResponse(access_token=token)

    def _show_no_keys(self, _: Message, __: str) -> Message:
        raise errors.MintingOffError("the fake authority signs no tokens", code=grpc.StatusCode.FAILED_PRECONDITION)

    def _list_sessions(self, question: v1.ListSessionsRequest, _: str) -> v1.ListSessionsResponse:
        """All on one page."""
        asked = v1.SessionFilter(
            user_id=question.user_id,
            provider=question.provider,
            provider_session_id=question.provider_session_id,
            created_after=question.created_after if question.HasField("created_after") else None,
            created_before=question.created_before if question.HasField("created_before") else None,
        )
        found = [visitor for visitor in self._living() if _is_listed(visitor, asked)]
        return v1.ListSessionsResponse(sessions=[_as_listed(visitor) for visitor in found], applied_filter=asked)

    def _get_session(self, question: v1.GetSessionRequest, _: str) -> v1.GetSessionResponse:
        for visitor in self._living():
            if question.session_id == visitor.session_id:
                return v1.GetSessionResponse(session=_as_listed(visitor))
        raise errors.SessionNotFoundError("no living session has this id", code=grpc.StatusCode.NOT_FOUND)

    def _sessions_of(self, visitor: Visitor) -> list[Visitor]:
        return [other for other in self._living() if other.user_id == visitor.user_id]

    def _living(self) -> list[Visitor]:
        return [visitor for visitor in self._visitors.values() if visitor.session_id not in self._ends]

    def _check_health(self, _: Message, __: str) -> Message:
        return methods.HEALTH_CHECK.answer(value=methods.HEALTH_SERVING)

    def _revoke_as_admin(self, question: v1.AdminServiceRevokeRequest, _: str) -> v1.AdminServiceRevokeResponse:
        ended = self._targets(question)
        for visitor in ended:
            self.end(visitor)
        is_counted = question.WhichOneof("target") in {"session_id", "user_id", "provider_session"}
        count = len(ended) if is_counted else 0
        return v1.AdminServiceRevokeResponse(revoked_count=count, event_position=self._events.position)

    def _preview_revoke(self, question: v1.PreviewRevokeRequest, _: str) -> v1.PreviewRevokeResponse:
        return v1.PreviewRevokeResponse(count=len(self._targets(question)), exact=True)

    def _targets(self, question: v1.AdminServiceRevokeRequest | v1.PreviewRevokeRequest) -> list[Visitor]:
        target = question.WhichOneof("target")
        if target is None:
            code = grpc.StatusCode.INVALID_ARGUMENT
            raise errors.InvalidFieldError("exactly one target is required", code=code)
        if target in {"tenant", "everything"}:
            return self._living()
        if target == "provider_session":
            own = question.provider_session
            named = (own.provider, own.provider_session_id)
            return [one for one in self._living() if (one.provider, one.provider_session) == named]
        # What is left is a field of a visitor's own.
        return [one for one in self._living() if getattr(one, target) == getattr(question, target)]


def _as_listed(visitor: Visitor) -> v1.Session:
    return v1.Session(identity=visitor.identity(), info=visitor.info())


def _is_listed(visitor: Visitor, asked: v1.SessionFilter) -> bool:
    created = visitor.info().create_time.ToNanoseconds()
    return (
        asked.user_id in {"", visitor.user_id}
        and asked.provider in {"", visitor.provider}
        and asked.provider_session_id in {"", visitor.provider_session}
        and (not asked.HasField("created_after") or created >= asked.created_after.ToNanoseconds())
        and (not asked.HasField("created_before") or created < asked.created_before.ToNanoseconds())
    )
