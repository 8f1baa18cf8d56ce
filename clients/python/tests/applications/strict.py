"""What routes of the small application ask for: those that ask for everything, and those that ask for one thing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatelodge.requirements import Needs, TokenNeeds

STRICT: Needs = {
    "scopes": ["email"],
    "any_scopes": ["orders", "bills"],
    "permissions": ["pay"],
    "any_permissions": ["read", "write"],
    "roles": ["staff"],
    "email_verified": True,
    "acr_values": ["2", "3"],
    "amr_values": ["pwd", "otp"],
    "max_login_age": timedelta(hours=1),
}
SESSION_NEEDS: dict[str, Needs] = {
    "/role": {"roles": ["clerk"]},
    "/permitted": {"permissions": ["orders.pay"]},
    "/verified": {"email_verified": True},
    "/strong": {"acr_values": ["2"]},
    "/two-factor": {"amr_values": ["otp"]},
}
TOKEN_NEEDS: dict[str, TokenNeeds] = {
    "/api/orders": {"audience": "orders"},
    "/api/strong": {"acr_values": ["2"]},
}
