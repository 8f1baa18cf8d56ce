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
from gatelodge.testing.visitor import SESSION_COOKIE, Visitor, now

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from google.protobuf.message import Message


class Visitors:
    """Those who are signed in."""

    def __init__(self) -> None:
        self._visitors: dict[str, Visitor] = {}
        self._ends: dict[str, v1.InactiveReason.ValueType] = {}
        self._attributes: dict[str, v1.Attributes] = {}
        self._disabled: set[str] = set()
        self._deleted: set[str] = set()

    def sign_in(  # noqa: PLR0913
        self,
        user_id: str = "fake_1",
        *,
        email: str = "",
        name: str = "",
        scopes: Iterable[str] = (),
        provider: str | None = None,
        claims: Mapping[str, Any] | None = None,
        login_age: timedelta = timedelta(),
        credential: str | None = None,
        csrf_token: str | None = None,
        renewed_credential: str | None = None,
    ) -> Visitor:
        """Makes a session.

        Args:
            user_id: who it is, ``<provider>_<sub>``.
            email: their email address.
            name: their display name.
            scopes: the scopes that were granted.
            provider: the provider's name; by default that of the user id.
            claims: further claims.
            login_age: how long ago the login was.
            credential: the value of the session cookie; a random one by default.
            csrf_token: the one good CSRF token; one made from the credential by default.
            renewed_credential: a second credential, which a check of the first delivers as a new cookie.
        """
        credential = credential or f"sess_{secrets.token_hex(16)}"
        visitor = Visitor(
            credential=credential,
            session_id=f"sid_{secrets.token_hex(12)}",
            user_id=user_id,
            email=email,
            name=name,
            provider=provider or user_id.partition("_")[0],
            scopes=tuple(scopes),
            claims=dict(claims or {}),
            logged_in_at=now() - login_age,
            csrf_token=csrf_token or f"csrf_{credential}",
            renewed_credential=renewed_credential,
        )
        self._visitors[visitor.credential] = visitor
        self._deleted.discard(user_id)
        return visitor

    def end(self, visitor: Visitor, reason: v1.InactiveReason.ValueType = v1.INACTIVE_REASON_REVOKED) -> None:
        """Ends a session, as a logout elsewhere or an admin does, or for another reason."""
        self._ends[visitor.session_id] = reason

    def _found(self, cookies: Iterable[v1.Cookie]) -> Visitor | v1.InactiveReason.ValueType:
        values = {cookie.value.decode("latin-1") for cookie in cookies if cookie.name == SESSION_COOKIE}
        known = [visitor for visitor in self._visitors.values() if values & visitor.credentials]
        if len(known) > 1:
            return v1.INACTIVE_REASON_AMBIGUOUS
        if not known:
            return v1.INACTIVE_REASON_FORGED if values else v1.INACTIVE_REASON_NONE
        return self._ends.get(known[0].session_id) or known[0]

    def _revoke(self, question: v1.SessionServiceRevokeRequest, _: str) -> v1.SessionServiceRevokeResponse:
        found = self._found(question.cookies)
        if not isinstance(found, Visitor):
            inactive = None if question.HasField("presented_session") else v1.InactiveSession(reason=found)
            return v1.SessionServiceRevokeResponse(inactive=inactive)
        own = [visitor for visitor in self._living() if visitor.user_id == found.user_id]
        if question.HasField("presented_session"):
            own = [found]
        elif question.HasField("session_id"):
            own = [visitor for visitor in own if visitor.session_id == question.session_id]
        else:
            own.remove(found)
        for visitor in own:
            self.end(visitor)
        return v1.SessionServiceRevokeResponse(revoked_count=len(own))

    def _list_user_sessions(self, question: v1.ListUserSessionsRequest, _: str) -> v1.ListUserSessionsResponse:
        """All on one page."""
        found = self._found(question.cookies)
        if not isinstance(found, Visitor):
            return v1.ListUserSessionsResponse(inactive=v1.InactiveSession(reason=found))
        own = [visitor for visitor in self._living() if visitor.user_id == found.user_id]
        sessions = [v1.UserSession(session=visitor.info(), current=visitor is found) for visitor in own]
        return v1.ListUserSessionsResponse(user_sessions=v1.UserSessions(sessions=sessions))

    def _get_attributes(self, question: v1.GetAttributesRequest, _: str) -> v1.GetAttributesResponse:
        found = self._found(question.cookies)
        if not isinstance(found, Visitor):
            return v1.GetAttributesResponse(inactive=v1.InactiveSession(reason=found))
        return v1.GetAttributesResponse(attributes=self._attributes.get(found.session_id, v1.Attributes()))

    def _update_attributes(self, question: v1.UpdateAttributesRequest, _: str) -> v1.UpdateAttributesResponse:
        found = self._found(question.cookies)
        if not isinstance(found, Visitor):
            return v1.UpdateAttributesResponse(inactive=v1.InactiveSession(reason=found))
        kept = self._attributes.setdefault(found.session_id, v1.Attributes())
        if kept.version != question.expected_version:
            message = "another version is kept by now; read it again, and decide again"
            raise errors.VersionConflictError(message, code=grpc.StatusCode.ABORTED)
        for name in question.remove:
            kept.values.pop(name, None)
        for name, value in question.set.items():
            kept.values[name] = value
        kept.version += 1
        return v1.UpdateAttributesResponse(attributes=kept)

    def _get_access_token(self, question: v1.GetAccessTokenRequest, _: str) -> v1.GetAccessTokenResponse:
        found = self._found(question.cookies)
        if not isinstance(found, Visitor):
            return v1.GetAccessTokenResponse(inactive=v1.InactiveSession(reason=found))
        token = v1.AccessToken(value=f"token-of-{found.user_id}", type="Bearer", scopes=found.scopes)
        return v1.GetAccessTokenResponse(access_token=token)

    def _check_no_token(self, _: Message, __: str) -> Message:
        message = "the fake authority checks no access tokens"
        raise errors.TokenCheckOffError(message, code=grpc.StatusCode.FAILED_PRECONDITION)

    def _mint_none(self, _: Message, __: str) -> Message:
        raise errors.MintingOffError("the fake authority mints no tokens", code=grpc.StatusCode.FAILED_PRECONDITION)

    def _list_sessions(self, question: v1.ListSessionsRequest, _: str) -> v1.ListSessionsResponse:
        """All on one page."""
        found = [visitor for visitor in self._living() if question.user_id in {"", visitor.user_id}]
        return v1.ListSessionsResponse(sessions=[_as_listed(visitor) for visitor in found])

    def _get_session(self, question: v1.GetSessionRequest, _: str) -> v1.GetSessionResponse:
        for visitor in self._living():
            if question.session_id == visitor.session_id:
                return v1.GetSessionResponse(session=_as_listed(visitor))
        raise errors.SessionNotFoundError("no living session has this id", code=grpc.StatusCode.NOT_FOUND)

    def _preview_revoke(self, question: v1.PreviewRevokeRequest, _: str) -> v1.PreviewRevokeResponse:
        """All sessions, where neither a session nor a user is named."""
        named = {question.session_id, question.user_id} - {""}
        found = [one for one in self._living() if not named or named & {one.session_id, one.user_id}]
        return v1.PreviewRevokeResponse(count=len(found), exact=True)

    def _user(self, user_id: str) -> v1.User:
        for visitor in self._visitors.values():
            if visitor.user_id == user_id and user_id not in self._deleted:
                state = v1.USER_STATE_DISABLED if user_id in self._disabled else v1.USER_STATE_ACTIVE
                known = visitor.identity()
                return v1.User(user_id=user_id, state=state, provider=known.provider, sub=known.sub, email=known.email)
        raise errors.UserNotFoundError("no user has this id", code=grpc.StatusCode.NOT_FOUND)

    def _get_user(self, question: v1.GetUserRequest, _: str) -> v1.GetUserResponse:
        return v1.GetUserResponse(user=self._user(question.user_id))

    def _list_users(self, _: v1.ListUsersRequest, __: str) -> v1.ListUsersResponse:
        """All on one page."""
        ids = dict.fromkeys(one.user_id for one in self._visitors.values() if one.user_id not in self._deleted)
        return v1.ListUsersResponse(users=[self._user(user_id) for user_id in ids])

    def _disable_user(self, question: v1.DisableUserRequest, _: str) -> v1.DisableUserResponse:
        self._user(question.user_id)
        self._disabled.add(question.user_id)
        return v1.DisableUserResponse(revoked_count=self._end_all_of(question.user_id))

    def _enable_user(self, question: v1.EnableUserRequest, _: str) -> v1.EnableUserResponse:
        self._user(question.user_id)
        self._disabled.discard(question.user_id)
        return v1.EnableUserResponse()

    def _delete_user(self, question: v1.DeleteUserRequest, _: str) -> v1.DeleteUserResponse:
        self._user(question.user_id)
        self._disabled.discard(question.user_id)
        ended = self._end_all_of(question.user_id)
        self._deleted.add(question.user_id)
        return v1.DeleteUserResponse(revoked_count=ended)

    def _end_all_of(self, user_id: str) -> int:
        ended = [visitor for visitor in self._living() if visitor.user_id == user_id]
        for visitor in ended:
            self.end(visitor)
        return len(ended)

    def _living(self) -> list[Visitor]:
        return [visitor for visitor in self._visitors.values() if visitor.session_id not in self._ends]

    def _check_health(self, _: Message, __: str) -> Message:
        return methods.HEALTH_CHECK.answer(value=methods.HEALTH_SERVING)

    def _revoke_as_admin(self, question: v1.AdminServiceRevokeRequest, _: str) -> v1.AdminServiceRevokeResponse:
        ended = [
            visitor
            for visitor in self._living()
            if question.session_id == visitor.session_id or question.user_id == visitor.user_id
        ]
        for visitor in ended:
            self.end(visitor)
        return v1.AdminServiceRevokeResponse(revoked_count=len(ended))


def _as_listed(visitor: Visitor) -> v1.Session:
    return v1.Session(identity=visitor.identity(), info=visitor.info())
