"""Owns the reference for the fake authorities of all languages: what clients/scenarios.schema.json means, as rules of
the man in the middle. Does not know the scenarios."""

import json
import time
from urllib.parse import parse_qsl, urlencode

from gatelodge.v1 import http_answer_pb2, login_pb2, session_pb2, token_pb2

from .authority import Ask, Call, RefusedError
from .fake_answers import as_json, error
from .fake_channels import told_by_page, told_by_server
from .fake_needs import Lack, lack_of, take_as_judged
from .fake_tokens import judged_token

OWN, ALLOWED = b"http://localhost:8000", b"http://localhost:5173"
SAFE = (b"GET", b"HEAD", b"OPTIONS", b"TRACE")
REASONS = {
    "none": session_pb2.INACTIVE_REASON_NONE,
    "forged": session_pb2.INACTIVE_REASON_FORGED,
    "ambiguous": session_pb2.INACTIVE_REASON_AMBIGUOUS,
    "ended": session_pb2.INACTIVE_REASON_ENDED,
    "expired": session_pb2.INACTIVE_REASON_EXPIRED,
    "idle": session_pb2.INACTIVE_REASON_IDLE,
    "revoked": session_pb2.INACTIVE_REASON_REVOKED,
    "fingerprint": session_pb2.INACTIVE_REASON_FINGERPRINT,
}
DENIED = {
    "csrf_mismatch": (session_pb2.DENIED_REASON_CSRF_INVALID, "CSRF token mismatch"),
    "origin_refused": (session_pb2.DENIED_REASON_ORIGIN_REFUSED, "Requests from this origin are not allowed"),
}
LONGER_THAN_ANY_DEADLINE = 3.0


