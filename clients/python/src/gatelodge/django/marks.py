"""Owns how a view says what it needs of the session. Does not look for one: the middleware does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, overload

from django.views.decorators.csrf import csrf_exempt

from gatelodge.requirements import NONE, Csrf, Requirements, TokenRequirements

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
    token: TokenRequirements | None = None
    """What an API's view needs of a bearer token; then no session is looked for."""


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


@overload
def token_required(view: View, /) -> View: ...
@overload
def token_required(
    *,
    scopes: Iterable[str] = (),
    permissions: Iterable[str] = (),
    audience: str = "",
    max_login_age: timedelta | None = None,
    provider: str = "",
) -> Callable[[View], View]: ...
def token_required(  # noqa: PLR0913
    view: View | None = None,
    /,
    *,
    scopes: Iterable[str] = (),
    permissions: Iterable[str] = (),
    audience: str = "",
    max_login_age: timedelta | None = None,
    provider: str = "",
) -> View | Callable[[View], View]:
    """Lets nobody enter without a good bearer token: 401 with ``WWW-Authenticate: Bearer``, 403 if it lacks something.

    It becomes ``request.gatelodge_token``. Django's own CSRF rule is off for the view: no other site can make a browser
    send a bearer token.
    """
    mark = Mark(token=TokenRequirements(tuple(scopes), tuple(permissions), audience, max_login_age, provider))
    return _of_api(view, mark) if view is not None else lambda view: _of_api(view, mark)


def _of_api(view: View, mark: Mark) -> View:
    return _marked(csrf_exempt(view), mark)


def session_exempt(view: View) -> View:
    """Does not look for a session: the view also answers while the authority is away."""
    return _marked(view, Mark(is_exempt=True))


def _marked(view: View, mark: Mark) -> View:
    setattr(view, _ATTRIBUTE, mark)
    return view
