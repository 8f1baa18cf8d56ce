"""Owns what a session and a bearer token say alike of whose they are. Does not know how either was found."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import cached_property
from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import MessageToDict

if TYPE_CHECKING:
    from google.protobuf.struct_pb2 import Struct
    from google.protobuf.timestamp_pb2 import Timestamp

    from gatelodge import v1


@dataclass(frozen=True)
class Identified:
    """What speaks for somebody."""

    identity: v1.Identity = field(repr=False, hash=False, kw_only=True)
    """All that is known of whose it is."""

    @property
    def email(self) -> str | None:
        """The email address, when there is one. Not an identity: it may change hands."""
        return self.identity.email or None

    @property
    def email_verified(self) -> bool:
        """Whether the provider says that it verified the email address."""
        return self.identity.email_verified

    @property
    def name(self) -> str | None:
        """The display name, when there is one."""
        return self.identity.name or None

    @property
    def provider(self) -> str:
        """The provider's name in the authority's configuration."""
        return self.identity.provider

    @property
    def tenant(self) -> str:
        """The tenant's name."""
        return self.identity.tenant

    @cached_property
    def scopes(self) -> frozenset[str]:
        """The scopes that were granted."""
        return frozenset(self.identity.scopes)

    @cached_property
    def roles(self) -> frozenset[str]:
        """The user's roles."""
        return frozenset(self.identity.roles)


def moment(time: Timestamp) -> datetime:
    """A time, with its zone."""
    return time.ToDatetime(tzinfo=timezone.utc)


def claims_of(claims: Struct) -> dict[str, Any]:
    """Claims, anew for each reader."""
    read: dict[str, Any] = MessageToDict(claims)
    return read
