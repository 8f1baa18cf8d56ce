"""Owns what somebody lacks of what is needed of them: the authority's rules in short. Does not know HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import timedelta

    from gatelodge import v1


@dataclass(frozen=True)
class Lack:
    """What is missing."""

    reason: str
    """As reasons are called in answers: ``scope_missing``."""
    detail: str
    missing: tuple[str, ...] = ()
    field: str | None = None
    """The field of a denial that names what is missing."""
    is_mended_by_login: bool = False


def lack_of(
    asked: v1.Requirements | v1.TokenRequirements, who: v1.Identity, permissions: Collection[str], login_age: timedelta
) -> Lack | None:
    """What somebody lacks, in the order in which a person would mend it."""
    found = _names(asked.scopes, asked.any_scopes, who.scopes)
    if found:
        return Lack("scope_missing", f"Missing scope: {' '.join(found)}", found, "missing_scopes")
    found = _names(asked.permissions, asked.any_permissions, permissions)
    if found:
        return Lack("permission_missing", f"Missing permission: {' '.join(found)}", found, "missing_permissions")
    found = _names(asked.roles, (), who.roles)
    if found:
        return Lack("role_missing", f"Missing role: {' '.join(found)}", found, "missing_roles")
    if asked.email_verified and not who.email_verified:
        return Lack("email_not_verified", "A verified email address is needed")
    return _lack_of_login(asked, who, login_age)


def _lack_of_login(
    asked: v1.Requirements | v1.TokenRequirements, who: v1.Identity, login_age: timedelta
) -> Lack | None:
    found = _names((), asked.acr_values, [who.acr])
    if found:
        return Lack("acr_missing", "A stronger login is needed", found, "missing_acr_values", is_mended_by_login=True)
    found = _names(asked.amr_values, (), who.amr)
    if found:
        detail = f"A login is needed that uses {' and '.join(found)}"
        return Lack("amr_missing", detail, found, "missing_amr_values", is_mended_by_login=True)
    if asked.HasField("max_login_age") and login_age > asked.max_login_age.ToTimedelta():
        return Lack("login_too_old", "A fresh login is needed", is_mended_by_login=True)
    return None


def _names(all_of: Iterable[str], one_of: Sequence[str], there: Collection[str]) -> tuple[str, ...]:
    """Those that are missing; where one of several would do, all of those."""
    missing = tuple(name for name in all_of if name not in there)
    return missing or (() if not one_of or any(name in there for name in one_of) else tuple(one_of))
