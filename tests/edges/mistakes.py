"""Owns the ways to be broken: mistakes that somebody makes who writes an edge, each with the cases that must notice it.
Does not know how they are put before an edge."""

import dataclasses
import re
import time
from collections.abc import Callable
from urllib.parse import unquote_to_bytes, urlsplit

from .api_mistakes import APIS
from .bearer_mistakes import BEARER
from .broken import Asked, Broken
from .channel_mistakes import CHANNELS
from .form_mistakes import FORMS
from .keeping_mistakes import KEEPING
from .request_mistakes import REQUESTS
from .session_mistakes import SESSIONS
from .spa_mistakes import SPAS
from .wire import Answer, compose, exchange


def _drop(*names: str):
    def answer(_asked, got, _again):
        got.headers = [(name, value) for name, value in got.headers if name not in names]

    return answer


def _add(name: str, value: str, when: Callable[[Asked, Answer], bool] = lambda _asked, _got: True):
    def answer(asked, got, _again):
        if when(asked, got):
            got.headers.append((name, value))

    return answer


def _drop_a_set_cookie(_asked, got, _again):
    first = got.all("set-cookie")[:1]
    got.headers = [(name, value) for name, value in got.headers if name != "set-cookie" or [value] == first]


def _tell_utf_8(_asked, got, _again):
    got.headers = [(n, re.sub("charset=.*", "charset=utf-8", value)) for n, value in got.headers]


def _join_set_cookies(_asked, got, _again):
    joined = ", ".join(got.all("set-cookie"))
    _drop("set-cookie")(_asked, got, _again)
    if joined:
        got.headers.append(("set-cookie", joined))


def _last_of_doubled_cookies(asked):
    pairs = [pair.strip() for pair in (asked.header("cookie") or b"").split(b";")]
    kept = {pair.partition(b"=")[0]: pair for pair in pairs}
    asked.change("cookie", lambda _value: b"; ".join(kept.values()))


def _follow_redirects(_asked, got, _again):
    place = urlsplit(got.header("location") or "")
    if got.status not in (302, 303) or place.hostname not in ("127.0.0.1", "localhost"):
        return None
    target = place.path + (f"?{place.query}" if place.query else "")
    return exchange((place.hostname, place.port), compose("GET", target, [("host", place.netloc)]))


def _redirect_every_401(_asked, got, _again):
    if got.status == 401:
        return Answer(302, [("location", "/auth/web/login")], b"")
    return None


def _never_redirect(_asked, got, _again):
    if got.status == 302 and (got.header("location") or "").startswith("/auth/web/login"):
        got.status = 401


def _log_out_on_503(_asked, got, _again):
    if got.status == 503:
        got.headers.append(("set-cookie", "session=; Path=/; Max-Age=0"))


def _503_is_401(_asked, got, _again):
    if got.status == 503:
        got.status = 401


def _reflect_origin(asked, got, _again):
    origin = asked.header("origin")
    if origin and not got.all("access-control-allow-origin"):
        got.headers.append(("access-control-allow-origin", origin.decode("latin-1")))
        got.headers.append(("access-control-allow-credentials", "true"))


def _keep_405_from_other_origins(asked, got, again):
    if got.status == 405:
        _drop("access-control-allow-origin")(asked, got, again)


def _decode_query(asked):
    path, mark, query = asked.target.partition(b"?")
    decoded = re.sub(rb"%(2[fF]|3[dD]|20)", lambda found: unquote_to_bytes(found[0]).replace(b" ", b"+"), query)
    asked.target = path + mark + decoded


def _believe_forwarded_host(asked):
    forwarded = asked.header("x-forwarded-host")
    if forwarded:
        asked.change("host", lambda _value: forwarded)


def _obey_method_override(asked):
    asked.method = asked.header("x-http-method-override") or asked.method


def _head_as_get(asked, got, again):
    if asked.method != b"HEAD":
        return None
    got = again(dataclasses.replace(asked, method=b"GET"))
    got.body = b""
    return got


