"""Owns somebody who is signed in at the fake authority. Does not know what they may do."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from gatelodge import v1
from gatelodge._identified import claims_of

SESSION_COOKIE = "session"
CSRF_HEADER = "X-CSRF-Token"
ISSUER = "https://provider.example"
"""The one provider's."""


@dataclass(frozen=True)
class Visitor:
    """Somebody who is signed in: what their browser sends, and who they are."""

    credential: str = field(repr=False)
    """The value of the session cookie."""
    session_id: str
    user_id: str
    email: str
    name: str
    provider: str
    scopes: tuple[str, ...]
    claims: dict[str, Any] = field(hash=False)
    logged_in_at: datetime
    csrf_token: str = field(repr=False)
    """The one CSRF token that is good for this session."""
    renewed_credential: str | None = field(default=None, repr=False)
    """A second credential, good beside the first, that a check of the first delivers."""
    email_verified: bool = False
    roles: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()
    acr: str = ""
    amr: tuple[str, ...] = ()
    provider_session: str | None = None
    """The provider's own session that it began with, by which a provider tells of a logout."""

    @property
    def cookies(self) -> dict[str, str]:
        """What a test client takes: ``client.cookies.update(visitor.cookies)``."""
        return {SESSION_COOKIE: self.credential}

    @property
    def credentials(self) -> frozenset[str]:
        """Every value of the session cookie that is this session's."""
        return frozenset({self.credential, self.renewed_credential or self.credential})

    @property
    def csrf_headers(self) -> dict[str, str]:
        """What an unsafe request (POST, PUT, PATCH, DELETE) has to send."""
        return {CSRF_HEADER: self.csrf_token}

    def identity(self) -> v1.Identity:
        """Who it is, as the contract says it."""
        identity = v1.Identity(
            user_id=self.user_id,
            tenant="default",
            provider=self.provider,
            issuer=ISSUER,
            sub=self.user_id.removeprefix(f"{self.provider}_"),
            email=self.email,
            email_verified=self.email_verified,
            name=self.name,
            scopes=self.scopes,
            roles=self.roles,
            permissions=self.permissions,
            acr=self.acr,
            amr=self.amr,
        )
        identity.claims.update(self.claims)
        identity.auth_time.FromDatetime(self.logged_in_at)
        return identity

    def as_device(self, *, is_current: bool) -> dict[str, object]:
        """What a browser is told of the session in a list of "my devices"."""
        info = self.info()
        return {
            "session_id": self.session_id,
            "current": is_current,
            "device": "Unknown device",
            "place": "",
            "client_address": "",
            "created": info.create_time.seconds,
            "last_active": info.last_active_time.seconds,
            "idle_end": info.idle_expire_time.seconds,
            "absolute_end": info.absolute_expire_time.seconds,
        }

    def user_info(self) -> dict[str, object]:
        """What a browser is told that asks for user info."""
        identity = self.identity()
        return {
            "user_id": self.user_id,
            "provider": self.provider,
            "sub": identity.sub,
            "email": self.email or None,
            "email_verified": identity.email_verified,
            "name": self.name or None,
            "picture": None,
            "claims": dict(self.claims),
        }

    def as_user(self) -> dict[str, object]:
        """What a front end of the route set ``spa`` is told of its user."""
        return user_of(self.identity())

    def as_collected(self) -> dict[str, object]:
        """What a front end of the route set ``api`` collects beside the cookie."""
        user = {"user_id": self.user_id, "email": self.email or None, "name": self.name or None}
        return {
            "tenant": "default",
            "user": {**user, "provider": self.provider},
            "session": {"session_id": self.session_id, **self.times()},
            "csrf_token": self.csrf_token,
        }

    def times(self) -> dict[str, object]:
        """The session's times, in seconds since 1970, as the route set ``api`` tells them."""
        info = self.info()
        return {
            "created_at": info.create_time.seconds,
            "last_active_at": info.last_active_time.seconds,
            "idle_expires_at": info.idle_expire_time.seconds,
            "expires_at": info.absolute_expire_time.seconds,
        }

    def info(self) -> v1.SessionInfo:
        """The session's facts, as the contract says them."""
        info = v1.SessionInfo(session_id=self.session_id, generation=1)
        info.create_time.FromDatetime(self.logged_in_at)
        info.last_active_time.FromDatetime(now())
        info.idle_expire_time.FromDatetime(now() + timedelta(minutes=30))
        info.absolute_expire_time.FromDatetime(self.logged_in_at + timedelta(hours=12))
        return info


def user_of(identity: v1.Identity) -> dict[str, object]:
    """The user as front ends of the route set ``spa`` know one."""
    claims = claims_of(identity.claims)
    return {
        "id": identity.user_id,
        "login": claims.get("login"),
        "name": identity.name or None,
        "company": claims.get("company"),
        "location": claims.get("location"),
        "email": identity.email or None,
        "picture": identity.picture or None,
    }


def now() -> datetime:
    """This moment."""
    return datetime.now(timezone.utc)