class FakeAuthority:
    """Sessions by their cookies; `authority` is up, away or slow."""

    def __init__(self, given: dict):
        self.authority = given["authority"]
        self.sessions = [dict(session) for session in given["sessions"]]
        self.tokens = {token["token"]: dict(token) for token in given.get("tokens", [])}
        self.carried_out: set[str] = set()

    def change(self, given: dict) -> None:
        """What a step of a scenario changes."""
        self.authority = given.get("authority", self.authority)
        for cookie, state in given.get("states", {}).items():
            self._of(cookie)["state"] = state
        for token, state in given.get("token_states", {}).items():
            self.tokens[token]["state"] = state

    def validate_session(self, call: Call, _ask: Ask) -> session_pb2.ValidateSessionResponse:
        """The rule of ValidateSession."""
        self._be_there()
        asked, answer = call.request, session_pb2.ValidateSessionResponse()
        session, reason = self._choose(asked.cookies)
        if session is None:
            answer.inactive.reason = REASONS[reason]
            answer.inactive.answer.CopyFrom(_sign_in(asked, reason))
            return answer
        needed = asked.context.method not in SAFE
        foreign = self._judge_source(session, asked.context, needed)
        if foreign:
            answer.denied.reason = DENIED[foreign][0]
            answer.denied.answer.CopyFrom(error(403, foreign, DENIED[foreign][1]))
            return answer
        lack = lack_of(asked.requirements, session)
        if lack:
            answer.denied.reason = session_pb2.DeniedReason.Value(f"DENIED_REASON_{lack.reason.upper()}")
            answer.denied.answer.CopyFrom(_denial(asked, lack, session))
            return answer
        active = answer.active
        active.identity.user_id = session["user_id"]
        active.identity.email, active.identity.name = session.get("email", ""), session.get("name", "")
        active.identity.provider = session.get("provider", "fake")
        active.identity.scopes.extend(session.get("scopes", []))
        active.session.session_id = f"sid_{session['cookie']}"
        take_as_judged(asked.requirements, active.judged)
        active.judged.csrf = needed
        if asked.issue_csrf_token:
            active.csrf_token = _token(session)
        renewed = session.get("renewed_cookie")
        if renewed and asked.can_set_cookies and not any(cookie.value == renewed.encode() for cookie in asked.cookies):
            active.set_cookies.append(f"session={renewed}; Path=/; HttpOnly; SameSite=Lax")
            active.csrf_token = _token(session)
        return answer

    def refresh_tokens(self, call: Call, _ask: Ask) -> session_pb2.RefreshTokensResponse:
        """The rule of RefreshTokens."""
        answer = session_pb2.RefreshTokensResponse()
        session = self._use(call.request, answer)
        if session:
            answer.refreshed.session.session_id = f"sid_{session['cookie']}"
            answer.answer.CopyFrom(as_json(200, {"message": "Tokens refreshed", "expires_at": None}))
        return answer

    def get_user_info(self, call: Call, _ask: Ask) -> session_pb2.GetUserInfoResponse:
        """The rule of GetUserInfo."""
        answer = session_pb2.GetUserInfoResponse()
        session = self._use(call.request, answer)
        if session:
            answer.user_info.identity.user_id = session["user_id"]
            known = {name: session.get(name) for name in ("user_id", "email", "name")}
            answer.answer.CopyFrom(as_json(200, {**known, "provider": session.get("provider", "fake")}))
        return answer

    def list_user_sessions(self, call: Call, _ask: Ask) -> session_pb2.ListUserSessionsResponse:
        """The rule of ListUserSessions."""
        answer = session_pb2.ListUserSessionsResponse()
        session = self._use(call.request, answer)
        if session:
            told = [
                {"session_id": f"sid_{one['cookie']}", "current": one is session, "device": "Unknown device"}
                for one in self._of_the_user_of(session)
            ]
            answer.user_sessions.SetInParent()
            answer.answer.CopyFrom(as_json(200, {"sessions": told, "next_page_token": ""}))
        return answer

    def revoke(self, call: Call, _ask: Ask) -> session_pb2.SessionServiceRevokeResponse:
        """The rule of SessionService.Revoke, as browsers ask for it."""
        answer = session_pb2.SessionServiceRevokeResponse()
        session = self._use(call.request, answer)
        if session is None:
            return answer
        end = _asked_end(call.request)
        if end != "others" and not end.startswith("sid_"):
            answer.answer.CopyFrom(error(400, "request_malformed", "The request can't be read"))
            return answer
        for one in self._of_the_user_of(session):
            if one is not session if end == "others" else end == f"sid_{one['cookie']}":
                one["state"] = "revoked"
                answer.revoked_count += 1
        answer.answer.CopyFrom(as_json(200, {"message": "done", "revoked_count": answer.revoked_count}))
        return answer

    def _of_the_user_of(self, session: dict) -> list[dict]:
        return [
            one
            for one in self.sessions
            if one["user_id"] == session["user_id"] and one.get("state", "active") == "active"
        ]

    def _use(self, asked, answer) -> dict | None:
        """The session that may be used; where there is none, the answer says so."""
        self._be_there()
        session, reason = self._choose(asked.cookies)
        if session is None:
            answer.inactive.reason = REASONS[reason]
            answer.answer.CopyFrom(_refused_for(reason))
            return None
        denied = self._judge_source(session, asked.context, asked.context.method not in SAFE)
        if denied:
            answer.denied.reason = DENIED[denied][0]
            answer.answer.CopyFrom(error(403, denied, DENIED[denied][1]))
            return None
        return session

    def start_logout(self, call: Call, _ask: Ask) -> login_pb2.StartLogoutResponse:
        """The rule of StartLogout."""
        self._be_there()
        asked = call.request
        tokens = [value for name, value in parse_qsl(asked.form.decode("latin-1")) if name == "csrf_token"]
        if len(tokens) > 1:
            answer = error(400, "request_malformed", "The parameter csrf_token came twice")
            return login_pb2.StartLogoutResponse(answer=answer)
        if tokens and not asked.context.HasField("csrf_token"):
            asked.context.csrf_token = tokens[0].encode("latin-1")
        session, _ = self._choose(asked.cookies)
        denied = self._judge_source(session, asked.context, session is not None)
        if denied:
            return login_pb2.StartLogoutResponse(answer=error(403, denied, DENIED[denied][1]))
        if session:
            session["state"] = "ended"
        if _is_navigation(asked.context):
            answer = http_answer_pb2.HttpAnswer(status=303, location="/")
        else:
            answer = as_json(200, {"message": "Logged out successfully"})
        if asked.cookies:
            answer.set_cookies.append("session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax")
        return login_pb2.StartLogoutResponse(answer=answer, revoked_count=1 if session else 0)

    def validate_token(self, call: Call, _ask: Ask) -> token_pb2.ValidateTokenResponse:
        """The rule of ValidateToken."""
        self._be_there()
        return judged_token(self.tokens, call.request)

    def handle_backchannel_logout(self, call: Call, _ask: Ask) -> login_pb2.HandleBackchannelLogoutResponse:
        """The rule of HandleBackchannelLogout."""
        self._be_there()
        return told_by_server(call.request.form, self.carried_out, self._end)

    def handle_frontchannel_logout(self, call: Call, _ask: Ask) -> login_pb2.HandleFrontchannelLogoutResponse:
        """The rule of HandleFrontchannelLogout."""
        self._be_there()
        return told_by_page(call.request.query, self._end)

    def _end(self, is_meant) -> int:
        meant = [one for one in self.sessions if one.get("state", "active") == "active" and is_meant(one)]
        for one in meant:
            one["state"] = "revoked"
        return len(meant)

    def pass_on(self, _call: Call, ask: Ask):
        """The rule of what the scenarios leave to any authority."""
        self._be_there()
        return ask()

    def _be_there(self) -> None:
        if self.authority == "away":
            raise RefusedError("UNAVAILABLE")
        if self.authority == "slow":
            time.sleep(LONGER_THAN_ANY_DEADLINE)

    def _of(self, cookie: str) -> dict | None:
        return next((one for one in self.sessions if cookie in (one["cookie"], one.get("renewed_cookie"))), None)

    def _choose(self, cookies) -> tuple[dict | None, str]:
        known = [session for cookie in cookies if (session := self._of(cookie.value.decode("latin-1")))]
        if not known:
            return None, "forged" if cookies else "none"
        if any(session is not known[0] for session in known):
            return None, "ambiguous"
        state = known[0].get("state", "active")
        return (known[0], "") if state == "active" else (None, state)

    def _judge_source(self, session: dict | None, context, token_needed: bool) -> str | None:
        upgrade = b"websocket" in context.upgrade.lower()
        if context.method in SAFE and not upgrade:
            return None
        if context.HasField("origin"):
            if context.origin not in (OWN, ALLOWED):
                return "origin_refused"
        elif upgrade or (context.sec_fetch_site or b"none") not in (b"same-origin", b"none"):
            return "origin_refused"
        if token_needed and context.csrf_token != _token(session).encode():
            return "csrf_mismatch"
        return None


