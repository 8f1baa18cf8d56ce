"""Owns what the fake authority keeps of users and for applications: who may log in, and a session's attributes.

Does not know HTTP, or how a request is judged.
"""

from __future__ import annotations

from typing import NoReturn

import grpc

from gatelodge import errors, v1
from gatelodge.testing.visitor import Visitor
from gatelodge.testing.visitors import Visitors


class People(Visitors):
    """Whoever was signed in is a user, until they are deleted."""

    def __init__(self) -> None:
        super().__init__()
        self._disabled: set[str] = set()
        self._deleted: set[str] = set()
        self._attributes: dict[str, v1.Attributes] = {}
        self._caller_keys: dict[str, v1.CallerKey] = {}

    def _get_attributes(self, question: v1.GetAttributesRequest, _: str) -> v1.GetAttributesResponse:
        found = self._found(question.cookies)
        if not isinstance(found, Visitor):
            return v1.GetAttributesResponse(inactive=v1.InactiveSession(reason=found))
        return v1.GetAttributesResponse(attributes=self._attributes_of(found))

    def _update_attributes(self, question: v1.UpdateAttributesRequest, _: str) -> v1.UpdateAttributesResponse:
        found = self._found(question.cookies)
        if not isinstance(found, Visitor):
            return v1.UpdateAttributesResponse(inactive=v1.InactiveSession(reason=found))
        kept = self._attributes_of(found)
        if question.expected_version != kept.version:
            raise errors.VersionConflictError("the attributes have another version", code=grpc.StatusCode.ABORTED)
        for name in question.remove:
            kept.values.pop(name, None)
        kept.values.update(question.set)
        kept.version += 1
        return v1.UpdateAttributesResponse(attributes=kept)

    def _attributes_of(self, visitor: Visitor) -> v1.Attributes:
        return self._attributes.setdefault(visitor.session_id, v1.Attributes())

    def _get_user(self, question: v1.GetUserRequest, _: str) -> v1.GetUserResponse:
        return v1.GetUserResponse(user=self._user(question.user_id))

    def _list_users(self, _: v1.ListUsersRequest, __: str) -> v1.ListUsersResponse:
        """All on one page."""
        known = {visitor.user_id for visitor in self._visitors.values()} - self._deleted
        return v1.ListUsersResponse(users=[self._user(user_id) for user_id in sorted(known)])

    def _disable_user(self, question: v1.DisableUserRequest, _: str) -> v1.DisableUserResponse:
        self._disabled.add(self._user(question.user_id).user_id)
        return v1.DisableUserResponse(revoked_count=self._end_all(question.user_id))

    def _enable_user(self, question: v1.EnableUserRequest, _: str) -> v1.EnableUserResponse:
        self._disabled.discard(self._user(question.user_id).user_id)
        return v1.EnableUserResponse()

    def _delete_user(self, question: v1.DeleteUserRequest, _: str) -> v1.DeleteUserResponse:
        self._deleted.add(self._user(question.user_id).user_id)
        return v1.DeleteUserResponse(revoked_count=self._end_all(question.user_id))

    def _create_caller_key(self, question: v1.CreateCallerKeyRequest, _: str) -> v1.CreateCallerKeyResponse:
        key = v1.CallerKey(
            key_id=f"key_{question.name}",
            name=question.name,
            caller=f"default/{question.name}",
            role=question.role,
            rpcs=question.rpcs,
            tenants=question.tenants,
        )
        self._caller_keys[key.key_id] = key
        return v1.CreateCallerKeyResponse(key=key, api_key=f"glk_{question.name}")

    def _list_caller_keys(self, _: v1.ListCallerKeysRequest, __: str) -> v1.ListCallerKeysResponse:
        return v1.ListCallerKeysResponse(keys=list(self._caller_keys.values()))

    def _revoke_caller_key(self, question: v1.RevokeCallerKeyRequest, _: str) -> v1.RevokeCallerKeyResponse:
        return v1.RevokeCallerKeyResponse(revoked=self._caller_keys.pop(question.key_id, None) is not None)

    def _keep_no_audit(self, _: object, __: str) -> NoReturn:
        raise errors.AuditOffError("this authority keeps no audit entries", code=grpc.StatusCode.FAILED_PRECONDITION)

    def _user(self, user_id: str) -> v1.User:
        theirs = [visitor for visitor in self._visitors.values() if visitor.user_id == user_id]
        if not theirs:
            raise errors.UserNotFoundError("no user has this id", code=grpc.StatusCode.NOT_FOUND)
        if user_id in self._deleted:
            return v1.User(user_id=user_id, state=v1.USER_STATE_DELETED)
        state = v1.USER_STATE_DISABLED if user_id in self._disabled else v1.USER_STATE_ACTIVE
        last = theirs[-1].identity()
        user = v1.User(user_id=user_id, state=state, provider=last.provider, issuer=last.issuer, sub=last.sub)
        user.email, user.email_verified, user.name = last.email, last.email_verified, last.name
        user.login_count = len(theirs)
        return user

    def _end_all(self, user_id: str) -> int:
        theirs = [visitor for visitor in self._living() if visitor.user_id == user_id]
        for visitor in theirs:
            self.end(visitor)
        self._events.tell(v1.SessionEvent(kind=v1.SESSION_EVENT_KIND_USER_REVOKED))
        return len(theirs)