def _404_for_405(_asked, got, _again):
    if got.status == 405:
        got.status = 404


def _repeat_on_503(asked, got, again):
    return again(asked) if got.status == 503 else None


def _repeat_application_requests(asked, _got, again):
    return again(asked) if asked.target in (b"/private", b"/optional") else None


def _join_lines(name: str):
    def request(asked):
        joined = b", ".join(value for found, value in asked.headers if found.lower() == name.encode())
        asked.headers = [(n, value) for n, value in asked.headers if n.lower() != name.encode()]
        if joined:
            asked.headers.append((name.encode(), joined))

    return request


def _first_lines(name: str, most: int):
    def request(asked):
        kept = [header for header in asked.headers if header[0].lower() == name.encode()][:most]
        asked.headers = [header for header in asked.headers if header[0].lower() != name.encode()] + kept

    return request


def _validate_preflights(asked):
    if asked.method == b"OPTIONS" and asked.target == b"/private":
        asked.method = b"GET"


def _recode_location(_asked, got, _again):
    got.headers = [(name, value.replace("%20", "+") if name == "location" else value) for name, value in got.headers]


def _body_as_text(_asked, got, _again):
    got.body = got.body.decode("utf-8", "replace").encode()


def _share_answers() -> Callable:
    kept: dict[bytes, tuple[float, Answer]] = {}

    def answer(asked, got, _again):
        if asked.target != b"/auth/me":
            return None
        at, earlier = kept.get(asked.target, (0.0, got))
        if time.monotonic() - at < 1:
            return earlier
        kept[asked.target] = time.monotonic(), got
        return got

    return answer


def _answer_late(_asked, got, _again):
    if got.status == 503:
        time.sleep(3)


def _refuse_large_headers(_asked, got, _again):
    large = any(len(value) > 8000 for _, value in _asked.headers)
    return Answer(431, [], b"") if large else got


def _peer_from_forwarded(call):
    if call.request.DESCRIPTOR.fields_by_name.get("context") and call.request.context.x_forwarded_for:
        call.request.context.peer_address = call.request.context.x_forwarded_for[0]


def _path_as_target(call):
    if call.request.DESCRIPTOR.fields_by_name.get("context"):
        call.request.context.target = call.request.context.target.partition(b"?")[0]


def _no_deadline(call):
    call.seconds_left = None


def _believe_what_was_not_judged(_method, answer):
    if answer.DESCRIPTOR.name == "ValidateSessionResponse" and answer.HasField("active"):
        judged = answer.active.judged
        judged.csrf = True
        judged.scopes[:] = ["admin"]
        judged.max_login_age.seconds, judged.max_login_age.nanos = 1, 0
        judged.roles[:], judged.permissions[:], judged.email_verified = ["clerk"], ["orders.pay"], True
        judged.acr_values[:], judged.amr_values[:] = ["2"], ["otp"]


def _unknown_is_inactive(_method, answer):
    if answer.DESCRIPTOR.name == "ValidateSessionResponse" and not answer.WhichOneof("outcome"):
        answer.inactive.reason = 1


def _clean_answers(_method, answer):
    if answer.DESCRIPTOR.name == "StartLoginResponse":
        for header in answer.answer.headers:
            header.value = re.sub("[\r\n\0]", " ", header.value)


def _ignore_versions(_method, answer):
    if answer.DESCRIPTOR.fields_by_name.get("settings_version"):
        answer.settings_version = ""


def _own_cors_values(_asked, got, _again):
    own = {"access-control-max-age": "600", "access-control-allow-headers": "content-type, x-csrf-token"}
    got.headers = [(name, own.get(name, value)) for name, value in got.headers]


