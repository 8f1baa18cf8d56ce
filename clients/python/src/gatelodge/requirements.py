"""Owns what a route can ask of a session. Does not judge it: the authority does."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatelodge import v1

if TYPE_CHECKING:
    from datetime import timedelta


class Csrf(enum.Enum):
    """Whether a request needs a CSRF token."""

    BY_METHOD = v1.CSRF_REQUIREMENT_UNSPECIFIED
    """All but GET, HEAD, OPTIONS and TRACE."""
    REQUIRED = v1.CSRF_REQUIREMENT_REQUIRED
    """Whatever the method."""
    NOT_REQUIRED = v1.CSRF_REQUIREMENT_NOT_REQUIRED
    """Never, and the origin isn't judged either: for routes that are guarded in another way."""


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
        if isinstance(self.scopes, str):
            raise TypeError(f'scopes has to be a list such as ["{self.scopes}"], not one text')
        object.__setattr__(self, "scopes", tuple(self.scopes))
        if self.max_login_age is not None and self.max_login_age.total_seconds() < 1:
            raise ValueError(f"max_login_age has to be one second or more, not {self.max_login_age}")

    def message(self) -> v1.Requirements:
        """As the contract carries it."""
        message = v1.Requirements(csrf=self.csrf.value, scopes=self.scopes)
        if self.max_login_age is not None:
            message.max_login_age.FromSeconds(int(self.max_login_age.total_seconds()))
        return message


NONE = Requirements()
"""A living session, and a CSRF token where the method needs one."""
