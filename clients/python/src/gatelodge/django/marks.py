"""Owns how a view says what it needs of the session. Does not look for one: the middleware does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, overload

from gatelodge.requirements import NONE, Csrf, Requirements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import timedelta

View = TypeVar("View", bound="Callable[..., Any]")

_ATTRIBUTE = "gatelodge_mark"


@dataclass(frozen=True)
class Mark:
    """What a view needs."""

    requirements: Requirements = NONE
    is_required: bool = False
    is_exempt: bool = False


_UNMARKED = Mark()


def of(view: object) -> Mark:
    """The view's mark: without one, the session is looked for and everybody enters."""
    mark: Mark = getattr(view, _ATTRIBUTE, _UNMARKED)
    return mark


@overload
def session_required(view: View, /) -> View: ...
@overload
def session_required(
    *, scopes: Iterable[str] = (), max_login_age: timedelta | None = None, csrf: Csrf = Csrf.BY_METHOD
) -> Callable[[View], View]: ...
def session_required(
    view: View | None = None,
    /,
    *,
    scopes: Iterable[str] = (),
    max_login_age: timedelta | None = None,
    csrf: Csrf = Csrf.BY_METHOD,
) -> View | Callable[[View], View]:
    """Lets nobody enter without a session: a browser is sent to the login, a fetch gets 401.

    For a class-based view: ``@method_decorator(session_required, name="dispatch")``.
    """
    mark = Mark(Requirements(tuple(scopes), max_login_age, csrf), is_required=True)
    return _marked(view, mark) if view is not None else lambda view: _marked(view, mark)


def session_exempt(view: View) -> View:
    """Does not look for a session: the view also answers while the authority is away."""
    return _marked(view, Mark(is_exempt=True))


def _marked(view: View, mark: Mark) -> View:
    setattr(view, _ATTRIBUTE, mark)
    return view
