"""Owns the login routes as URL patterns: ``path("", include("gatelodge.django.urls"))``. Decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import URLPattern, path
from django.views.decorators.csrf import csrf_exempt

from gatelodge.django import conf, http, unread
from gatelodge.django.middleware import route_response
from gatelodge.routes import ROUTES, Route

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


def _pattern(route: Route) -> URLPattern:
    # The authority judges CSRF by its own token. The middleware answers these routes itself where it is installed, so
    # that under ASGI no thread waits.
    @csrf_exempt
    def view(request: HttpRequest, **_in_path: str) -> HttpResponse:
        return route_response(conf.edge().answer(route, http.raw_request(request), http.body_of(request)))

    setattr(view, unread.ROUTE, route)
    pattern = f"{conf.mount_prefix()}{route.path_for('<str:provider>')}".removeprefix("/")
    return path(pattern, view, name=f"gatelodge_{route.name}")


urlpatterns = [_pattern(route) for route in ROUTES if route.route_set in conf.route_sets()]
