"""Owns how the edge's routes answer requests from other origins (Fetch, "CORS protocol").

Goes by the settings alone, and guards nothing: what an origin may do is the authority's to judge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatelodge import answer

if TYPE_CHECKING:
    from gatelodge.answer import Answer
    from gatelodge.presented import RawRequest
    from gatelodge.settings import Cors, Settings

_ONE_YEAR = "max-age=31536000"


def preflight(request: RawRequest, cors: Cors, allow: str | None = None) -> Answer:
    """Answers OPTIONS; what a preflight may know is added for an allowed origin alone."""
    headers = [("allow", allow)] if allow is not None else []
    if request.is_preflight and _allowed_origin(request, cors) is not None:
        told = {
            "access-control-allow-methods": cors.allowed_methods,
            "access-control-allow-headers": cors.allowed_headers,
            "access-control-max-age": cors.max_age,
        }
        headers += [(name, value) for name, value in told.items() if value]
    return answer.finish(request, 204, headers, b"")


def finish(made: Answer, request: RawRequest, settings: Settings) -> Answer:
    """Adds what the settings say of every answer of the edge's own."""
    if settings.is_https:
        made = made.with_headers(("strict-transport-security", _ONE_YEAR))
    return share(made, request, settings.cors)


def share(made: Answer, request: RawRequest, cors: Cors) -> Answer:
    """Lets an allowed origin read the answer. Caches have to know that others may not."""
    headers = list[tuple[str, str]]()
    origin = _allowed_origin(request, cors)
    if origin is not None:
        headers += [("access-control-allow-origin", origin), ("access-control-allow-credentials", "true")]
        if cors.exposed_headers:
            headers.append(("access-control-expose-headers", cors.exposed_headers))
    return made.with_headers(*headers).varying_by("Origin")


def _allowed_origin(request: RawRequest, cors: Cors) -> str | None:
    """The request's origin, if it came once and equals an allowed one byte for byte."""
    origins = request.lines(b"origin")
    if len(origins) == 1 and origins[0] in cors.allowed_origins and origins[0].isascii():
        return origins[0].decode()
    return None