def _asked_end(asked) -> str:
    if asked.WhichOneof("target") == "form":
        return dict(parse_qsl(asked.form.decode("latin-1"))).get("end", "")
    try:
        return json.loads(asked.json).get("end", "")
    except (ValueError, AttributeError):
        return ""


def _token(session: dict) -> str:
    return session.get("csrf_token", f"csrf_{session['cookie']}")


def _is_navigation(context) -> bool:
    if context.HasField("x_requested_with") or b"websocket" in context.upgrade.lower():
        return False
    if context.HasField("sec_fetch_mode"):
        return context.sec_fetch_mode == b"navigate"
    return b"text/html" in context.accept


def _sign_in(asked, reason: str) -> http_answer_pb2.HttpAnswer:
    if not asked.answer_json and _is_navigation(asked.context) and asked.context.method in SAFE:
        return _login(asked, {})
    return _refused_for(reason)


def _refused_for(reason: str) -> http_answer_pb2.HttpAnswer:
    if reason in ("none", "forged", "ambiguous"):
        return error(401, "not_signed_in", "Not signed in")
    return error(401, "session_ended", "Session expired")


def _denial(asked, lack: Lack, session: dict) -> http_answer_pb2.HttpAnswer:
    if not lack.is_mended_by_login:
        return error(403, lack.reason, lack.detail)
    query = {"provider": session.get("provider", "fake")}
    if asked.requirements.HasField("max_login_age"):
        query["max_age"] = asked.requirements.max_login_age.seconds
    if asked.requirements.acr_values:
        query["acr_values"] = " ".join(asked.requirements.acr_values)
    if lack.reason == "amr_missing":
        query["prompt"] = "login"
    if not asked.answer_json and _is_navigation(asked.context) and asked.context.method in SAFE:
        return _login(asked, query)
    return error(403, lack.reason, lack.detail, login_path=f"/auth/web/login?{urlencode(query)}")


def _login(asked, parameters: dict) -> http_answer_pb2.HttpAnswer:
    query = urlencode({**parameters, "redirect_uri": asked.context.target.decode("latin-1")})
    return http_answer_pb2.HttpAnswer(status=302, location=f"/auth/web/login?{query}")
