"""What an edge that keeps answers ends itself, and the positions that it asks as of: nothing that has ended comes back,
whichever authority answers and whatever its stream tells; and who ends nothing costs nobody anything."""

import contextlib
import itertools
import threading
import time

from ..authority import at_first, changed, held, refused
from ..browser import FETCH
from ..case import case, each, equal, status, true
from .keeping import KEEP, asks, knowing

FORM, JSON = ("content-type", "application/x-www-form-urlencoded"), ("content-type", "application/json")
LOGOUT, REVOKE = "/auth/web/logout", "/auth/web/sessions/revoke"
BACK, FRONT = "/auth/web/backchannel-logout", "/auth/web/frontchannel-logout"
# What leads to each call that ends sessions. The authority refuses them all, so that a case may say what has ended.
ROUTES = {
    "StartLogout": ("POST", LOGOUT, [], b""),
    "Revoke": ("POST", REVOKE, [FORM], b"end=others"),
    "HandleBackchannelLogout": ("POST", BACK, [FORM], b"logout_token=x"),
    "HandleFrontchannelLogout": ("GET", f"{FRONT}?iss=x&sid=y", [], None),
}
ENDS = {call: lambda e, row=row: e.request(*row) for call, row in ROUTES.items()}
# Statuses that say that nothing was done.
UNDONE = {
    **{
        code: {"code": code}
        for code in ("INVALID_ARGUMENT", "UNAUTHENTICATED", "PERMISSION_DENIED", "FAILED_PRECONDITION", "UNIMPLEMENTED")
    },
    "OVERLOADED": {"code": "RESOURCE_EXHAUSTED", "reason": "OVERLOADED"},
}
NO_KEYS = {"code": "UNAVAILABLE", "reason": "PROVIDER_UNAVAILABLE"}
# Statuses after which nobody knows.
UNSURE = {
    **{code: {"code": code} for code in ("RESOURCE_EXHAUSTED", "CANCELLED", "DEADLINE_EXCEEDED", "UNKNOWN", "ABORTED")},
    "INTERNAL": {"code": "INTERNAL", "reason": "INTERNAL"},
}
_clients = itertools.count(1)


def _ended(count):
    """What ends sessions says that this call has ended so many."""

    def ended(answer):
        answer.revoked_count = count
        if answer.DESCRIPTOR.name == "SessionServiceRevokeResponse":
            answer.ClearField("inactive")

    return changed(ended)


def _asked_anew(e, cookie, act):
    """How many of three times an answer that is kept is asked about anew, after something was done. One may be too old
    by itself, three in a row are not."""
    times = 0
    for _ in range(3):
        e.eventually(lambda: not asks(e, [cookie]), "an answer is kept")
        act()
        times += asks(e, [cookie])
    return times


@case
def what_may_have_ended_anybody_makes_all_be_asked_about(s):
    rows = {
        "a logout of several": ("StartLogout", ENDS["StartLogout"], 2),
        "a logout from everywhere": ("StartLogout", lambda e: e.post(f"{LOGOUT}?a=b&everywhere=true"), 1),
        "a revocation": ("Revoke", ENDS["Revoke"], 1),
        "a logout that a provider's server tells of": ("HandleBackchannelLogout", ENDS["HandleBackchannelLogout"], 1),
        "a logout that a provider's page tells of": ("HandleFrontchannelLogout", ENDS["HandleFrontchannelLogout"], 1),
    }
    with knowing(s) as (e, headers):
        for what, (call, request, count) in rows.items():
            e.rule(call, _ended(count))
            equal(_asked_anew(e, headers[0], lambda request=request: request(e)), 3, what)


@case
def when_nobody_knows_what_ended_all_are_asked_about(s):
    lost = refused("UNAVAILABLE", reason="STORE_UNAVAILABLE")

    def lose_the_first(call):
        e.rule(call, at_first(1, lost))
        status(ENDS[call](e), 200, 400, 401)

    def lose_the_first_and_refuse(call):
        e.rule(call, at_first(1, lost, then=refused("INVALID_ARGUMENT")))
        status(ENDS[call](e), 503)

    with knowing(s) as (e, headers):
        for call in ENDS:
            times = _asked_anew(e, headers[0], lambda call=call: lose_the_first(call))
            equal(times, 3, f"a repeat of {call} finds nothing left to end")
            times = _asked_anew(e, headers[0], lambda call=call: _fail(e, call, UNSURE["INTERNAL"]))
            equal(times, 3, f"a failure of {call} says nothing")
            times = _asked_anew(e, headers[0], lambda call=call: lose_the_first_and_refuse(call))
            equal(times, 3, f"a repeat of {call} that does nothing says nothing of the first")


