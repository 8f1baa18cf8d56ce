"""What Django's decorators ask for, however a view is made: every one of them counts, the outermost first."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views import View

from gatelodge.django import marks, session_exempt, session_required, token_required
from gatelodge.requirements import NONE, Requirements, TokenRequirements

if TYPE_CHECKING:
    from collections.abc import Callable

ADMIN, TOKEN = Requirements.of(roles=["admin"]), TokenRequirements.of(scopes=["read"])
admin, token = session_required(roles=["admin"]), token_required(scopes=["read"])


def plain(_: HttpRequest) -> HttpResponse:
    return HttpResponse()


def fresh() -> Callable[[HttpRequest], HttpResponse]:
    def view(request: HttpRequest) -> HttpResponse:
        return plain(request)

    return view


def passing(view: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator of somebody else's."""

    @functools.wraps(view)
    def wrapped(*args: Any) -> Any:
        return view(*args)

    return wrapped


@method_decorator(token, name="dispatch")
class Guarded(View):
    pass


@method_decorator(admin, name="dispatch")
class GuardedAgain(Guarded):
    pass


class Callables:
    @admin
    def method(self, _: HttpRequest) -> HttpResponse:
        return HttpResponse()


@admin
class Instances:
    def __call__(self, _: HttpRequest) -> HttpResponse:
        return HttpResponse()


@pytest.mark.parametrize(
    ("view", "guards"),
    [
        (plain, ()),
        (session_required(fresh()), (NONE,)),
        (session_required(admin(fresh())), (NONE, ADMIN)),
        (admin(session_required(fresh())), (ADMIN, NONE)),
        (admin(passing(token(passing(fresh())))), (ADMIN, TOKEN)),
        (session_exempt(admin(fresh())), (ADMIN,)),
        (Guarded.as_view(), (TOKEN,)),
        (GuardedAgain.as_view(), (ADMIN, TOKEN)),
        (admin(Guarded.as_view()), (ADMIN, TOKEN)),
        (functools.partial(admin(fresh())), ()),
        (admin(functools.partial(fresh())), (ADMIN,)),
        (Callables().method, (ADMIN,)),
        (Instances(), (ADMIN,)),
    ],
)
def test_every_decorator_counts(view: object, guards: tuple[Any, ...]) -> None:
    assert marks.of(view).guards == guards


def test_a_view_that_is_exempt_is_so_where_it_needs_nothing() -> None:
    assert marks.of(session_exempt(fresh())) == marks.Mark(is_exempt=True)
