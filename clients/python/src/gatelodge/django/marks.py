"""Owns how a view says what it needs, and that it runs for nobody else. Does not look: the middleware does."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from types import FunctionType
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, overload

from asgiref.sync import iscoroutinefunction
from django.core.exceptions import ImproperlyConfigured
from django.views.decorators.csrf import csrf_exempt

from gatelodge.requirements import Requirements, TokenRequirements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from typing_extensions import Unpack

    from gatelodge.requirements import SessionNeeds, TokenNeeds

View = TypeVar("View", bound="Callable[..., Any]")
Guard: TypeAlias = Requirements | TokenRequirements

_ATTRIBUTE = "gatelodge_mark_"
_PASSED = "gatelodge_passed"
_numbers = itertools.count()


@dataclass(frozen=True)
class Mark:
    """What a view needs."""

    guards: tuple[Guard, ...] = ()
    """Of the session and of a bearer token, the outermost first. Without one, the session is looked for."""
    is_exempt: bool = False


def of(view: object) -> Mark:
    """The view's mark. Every decorator's counts, on whichever layer of the view it stands."""
    layers = [view] if isinstance(view, FunctionType) else [*reversed(type(view).__mro__), view]
    marks = {name: mark for layer in layers for name, mark in _attributes(layer) if name.startswith(_ATTRIBUTE)}
    outer_first = [marks[name] for name in sorted(marks, key=_number, reverse=True)]
    guards = tuple(guard for mark in outer_first for guard in mark.guards)
    return Mark(guards, is_exempt=any(mark.is_exempt for mark in outer_first))


def _attributes(layer: object) -> Iterable[tuple[str, Any]]:
    return getattr(layer, "__dict__", {}).items()


def _number(name: str) -> int:
    return int(name.removeprefix(_ATTRIBUTE))


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
    mark = Mark((Requirements.of(**needs),))
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
    mark = Mark((TokenRequirements.of(**needs),))
    return _of_api(view, mark) if view is not None else lambda view: _of_api(view, mark)


def _of_api(view: View, mark: Mark) -> View:
    return _marked(csrf_exempt(view), mark)


def session_exempt(view: View) -> View:
    """Does not look for a session: the view also answers while the authority is away."""
    return _marked(view, Mark(is_exempt=True))


def _marked(view: View, mark: Mark) -> View:
    marked = view if isinstance(view, type) or not mark.guards else _fenced(view, mark.guards)
    # A name of its own, since wrappers take over the attributes of what they wrap.
    setattr(marked, f"{_ATTRIBUTE}{next(_numbers)}", mark)
    return marked


def _fenced(view: View, guards: tuple[Guard, ...]) -> View:
    """The view, which runs for nobody whom no middleware has let through: it may be missing, or not see the mark."""
    if iscoroutinefunction(view):

        @functools.wraps(view)
        async def fenced_async(*args: Any, **kwargs: Any) -> Any:
            _check(guards, args)
            return await view(*args, **kwargs)

        return fenced_async  # type: ignore[return-value]

    @functools.wraps(view)
    def fenced(*args: Any, **kwargs: Any) -> Any:
        _check(guards, args)
        return view(*args, **kwargs)

    return fenced  # type: ignore[return-value]


def _check(guards: tuple[Guard, ...], args: tuple[Any, ...]) -> None:
    # Of a method, the request is the second argument.
    request = next((argument for argument in args[:2] if hasattr(argument, "META")), None)
    if not passed(request).issuperset(guards):
        raise ImproperlyConfigured(
            "a view under session_required or token_required was called, and nobody has looked at the request: "
            'put "gatelodge.django.SessionMiddleware" into MIDDLEWARE, decorate the view that urlpatterns name, '
            "and let decorators of your own use functools.wraps"
        )


def passed(request: Any) -> set[Guard]:
    """The guards that a request has passed."""
    found: set[Guard] | None = getattr(request, _PASSED, None)
    if found is None:
        found = set()
        setattr(request, _PASSED, found)
    return found
