"""The small application in Django, in one file, for WSGI and for ASGI. ``private`` is an async view."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application

from tests.applications.mounted import route_set_names

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["*"],
        MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware", "gatelodge.django.SessionMiddleware"],
        ROOT_URLCONF=__name__,
        GATELODGE={"MOUNT_PREFIX": os.environ.get("MOUNT_PREFIX", ""), "ROUTE_SETS": route_set_names()},
    )
    django.setup()

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

from gatelodge.django import (
    SessionRequest,
    TokenRequest,
    session_exempt,
    session_required,
    start,
    token_required,
    with_lifespan,
)
from tests.applications.strict import SESSION_NEEDS, STRICT, TOKEN_NEEDS

if TYPE_CHECKING:
    from gatelodge import Session


@session_exempt
def open_(_: HttpRequest) -> HttpResponse:
    return HttpResponse("open", content_type="text/plain")


@csrf_exempt
@session_required
async def private(request: SessionRequest) -> HttpResponse:
    return JsonResponse({"user_id": request.gatelodge.user_id})


@csrf_exempt
@session_required
def any_(request: HttpRequest) -> HttpResponse:
    return optional(request)


@session_required(scopes=["admin"])
def scoped(request: SessionRequest) -> HttpResponse:
    return JsonResponse({"user_id": request.gatelodge.user_id})


@session_required
@token_required
def both(request: SessionRequest) -> HttpResponse:
    return JsonResponse({"user_id": request.gatelodge.user_id})


@session_required
@session_required(scopes=["admin"])
def twice(request: SessionRequest) -> HttpResponse:
    return JsonResponse({"user_id": request.gatelodge.user_id})


@session_required(max_login_age=timedelta(seconds=1))
def fresh(request: SessionRequest) -> HttpResponse:
    return JsonResponse({"user_id": request.gatelodge.user_id})


@session_required(**STRICT)
def strict(request: SessionRequest) -> HttpResponse:
    return JsonResponse({"user_id": request.gatelodge.user_id})


@token_required(**STRICT)
def api_strict(request: TokenRequest) -> HttpResponse:
    return JsonResponse({"user_id": request.gatelodge_token.user_id})


def optional(request: HttpRequest) -> HttpResponse:
    session: Session | None = request.gatelodge  # type: ignore[attr-defined]
    return JsonResponse({"user_id": session.user_id if session else None})


@csrf_exempt
@token_required
async def api(request: TokenRequest) -> HttpResponse:
    return JsonResponse({"user_id": request.gatelodge_token.user_id})


@token_required(scopes=["admin"])
def api_scoped(request: TokenRequest) -> HttpResponse:
    return JsonResponse({"user_id": request.gatelodge_token.user_id})


@token_required(scopes=["admin"], permissions=["write"])
def api_admin(request: TokenRequest) -> HttpResponse:
    return JsonResponse({"user_id": request.gatelodge_token.user_id})


def needing(request: SessionRequest) -> HttpResponse:
    return JsonResponse({"user_id": request.gatelodge.user_id})


def api_needing(request: TokenRequest) -> HttpResponse:
    return JsonResponse({"user_id": request.gatelodge_token.user_id})


urlpatterns = [
    *(path(at[1:], session_required(**needs)(needing)) for at, needs in SESSION_NEEDS.items()),
    *(path(at[1:], token_required(**needs)(api_needing)) for at, needs in TOKEN_NEEDS.items()),
    path("", include("gatelodge.django.urls")),
    path("open", open_),
    path("private", private),
    path("any", any_),
    path("scoped", scoped),
    path("both", both),
    path("twice", twice),
    path("fresh", fresh),
    path("strict", strict),
    path("optional", optional),
    path("api", api),
    path("api/scoped", api_scoped),
    path("api/admin", api_admin),
    path("api/strict", api_strict),
]

__all__ = ["asgi_app", "start", "wsgi_app"]

wsgi_app = get_wsgi_application()
asgi_app = with_lifespan(get_asgi_application())
