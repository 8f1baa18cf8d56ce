"""Owns what Django's settings say of Gatelodge.

``GATELODGE = {"ADDRESS": ..., "API_KEY": ..., "CA_FILE": ..., "CERT_FILE": ..., "KEY_FILE": ..., "KEEP_ANSWERS": ...,
"TENANT": ..., "MOUNT_PREFIX": ...}`` is optional, and so is each of its keys: what is left out comes from the
``GATELODGE_...`` variables.
"""

from __future__ import annotations

import functools
import os

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from gatelodge.edge import AsyncEdge, Edge
from gatelodge.options import ClientOptions, OptionsError

_PREFIX = "GATELODGE_"
_OPTIONS = {"ADDRESS", "API_KEY", "CA_FILE", "CERT_FILE", "KEY_FILE", "KEEP_ANSWERS", "TENANT"}


@functools.cache
def edge() -> Edge:
    """The edge for WSGI."""
    return Edge(_options(), mount_prefix=mount_prefix())


@functools.cache
def async_edge() -> AsyncEdge:
    """The edge for ASGI."""
    return AsyncEdge(_options(), mount_prefix=mount_prefix())


def mount_prefix() -> str:
    """What stands before the paths of the login routes."""
    return str(_given().get("MOUNT_PREFIX", ""))


def _options() -> ClientOptions | None:
    given = {_PREFIX + name: str(value) for name, value in _given().items() if name in _OPTIONS}
    try:
        return ClientOptions.from_env({**os.environ, **given}) if given else ClientOptions.from_env_if_any()
    except OptionsError as error:
        raise ImproperlyConfigured(str(error)) from error


def _given() -> dict[str, object]:
    given: dict[str, object] = getattr(settings, "GATELODGE", {})
    unknown = sorted(given.keys() - _OPTIONS - {"MOUNT_PREFIX"})
    if unknown:
        raise ImproperlyConfigured(f"the setting GATELODGE has no key {unknown[0]!r}")
    return given
