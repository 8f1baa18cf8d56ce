"""Owns the reference for the fake authorities of all languages: what clients/scenarios.schema.json means, as rules of
the man in the middle. Does not know the scenarios."""

import json
import time
from urllib.parse import parse_qsl, urlencode

from gatelodge.v1 import http_answer_pb2, login_pb2, session_pb2

from .authority import Ask, Call, RefusedError

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
    "scope_missing": (session_pb2.DENIED_REASON_SCOPE_MISSING, "Missing scope: {}"),
    "login_too_old": (session_pb2.DENIED_REASON_LOGIN_TOO_OLD, "A fresh login is needed"),
}
LONGER_THAN_ANY_DEADLINE = 3.0


class FakeAuthority:
    """Sessions by their cookies; `authority` is up, away or slow."""

    def __init__(self, given: dict):
        self.authority = given["authority"]
        self.sessions = [dict(session) for session in given["sessions"]]

    def change(self, given: dict) -> None:
        """What a step of a scenario changes."""
        self.authority = given.get("authority", self.authority)
        for cookie, state in given.get("states", {}).items():
            self._of(cookie)["state"] = state

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
        denied = self._judge_source(session, asked.context, needed) or self._judge_needs(session, asked.requirements)
        if denied:
            answer.denied.reason = DENIED[denied][0]
            answer.denied.answer.CopyFrom(_denial(asked, denied, session))
            return answer
        active = answer.active
        active.identity.user_id = session["user_id"]
        active.identity.email, active.identity.name = session.get("email", ""), session.get("name", "")
        active.identity.provider = session.get("provider", "fake")
        active.identity.scopes.extend(session.get("scopes", []))
        active.session.session_id = f"sid_{session['cookie']}"
        active.judged.csrf = needed
        active.judged.scopes.extend(asked.requirements.scopes)
        if asked.requirements.HasField("max_login_age"):
            active.judged.max_login_age.CopyFrom(asked.requirements.max_login_age)
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
            answer.answer.CopyFrom(_json(200, {"message": "Tokens refreshed", "expires_at": None}))
        return answer

    def get_user_info(self, call: Call, _ask: Ask) -> session_pb2.GetUserInfoResponse:
        """The rule of GetUserInfo."""
        answer = session_pb2.GetUserInfoResponse()
        session = self._use(call.request, answer)
        if session:
            answer.user_info.identity.user_id = session["user_id"]
            known = {name: session.get(name) for name in ("user_id", "email", "name")}
            answer.answer.CopyFrom(_json(200, {**known, "provider": session.get("provider", "fake")}))
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
            answer.answer.CopyFrom(_json(200, {"sessions": told, "next_page_token": ""}))
        return answer

    def revoke(self, call: Call, _ask: Ask) -> session_pb2.SessionServiceRevokeResponse:
        """The rule of SessionService.Revoke, as browsers ask for it."""
        answer = session_pb2.SessionServiceRevokeResponse()
        session = self._use(call.request, answer)
        if session is None:
            return answer
        end = _asked_end(call.request)
        if end != "others" and not end.startswith("sid_"):
            answer.answer.CopyFrom(_error(400, "request_malformed", "The request can't be read"))
            return answer
        for one in self._of_the_user_of(session):
            if one is not session if end == "others" else end == f"sid_{one['cookie']}":
                one["state"] = "revoked"
                answer.revoked_count += 1
        answer.answer.CopyFrom(_json(200, {"message": "done", "revoked_count": answer.revoked_count}))
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
            answer.answer.CopyFrom(_error(403, denied, DENIED[denied][1]))
            return None
        return session

    def start_logout(self, call: Call, _ask: Ask) -> login_pb2.StartLogoutResponse:
        """The rule of StartLogout."""
        self._be_there()
        asked = call.request
        tokens = [value for name, value in parse_qsl(asked.form.decode("latin-1")) if name == "csrf_token"]
        if len(tokens) > 1:
            answer = _error(400, "request_malformed", "The parameter csrf_token came twice")
            return login_pb2.StartLogoutResponse(answer=answer)
        if tokens and not asked.context.HasField("csrf_token"):
            asked.context.csrf_token = tokens[0].encode("latin-1")
        session, _ = self._choose(asked.cookies)
        denied = self._judge_source(session, asked.context, session is not None)
        if denied:
            return login_pb2.StartLogoutResponse(answer=_error(403, denied, DENIED[denied][1]))
        if session:
            session["state"] = "ended"
        if _is_navigation(asked.context):
            answer = http_answer_pb2.HttpAnswer(status=303, location="/")
        else:
            answer = _json(200, {"message": "Logged out successfully"})
        if asked.cookies:
            answer.set_cookies.append("session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax")
        return login_pb2.StartLogoutResponse(answer=answer, revoked_count=1 if session else 0)

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

    def _judge_needs(self, session: dict, requirements) -> str | None:
        if not set(requirements.scopes) <= set(session.get("scopes", [])):
            return "scope_missing"
        if requirements.HasField("max_login_age"):
            allowed = requirements.max_login_age.ToTimedelta().total_seconds()
            if session.get("login_age_seconds", 0) > allowed:
                return "login_too_old"
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
        return _error(401, "not_signed_in", "Not signed in")
    return _error(401, "session_ended", "Session expired")


def _denial(asked, denied: str, session: dict) -> http_answer_pb2.HttpAnswer:
    leads_to_login = denied == "login_too_old" and _is_navigation(asked.context) and asked.context.method in SAFE
    if leads_to_login and not asked.answer_json:
        age = asked.requirements.max_login_age.seconds
        return _login(asked, {"provider": session.get("provider", "fake"), "max_age": age})
    return _error(403, denied, DENIED[denied][1].format(" ".join(asked.requirements.scopes)))


def _login(asked, parameters: dict) -> http_answer_pb2.HttpAnswer:
    query = urlencode({**parameters, "redirect_uri": asked.context.target.decode("latin-1")})
    return http_answer_pb2.HttpAnswer(status=302, location=f"/auth/web/login?{query}")


def _error(status: int, reason: str, detail: str) -> http_answer_pb2.HttpAnswer:
    return _json(status, {"detail": detail, "reason": reason, "request_id": "fake"})


def _json(status: int, body: dict) -> http_answer_pb2.HttpAnswer:
    encoded = json.dumps(body).encode()
    return http_answer_pb2.HttpAnswer(status=status, content_type="application/json", body=encoded)