SWITCHES: dict[str, Broken] = {
    **BEARER,
    **CHANNELS,
    **FORMS,
    **SPAS,
    **APIS,
    **KEEPING,
    **REQUESTS,
    **SESSIONS,
    "has CORS values of its own": Broken(
        (
            "settings: headers for other origins are those of the settings",
            "settings: headers for other origins change while the edge runs",
        ),
        answer=_own_cors_values,
    ),
    "delivers only the first cookie": Broken(
        (
            "answers: every cookie is a header of its own in this order",
            "logout: several cookies to clear are several headers",
        ),
        answer=_drop_a_set_cookie,
    ),
    "joins cookies into one header": Broken(
        ("answers: every cookie is a header of its own in this order",), answer=_join_set_cookies
    ),
    "decodes cookies": Broken(
        ("cookies: in the cookie header: percent escapes stay",),
        request=lambda asked: asked.change("cookie", unquote_to_bytes),
    ),
    "takes the quotes from cookies": Broken(
        ("cookies: in the cookie header: quotes stay", "cookies: on an applications route: quotes stay"),
        request=lambda asked: asked.change("cookie", lambda value: value.replace(b'"', b"")),
    ),
    "keeps one of doubled cookies": Broken(
        ("cookies: in the cookie header: doubled cookies all arrive in order",), request=_last_of_doubled_cookies
    ),
    "takes cookies for text": Broken(
        ("cookies: in the cookie header: bytes that are not UTF-8 stay",),
        request=lambda asked: asked.change("cookie", lambda value: value.decode("utf-8", "replace").encode()),
    ),
    "takes equals signs for padding": Broken(
        ("cookies: in the cookie header: equals signs stay",),
        request=lambda asked: asked.change("cookie", lambda value: value.rstrip(b"=")),
    ),
    "refuses large headers": Broken(
        ("cookies: in the cookie header: 10 kB are cut to one byte more than allowed",), answer=_refuse_large_headers
    ),
    "follows redirects": Broken(
        ("login: a login leads to the provider and binds the browser", "login: a whole login makes a session"),
        answer=_follow_redirects,
    ),
    "recodes the location": Broken(("login: the location is copied byte for byte",), answer=_recode_location),
    "redirects a fetch": Broken(
        ("application: an xhr is never redirected", "me: nobody is 401 json to a fetch"), answer=_redirect_every_401
    ),
    "never redirects a person": Broken(
        ("application: a person without a session is sent to the login and back to a path",), answer=_never_redirect
    ),
    "logs out on 503": Broken(
        (
            "trouble: the status INTERNAL is 503 and keeps the cookie",
            "trouble: with the authority away all is 503 and then well again",
        ),
        answer=_log_out_on_503,
    ),
    "takes trouble for nobody": Broken(
        ("trouble: the status UNAUTHENTICATED is 503 and keeps the cookie",), answer=_503_is_401
    ),
    "says no time to come back": Broken(("trouble: a retry info of 7 s is rounded up",), answer=_drop("retry-after")),
    "forgets no-store": Broken(("caching: the answer to somebody is nobodys to keep",), answer=_drop("cache-control")),
    "forgets Vary": Broken(("caching: the answer to nobody is nobodys to keep",), answer=_drop("vary")),
    "forgets nosniff": Broken(
        ("caching: the answer to a login is nobodys to keep",), answer=_drop("x-content-type-options")
    ),
    "lets itself be framed": Broken(
        ("caching: the answer to nobody is nobodys to keep",), answer=_drop("content-security-policy")
    ),
    "demands https over http": Broken(
        ("caching: the scheme http demands no https",), answer=_add("strict-transport-security", "max-age=1")
    ),
    "shares with every origin": Broken(
        ("cors: a foreign origin may read nothing", "cors: a preflight from the origin null is told nothing"),
        answer=_reflect_origin,
    ),
    "shares with a star": Broken(("cors: no answer ever says star",), answer=_add("access-control-allow-origin", "*")),
    "forgets the origins of 405": Broken(
        ("cors: an allowed origin may read a 405",),
        answer=lambda asked, got, again: (
            _drop("access-control-allow-origin")(asked, got, again) if got.status == 405 else None
        ),
    ),
    "decodes the query": Broken(("context: the query arrives undecoded: plus and space",), request=_decode_query),
    "believes X-Forwarded-Host": Broken(
        ("spoofing: X-Forwarded-Host leads a login nowhere else",), request=_believe_forwarded_host
    ),
    "believes X-Forwarded-For": Broken(
        ("context: the peer is the tcp peer without its port",), question=_peer_from_forwarded
    ),
    "joins the lines of X-Forwarded-For": Broken(
        ("context: the lines of x forwarded for stay apart",), request=_join_lines("x-forwarded-for")
    ),
    "keeps the beginning of X-Forwarded-For": Broken(
        (
            "context: of long forwarded lines the end arrives",
            "context: of many forwarded lines the last 64 arrive",
        ),
        request=_first_lines("x-forwarded-for", 4),
    ),
    "passes the path without its query": Broken(
        ("context: the target is that of the request line: a plain query",), question=_path_as_target
    ),
    "drops the CSRF header": Broken(
        ("csrf: the right token passes",),
        request=lambda asked: asked.headers.__setitem__(
            slice(None), [(name, value) for name, value in asked.headers if name.lower() != b"x-csrf-token"]
        ),
    ),
    "obeys X-HTTP-Method-Override": Broken(
        ("methods: X-HTTP-Method-Override changes no method",), request=_obey_method_override
    ),
    "takes HEAD for GET": Broken(("methods: head on /auth/web/login is 405 without a body",), answer=_head_as_get),
    "says 404 for 405": Broken(
        (
            "methods: what /auth/me does not take is 405 and calls nothing",
            "methods: an odd method on /auth/me is 405 too",
        ),
        answer=_404_for_405,
    ),
    "forgets Allow": Broken(
        ("methods: options on /auth/me is 204 with allow and calls nothing",), answer=_drop("allow")
    ),
    "drops the request id": Broken(
        ("injection: a request id of one letter is kept",),
        request=lambda asked: asked.change("x-request-id", lambda _value: b""),
    ),
    "begins a login again by itself": Broken(
        ("trouble: GET /auth/web/login is never repeated",), answer=_repeat_on_503
    ),
    "waits past its deadline": Broken(
        ("trouble: a slow authority is waited for 2 s at /auth/me",), answer=_answer_late
    ),
    "tells no deadline": Broken(
        ("context: the deadline of GET /auth/me is told to the authority",), question=_no_deadline
    ),
    "asks twice": Broken(("application: one request is one question",), answer=_repeat_application_requests),
    "validates preflights": Broken(("application: a preflight is not validated",), request=_validate_preflights),
    "touches unknown paths": Broken(
        ("application: an unknown path is left to the framework",), answer=_add("vary", "Cookie")
    ),
    "tells a charset of its own": Broken(("answers: a content type in iso-8859-1 means the same",), answer=_tell_utf_8),
    "takes bodies for text": Broken(("answers: a body is copied byte for byte",), answer=_body_as_text),
    "mends what can't be copied": Broken(
        ("answers: of an answer with a line end in a header nothing is copied",), reply=_clean_answers
    ),
    "shares answers between people": Broken(("me: many at once are never mixed up",), answer=_share_answers()),
    "believes what was not judged": Broken(
        (
            "generations: where the scope was not judged it is 503",
            "generations: where the login's age was not judged it is 503",
            "generations: where the role was not judged it is 503",
            "generations: where the login's class was not judged it is 503",
            "generations: where nothing at all was judged an unsafe request is 503",
        ),
        reply=_believe_what_was_not_judged,
    ),
    "takes an unknown outcome for nobody": Broken(
        ("generations: an outcome that is unknown is 503", "generations: an outcome that is unset is 503"),
        reply=_unknown_is_inactive,
    ),
    "follows no settings": Broken(
        ("settings: an answer that names another version leads to new settings",), reply=_ignore_versions
    ),
}
