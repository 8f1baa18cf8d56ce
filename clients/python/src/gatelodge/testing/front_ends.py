"""Owns the logins at the fake authority whose end a front end sends: the route sets ``spa`` and ``api``.

Its one provider says yes at once, so that a login's address is where the browser comes back to, with code and state.
Does not know how a request is judged.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit

from gatelodge import v1
from gatelodge.testing import judge
from gatelodge.testing.logins import (
    CODE,
    Logins,
    binding_cookie,
    bound_place,
    is_path,
    not_allowed,
    session_cookie,
    unknown_state,
)
from gatelodge.testing.visitor import Visitor

if TYPE_CHECKING:
    from collections.abc import Iterable

API_CALLBACK = "/v1/auth/oidc/fake/callback"
ASKED_BY_FRONT_ENDS = ("Authorization", "Idempotency-Key", "X-API-Key", "X-Tenant-Id")
"""Headers of theirs that pages of other origins may send."""

_FRONT_END = "frontend_redirect_uri"
_LONGEST_KEY = 255
_AGAIN = "Begin the login again, in this browser."
_SEND = 'Send {"code": "...", "state": "..."} as your page got them, as application/json.'


@dataclass(frozen=True)
class _Collected:
    """A session of the set ``api`` that a front end has, and by what it got it."""

    key: bytes
    body: bytes
    answer: v1.HttpAnswer


class FrontEnds(Logins):
    """The logins that were begun by front ends, by their states."""

    def __init__(self, public_base_url: str, allowed_origins: Iterable[str], mount_prefix: str) -> None:
        super().__init__(public_base_url, allowed_origins, mount_prefix)
        self._came_back: set[str] = set()
        self._collected: dict[str, _Collected] = {}
        self._forwarded: dict[str, Visitor] = {}

    def _start_login(self, question: v1.StartLoginRequest, request_id: str) -> v1.StartLoginResponse:
        if question.route_set == v1.ROUTE_SET_SPA:
            state = self._begin()
            answer = judge.of_json(200, {"url": _with_code(f"{self._public_base_url}/auth/fake", state)})
            answer.set_cookies.append(binding_cookie(state, "/"))
            return v1.StartLoginResponse(answer=answer, settings_version="fake")
        if question.route_set == v1.ROUTE_SET_API:
            return self._start_of_api(question, request_id)
        return super()._start_login(question, request_id)

    def _start_of_api(self, question: v1.StartLoginRequest, request_id: str) -> v1.StartLoginResponse:
        if question.provider != b"fake":
            detail, remedy = "There is no such provider", "The one provider is called fake."
            answer = judge.trouble(404, "provider_unknown", detail, remedy, request_id)
            return v1.StartLoginResponse(answer=answer, failure=v1.LOGIN_FAILURE_PROVIDER_UNKNOWN)
        place = parse_qs(question.query.decode("latin-1")).get(_FRONT_END, [""])[0]
        if not place:
            detail, remedy = f"The parameter {_FRONT_END} is missing", "Say where your front end takes the code."
            answer = judge.trouble(400, f"{_FRONT_END}_missing", detail, remedy, request_id)
            return v1.StartLoginResponse(answer=answer, failure=v1.LOGIN_FAILURE_REQUEST_MALFORMED)
        url = urlsplit(place)
        if not is_path(place) and f"{url.scheme}://{url.netloc}".encode() not in self._origins():
            return not_allowed(_FRONT_END, request_id)
        state = self._begin()
        way = _with_code(f"{self._public_base_url}{self._mount_prefix}{API_CALLBACK}", state)
        is_script = b"application/json" in question.context.accept
        answer = judge.of_json(200, {"url": way}) if is_script else judge.redirect(302, way)
        answer.set_cookies.append(binding_cookie(state, place))
        return v1.StartLoginResponse(answer=answer, settings_version="fake")

    def _complete_callback(self, question: v1.CompleteCallbackRequest, request_id: str) -> v1.CompleteCallbackResponse:
        if question.route_set == v1.ROUTE_SET_SPA:
            return self._authorize(question, request_id)
        if question.route_set != v1.ROUTE_SET_API:
            return super()._complete_callback(question, request_id)
        if question.WhichOneof("response") != "query":
            return self._collect(question, request_id)
        state = parse_qs(question.query.decode("latin-1")).get("state", [""])[0]
        place = bound_place(question.cookies, state)
        if place is None:
            return unknown_state(request_id)
        self._came_back.add(state)
        return v1.CompleteCallbackResponse(
            answer=judge.redirect(302, _with_code(place, state)), settings_version="fake"
        )

    def _authorize(self, question: v1.CompleteCallbackRequest, request_id: str) -> v1.CompleteCallbackResponse:
        """A token for whoever forwards the code; for one that is forwarded again another of the same session."""
        sent = _members(question.json) if question.WhichOneof("response") == "json" else None
        refusal = self._refusal(question, sent, request_id)
        if refusal is not None:
            return refusal
        state = (sent or {})["state"]
        visitor = self._forwarded.get(state) or self.sign_in(**self._next)
        self._forwarded[state] = visitor
        token = self.token_of(visitor)
        told = {"access_token": token, "token_type": "bearer", "user": visitor.as_user()}
        completed = v1.CompletedLogin(identity=visitor.identity(), session=visitor.info())
        completed.new_user = [one.user_id for one in self._visitors.values()].count(visitor.user_id) == 1
        completed.token.value, completed.token.type = token, "Bearer"
        answer = judge.of_json(200, told)
        return v1.CompleteCallbackResponse(answer=answer, completed=completed, settings_version="fake")

    def _collect(self, question: v1.CompleteCallbackRequest, request_id: str) -> v1.CompleteCallbackResponse:
        """The session of a login, once; under the same key and with the same body the same once more."""
        key, body = question.idempotency_header, question.json or question.form
        if not 0 < len(key) <= _LONGEST_KEY:
            reason = "idempotency_key_invalid" if key else "idempotency_key_missing"
            remedy = f"Send the header Idempotency-Key, text of at most {_LONGEST_KEY} characters."
            return _refused(400, reason, "The header Idempotency-Key is missing, or too long", remedy, request_id)
        sent = _members(body)
        refusal = self._refusal(question, sent, request_id)
        if refusal is not None:
            return refusal
        state = (sent or {})["state"]
        kept = self._collected.get(state)
        if kept is not None:
            return self._collected_before(kept, key, body, request_id)
        if state not in self._came_back:
            remedy = "Let the browser come back from the provider first."
            return _refused(400, "login_expired", "There is no session to collect", remedy, request_id)
        visitor = self.sign_in(**self._next)
        answer = judge.of_json(201, visitor.as_collected())
        answer.set_cookies.append(session_cookie(visitor.credential))
        self._collected[state] = _Collected(key, body, answer)
        completed = v1.CompletedLogin(identity=visitor.identity(), session=visitor.info())
        return v1.CompleteCallbackResponse(answer=answer, completed=completed, settings_version="fake")

    def _collected_before(
        self, kept: _Collected, key: bytes, body: bytes, request_id: str
    ) -> v1.CompleteCallbackResponse:
        if kept.key != key:
            remedy = "Use the session that was collected, or begin a login again."
            return _refused(409, "already_complete", "This session was collected", remedy, request_id)
        if kept.body != body:
            detail, remedy = "This Idempotency-Key came with another request before", "Send a key of its own with each."
            return _refused(409, "idempotency_key_reused", detail, remedy, request_id)
        again = v1.HttpAnswer()
        again.CopyFrom(kept.answer)
        again.status = 200
        return v1.CompleteCallbackResponse(answer=again, settings_version="fake")

    def _refresh_by_key(self, question: v1.RefreshTokensRequest, request_id: str) -> v1.RefreshTokensResponse:
        """Any key is a good one, and stands for the caller: no CSRF token is asked for."""
        if not question.api_key:
            detail, remedy = "The header X-API-Key is missing", "Send the API key of a caller with the role backend."
            answer = judge.trouble(401, "api_key_missing", detail, remedy, request_id)
            return v1.RefreshTokensResponse(answer=answer)
        found = self._found(question.cookies)
        if not isinstance(found, Visitor):
            check = v1.ValidateSessionRequest(context=question.context, answer_json=True)
            inactive = judge.inactive(found, check, request_id)
            return v1.RefreshTokensResponse(inactive=inactive, answer=inactive.answer)
        told = {"message": "Tokens refreshed", "expires_at": None, "session": found.times()}
        refreshed = v1.RefreshedTokens(session=found.info())
        return v1.RefreshTokensResponse(refreshed=refreshed, answer=judge.of_json(200, told))

    def _refusal(
        self, question: v1.CompleteCallbackRequest, sent: dict[str, str] | None, request_id: str
    ) -> v1.CompleteCallbackResponse | None:
        """Why what a front end sends is no end of a login that its browser began."""
        if not judge.comes_from_here(question.context, self._origins()):
            remedy = "Send the request from the site itself, or add the origin to app.cors.allowed_origins."
            return _refused(403, "origin_refused", "Requests from this origin are not allowed", remedy, request_id)
        if sent is None:
            return _refused(400, "request_malformed", "The body is no JSON object of texts", _SEND, request_id)
        if sent.get("state", "") not in self._begun:
            return unknown_state(request_id)
        is_api = question.route_set == v1.ROUTE_SET_API
        if bound_place(question.cookies, sent["state"]) is None:
            status, detail = 401 if is_api else 400, "This login was begun in another browser"
            return _refused(status, "other_browser", detail, _AGAIN, request_id)
        if "error" in sent:
            status, detail = 401 if is_api else 403, "The login was refused at the provider"
            return _refused(status, "access_denied", detail, _AGAIN, request_id)
        return _refusal_of_code(sent.get("code"), request_id)


def _refusal_of_code(code: str | None, request_id: str) -> v1.CompleteCallbackResponse | None:
    if not code:
        return _refused(400, "request_malformed", "The member code is missing", _SEND, request_id)
    if code != CODE:
        return _refused(401, "code_refused", "The provider did not take the code", _AGAIN, request_id)
    return None


def _with_code(place: str, state: str) -> str:
    return f"{place}{'&' if '?' in place else '?'}{urlencode({'code': CODE, 'state': state})}"


def _members(body: bytes) -> dict[str, str] | None:
    """A JSON object of texts."""
    try:
        read = json.loads(body)
    except ValueError:
        return None
    is_right = isinstance(read, dict) and all(isinstance(value, str) for value in read.values())
    return read if is_right else None


def _refused(status: int, reason: str, detail: str, remedy: str, request_id: str) -> v1.CompleteCallbackResponse:
    return v1.CompleteCallbackResponse(answer=judge.trouble(status, reason, detail, remedy, request_id))
