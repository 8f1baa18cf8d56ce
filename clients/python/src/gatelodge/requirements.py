"""Owns what a route can ask of a session or a token, and whether an answer has judged all of it.

Does not judge it: the authority does.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict

from google.protobuf.duration_pb2 import Duration

from gatelodge import v1

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import timedelta

    from typing_extensions import Self, Unpack

    Asked: TypeAlias = v1.Requirements | v1.TokenRequirements
    Judged: TypeAlias = v1.JudgedRequirements | v1.TokenRequirements

_ALL_OF = ("scopes", "permissions", "roles", "amr_values")
_ONE_OF = ("any_scopes", "any_permissions", "acr_values")


class Csrf(enum.Enum):
    """Whether a request needs a CSRF token."""

    BY_METHOD = v1.CSRF_REQUIREMENT_UNSPECIFIED
    """All but GET, HEAD, OPTIONS and TRACE."""
    REQUIRED = v1.CSRF_REQUIREMENT_REQUIRED
    """Whatever the method."""
    NOT_REQUIRED = v1.CSRF_REQUIREMENT_NOT_REQUIRED
    """Never, and the origin isn't judged either: for routes that are guarded in another way."""


class Needs(TypedDict, total=False):
    """What a guard can be told to ask of whoever is there. Everything that is named has to be met."""

    scopes: Iterable[str]
    """Scopes that must all have been granted."""
    any_scopes: Iterable[str]
    """Scopes of which one must have been granted."""
    permissions: Iterable[str]
    """Permissions that must all be there."""
    any_permissions: Iterable[str]
    """Permissions of which one must be there."""
    roles: Iterable[str]
    """Roles that must all be there."""
    email_verified: bool
    """Whether the provider must say that it verified the email address."""
    max_login_age: timedelta | None
    """How long ago the user may have logged in at most, in whole seconds; others are sent to log in again."""
    acr_values: Iterable[str]
    """Authentication context classes, the preferred one first, of which the login must have had one.

    Others are sent to log in in that way, and come back with the same session.
    """
    amr_values: Iterable[str]
    """Authentication methods (RFC 8176), such as ``otp``, that must all have been used. Others have to log in again."""


class SessionNeeds(Needs, total=False):
    """What a guard can be told to ask of a session."""

    csrf: Csrf
    """Whether a CSRF token is needed; by default the method says."""


class TokenNeeds(Needs, total=False):
    """What a guard can be told to ask of a bearer token."""

    audience: str
    """Whom the token must be for; any that the authority accepts by default."""
    provider: str
    """The provider that issued the token. Needed only for opaque tokens where several providers are asked."""
    refresh: bool
    """Whether that provider is asked again who the user is; of a token of the authority's own, the session says."""


def _texts(name: str, given: Iterable[str]) -> tuple[str, ...]:
    if isinstance(given, str):
        raise TypeError(f'{name} has to be a list such as ["{given}"], not one text')
    return tuple(given)


@dataclass(frozen=True, kw_only=True)
class _Requirements:
    """What is asked of sessions and tokens alike. See :class:`Needs`."""

    scopes: tuple[str, ...] = ()
    any_scopes: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()
    any_permissions: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    email_verified: bool = False
    max_login_age: timedelta | None = None
    acr_values: tuple[str, ...] = ()
    amr_values: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Takes any iterables of names, and refuses the classic slip."""
        for name in (*_ALL_OF, *_ONE_OF):
            object.__setattr__(self, name, _texts(name, getattr(self, name)))
        if self.max_login_age is not None and self.max_login_age.total_seconds() < 1:
            raise ValueError(f"max_login_age has to be one second or more, not {self.max_login_age}")

    @cached_property
    def _fields(self) -> dict[str, Any]:
        """What is asked for, as fields of a message."""
        fields = {name: names for name in (*_ALL_OF, *_ONE_OF) if (names := getattr(self, name))}
        if self.email_verified:
            fields["email_verified"] = True
        if self.max_login_age is not None:
            fields["max_login_age"] = Duration(seconds=int(self.max_login_age.total_seconds()))
        return fields


@dataclass(frozen=True, kw_only=True)
class Requirements(_Requirements):
    """What a request needs beyond a living session. See :class:`SessionNeeds`."""

    csrf: Csrf = Csrf.BY_METHOD

    @classmethod
    def of(cls, **needs: Unpack[SessionNeeds]) -> Self:
        """Those that a guard is told, from any iterables of names."""
        return cls(**needs)  # type: ignore[arg-type]

    def message(self) -> v1.Requirements:
        """As the contract carries it."""
        return v1.Requirements(csrf=self.csrf.value, **self._fields)


NONE = Requirements()
"""A living session, and a CSRF token where the method needs one."""


@dataclass(frozen=True, kw_only=True)
class TokenRequirements(_Requirements):
    """What a request needs beyond a good bearer token. See :class:`TokenNeeds`."""

    audience: str = ""
    provider: str = ""
    refresh: bool = False

    @classmethod
    def of(cls, **needs: Unpack[TokenNeeds]) -> Self:
        """Those that a guard is told, from any iterables of names."""
        return cls(**needs)  # type: ignore[arg-type]

    def message(self) -> v1.TokenRequirements:
        """As the contract carries it."""
        return v1.TokenRequirements(audience=self.audience, **self._fields)


ANY_TOKEN = TokenRequirements()
"""A good token."""


def are_judged(asked: Asked, judged: Judged) -> bool:
    """Whether an answer has judged all that was asked for beside CSRF tokens and audiences.

    An older authority passes over what it does not know, and its yes is then worth nothing.
    """
    return (
        all(_has_all(getattr(asked, name), getattr(judged, name)) for name in _ALL_OF)
        and all(_has_one(getattr(asked, name), getattr(judged, name)) for name in _ONE_OF)
        and (judged.email_verified or not asked.email_verified)
        and (not asked.HasField("max_login_age") or (judged.HasField("max_login_age") and _age(judged) <= _age(asked)))
    )


def _has_all(asked: Sequence[str], judged: Sequence[str]) -> bool:
    return set(asked) <= set(judged)


def _has_one(asked: Sequence[str], judged: Sequence[str]) -> bool:
    """Whether one of those was found, and not one of a longer list."""
    return not asked or (bool(judged) and set(judged) <= set(asked))


def _age(of: Asked | Judged) -> tuple[int, int]:
    return of.max_login_age.seconds, of.max_login_age.nanos
