"""Owns the way from WSGI to this package: an environ as it came. Does not know frameworks."""

from __future__ import annotations

import contextlib
import functools
import socket
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from gatelodge import bodies
from gatelodge.presented import RawRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from gatelodge.bodies import Body

_WITHOUT_PREFIX = {"CONTENT_TYPE": b"content-type", "CONTENT_LENGTH": b"content-length"}


def raw_request(environ: Mapping[str, Any]) -> RawRequest:
    """The request as it came; WSGI keeps bytes as latin-1 (PEP 3333).

    Servers join doubled header lines with a comma before anybody sees them.
    """
    query = _bytes(environ.get("QUERY_STRING", ""))
    return RawRequest(
        method=_bytes(environ["REQUEST_METHOD"]),
        target=_target(environ, query),
        query=query,
        headers=[(_name(key), _bytes(value)) for key, value in environ.items() if _is_header(key, value)],
        peer=environ.get("REMOTE_ADDR"),
    )


def body_of(environ: Mapping[str, Any], read: Callable[[int], bytes] | None = None) -> Body:
    """The way to a request's body; ``read`` is another way to it than the server's own."""

    def whole(most: int) -> bytes:
        stated = environ.get("CONTENT_LENGTH") or ""
        if not stated.isdigit() and not environ.get("wsgi.input_terminated"):
            return b""  # PEP 3333 knows no end of such a body.
        wanted = min(int(stated), most) if stated.isdigit() else most
        late = threading.Event()
        with _stopped_when_late(environ, late):
            try:
                came = (read or environ["wsgi.input"].read)(wanted)
            except OSError:
                came = None
        if came is not None and (len(came) == wanted or not stated.isdigit()) and not late.is_set():
            return came
        raise bodies.LateBodyError if late.is_set() else bodies.BrokenBodyError

    return whole


@contextlib.contextmanager
def _stopped_when_late(environ: Mapping[str, Any], late: threading.Event) -> Iterator[None]:
    """Hears no more of the connection after the time, since WSGI knows no time limits.

    Where the server does not show its socket (uWSGI, mod_wsgi), its own limit counts.
    """
    connection = environ.get("gunicorn.socket") or environ.get("werkzeug.socket")
    if connection is None:
        yield
        return

    def stop() -> None:
        late.set()
        with contextlib.suppress(OSError):  # It has gone meanwhile.
            socket.socket.shutdown(connection, socket.SHUT_RD)

    timer = threading.Timer(bodies.WITHIN, stop)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _target(environ: Mapping[str, Any], query: bytes) -> bytes:
    """The request line's, where the server tells (gunicorn, Werkzeug, uWSGI); else made from its parts."""
    for name in ("RAW_URI", "REQUEST_URI"):
        target = environ.get(name, "")
        if target.startswith("/"):
            return _bytes(target)
    path = quote(_bytes(environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""))).encode("ascii")
    return path + b"?" + query if query else path


def _is_header(key: str, value: Any) -> bool:
    return key.startswith("HTTP_") or (key in _WITHOUT_PREFIX and bool(value))


@functools.lru_cache(maxsize=256)  # The same few come with every request.
def _name(key: str) -> bytes:
    return _WITHOUT_PREFIX.get(key) or key.removeprefix("HTTP_").replace("_", "-").lower().encode("latin-1")


def _bytes(text: str) -> bytes:
    return text.encode("latin-1", "replace")
