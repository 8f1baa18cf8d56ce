"""Owns how to reach an authority: address, API key, TLS files, and the variables they come from.

Does not know what is asked.
"""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import grpc

from gatelodge._version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

ADDRESS = "GATELODGE_ADDRESS"
API_KEY = "GATELODGE_API_KEY"
TENANT = "GATELODGE_TENANT"
CA_FILE = "GATELODGE_CA_FILE"
CERT_FILE = "GATELODGE_CERT_FILE"
KEY_FILE = "GATELODGE_KEY_FILE"
KEEP_ANSWERS = "GATELODGE_KEEP_ANSWERS"

_ANSWERS = 16_384

_DEFAULT_PORTS = {"http": 80, "https": 443}

_CHANNEL_ARGUMENTS: tuple[tuple[str, str | int], ...] = (
    ("grpc.primary_user_agent", f"gatelodge-python/{__version__}"),
    # A connection that went silent (a NAT that forgot it, a host that died) is noticed, also between calls.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 15_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    # An authority that comes back is found within a second, not after gRPC's two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # The authority is a neighbour: a proxy for the way out (HTTP_PROXY) is not on the way to it.
    ("grpc.enable_http_proxy", 0),
)


class OptionsError(ValueError):
    """A setting is missing or can't be used. The text names it, and says what was expected."""


@dataclass(frozen=True)
class ClientOptions:
    """How to reach an authority. Checked at once; the files are read again when a connection is opened.

    Raises:
        OptionsError: something can't be used.
    """

    address: str
    """The authority's URL. Its scheme decides TLS: ``http://`` is plaintext, ``https://`` is TLS."""
    api_key: str | None = field(repr=False)
    """This caller's API key; ``None`` for an authority that is asked for nothing but its health."""
    ca_file: Path | None = None
    """PEM file of the certificate authorities to accept, instead of the public ones."""
    cert_file: Path | None = None
    """PEM file of this caller's own certificate, for mutual TLS."""
    key_file: Path | None = None
    """PEM file of that certificate's key."""
    timeout: float | None = None
    """Seconds that every call may take; ``None`` for each method's own: 2, 8 for what ends sessions, 10 for a login."""
    keep_answers: int = _ANSWERS
    """How many answers a process (with asyncio: an event loop) keeps for a moment while it watches; 0 for none."""
    tenant: str | None = None
    """The tenant that calls are for, by its name or number, where this caller's key is for several.

    One with a key for one needs it not, and neither does an edge that serves several hosts: the authority goes by the
    request then.
    """

    def __post_init__(self) -> None:
        """Checks the settings against each other."""
        url = self._url()
        if self.api_key is not None and not (self.api_key.isascii() and self.api_key.isprintable() and self.api_key):
            raise OptionsError(f"{API_KEY} has to be a key as the authority shows it, in one line of ASCII")
        if self.tenant is not None and not re.fullmatch(r"[!-~]+", self.tenant):
            raise OptionsError(f"{TENANT} has to be the name or the number of a tenant, not {self.tenant!r}")
        files = {CA_FILE: self.ca_file, CERT_FILE: self.cert_file, KEY_FILE: self.key_file}
        given = [name for name, file in files.items() if file is not None]
        if given and url.scheme != "https":
            raise OptionsError(f"{given[0]} is set, but {ADDRESS} begins with http://: TLS needs https://")
        if (self.cert_file is None) != (self.key_file is None):
            raise OptionsError(f"{CERT_FILE} and {KEY_FILE} belong together: set both or none")
        for name in given:
            _read(name, files[name])
        if self.timeout is not None and self.timeout <= 0:
            raise OptionsError(f"timeout has to be a number of seconds above 0, not {self.timeout}")
        if self.keep_answers < 0:
            raise OptionsError(f"{KEEP_ANSWERS} has to be a number, 0 for none, not {self.keep_answers}")

    @classmethod
    def from_env(cls, environment: Mapping[str, str] | None = None) -> ClientOptions:
        """Reads the seven ``GATELODGE_...`` variables. An empty one counts as missing.

        Raises:
            OptionsError: address or key is missing, or something can't be used.
        """
        variables = os.environ if environment is None else environment

        def value(name: str) -> str | None:
            return variables.get(name, "").strip() or None

        def file(name: str) -> Path | None:
            path = value(name)
            return None if path is None else Path(path)

        address, api_key = value(ADDRESS), value(API_KEY)
        if address is None:
            raise OptionsError(f"{ADDRESS} is not set: where is the authority? For example http://127.0.0.1:50051")
        if api_key is None:
            raise OptionsError(f"{API_KEY} is not set: which key does this caller have? `gatelodge dev` prints one")
        most = value(KEEP_ANSWERS) or str(_ANSWERS)
        if not (most.isascii() and most.isdigit()):
            raise OptionsError(f'{KEEP_ANSWERS} has to be a number, 0 for none, not "{most}"')
        return cls(
            address,
            api_key,
            file(CA_FILE),
            file(CERT_FILE),
            file(KEY_FILE),
            keep_answers=int(most),
            tenant=value(TENANT),
        )

    @classmethod
    def from_env_if_any(cls) -> ClientOptions | None:
        """As :meth:`from_env`; ``None`` where neither address nor key is set, as in tests and tools."""
        if os.environ.get(ADDRESS, "").strip() or os.environ.get(API_KEY, "").strip():
            return cls.from_env()
        return None

    @property
    def target(self) -> str:
        """The address as gRPC wants it."""
        url = self._url()
        host = f"[{url.hostname}]" if url.hostname and ":" in url.hostname else url.hostname
        return f"dns:///{host}:{url.port or _DEFAULT_PORTS[url.scheme]}"

    @property
    def channel_arguments(self) -> tuple[tuple[str, str | int], ...]:
        """Keepalive, pauses between attempts to connect, and the user agent."""
        return _CHANNEL_ARGUMENTS

    @property
    def is_in_clear(self) -> bool:
        """Whether what is asked crosses a network unencrypted."""
        url = self._url()
        host = url.hostname.lower()
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            is_here = host == "localhost" or host.endswith(".localhost")
        else:
            is_here = (getattr(address, "ipv4_mapped", None) or address).is_loopback
        return url.scheme == "http" and not is_here

    def credentials(self) -> grpc.ChannelCredentials | None:
        """What TLS needs; ``None`` for plaintext.

        Raises:
            OptionsError: a file can't be read.
        """
        if self._url().scheme == "http":
            return None
        return grpc.ssl_channel_credentials(
            root_certificates=_read(CA_FILE, self.ca_file),
            private_key=_read(KEY_FILE, self.key_file),
            certificate_chain=_read(CERT_FILE, self.cert_file),
        )

    def _url(self) -> _Url:
        refused = OptionsError(
            f"{ADDRESS} has to be http://host:port or https://host:port, without a path or user, not {self.address!r}"
        )
        try:
            parts = urlsplit(self.address)
            port = parts.port
        except ValueError:
            raise refused from None
        is_bare = parts.path in {"", "/"} and not parts.query and not parts.fragment and "@" not in parts.netloc
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or not is_bare or not self.address.isprintable():
            raise refused
        return _Url(parts.scheme, parts.hostname, port)


@dataclass(frozen=True)
class _Url:
    scheme: str
    hostname: str
    port: int | None


def _read(name: str, path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise OptionsError(f"{name} names {path}, which can't be read: {error.strerror}") from error
