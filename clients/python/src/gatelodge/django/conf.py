"""Owns what Django's settings say of Gatelodge.

``GATELODGE = {"ADDRESS": ..., "API_KEY": ..., "CA_FILE": ..., "CERT_FILE": ..., "KEY_FILE": ..., "KEEP_ANSWERS": ...,
"TENANT": ..., "MOUNT_PREFIX": ..., "ROUTE_SETS": ["web", "spa"], "USERS": ..., "ASYNC_USERS": ...}`` is optional, and
so is each of its keys: what is left out of the first seven comes from the ``GATELODGE_...`` variables.
"""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from gatelodge.edge import API, SPA, WEB, AsyncEdge, Edge
from gatelodge.options import ClientOptions, OptionsError

if TYPE_CHECKING:
    from gatelodge import v1

_PREFIX = "GATELODGE_"
_OPTIONS = {"ADDRESS", "API_KEY", "CA_FILE", "CERT_FILE", "KEY_FILE", "KEEP_ANSWERS", "TENANT"}
_OF_THE_EDGE = {"MOUNT_PREFIX", "ROUTE_SETS", "USERS", "ASYNC_USERS"}
_SETS = {"web": WEB, "api": API, "spa": SPA}


@functools.cache
def edge() -> Edge:
    """The edge for WSGI."""
    return Edge(_options(), mount_prefix=mount_prefix(), route_sets=route_sets(), users=_given().get("USERS"))


@functools.cache
def async_edge() -> AsyncEdge:
    """The edge for ASGI."""
    users = _given().get("ASYNC_USERS")
    return AsyncEdge(_options(), mount_prefix=mount_prefix(), route_sets=route_sets(), users=users)


def mount_prefix() -> str:
    """What stands before the paths of the login routes."""
    return str(_given().get("MOUNT_PREFIX", ""))


def route_sets() -> tuple[v1.RouteSet.ValueType, ...]:
    """The route sets to mount."""
    names = _given().get("ROUTE_SETS", ["web"])
    unknown = [name for name in names if name not in _SETS]
    if unknown:
        raise ImproperlyConfigured(f"the setting GATELODGE knows no route set {unknown[0]!r}: take {', '.join(_SETS)}")
    return tuple(_SETS[name] for name in names)


def _options() -> ClientOptions | None:
    given = {_PREFIX + name: str(value) for name, value in _given().items() if name in _OPTIONS}
    try:
        return ClientOptions.from_env({**os.environ, **given}) if given else ClientOptions.from_env_if_any()
    except OptionsError as error:
        raise ImproperlyConfigured(str(error)) from error


def _given() -> dict[str, Any]:
    given: dict[str, Any] = getattr(settings, "GATELODGE", {})
    unknown = sorted(given.keys() - _OPTIONS - _OF_THE_EDGE)
    if unknown:
        raise ImproperlyConfigured(f"the setting GATELODGE has no key {unknown[0]!r}")
    return given
