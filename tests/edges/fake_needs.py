"""Owns what the reference fake finds missing of a session or a token. Does not know what is answered to it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Lack:
    """What is missing; by its reason as answers name it, without regard to what it is missing of."""

    reason: str
    detail: str
    names: tuple[str, ...] = ()

    @property
    def is_mended_by_login(self) -> bool:
        """Whether another login would help."""
        return self.reason in ("acr_missing", "amr_missing", "login_too_old")


def lack_of(needs, who: dict) -> Lack | None:
    """What somebody lacks, in the order in which a person would mend it: no login helps whoever may not anyway."""
    for kind in ("scope", "permission", "role"):
        has = who.get(f"{kind}s", [])
        if missing := _all(getattr(needs, f"{kind}s"), has) or _any(getattr(needs, f"any_{kind}s", ()), has):
            return Lack(f"{kind}_missing", f"Missing {kind}: {' '.join(missing)}", missing)
    if needs.email_verified and not who.get("email_verified", bool(who.get("email"))):
        return Lack("email_not_verified", "A verified email address is needed")
    if missing := _any(needs.acr_values, [who.get("acr")]):
        return Lack("acr_missing", "A stronger login is needed", missing)
    if missing := _all(needs.amr_values, who.get("amr", [])):
        return Lack("amr_missing", f"A login is needed that uses {' and '.join(missing)}", missing)
    if needs.HasField("max_login_age"):
        allowed = needs.max_login_age.ToTimedelta().total_seconds()
        if who.get("login_age_seconds", 0) > allowed:
            return Lack("login_too_old", "A fresh login is needed")
    return None


def take_as_judged(needs, judged) -> None:
    """Says of everything that was asked for that it was judged."""
    known = judged.DESCRIPTOR.fields_by_name
    for field, value in needs.ListFields():
        if field.name not in known or field.name == "csrf":
            continue
        if field.is_repeated:
            getattr(judged, field.name).extend(value)
        elif field.message_type:
            getattr(judged, field.name).CopyFrom(value)
        else:
            setattr(judged, field.name, value)


def _all(needed, has) -> tuple[str, ...]:
    return tuple(name for name in needed if name not in has)


def _any(needed, has) -> tuple[str, ...]:
    return () if any(name in has for name in needed) else tuple(needed)
