"""Owns the mistakes with requests that an edge has to leave as they are, or alone: return places, bodies, upgrades,
preflights; and with its start. Does not know how they are put before an edge."""

from urllib.parse import parse_qs

from .broken import Asked, Broken
from .wire import Answer


def _hide_place(asked):
    asked.target = asked.target.replace(b"redirect_uri=", b"redirect_to=")


def _first_place(asked):
    path, mark, query = asked.target.partition(b"?")
    parts = query.split(b"&")
    places = [part for part in parts if part.startswith(b"redirect_uri=")]
    asked.target = path + mark + b"&".join(part for part in parts if part not in places[1:])


def _tidy_place(asked):
    """Takes a path of two slashes for one of one."""
    asked.target = asked.target.replace(b"redirect_uri=//", b"redirect_uri=/")


def _refuse_large_bodies(asked, got, _again):
    return Answer(413, [], b"") if len(asked.body) > 100_000 else got


def _chunks_unread(asked, got, _again):
    return Answer(411, [], b"") if asked.header("transfer-encoding") else got


def _token_from_the_body(asked):
    token = parse_qs(asked.body).get(b"x-csrf-token")
    if token:
        asked.headers.append((b"x-csrf-token", token[0]))


def _place_from_the_body(asked):
    if b"redirect_uri=" in asked.body:
        asked.target += b"?" + asked.body


def _hide_upgrade(asked):
    asked.headers = [(name, value) for name, value in asked.headers if name.lower() != b"upgrade"]


def _trust_upgrades_with_a_token(asked):
    if asked.header("upgrade") and asked.header("x-csrf-token"):
        _hide_upgrade(asked)


def _is_preflight(asked: Asked) -> bool:
    return asked.method == b"OPTIONS" and asked.header("access-control-request-method") is not None


_RAN = Answer(200, [("content-type", "application/json")], b'{"user_id": null}')


def _run_at_preflights(asked, got, _again):
    return _RAN if asked.target == b"/any" and _is_preflight(asked) else got


def _run_at_options(asked, got, _again):
    return _RAN if asked.target == b"/any" and asked.method == b"OPTIONS" and got.status == 401 else got


def _refuse_preflights(asked, got, _again):
    return Answer(403, [], b"") if asked.target == b"/any" and _is_preflight(asked) else got


def _dead_is_alive(method, answer):
    if method.name == "ValidateSession" and answer.WhichOneof("outcome") == "inactive":
        answer.active.identity.user_id = "ada"
        answer.active.session.session_id = "sid_1"


def _no_names(method, answer):
    if method.name == "ValidateSession" and answer.HasField("active"):
        answer.active.identity.ClearField("email")
        answer.active.identity.ClearField("name")


def _keep_for_ever():
    kept: dict[bytes, Answer] = {}

    def answer(asked, got, _again):
        if (asked.method, asked.target) != (b"GET", b"/private"):
            return got
        cookie = asked.header("cookie") or b""
        if got.status == 200:
            kept[cookie] = got
        return kept.get(cookie, got)

    return answer


REQUESTS: dict[str, Broken] = {
    "keeps return places to itself": Broken(
        (
            "redirects: a login with a place elsewhere is 400",
            "redirects: a logout with a place elsewhere is 400",
            "redirects: a path is a place to go",
            "redirects: the front end is a place to go",
        ),
        request=_hide_place,
    ),
    "passes on the first of two return places": Broken(("redirects: two places are 400",), request=_first_place),
    "tidies return places": Broken(
        (
            "redirects: a login by fetch with a place elsewhere is 400",
            "redirects: a logout with a place elsewhere ends nothing",
            "redirects: the refusal says which are allowed",
        ),
        request=_tidy_place,
    ),
    "refuses large bodies": Broken(
        (
            "bodies: a body of 1 MB reaches the application",
            "bodies: a denial comes however large the body",
            "bodies: a 401 comes however large the body",
            "bodies: a logout with a large body is answered",
            "bodies: a 405 with a body is answered",
        ),
        answer=_refuse_large_bodies,
    ),
    "takes no chunks": Broken(("bodies: a chunked body reaches the application",), answer=_chunks_unread),
    "looks for the token in bodies": Broken(
        ("bodies: a token in the body does not count",), request=_token_from_the_body
    ),
    "looks for the return place in bodies": Broken(
        ("bodies: a logout is led nowhere by a form", "bodies: a logout is led nowhere by JSON"),
        request=_place_from_the_body,
    ),
    "hides that a request opens a WebSocket": Broken(
        (
            "websocket: the upgrade header arrives",
            "websocket: an upgrade of a foreign origin is 403",
            "websocket: an upgrade of no origin is 403",
        ),
        request=_hide_upgrade,
    ),
    "lets a token open a WebSocket": Broken(
        ("websocket: an upgrade with a token needs an origin all the same",), request=_trust_upgrades_with_a_token
    ),
    "runs guarded handlers at preflights": Broken(
        (
            "guards: a preflight for GET is answered by the guard",
            "guards: a preflight from a foreign origin is told nothing",
            "guards: a preflight with a session never reaches the handler",
            "guards: until there are settings a preflight is 503",
        ),
        answer=_run_at_preflights,
    ),
    "runs guarded handlers at OPTIONS": Broken(
        (
            "guards: OPTIONS without a session is 401",
            "guards: options with no Origin is judged as every request",
            "guards: options with no method to ask for is judged as every request",
        ),
        answer=_run_at_options,
    ),
    "refuses preflights": Broken(
        ("guards: a preflight is answered as on the edges own routes",), answer=_refuse_preflights
    ),
    "takes the dead for the living": Broken(
        (
            "scenarios: a session that is revoked while it is used is dead at once",
            "scenarios: an expired session does not get in",
            "scenarios: nobody is 401",
            "guards: GET without a session is 401",
        ),
        reply=_dead_is_alive,
    ),
    "forgets who somebody is": Broken(("scenarios: somebody is told who they are",), reply=_no_names),
    "keeps answers for ever": Broken(
        (
            "keeping: a logout is known at once",
            "keeping: what another edge ended is heard of",
            "keeping: what an admin ended is heard of",
            "keeping: with the authority away nothing that is kept outlives it",
        ),
        answer=_keep_for_ever(),
    ),
    "starts with whatever it is given": Broken(
        (
            "start: no address is a fault that names the setting",
            "start: an API key of two lines is a fault that names the setting",
            "start: a missing tls file is a fault that names the setting",
        ),
        program="echo ready",
    ),
    "ends without a word": Broken(
        (
            "start: no API key is a fault that names the setting",
            "start: an address with a path is a fault that names the setting",
            "start: a TLS file for plaintext is a fault that names the setting",
        ),
        program="exit 1",
    ),
    "keeps its log to itself": Broken(
        (
            "start: plaintext to another machine is warned of",
            "start: where nobody is reached the log names the address",
        ),
        program='exec "$EDGE" 2>/dev/null',
    ),
    "warns of every address": Broken(
        (
            "start: plaintext to localhost is no cause for a warning",
            "start: plaintext to another loopback address is no cause for a warning",
        ),
        program='echo "GATELODGE_ADDRESS: all of it goes in clear"; exec "$EDGE"',
    ),
    "blames the key for an address": Broken(
        (
            "start: where address and key are missing the address is named",
            "start: where nobody is reached the log names the address",
            "start: where another server answers the log names the address",
        ),
        program='echo GATELODGE_API_KEY; exec "$EDGE"',
    ),
}
