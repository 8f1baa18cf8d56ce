"""What the routes of the small application ask for that ask for everything."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatelodge.requirements import Needs

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
