"""Two guards on one route: each asks, and what the outer one has to deliver goes out with whatever the inner one says.
Where the inner one can't say, nothing does."""

from gatelodge.v1 import http_answer_pb2, session_pb2, token_pb2

from ..authority import always, at_first, changed, refused
from ..browser import FETCH
from ..case import asked_each_time, body_is, case, could_not_say, each, equal, error, guarded, no_cookie, status, true
from ..programs import ORIGIN
from .rotation import COOKIE, rotated

BEARER = ("authorization", "Bearer good")
INNER = {"/both": "ValidateToken", "/twice": "ValidateSession"}
RESPONSES = {"/both": token_pb2.ValidateTokenResponse, "/twice": session_pb2.ValidateSessionResponse}
TOKEN = "csrf_of-next"


def _good(path):
    """What the inner guard is answered to somebody who may pass."""
    answer = RESPONSES[path]()
    answer.active.identity.user_id = "dev_testuser1"
    answer.active.judged.scopes.extend([] if path == "/both" else ["admin"])
    if path == "/twice":
        answer.active.session.session_id = "sid_2"
    return answer


def _refusal(path, outcome):
    """What it is answered to somebody who may not."""
    code, reason = {"inactive": (401, "ended"), "denied": (403, "scope_missing")}[outcome]
    body = b'{"detail":"no","reason":"%s","request_id":"r"}' % reason.encode()
    answer = RESPONSES[path]()
    said = http_answer_pb2.HttpAnswer(status=code, content_type="application/json", body=body)
    getattr(answer, outcome).answer.CopyFrom(said)
    return answer


def _inner(s, path, rule):
    """The outer guard is answered with a session whose credential was rotated, the inner one as the rule says."""
    if path == "/both":
        s.rule("ValidateSession", changed(rotated))
        s.rule("ValidateToken", rule)
    else:
        s.rule("ValidateSession", at_first(1, changed(rotated), then=rule))


def _delivered(got):
    equal((set(got.all("set-cookie")), got.all("x-csrf-token")), ({COOKIE}, [TOKEN]), str(got))
    true("no-store" in got.words("cache-control") and "cookie" in got.words("vary"), str(got))
    return got


def _ask(s, path):
    return s.get(path, [s.cookie(), BEARER, *FETCH])


@each({path: path for path in INNER})
def who_passes_both_at_x_reaches_the_handler(s, path):
    _inner(s, path, always(_good(path)))
    body_is(_delivered(status(_ask(s, path), 200)), {"user_id": "dev_testuser1"})


@each({path: path for path in INNER})
@asked_each_time
def each_guard_asks_at_x(s, path):
    _inner(s, path, always(_good(path)))
    _ask(s, path)
    asked = [call.request.requirements for call in s.calls("ValidateSession", "ValidateToken")]
    equal([list(needs.scopes) for needs in asked], [[], [] if path == "/both" else ["admin"]])
    equal(len(s.calls(INNER[path])), 1 if path == "/both" else 2)


@each(
    {
        "401 at /both": ("/both", "inactive", 401),
        "403 at /both": ("/both", "denied", 403),
        "401 at /twice": ("/twice", "inactive", 401),
        "403 at /twice": ("/twice", "denied", 403),
    }
)
def the_inner_guards_x_has_what_the_outer_one_delivers(s, row):
    path, outcome, code = row
    _inner(s, path, always(_refusal(path, outcome)))
    guarded(_delivered(status(_ask(s, path), code)))


def _torn(path):
    answer = _refusal(path, "denied")
    answer.denied.answer.location = "/\r\nx: y"
    return answer


def _without(path, *fields):
    answer = _good(path)
    for field in fields:
        answer.active.ClearField(field)
    return answer


@each(
    {
        f"{what} at {path}": (path, rule)
        for path in INNER
        for what, rule in {
            "a status": refused("INTERNAL"),
            "an unset outcome": always(b""),
            "an answer that can't be copied": always(_torn(path)),
            "a yes without an identity": always(_without(path, "identity")),
        }.items()
    }
    | {
        "a need that was not judged at /twice": ("/twice", always(_without("/twice", "judged"))),
        "a no without an answer at /both": ("/both", always(b"\x12\x00")),
    }
)
def where_the_inner_guard_gets_x_nothing_is_delivered(s, row):
    path, rule = row
    _inner(s, path, rule)
    equal(could_not_say(_ask(s, path)).all("x-csrf-token"), [])


@each({path: path for path in INNER})
def who_does_not_pass_the_outer_one_at_x_is_asked_about_once(s, path):
    error(no_cookie(s.get(path, [("cookie", "session=dead"), BEARER, *FETCH])), 401, "not_signed_in")
    equal(len(s.calls("ValidateSession", "ValidateToken")), 1)


@case
def a_session_without_a_token_is_not_enough(s):
    s.rule("ValidateToken", always(_refusal("/both", "inactive")))
    guarded(error(s.get("/both", [s.cookie(), *FETCH]), 401, "ended"))
    equal(s.asked("ValidateToken").token, b"")


@each({path: path for path in INNER})
def a_preflight_at_x_is_answered_by_the_outer_one(s, path):
    status(s.options(path, ORIGIN, headers=[s.cookie()]), 204)
    equal(s.calls("ValidateSession", "ValidateToken"), [])
