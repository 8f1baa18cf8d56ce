"""An application's own users behind the route set ``spa``: what it is asked, and what becomes of its answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from gatelodge import SPA, WEB, AsyncEdge, ClientOptions, Edge, Login, SignedIn, Token, users, v1
from gatelodge import _methods as methods
from gatelodge.answer import Answer
from gatelodge.presented import RawRequest
from gatelodge.routes import ROUTES, Asked
from gatelodge.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.message import Message

OPTIONS = ClientOptions("http://127.0.0.1:1", "k")
YES = Answer(200, (), b"{}")
OCTOCAT = v1.Identity(user_id="github_583231", sub="583231", provider="github", name="The Octocat")
OCTOCAT.claims["login"] = "octocat"
LOGIN = v1.CompleteCallbackResponse(
    completed=v1.CompletedLogin(identity=OCTOCAT, new_user=True, token=v1.MintedToken(value="of the authority"))
)
WHO = v1.ValidateTokenResponse(active=v1.ActiveToken(identity=OCTOCAT, answer=v1.HttpAnswer(status=200)))


class Known:
    """Knows whoever it is told to know."""

    def __init__(self, user: dict[str, Any] | None, token: str | None = None) -> None:
        self.user, self.token = user, token
        self.asked: list[Login | Token] = []

    def signed_in(self, login: Login) -> SignedIn:
        self.asked.append(login)
        return SignedIn(self.user or {}, self.token)

    def find(self, token: Token) -> Mapping[str, Any] | None:
        self.asked.append(token)
        return self.user


class AsyncKnown(Known):
    """The same in an event loop."""

    async def signed_in(self, login: Login) -> SignedIn:  # type: ignore[override]
        return super().signed_in(login)

    async def find(self, token: Token) -> Mapping[str, Any] | None:  # type: ignore[override]
        return super().find(token)


def asked(route_set: v1.RouteSet.ValueType = SPA) -> Asked:
    request = RawRequest(b"POST", b"/authorize", b"", [(b"x-request-id", b"the-same")], None)
    settings = Settings.read(v1.EdgeSettings(session_cookie_names=["session"], csrf_header="x-csrf-token"))
    return Asked(request, settings, methods.COMPLETE_CALLBACK, None, lambda _: YES, route_set=route_set)


async def both(user: dict[str, Any] | None, done: Message, made: Answer = YES, token: str | None = None) -> Answer:
    """What both edges make of an answer, which is the same."""
    known, also = Known(user, token), AsyncKnown(user, token)
    one = Edge(OPTIONS, route_sets=[SPA], users=known)._with_own_user(asked(), done, made)
    other = await AsyncEdge(OPTIONS, route_sets=[SPA], users=also)._with_own_user(asked(), done, made)
    assert one == other
    assert len(known.asked) == len(also.asked)
    return one


async def test_a_login_is_answered_with_the_applications_user_and_the_authoritys_token() -> None:
    made = await both({"id": 1, "login": "octocat"}, LOGIN)
    body = {"access_token": "of the authority", "token_type": "bearer", "user": {"id": 1, "login": "octocat"}}
    assert (made.status, json.loads(made.body)) == (200, body)
    assert ("cache-control", "no-store") in made.headers


async def test_a_token_of_the_applications_own_goes_in_its_place() -> None:
    made = await both({"id": 1}, LOGIN, token="its own")
    assert json.loads(made.body)["access_token"] == "its own"


async def test_a_tokens_user_is_the_applications_and_one_who_is_gone_is_404() -> None:
    assert json.loads((await both({"id": 1}, WHO)).body) == {"id": 1}
    gone = await both(None, WHO)
    body = json.loads(gone.body)
    assert (gone.status, body["detail"], body["reason"]) == (404, "User not found", "user_not_found")


@pytest.mark.parametrize("done", [LOGIN, WHO])
async def test_what_could_not_be_passed_on_stays_a_no(done: Message) -> None:
    unavailable = Answer(503, (), b"")
    assert await both({"id": 1}, done, unavailable) == unavailable


@pytest.mark.parametrize(
    "done",
    [
        v1.CompleteCallbackResponse(failure=v1.LOGIN_FAILURE_CODE_REFUSED),
        v1.ValidateTokenResponse(inactive=v1.InactiveToken()),
        v1.StartLoginResponse(),
    ],
)
async def test_nobody_is_asked_where_nobody_is_known(done: Message) -> None:
    known = Known({"id": 1})
    assert Edge(OPTIONS, users=known)._with_own_user(asked(), done, YES) == YES
    assert not known.asked


async def test_the_other_set_has_no_users_of_the_applications_own() -> None:
    known = Known({"id": 1})
    assert Edge(OPTIONS, users=known)._with_own_user(asked(WEB), LOGIN, YES) == YES
    assert not known.asked


def test_no_two_routes_share_a_name() -> None:
    names = [route.name for route in ROUTES]
    assert len(set(names)) == len(names), "frameworks find a route by its name"


def test_a_login_says_who_it_is_and_hides_its_token() -> None:
    login = users.login_in(LOGIN)
    assert login is not None
    assert (login.user_id, login.sub, login.is_new, login.claims) == (
        "github_583231",
        "583231",
        True,
        {"login": "octocat"},
    )
    assert (login.name, login.email, login.picture) == ("The Octocat", None, None)
    assert "of the authority" not in repr(login) + repr(SignedIn({}, "of the authority"))
