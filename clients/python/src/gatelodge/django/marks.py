"""Owns how a view says what it needs of the session. Does not look for one: the middleware does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, overload

from django.views.decorators.csrf import csrf_exempt

from gatelodge.requirements import NONE, Requirements, TokenRequirements

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Unpack

    from gatelodge.requirements import SessionNeeds, TokenNeeds

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
def session_required(**needs: Unpack[SessionNeeds]) -> Callable[[View], View]: ...
def session_required(view: View | None = None, /, **needs: Unpack[SessionNeeds]) -> View | Callable[[View], View]:
    """Lets nobody enter without a session: a browser is sent to the login, a fetch gets 401.

    For a class-based view: ``@method_decorator(session_required, name="dispatch")``.

    Args:
        view: the view, where nothing more is asked for.
        needs: see :class:`gatelodge.SessionNeeds`.
    """
    mark = Mark(Requirements.of(**needs), is_required=True)
    return _marked(view, mark) if view is not None else lambda view: _marked(view, mark)


@overload
def token_required(view: View, /) -> View: ...
@overload
def token_required(**needs: Unpack[TokenNeeds]) -> Callable[[View], View]: ...
def token_required(view: View | None = None, /, **needs: Unpack[TokenNeeds]) -> View | Callable[[View], View]:
    """Lets nobody enter without a good bearer token: 401 with ``WWW-Authenticate: Bearer``, 403 if it lacks something.

    It becomes ``request.gatelodge_token``. Django's own CSRF rule is off for the view: no other site can make a browser
    send a bearer token.

    Args:
        view: the view, where nothing more is asked for.
        needs: see :class:`gatelodge.TokenNeeds`.
    """
    mark = Mark(token=TokenRequirements.of(**needs))
    return _of_api(view, mark) if view is not None else lambda view: _of_api(view, mark)


def _of_api(view: View, mark: Mark) -> View:
    return _marked(csrf_exempt(view), mark)


def session_exempt(view: View) -> View:
    """Does not look for a session: the view also answers while the authority is away."""
    return _marked(view, Mark(is_exempt=True))


def _marked(view: View, mark: Mark) -> View:
    setattr(view, _ATTRIBUTE, mark)
    return view
