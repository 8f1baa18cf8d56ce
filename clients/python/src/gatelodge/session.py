"""Owns a living session as an application sees it. Does not know how it was found."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from gatelodge._identified import Identified, claims_of, moment
from gatelodge.errors import InconclusiveError

if TYPE_CHECKING:
    from datetime import datetime

    from gatelodge import v1


@dataclass(frozen=True)
class Session(Identified):
    """A living session that meets every requirement which was asked for.

    It may serve several requests at the same time: read its messages, and change none.
    """

    user_id: str
    """The user's stable id, ``<provider>_<sub>``: the key to keep a user's own data under."""
    session_id: str
    """The session's public id, ``sid_...``: safe to log and to show."""
    info: v1.SessionInfo = field(repr=False, hash=False)
    """The session's facts: its public id and its times."""
    judged: v1.JudgedRequirements = field(repr=False, hash=False)
    """What was judged to let this request through."""
    csrf_token: str | None = field(default=None, repr=False)
    """A fresh CSRF token, when one was asked for or the credential was rotated. The framework adapters deliver it."""
    set_cookies: tuple[str, ...] = field(default=(), repr=False)
    """Whole Set-Cookie values to deliver with the answer to this very request. The framework adapters do so."""

    @classmethod
    def read(cls, active: v1.ActiveSession) -> Session:
        """Reads an answer.

        Raises:
            InconclusiveError: it does not say whose session it is.
        """
        if not active.HasField("identity") or not active.HasField("session"):
            raise InconclusiveError("the authority found a session, and did not say whose")
        return cls(
            user_id=active.identity.user_id,
            session_id=active.session.session_id,
            identity=active.identity,
            info=active.session,
            judged=active.judged,
            csrf_token=active.csrf_token or None,
            set_cookies=tuple(active.set_cookies),
        )

    @property
    def picture(self) -> str | None:
        """The address of a picture, when the provider gave one."""
        return self.identity.picture or None

    @cached_property
    def permissions(self) -> frozenset[str]:
        """What the user may do, by the provider's word."""
        return frozenset(self.identity.permissions)

    @property
    def acr(self) -> str | None:
        """The authentication context class of the login, when the provider gave one."""
        return self.identity.acr or None

    @property
    def amr(self) -> tuple[str, ...]:
        """The authentication methods of the login (RFC 8176)."""
        return tuple(self.identity.amr)

    @property
    def claims(self) -> dict[str, Any]:
        """Further claims, those that the provider's configuration lets through. Each reader gets them anew."""
        return claims_of(self.identity.claims)

    @property
    def logged_in_at(self) -> datetime:
        """When the user last authenticated at the provider."""
        return moment(self.identity.auth_time)

    @property
    def created_at(self) -> datetime:
        """When the session began."""
        return moment(self.info.create_time)

    @property
    def expires_at(self) -> datetime:
        """When it ends if it is not used again, and at the latest."""
        return min(moment(self.info.idle_expire_time), moment(self.info.absolute_expire_time))
