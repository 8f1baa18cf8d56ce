"""Owns the way from WSGI to this package: an environ as it came. Does not know frameworks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from gatelodge.presented import RawRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

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


def _name(key: str) -> bytes:
    return _WITHOUT_PREFIX.get(key) or key.removeprefix("HTTP_").replace("_", "-").lower().encode("latin-1")


def _bytes(text: str) -> bytes:
    return text.encode("latin-1", "replace")
