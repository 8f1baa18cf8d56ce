"""Owns what dependencies tell a route: what its caller may do, and who that is; and where the latter may be kept.

Plain dictionaries, so that a route may answer with them. Does not know how either was found out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

# Pydantic wants its own on Pythons before 3.12.
from typing_extensions import TypedDict

from gatelodge._identified import claims_of

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from gatelodge import v1
    from gatelodge.session import Session
    from gatelodge.token import Token


class AccessInfo(TypedDict):
    """What a session or a bearer token lets its holder do."""

    id: str | None
    """The user's stable id, ``<provider>_<sub>``; ``None`` for a token that speaks for a program alone."""
    scope: list[str]
    """The scopes that were granted."""
    permissions: list[str]
    """What the user or the token may do beyond scopes."""
    roles: list[str]
    """The user's roles."""
    acr: str | None
    """The authentication context class of the login, when it is known."""
    claims: dict[str, Any]
    """Further claims, those that the authority's configuration lets through."""


class UserInfo(TypedDict):
    """Who a user is. What they may do is no part of it, since it may be kept: see :class:`AccessInfo`."""

    user_id: str
    """The user's stable id, ``<provider>_<sub>``: the key to keep a user's own data under."""
    provider: str
    """The provider's name in the authority's configuration."""
    sub: str
    """The user's id at the provider."""
    email: str | None
    """The email address. Not an identity: it may change hands."""
    email_verified: bool
    """Whether the provider says that it verified the email address."""
    name: str | None
    """The display name."""
    picture: str | None
    """The address of a picture."""
    claims: dict[str, Any]
    """Further claims, those that the authority's configuration lets through."""


class UserInfoCache(Protocol):
    """Where user info is kept between requests. Both methods may be coroutines or plain functions.

    How long anything is kept is the cache's own affair; ``current_user(refresh=True)`` passes by it and renews it.
    """

    def get(self, key: str, /) -> UserInfo | Awaitable[UserInfo | None] | None:
        """What was kept under a key, ``<tenant>/<user_id>``, or ``None``."""

    def set(self, key: str, user: UserInfo, /) -> object | Awaitable[object]:
        """Keeps it."""


def access_of(found: Session | Token) -> AccessInfo:
    """What a session or a token says that its holder may do."""
    return {
        "id": found.user_id or None,
        "scope": sorted(found.scopes),
        "permissions": sorted(found.permissions),
        "roles": sorted(found.roles),
        "acr": found.identity.acr or None,
        "claims": found.claims,
    }


def user_of(identity: v1.Identity) -> UserInfo:
    """Who an identity is."""
    return {
        "user_id": identity.user_id,
        "provider": identity.provider,
        "sub": identity.sub,
        "email": identity.email or None,
        "email_verified": identity.email_verified,
        "name": identity.name or None,
        "picture": identity.picture or None,
        "claims": claims_of(identity.claims),
    }
