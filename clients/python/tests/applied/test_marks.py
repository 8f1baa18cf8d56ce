"""What Django's decorators ask for, however a view is made: every one of them counts, the outermost first."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import pytest
from asgiref.sync import iscoroutinefunction
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
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


def unwrapped(view: Callable[..., Any]) -> Callable[..., Any]:
    def other(request: HttpRequest) -> Any:
        return view(request)

    return other


@pytest.mark.parametrize(
    "view",
    [
        admin(fresh()),
        token(fresh()),
        functools.partial(admin(fresh())),
        unwrapped(session_required(fresh())),
        Callables().method,
        GuardedAgain.as_view(),
    ],
)
def test_a_view_runs_for_nobody_whom_the_middleware_has_not_let_through(view: Callable[..., Any]) -> None:
    request = RequestFactory().get("/")
    with pytest.raises(ImproperlyConfigured, match="SessionMiddleware"):
        view(request)
    marks.passed(request).update([NONE, ADMIN, TOKEN])
    view(request)


async def test_nor_does_an_async_one() -> None:
    @session_required
    async def view(_: HttpRequest) -> HttpResponse:
        return HttpResponse()

    assert iscoroutinefunction(view)
    request = RequestFactory().get("/")
    with pytest.raises(ImproperlyConfigured, match="SessionMiddleware"):
        await view(request)
    marks.passed(request).add(NONE)
    assert (await view(request)).status_code == 200


def test_what_one_view_needs_another_does_not() -> None:
    view = fresh()
    assert (marks.of(admin(view)).guards, marks.of(view).guards) == ((ADMIN,), ())
