"""Which route sets the small application mounts: ROUTE_SETS says so, ``web`` without it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from gatelodge import API, SPA, WEB

if TYPE_CHECKING:
    from gatelodge import v1


def route_set_names() -> list[str]:
    """Their names."""
    return os.environ.get("ROUTE_SETS", "web").split(",")


def route_sets() -> list[v1.RouteSet.ValueType]:
    """Their numbers in the contract."""
    numbers = {"web": WEB, "api": API, "spa": SPA}
    return [numbers[name] for name in route_set_names()]
