"""Owns how an HTTP request becomes what the authority is asked about: bytes as they came, cut where the settings say.

Judges none of it, and does not know which framework the request came through.
"""

from __future__ import annotations

import functools
import ipaddress
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatelodge import v1

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatelodge.settings import Settings

_FORM = b"application/x-www-form-urlencoded"
_JSON = b"application/json"
_PLAIN_ID = re.compile(rb"[A-Za-z0-9_.-]{1,64}")
_MOST_LINES = 64
_SINGLE_HEADERS = {
    "host": b"host",
    "user_agent": b"user-agent",
    "accept_language": b"accept-language",
    "accept": b"accept",
    "content_type": b"content-type",
    "upgrade": b"upgrade",
    "origin": b"origin",
    "sec_fetch_site": b"sec-fetch-site",
    "sec_fetch_mode": b"sec-fetch-mode",
    "sec_fetch_dest": b"sec-fetch-dest",
    "x_requested_with": b"x-requested-with",
    "x_tenant_id": b"x-tenant-id",
}


@dataclass(frozen=True)
class RawRequest:
    """An HTTP request as it came: nothing decoded, nothing trimmed, doubled header lines apart."""

    method: bytes
    target: bytes
    """Path and query, as in the request line."""
    query: bytes
    """What follows the first ``?`` of the request line."""
    headers: Sequence[tuple[bytes, bytes]]
    """Every header line; names are in lower case."""
    peer: str | None
    """The address of the TCP peer."""

    def lines(self, name: bytes) -> list[bytes]:
        """Every value that came under a name, in order."""
        return [value for key, value in self.headers if key == name]

    @property
    def host(self) -> bytes:
        """The Host header; empty where none came."""
        return b", ".join(self.lines(b"host"))

    @property
    def is_head(self) -> bool:
        """Whether the answer goes without its body."""
        return self.method == b"HEAD"

    @property
    def is_preflight(self) -> bool:
        """Whether a browser asks on behalf of a page of another origin (Fetch, "CORS protocol")."""
        asks = self.lines(b"origin") and self.lines(b"access-control-request-method")
        return self.method == b"OPTIONS" and bool(asks)

    @property
    def is_form(self) -> bool:
        """Whether the one Content-Type is a form's, its parameters aside."""
        return self._kind == _FORM

    @property
    def is_json(self) -> bool:
        """Whether the one Content-Type is JSON's, its parameters aside."""
        return self._kind == _JSON

    @property
    def _kind(self) -> bytes:
        kinds = self.lines(b"content-type")
        return kinds[0].partition(b";")[0].strip(b" \t").lower() if len(kinds) == 1 else b""

    @functools.cached_property
    def request_id(self) -> str:
        """What joins the browser's answer with the authority's log: the id that came if it is plain, else a new one."""
        given = self.lines(b"x-request-id")[:1]
        if given and _PLAIN_ID.fullmatch(given[0]):
            return given[0].decode("ascii")
        return secrets.token_hex(16)


def session_cookies(request: RawRequest, settings: Settings) -> list[v1.Cookie]:
    """Every value that came under a session cookie name."""
    return _cookies(request, settings.session_cookies, settings)


def login_cookies(request: RawRequest, settings: Settings) -> list[v1.Cookie]:
    """Every value that came under a session or binding cookie name."""
    return session_cookies(request, settings) + _cookies(request, settings.binding_cookies, settings)


def _cookies(request: RawRequest, names: frozenset[bytes], settings: Settings) -> list[v1.Cookie]:
    """Cuts each Cookie header at ``;`` and each pair at its first ``=``, and reads no further (RFC 6265, 5.4)."""
    longest, most = settings.limits.cookie_bytes + 1, settings.limits.cookies
    cookies = []
    for line in request.lines(b"cookie"):
        for pair in line.split(b";"):
            name, equals, value = pair.strip(b" \t").partition(b"=")
            if equals and name in names:
                cookies.append(v1.Cookie(name=name.decode(), value=value[:longest]))
    return cookies[:most]


def bearer_token(request: RawRequest) -> bytes:
    """What follows the scheme ``Bearer`` (RFC 6750, 2.1); empty when nothing does, or when it is not clear what."""
    lines = request.lines(b"authorization")
    scheme, _, token = lines[0].partition(b" ") if len(lines) == 1 else (b"", b"", b"")
    return token.strip(b" \t") if scheme.lower() == b"bearer" else b""


def query(request: RawRequest, settings: Settings) -> bytes:
    """The query without its ``?``."""
    return request.query[: settings.limits.query_bytes + 1]


def header(request: RawRequest, name: bytes, settings: Settings) -> bytes:
    """A header that a route takes beside the context; empty where none came."""
    return b", ".join(request.lines(name))[: settings.limits.header_bytes + 1]


def context(request: RawRequest, settings: Settings) -> v1.RequestContext:
    """What the authority has to know of the request beside its cookies."""
    longest = settings.limits.header_bytes
    came: dict[bytes, bytes] = {}
    for name, value in request.headers:
        came[name] = came[name] + b", " + value if name in came else value
    single = {field: came[name][:longest] for field, name in _SINGLE_HEADERS.items() if name in came}
    csrf_token = came.get(settings.csrf_header.encode())
    if csrf_token is not None:
        single["csrf_token"] = csrf_token[:longest]
    place = came.get(settings.place_header.encode()) if settings.place_header else None
    if place is not None:
        single["place"] = place[:longest]
    if (peer := _address(request.peer)) is not None:
        single["peer_address"] = peer
    return v1.RequestContext(
        method=request.method[:longest],
        target=request.target[:longest],
        x_forwarded_for=_end(request.lines(b"x-forwarded-for"), longest),
        forwarded=_end(request.lines(b"forwarded"), longest),
        **single,
    )


def _end(lines: list[bytes], longest: int) -> list[bytes]:
    """The end of a header that proxies append to: of the last lines one byte more than the authority reads."""
    room, end = longest + 1, list[bytes]()
    for line in reversed(lines[-_MOST_LINES:]):
        if room == 0:
            break
        end.append(line[-room:])
        room -= len(end[-1])
    return end[::-1]


@functools.lru_cache(maxsize=1024)  # A connection brings many requests, and a proxy all of them.
def _address(peer: str | None) -> bytes | None:
    """The peer's address in its usual form; ``None`` for what is none, such as a Unix socket's peer."""
    try:
        address = ipaddress.ip_address((peer or "").partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return str(address).encode("ascii")
