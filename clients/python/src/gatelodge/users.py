"""Owns how an application keeps users of its own behind the route set ``spa``. Does not know where it keeps them.

A login is the authority's; who its user is to the application, and what front ends are told of them, is then the
application's to say. Without this, an edge copies what the authority says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from gatelodge import answer, v1
from gatelodge._identified import Identified, claims_of
from gatelodge.token import Token

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.message import Message

    from gatelodge.answer import Answer
    from gatelodge.presented import RawRequest

_OK = 200


@dataclass(frozen=True)
class Login(Identified):
    """A login that is complete: somebody has shown the provider who they are."""

    user_id: str
    """The user's stable id, ``<provider>_<sub>``: find your own user by it, never by a name or an address."""
    is_new: bool
    """Whether it is this user's first login here. A request that is delivered again says so again."""
    token: str = field(repr=False)
    """The token that the front end is about to get."""

    @property
    def sub(self) -> str:
        """What the provider calls the user for ever: at GitHub a number."""
        return self.identity.sub

    @property
    def picture(self) -> str | None:
        """The address of a picture, when there is one."""
        return self.identity.picture or None

    @property
    def claims(self) -> dict[str, Any]:
        """Further claims that the authority's configuration lets through: at GitHub login, company and location."""
        return claims_of(self.identity.claims)


@dataclass(frozen=True)
class SignedIn:
    """What an application makes of a login."""

    user: Mapping[str, Any]
    """What the front end is told of its user, as JSON."""
    token: str | None = field(default=None, repr=False)
    """A token to give in place of :attr:`Login.token`: one with claims of your own, from ``MintToken``."""


class Users(Protocol):
    """An application's own users, for edges that run in threads."""

    def signed_in(self, login: Login) -> SignedIn:
        """Finds the user of a login, or makes one. It may be called again for the same login."""

    def find(self, token: Token) -> Mapping[str, Any] | None:
        """What the front end is told of a token's user, or ``None`` when they are gone."""


class AsyncUsers(Protocol):
    """An application's own users, for edges that run in an event loop."""

    async def signed_in(self, login: Login) -> SignedIn:
        """As :meth:`Users.signed_in`."""

    async def find(self, token: Token) -> Mapping[str, Any] | None:
        """As :meth:`Users.find`."""


def login_in(done: Message) -> Login | None:
    """The login that an answer of the authority completes with a token, if it does."""
    if not isinstance(done, v1.CompleteCallbackResponse) or not done.completed.HasField("token"):
        return None
    completed = done.completed
    identity = completed.identity
    return Login(identity.user_id, completed.new_user, completed.token.value, identity=identity)


def token_in(done: Message) -> Token | None:
    """The token that an answer of the authority finds good, if it does."""
    if not isinstance(done, v1.ValidateTokenResponse) or not done.HasField("active"):
        return None
    return Token.read(done.active)


def authorized(request: RawRequest, made: Answer, login: Login, signed_in: SignedIn) -> Answer:
    """The authority's answer to a login, with the application's user in it. One that is no yes stays as it is."""
    if made.status != _OK:
        return made
    body = {
        "access_token": signed_in.token or login.token,
        "token_type": "bearer",
        "user": dict(signed_in.user),
    }
    return answer.of_json(request, _OK, body)


def told(request: RawRequest, made: Answer, user: Mapping[str, Any] | None) -> Answer:
    """The authority's answer about a token, with the application's user in its place."""
    if made.status != _OK:
        return made
    if user is None:
        return answer.error(request, 404, "user_not_found", "User not found")
    return answer.of_json(request, _OK, dict(user))
