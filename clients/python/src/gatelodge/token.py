"""Owns a good bearer token as an application sees it. Does not know how it was found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gatelodge._identified import Identified, claims_of, moment
from gatelodge.errors import InconclusiveError

if TYPE_CHECKING:
    from datetime import datetime

    from gatelodge import v1


@dataclass(frozen=True)
class Token(Identified):
    """A good bearer token that meets every requirement which was asked for."""

    user_id: str | None
    """The user's stable id, ``<provider>_<sub>``; ``None`` when the token speaks for a program alone."""
    permissions: frozenset[str]
    """What it permits beyond scopes."""
    active: v1.ActiveToken = field(repr=False, hash=False)
    """All that the authority said."""

    @classmethod
    def read(cls, active: v1.ActiveToken) -> Token:
        """Reads an answer.

        Raises:
            InconclusiveError: it does not say whose token it is.
        """
        if not active.HasField("identity"):
            raise InconclusiveError("the authority found the token good, and did not say whose it is")
        return cls(
            user_id=active.identity.user_id or None,
            permissions=frozenset(active.permissions),
            active=active,
            identity=active.identity,
        )

    @property
    def kind(self) -> v1.TokenKind.ValueType:
        """Who issued it, and how that was found out."""
        return self.active.kind

    @property
    def client_id(self) -> str | None:
        """The OAuth2 client that it was given to, when it says so."""
        return self.active.client_id or None

    @property
    def audiences(self) -> tuple[str, ...]:
        """Whom it is for."""
        return tuple(self.active.audiences)

    @property
    def session_id(self) -> str | None:
        """The public id of the session that a token of the authority's own speaks for."""
        return self.active.session.session_id or None

    @property
    def claims(self) -> dict[str, Any]:
        """Further claims: all of a token of the authority's own; of another, those that are let through."""
        return claims_of(self.active.claims if self.active.HasField("claims") else self.identity.claims)

    @property
    def refreshed_at(self) -> datetime | None:
        """When the provider said who the user is, where it was asked again."""
        return moment(self.active.refresh_time) if self.active.HasField("refresh_time") else None

    @property
    def issued_at(self) -> datetime | None:
        """When it was issued, if it says so."""
        return moment(self.active.issue_time) if self.active.HasField("issue_time") else None

    @property
    def expires_at(self) -> datetime | None:
        """When it ends, if it says so."""
        return moment(self.active.expire_time) if self.active.HasField("expire_time") else None