def _fail(e, call, how):
    e.rule(call, refused(**how))
    status(ENDS[call](e), 503)


@each({name: how for name, how in UNSURE.items() if name != "INTERNAL"})
def after_the_status_x_all_are_asked_about(s, how):
    with knowing(s) as (e, headers):
        call = "HandleBackchannelLogout"
        equal(_asked_anew(e, headers[0], lambda: _fail(e, call, how)), 3, f"{call} fails with {how}")


@case
def a_provider_in_trouble_says_nothing_of_what_it_does_not_judge(s):
    with knowing(s) as (e, headers):
        for call in ("StartLogout", "Revoke"):
            times = _asked_anew(e, headers[0], lambda call=call: _fail(e, call, NO_KEYS))
            equal(times, 3, f"{call} may have ended something")


@each(UNDONE)
def after_the_status_x_nobody_is_asked_about(s, how):
    with knowing(s) as (e, headers):
        for call in ENDS:
            times = _asked_anew(e, headers[0], lambda call=call: _fail(e, call, how))
            true(times < 3, f"{call} did nothing")


@case
def a_logout_whose_keys_are_not_to_be_had_makes_nobody_be_asked_about(s):
    with knowing(s) as (e, headers):
        for call in ("HandleBackchannelLogout", "HandleFrontchannelLogout"):
            times = _asked_anew(e, headers[0], lambda call=call: _fail(e, call, NO_KEYS))
            true(times < 3, f"{call} ended nothing")


@case
def who_presents_a_cookie_is_asked_about_whatever_came_of_it(s):
    with knowing(s) as (e, headers):
        for call, path in (("StartLogout", LOGOUT), ("Revoke", REVOKE)):
            e.rule(call, refused("INVALID_ARGUMENT"))
            times = _asked_anew(e, headers[0], lambda path=path: e.post(path, [*headers, FORM], b"end=others"))
            equal(times, 3, f"{call} presented the session")


@each({call: call for call in ROUTES})
def who_hangs_up_on_x_makes_nobody_be_asked_about(s, call):
    def hang_up():
        release = threading.Event()
        e.rule(call, held(release))
        try:
            under_way = e.hang_up_on(*ROUTES[call], call=call)
            true(under_way.is_waited_for(), f"the edge gave {call} up with the browser")
        finally:
            release.set()

    with knowing(s) as (e, headers):
        true(_asked_anew(e, headers[0], hang_up) < 3, f"{call} ended nothing")


@case
def who_ends_nothing_makes_nobody_be_asked_about(s):
    with knowing(s) as (e, headers):
        other = e.cookie(1)
        for what, request in {
            **ENDS,
            "a logout from everywhere": lambda e: e.post(f"{LOGOUT}?everywhere=true"),
            "a revocation without a token": lambda e: e.post(REVOKE, [other, FORM], b"end=others"),
            "a logout without a token": lambda e: e.post(f"{LOGOUT}?everywhere=true", [other]),
        }.items():
            true(_asked_anew(e, headers[0], lambda request=request: request(e)) < 3, f"{what} ended nothing of others")


@each(
    {
        "JSON that is none": (JSON, b"{"),
        "JSON that names nothing": (JSON, b"{}"),
        "a form that names nothing": (FORM, b"other=x"),
        "a form that can't be read": (FORM, b"end=%zz&&=\xff"),
        "an id that nobody has": (FORM, b"end=sid_of_nobody"),
        "an id that nobody has in JSON": (JSON, b'{"end": "sid_of_nobody"}'),
    }
)
def a_revocation_of_x_makes_nobody_else_be_asked_about(s, row):
    kind, body = row
    with knowing(s) as (e, headers):
        own = e.with_token(1)
        got = e.post(REVOKE, [*own, kind], body)
        true(got.status != 401 and got.status != 403, f"it is the session that asks: {got}")
        times = _asked_anew(e, headers[0], lambda: e.post(REVOKE, [*own, kind], body))
        true(times < 3, "it ended nothing")


@case
def a_logout_makes_nobody_else_be_asked_about(s):
    with knowing(s) as (e, headers):
        times = _asked_anew(e, headers[0], lambda: status(e.post(LOGOUT, e.with_token(1)), 200))
        true(times < 3, "it ended one session, which is another")


