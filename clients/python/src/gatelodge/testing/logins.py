"""Owns how somebody logs in and out at the fake authority, by the route set ``web``. Does not know the other sets."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, parse_qsl

from gatelodge import v1
from gatelodge.testing import judge
from gatelodge.testing.channels import Channels
from gatelodge.testing.visitor import SESSION_COOKIE, Visitor

if TYPE_CHECKING:
    from collections.abc import Iterable

BINDING_COOKIE = "session_login"
CODE = "fake"
"""What the one provider gives every browser."""
AT_ONCE = 0  # Max-Age of a cookie that is taken away.


class Logins(Channels):
    """Who comes back from a login, and to where.

    Args:
        public_base_url: where browsers reach the application.
        allowed_origins: further origins that may call.
        mount_prefix: what stands before the edge's paths.
    """

    def __init__(self, public_base_url: str, allowed_origins: Iterable[str], mount_prefix: str) -> None:
        super().__init__()
        self._public_base_url = public_base_url
        self._allowed_origins = tuple(allowed_origins)
        self._mount_prefix = mount_prefix
        self._next: dict[str, Any] = {}
        self._begun: set[str] = set()
        """The states of all logins that were begun."""

    def next_visitor(self, **fields: Any) -> None:
        """Who comes back from the next logins; takes what :meth:`sign_in` takes."""
        self._next = fields

    def _origins(self) -> set[bytes]:
        return {origin.encode() for origin in (self._public_base_url, *self._allowed_origins)}

    def _start_login(self, question: v1.StartLoginRequest, request_id: str) -> v1.StartLoginResponse:
        place = parse_qs(question.query.decode("latin-1")).get("redirect_uri", ["/"])[0]
        if not is_path(place):
            return not_allowed("redirect_uri", request_id)
        state = self._begin()
        answer = judge.redirect(302, f"{self._mount_prefix}/auth/web/callback?code={CODE}&state={state}")
        answer.set_cookies.append(binding_cookie(state, place))
        return v1.StartLoginResponse(answer=answer, settings_version="fake")

    def _begin(self) -> str:
        """A state of a new login."""
        state = secrets.token_hex(8)
        self._begun.add(state)
        return state

    def _complete_callback(self, question: v1.CompleteCallbackRequest, request_id: str) -> v1.CompleteCallbackResponse:
        state = parse_qs(question.query.decode("latin-1")).get("state", [""])[0]
        place = bound_place(question.cookies, state)
        if place is None:
            return unknown_state(request_id)
        visitor = self.sign_in(**self._next)
        answer = judge.redirect(302, place)
        answer.set_cookies.append(session_cookie(visitor.credential))
        completed = v1.CompletedLogin(identity=visitor.identity(), session=visitor.info())
        return v1.CompleteCallbackResponse(answer=answer, completed=completed, settings_version="fake")

    def _start_logout(self, question: v1.StartLogoutRequest, request_id: str) -> v1.StartLogoutResponse:
        found = self._found(question.cookies)
        tokens = [value for name, value in parse_qsl(question.form.decode("latin-1")) if name == "csrf_token"]
        if len(tokens) > 1:
            remedy = "Send csrf_token once."
            answer = judge.trouble(400, "request_malformed", "The request can't be read", remedy, request_id)
            return v1.StartLogoutResponse(answer=answer, settings_version="fake")
        if tokens and not question.context.HasField("csrf_token"):
            question.context.csrf_token = tokens[0].encode("latin-1")
        refusal = self._refusal_of_logout(question, found)
        if refusal is not None:
            answer = judge.denied(refusal, v1.ValidateSessionRequest(context=question.context), None, request_id).answer
            return v1.StartLogoutResponse(answer=answer)
        if isinstance(found, Visitor):
            self.end(found, v1.INACTIVE_REASON_REVOKED)
        is_page = judge.is_navigation(question.context)
        done = judge.redirect(303, "/") if is_page else judge.of_json(200, {"message": "Logged out successfully"})
        if any(cookie.name == SESSION_COOKIE for cookie in question.cookies):
            done.set_cookies.append(f"{session_cookie('')}; Max-Age={AT_ONCE}")
        ended = int(isinstance(found, Visitor))
        return v1.StartLogoutResponse(answer=done, revoked_count=ended, settings_version="fake")

    def _refusal_of_logout(
        self, question: v1.StartLogoutRequest, found: Visitor | v1.InactiveReason.ValueType
    ) -> v1.DeniedReason.ValueType | None:
        """The origin is judged with or without a session, the token only with one."""
        if not judge.comes_from_here(question.context, self._origins()):
            return v1.DENIED_REASON_ORIGIN_REFUSED
        if isinstance(found, Visitor) and question.context.csrf_token != found.csrf_token.encode():
            return v1.DENIED_REASON_CSRF_INVALID
        return None

    def _complete_logout(self, _: v1.CompleteLogoutRequest, request_id: str) -> v1.CompleteLogoutResponse:
        remedy = "Begin the logout again."
        answer = judge.trouble(400, "state_invalid", "Invalid state parameter", remedy, request_id)
        return v1.CompleteLogoutResponse(answer=answer, settings_version="fake")

    def _list_providers(self, _: v1.LoginServiceListProvidersRequest, __: str) -> v1.LoginServiceListProvidersResponse:
        path = f"{self._mount_prefix}/auth/web/login?provider=fake"
        providers = [v1.Provider(name="fake", display_name="Fake", login_path=path)]
        return v1.LoginServiceListProvidersResponse(providers=providers, settings_version="fake")


def is_path(place: str) -> bool:
    """Whether a place to go to is on this site."""
    is_here = place.startswith("/") and not place.startswith(("//", "/\\"))
    return is_here and place.isprintable() and place.isascii()


def session_cookie(value: str) -> str:
    """A Set-Cookie of the session."""
    return f"{SESSION_COOKIE}={value}; Path=/; HttpOnly; SameSite=Lax"


def binding_cookie(state: str, place: str) -> str:
    """The Set-Cookie that binds a login to its browser, and keeps where it goes."""
    return f"{BINDING_COOKIE}={state}.{place.encode().hex()}; Path=/; HttpOnly; SameSite=Lax"


def bound_place(cookies: Iterable[v1.Cookie], state: str) -> str | None:
    """Where the login of this state goes, if the browser is the one that began it."""
    for cookie in cookies:
        bound, _, place = cookie.value.decode("latin-1").partition(".")
        if cookie.name == BINDING_COOKIE and state and bound == state:
            return bytes.fromhex(place).decode()
    return None


def not_allowed(name: str, request_id: str) -> v1.StartLoginResponse:
    """A login would end on another site."""
    detail, remedy = f"This {name} is not allowed", "Use one of the allowed places."
    answer = judge.trouble(400, "redirect_not_allowed", detail, remedy, request_id)
    return v1.StartLoginResponse(answer=answer, failure=v1.LOGIN_FAILURE_REDIRECT_NOT_ALLOWED)


def unknown_state(request_id: str) -> v1.CompleteCallbackResponse:
    """The login was not begun, or elsewhere."""
    remedy = "This login was not begun here, or its address was changed on the way. Begin the login again."
    answer = judge.trouble(400, "state_invalid", "Invalid state parameter", remedy, request_id)
    return v1.CompleteCallbackResponse(answer=answer, failure=v1.LOGIN_FAILURE_STATE_INVALID)
