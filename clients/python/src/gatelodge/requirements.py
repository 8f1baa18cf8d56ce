"""Owns what a route can ask of a session or a token. Does not judge it: the authority does."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatelodge import v1

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta


class Csrf(enum.Enum):
    """Whether a request needs a CSRF token."""

    BY_METHOD = v1.CSRF_REQUIREMENT_UNSPECIFIED
    """All but GET, HEAD, OPTIONS and TRACE."""
    REQUIRED = v1.CSRF_REQUIREMENT_REQUIRED
    """Whatever the method."""
    NOT_REQUIRED = v1.CSRF_REQUIREMENT_NOT_REQUIRED
    """Never, and the origin isn't judged either: for routes that are guarded in another way."""


def _texts(name: str, given: Iterable[str]) -> tuple[str, ...]:
    if isinstance(given, str):
        raise TypeError(f'{name} has to be a list such as ["{given}"], not one text')
    return tuple(given)


def _check_age(age: timedelta | None) -> None:
    if age is not None and age.total_seconds() < 1:
        raise ValueError(f"max_login_age has to be one second or more, not {age}")


@dataclass(frozen=True)
class Requirements:
    """What a request needs beyond a living session."""

    scopes: tuple[str, ...] = ()
    """Scopes that must all have been granted."""
    max_login_age: timedelta | None = None
    """How long ago the user may have logged in at most, in whole seconds; others are sent to log in again."""
    csrf: Csrf = Csrf.BY_METHOD

    def __post_init__(self) -> None:
        """Takes any iterable of scopes, and refuses the classic slip."""
        object.__setattr__(self, "scopes", _texts("scopes", self.scopes))
        _check_age(self.max_login_age)

    def message(self) -> v1.Requirements:
        """As the contract carries it."""
        message = v1.Requirements(csrf=self.csrf.value, scopes=self.scopes)
        if self.max_login_age is not None:
            message.max_login_age.FromSeconds(int(self.max_login_age.total_seconds()))
        return message


NONE = Requirements()
"""A living session, and a CSRF token where the method needs one."""


@dataclass(frozen=True)
class TokenRequirements:
    """What a request needs beyond a good bearer token."""

    scopes: tuple[str, ...] = ()
    """Scopes that the token must all have been granted."""
    permissions: tuple[str, ...] = ()
    """Permissions that the token must all have."""
    audience: str = ""
    """Whom the token must be for; empty for any that the authority accepts."""
    max_login_age: timedelta | None = None
    """How long ago the user may have logged in at most, in whole seconds."""
    provider: str = ""
    """The provider that issued the token. Needed only for opaque tokens where several providers are asked."""

    def __post_init__(self) -> None:
        """Takes any iterables, and refuses the classic slip."""
        object.__setattr__(self, "scopes", _texts("scopes", self.scopes))
        object.__setattr__(self, "permissions", _texts("permissions", self.permissions))
        _check_age(self.max_login_age)

    def message(self) -> v1.TokenRequirements:
        """As the contract carries it."""
        message = v1.TokenRequirements(scopes=self.scopes, permissions=self.permissions, audience=self.audience)
        if self.max_login_age is not None:
            message.max_login_age.FromSeconds(int(self.max_login_age.total_seconds()))
        return message


ANY_TOKEN = TokenRequirements()
"""A good token."""