# Positions: what is known of the stream goes with every question, and no answer from before it is kept.


class _Replicas:
    """Two authorities that have heard unlike much, at the positions that a case says: the one that is watched, which
    tells of nothing, and the one that answers."""

    def __init__(self):
        self.told = self.rests_on = b"5"
        self.resets = 0
        self.rules = {"WatchSessions": self._tell, "ValidateSession": self._answer}

    def _tell(self, _call, ask):
        message = ask()
        del message.events[:]
        message.position, message.reset = self.told, self.resets > 0
        self.resets = 0
        return message

    def _answer(self, call, ask):
        bare = type(call.request).FromString(call.request.SerializeToString())
        bare.ClearField("as_of_position")
        answer = ask(bare)
        if answer.active.event_position:
            answer.active.event_position = self.rests_on
            # Nothing becomes too old by itself while a case looks.
            answer.active.keep_for.FromSeconds(60)
        return answer


@contextlib.contextmanager
def _between(s, replicas):
    """An edge of its own that keeps what these say, and the cookie of a session."""
    with s.own_edge(environment=KEEP, rules=replicas.rules) as e:
        cookie = e.cookie()
        e.eventually(lambda: not asks(e, [cookie]), "an answer is kept")
        yield e, cookie


def _as_of(e, cookie):
    """As of which position a client asks that was not there before."""
    status(e.get("/private", [cookie, ("x-forwarded-for", f"192.0.2.{next(_clients)}"), *FETCH]), 200)
    return e.calls("ValidateSession")[-1].request.as_of_position


def _end(e, call, position):
    """Ends something, of which the stream is to tell at this position."""

    def ended(answer):
        answer.revoked_count, answer.event_position = 1, position

    e.rule(call, changed(ended))
    ENDS[call](e)


@case
def a_question_rests_on_what_was_heard(s):
    replicas = _Replicas()
    with _between(s, replicas) as (e, cookie):
        equal(_as_of(e, cookie), b"5")
        replicas.told = b"6"
        e.eventually(lambda: _as_of(e, cookie) == b"6", "what was heard meanwhile counts")


@case
def what_this_edge_ended_is_asked_about_as_of_its_end(s):
    replicas = _Replicas()
    with _between(s, replicas) as (e, cookie):
        for call, position in zip(ENDS, (b"6", b"7", b"8", b"9"), strict=True):
            client = [cookie, ("forwarded", f"for={call}")]
            for _ in range(5):
                begun = time.monotonic()
                _end(e, call, position)
                found = [_as_of(e, cookie), asks(e, client), asks(e, client)]
                if time.monotonic() - begun < 6:
                    break
            equal(found, [position, 1, 1], f"{call}: asked as of, and nothing from before it is kept")
            replicas.rests_on = position
            e.eventually(lambda client=client: not asks(e, client), "what is new enough is kept")


@case
def for_6_seconds_what_this_edge_ended_counts_whatever_becomes_of_the_stream(s):
    replicas = _Replicas()
    with _between(s, replicas) as (e, cookie):
        begun = time.monotonic()
        _end(e, "StartLogout", b"9")
        e.site.between.rule("WatchSessions", refused("UNAVAILABLE"))
        equal(_as_of(e, cookie), b"9")
        e.eventually(lambda: _as_of(e, cookie) != b"9", "by then nobody answers from what is older", 30.0)
        passed = time.monotonic() - begun
        true(passed > 5.9, f"it was asked as of less after {passed:.1f} s")


@case
def after_a_reset_all_is_forgotten_and_positions_do_not_go_down(s):
    replicas = _Replicas()
    with _between(s, replicas) as (e, cookie):
        for _ in range(5):
            replicas.told, replicas.rests_on = b"5", b"5"
            e.eventually(lambda: _as_of(e, cookie) == b"5", "the stream is at 5")
            e.eventually(lambda: not asks(e, [cookie]), "an answer is kept")
            begun = time.monotonic()
            replicas.rests_on, replicas.told, replicas.resets = b"4", b"3", 1
            e.eventually(lambda: not replicas.resets and asks(e, [cookie]), "everything is forgotten")
            found = [e.calls("ValidateSession")[-1].request.as_of_position, _as_of(e, cookie), asks(e, [cookie])]
            if time.monotonic() - begun < 6:
                break
        equal(found, [b"5", b"5", 1], "asked as of what was known before, and nothing older is kept")
