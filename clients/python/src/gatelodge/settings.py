"""Owns the settings of an edge: read once so that every request can go by them, and asked for again in time.

Does not know how they are asked for, or what a route does with them.
"""

from __future__ import annotations

import logging
import random
import re
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gatelodge.errors import GatelodgeError, InconclusiveError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatelodge import v1

_log = logging.getLogger("gatelodge")

_ASK_AGAIN_AFTER = 60.0  # When the authority does not say.
SHORTEST_PAUSE = 1.0
"""However short the time to ask again is, an authority is not asked in a tight circle."""
_FIRST_WAIT = 0.5
_LONGEST_WAIT = 5.0
_LONGEST_BODY = 64 * 1024

_PORT = re.compile(rb":[0-9]*\Z")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")


def is_header_name(name: str) -> bool:
    """Whether it is a token (RFC 9110, 5.6.2)."""
    return _HEADER_NAME.fullmatch(name) is not None


def is_header_value(value: str) -> bool:
    """Whether it is printable ASCII, so that nothing in it can end a header."""
    return _HEADER_VALUE.fullmatch(value) is not None


@dataclass(frozen=True)
class Limits:
    """How much of what a browser sent to pass on.

    A limit that the authority did not state is none here; but a body is held in memory, so it has one in any case.
    """

    cookie_bytes: int = sys.maxsize
    cookies: int = sys.maxsize
    header_bytes: int = sys.maxsize
    query_bytes: int = sys.maxsize
    body_bytes: int = _LONGEST_BODY

    @classmethod
    def read(cls, limits: v1.Limits) -> Limits:
        """Reads the message: 0 means "not stated"."""
        return cls(
            limits.max_cookie_bytes or sys.maxsize,
            limits.max_cookies or sys.maxsize,
            limits.max_header_bytes or sys.maxsize,
            limits.max_query_bytes or sys.maxsize,
            limits.max_body_bytes or _LONGEST_BODY,
        )


@dataclass(frozen=True)
class Cors:
    """How to answer cross-origin requests, as header values. An empty one is not sent."""

    allowed_origins: frozenset[bytes] = frozenset()
    allowed_methods: str = ""
    allowed_headers: str = ""
    exposed_headers: str = ""
    max_age: str = ""

    @classmethod
    def read(cls, cors: v1.CorsSettings) -> Cors:
        """Reads the message."""
        return cls(
            frozenset(origin.encode() for origin in cors.allowed_origins),
            ", ".join(cors.allowed_methods),
            ", ".join(cors.allowed_headers),
            ", ".join(cors.exposed_headers),
            str(cors.max_age.seconds) if cors.HasField("max_age") else "",
        )


@dataclass(frozen=True)
class Settings:
    """``EdgeSettings``, checked: what can't become a header is found here and not at a request."""

    version: str
    ask_again_after: float
    is_https: bool
    """Whether browsers reach the edge by https, as the configuration says; never what a request looked like."""
    session_cookies: frozenset[bytes]
    binding_cookies: frozenset[bytes]
    csrf_header: str
    callbacks: tuple[v1.CallbackAddress, ...]
    cors: Cors = field(default_factory=Cors)
    limits: Limits = field(default_factory=Limits)
    place_header: str = ""
    """The header that says where the client is; empty for none."""
    route_sets: frozenset[int] = frozenset()
    hosts: tuple[bytes, ...] = ()
    """Where this tenant is reached, in lower case."""

    @classmethod
    def read(cls, settings: v1.EdgeSettings) -> Settings:
        """Reads the message.

        Raises:
            InconclusiveError: a field can't be used.
        """
        cors = Cors.read(settings.cors)
        checks = {
            "session_cookie_names": bool(settings.session_cookie_names),
            "csrf_header": is_header_name(settings.csrf_header),
            "place_header": not settings.place_header or is_header_name(settings.place_header),
            "cors.allowed_methods": is_header_value(cors.allowed_methods),
            "cors.allowed_headers": is_header_value(cors.allowed_headers),
            "cors.exposed_headers": is_header_value(cors.exposed_headers),
        }
        for name, is_good in checks.items():
            if not is_good:
                raise InconclusiveError(f"the field {name} of the edge's settings can't be used")
        seconds = settings.ask_again_after.ToTimedelta().total_seconds()
        return cls(
            version=settings.version,
            ask_again_after=max(seconds, SHORTEST_PAUSE) if settings.HasField("ask_again_after") else _ASK_AGAIN_AFTER,
            is_https=settings.public_base_url.startswith("https://"),
            session_cookies=frozenset(name.encode() for name in settings.session_cookie_names),
            binding_cookies=frozenset(name.encode() for name in settings.binding_cookie_names),
            csrf_header=settings.csrf_header.lower(),
            place_header=settings.place_header.lower(),
            callbacks=tuple(settings.callback_addresses),
            cors=cors,
            limits=Limits.read(settings.limits),
            route_sets=frozenset(settings.route_sets),
            hosts=tuple(host.encode() for host in settings.hosts),
        )


