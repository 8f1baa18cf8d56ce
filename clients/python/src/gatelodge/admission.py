"""Owns what is to be done about a request of the application's own: let it run, or answer for it.

Does not know how the authority is asked, or by which framework.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatelodge import answer, cors, presented, v1
from gatelodge.answer import COULD_NOT_SAY, Answer, Refusal, Refused
from gatelodge.errors import InconclusiveError
from gatelodge.settings import is_header_value
from gatelodge.verdict import Active, Denied

if TYPE_CHECKING:
    from gatelodge.presented import RawRequest
    from gatelodge.requirements import Requirements
    from gatelodge.session import Session
    from gatelodge.settings import Settings
    from gatelodge.verdict import Checked


@dataclass(frozen=True)
class Admission:
    """A request whose session was looked for."""

    session: Session | None = None
    """The living session, if there is one."""
    instead: Answer | None = None
    """What a route that needs a session answers when there is none."""
    delivery: tuple[tuple[str, str], ...] = ()
    """Headers to deliver with the application's answer, which no cache may then keep: cookies, and a CSRF token."""
    refusal: Refusal = Refusal.SIGNED_OUT
    """What it says of whoever asks that there is no session."""

    def required(self) -> Session:
        """The session.

        Raises:
            Refused: there is none; the answer is 401 JSON, or a redirect to the login.
        """
        if self.session is None:
            raise Refused(self.instead or Answer(401, ()), self.refusal)
        return self.session


class Outgoing:
    """What the guards of one request have to deliver with its response: an outer one's first, the newer ones after."""

    def __init__(self) -> None:
        self._admissions: list[Admission] = []
        self._is_withheld = False

    def __bool__(self) -> bool:
        return bool(self._admissions)

    def add(self, admission: Admission) -> None:
        """A guard has let the request through."""
        self._admissions.append(admission)

    def refused(self, answer: Answer) -> None:
        """A guard answers for the application: "could not say" leaves the browser's cookies alone."""
        self._is_withheld = answer.status == COULD_NOT_SAY

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """Every cookie, and the newest CSRF token."""
        found = [] if self._is_withheld else [header for admission in self._admissions for header in admission.delivery]
        cookies = [(name, value) for name, value in found if name == "set-cookie"]
        return (*cookies, *{name: value for name, value in found if name != "set-cookie"}.items())


def preflight(request: RawRequest, settings: Settings | None) -> Admission:
    """A preflight comes without a session, and none is looked for; what needs one answers it by the settings."""
    if settings is None:
        return Admission(instead=answer.unavailable(request), refusal=Refusal.UNJUDGED)
    instead = cors.finish(cors.preflight(request, settings.cors), request, settings)
    return Admission(instead=instead, refusal=Refusal.UNJUDGED)


def question(request: RawRequest, settings: Settings, requirements: Requirements) -> v1.ValidateSessionRequest:
    """What to ask."""
    return v1.ValidateSessionRequest(
        cookies=presented.session_cookies(request, settings),
        context=presented.context(request, settings),
        requirements=requirements.message(),
        can_set_cookies=True,
    )


def decide(request: RawRequest, settings: Settings, checked: Checked) -> Admission:
    """What follows from the answer.

    Raises:
        Refused: the application does not get the request.
    """
    verdict = checked.verdict
    if isinstance(verdict, Active):
        try:
            return Admission(session=verdict.session, delivery=delivery(verdict.session, settings))
        except InconclusiveError as error:
            raise Refused(answer.failed(request, error)) from error
    if isinstance(verdict, Denied):
        raise Refused(denied(request, verdict.answer), Refusal.DENIED)
    return Admission(instead=signed_out(request, verdict.answer))


def user_info_question(request: RawRequest, settings: Settings) -> v1.GetUserInfoRequest:
    """What to ask where the provider is to say anew who a session's user is."""
    return v1.GetUserInfoRequest(
        cookies=presented.session_cookies(request, settings),
        context=presented.context(request, settings),
        refresh=True,
    )


def user_info(request: RawRequest, said: v1.GetUserInfoResponse) -> v1.UserInfo:
    """Who it is, by that answer.

    Raises:
        Refused: the application does not get the request.
    """
    finished = said.answer if said.HasField("answer") else None
    outcome = said.WhichOneof("outcome")
    if outcome == "user_info" and said.user_info.HasField("identity"):
        return said.user_info
    if outcome == "inactive":
        raise Refused(signed_out(request, finished), Refusal.SIGNED_OUT)
    if outcome == "denied":
        raise Refused(denied(request, finished), Refusal.DENIED)
    raise Refused(answer.unavailable(request))


def delivery(session: Session, settings: Settings) -> tuple[tuple[str, str], ...]:
    """What came with a session for its browser, as headers.

    Raises:
        InconclusiveError: it can't be headers.
    """
    headers = [("set-cookie", cookie) for cookie in session.set_cookies]
    if session.csrf_token is not None:
        headers.append((settings.csrf_header.lower(), session.csrf_token))
    if not all(is_header_value(value) for _, value in headers):
        raise InconclusiveError("the authority's cookie or token is no header value")
    return tuple(headers)


def denied(request: RawRequest, finished: v1.HttpAnswer | None) -> Answer:
    """The answer to a request that the session may not make."""
    if finished is None:
        return answer.error(request, 403, "FORBIDDEN", "This session may not make this request.")
    return answer.copy(request, finished)


def signed_out(request: RawRequest, finished: v1.HttpAnswer | None) -> Answer:
    """The answer of a route that needs a session when there is none."""
    if finished is None:
        return answer.error(request, 401, "NOT_SIGNED_IN", "You are not signed in.")
    return answer.copy(request, finished)
