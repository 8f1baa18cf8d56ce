"""Owns sessions and login routes for Django, sync and async. Decides nothing.

::

    MIDDLEWARE = [..., "gatelodge.django.SessionMiddleware"]
    urlpatterns = [path("", include("gatelodge.django.urls")), ...]


    @session_required
    def home(request: SessionRequest) -> HttpResponse:
        return HttpResponse(f"Hello, {request.gatelodge.user_id}")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatelodge.django import conf
from gatelodge.django.lifespan import astart, with_lifespan
from gatelodge.django.marks import session_exempt, session_required, token_required
from gatelodge.django.middleware import SessionMiddleware, SessionRequest, TokenRequest

if TYPE_CHECKING:
    from gatelodge.edge import AsyncEdge, Edge

__all__ = [
    "SessionMiddleware",
    "SessionRequest",
    "TokenRequest",
    "astart",
    "edges",
    "session_exempt",
    "session_required",
    "start",
    "token_required",
    "with_lifespan",
]


def edges() -> tuple[Edge | AsyncEdge, ...]:
    """The project's edges: for WSGI, and for ASGI."""
    return conf.edge(), conf.async_edge()


def start() -> None:
    """Begins to ask before the first request does, so that a wrong key is told in the log at once.

    To be called in the process that serves with WSGI, after its fork: in gunicorn's ``post_worker_init``. With ASGI it
    is :func:`with_lifespan`.
    """
    conf.edge().start()