class Settled:
    """The settings of every tenant whose requests come to an edge."""

    def __init__(self, first: Settings, *others: Settings) -> None:
        self.first = first
        self.all = (first, *others)
        # Of several that share a host the first counts.
        self._at = {host: settings for settings in reversed(self.all) for host in settings.hosts}

    @classmethod
    def read(cls, answer: v1.GetEdgeSettingsResponse) -> Settled:
        """Reads an answer.

        Raises:
            InconclusiveError: a field can't be used.
        """
        return cls(Settings.read(answer.settings), *map(Settings.read, answer.others))

    def of(self, host: bytes) -> Settings:
        """The settings for requests with this Host: of the tenant that is reached there, else the first."""
        if len(self.all) == 1:
            return self.first
        host = host.lower()
        return self._at.get(host) or self._at.get(_PORT.sub(b"", host)) or self.first


class Freshness:
    """The settings in force, and how long to wait before they are asked for again.

    A failure never takes away settings that are there.
    """

    def __init__(self, on_change: Callable[[Settings], None], chance: Callable[[], float] = random.random) -> None:
        self.settled: Settled | None = None
        self._on_change = on_change
        self._chance = chance
        self._wait = _FIRST_WAIT

    def of(self, host: bytes) -> Settings | None:
        """Those in force for requests with this Host."""
        return None if self.settled is None else self.settled.of(host)

    def took(self, answer: v1.GetEdgeSettingsResponse) -> float:
        """Takes an answer; says how many seconds to wait."""
        try:
            settled = Settled.read(answer)
        except InconclusiveError as error:
            return self.failed(error)
        self._wait = _FIRST_WAIT
        if self.settled is None or self.settled.first.version != settled.first.version:
            _log.info("settings %s of the edge are in force", settled.first.version)
            for settings in settled.all:
                self._on_change(settings)
        self.settled = settled
        return settled.first.ask_again_after

    def failed(self, error: GatelodgeError) -> float:
        """Takes a failure; says how many seconds to wait."""
        kept = "" if self.settled is None else "; the last ones stay in force"
        level = logging.ERROR if needs_an_admin(error) else logging.WARNING
        _log.log(level, "no settings from the authority%s: %s", kept, error)
        wait = self._wait * (1 - self._chance() / 2)
        self._wait = min(_LONGEST_WAIT, self._wait * 2)
        return wait

    def faulted(self) -> float:
        """Takes a fault of this program, which must not end the asking; says how many seconds to wait."""
        _log.exception("the settings can't be asked for")
        return self.failed(InconclusiveError("a fault of this program"))

    def is_other(self, version: str) -> bool:
        """Whether an answer's version is not the one in force. An answer that names none says nothing."""
        return bool(version) and self.settled is not None and self.settled.first.version != version


def needs_an_admin(error: GatelodgeError) -> bool:
    """Whether the authority refused this program's key or tenant: no later call will do better."""
    return error.code.name in {"UNAUTHENTICATED", "PERMISSION_DENIED"}
