"""A form's logout: its body is passed on as it came, bounded in size and time, and no other body is."""

import socket
import threading
import time

from ..authority import changed
from ..browser import FETCH, NAVIGATION
from ..case import case, each, equal, error, guarded, no_cookie, status, true
from ..wire import compose, parse

FORM = ("content-type", "application/x-www-form-urlencoded")
PATH = "/auth/web/logout"


def _session(s):
    cookie, (_, token) = s.with_token()
    return cookie, b"csrf_token=" + token.encode()


@case
def a_form_logs_out_with_its_token_in_the_body(s):
    cookie, form = _session(s)
    got = guarded(status(s.post(PATH, [cookie, FORM, *NAVIGATION], form), 303))
    true(got.header("set-cookie").startswith("session=;"), str(got))
    error(s.get("/auth/me", [cookie]), 401, "session_ended")


@case
def a_chunked_form_logs_out_too(s):
    cookie, form = _session(s)
    chunks = b"%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (5, form[:5], len(form) - 5, form[5:])
    status(s.post(PATH, [cookie, FORM, ("transfer-encoding", "chunked")], chunks), 200)
    equal(s.asked("StartLogout").form, form)


@each(
    {
        "no token": b"other=1",
        "an empty form": b"",
        "a wrong token": b"csrf_token=wrong",
        "bytes as token": b"csrf_token=%C3%28",
        "an empty token": b"csrf_token=",
    }
)
def with_x_it_is_refused_and_the_session_lives(s, form):
    cookie, _ = _session(s)
    no_cookie(guarded(status(s.post(PATH, [cookie, FORM, *FETCH], form), 400, 403)))
    status(s.get("/auth/me", [cookie]), 200)


@case
def a_token_that_comes_twice_is_400_and_the_session_lives(s):
    cookie, form = _session(s)
    no_cookie(guarded(error(s.post(PATH, [cookie, FORM, *FETCH], form + b"&" + form), 400, "request_malformed")))
    status(s.get("/auth/me", [cookie]), 200)


@case
def a_wrong_header_counts_before_the_form(s):
    cookie, form = _session(s)
    error(s.post(PATH, [cookie, FORM, ("x-csrf-token", "wrong")], form), 403, "csrf_mismatch")


@case
def a_foreign_page_cannot_log_out_with_a_form(s):
    cookie, form = _session(s)
    no_cookie(error(s.post(PATH, [cookie, FORM, ("origin", "https://evil.example")], form), 403, "origin_refused"))


@each(
    {
        "escapes and a plus": b"csrf_token=%61%2B+b&x=%zz",
        "bytes that are not UTF-8": b"a=\xff\xfe\x00&b=\r\n",
        "doubled and empty names": b"a=1&a=2&&=&b",
        "spaces around it": b"  csrf_token = x  ",
    }
)
def x_in_a_form_arrive_as_they_came(s, form):
    s.post(PATH, [FORM], form)
    equal(s.asked("StartLogout").form, form)


@each(
    {
        "plain": "application/x-www-form-urlencoded",
        "in mixed case": "Application/X-WWW-Form-UrlEncoded",
        "with parameters": "application/x-www-form-urlencoded; charset=utf-8; x=y",
        "with spaces": "application/x-www-form-urlencoded  ;charset=utf-8",
    }
)
def a_content_type_x_is_a_forms(s, label):
    s.post(PATH, [("content-type", label)], b"csrf_token=x")
    equal(s.asked("StartLogout").form, b"csrf_token=x")


@each(
    {
        "JSON": "application/json",
        "plain text": "text/plain",
        "multipart": "multipart/form-data; boundary=x",
        "nonsense": "x",
        "one that begins right": "application/x-www-form-urlencoded-not",
        "a parameter that looks right": "text/plain; application/x-www-form-urlencoded",
        "a list": "application/x-www-form-urlencoded, text/plain",
        "nothing": "",
    }
)
def a_body_labelled_x_is_not_passed_on(s, label):
    cookie, form = _session(s)
    error(s.post(PATH, [cookie, ("content-type", label), *FETCH], form), 403, "csrf_mismatch")
    equal(s.asked("StartLogout").form, b"")


@case
def a_body_without_a_label_is_not_passed_on(s):
    cookie, form = _session(s)
    error(s.post(PATH, [cookie, *FETCH], form), 403, "csrf_mismatch")
    equal(s.asked("StartLogout").form, b"")


@each({"/auth/me": "/auth/me", "/private": "/private"})
def a_form_to_x_leads_nowhere(s, path):
    cookie, form = _session(s)
    status(s.post(path, [cookie, FORM, *FETCH], form), 403, 405)
    equal(s.calls("StartLogout"), [])


# How large and how slow it may be.


@case
def a_form_of_100_kb_is_400_and_the_session_lives(s):
    cookie, form = _session(s)
    no_cookie(error(s.post(PATH, [cookie, FORM, *FETCH], form + b"&x=" + b"a" * 100_000), 400, "request_malformed"))
    status(s.get("/auth/me", [cookie]), 200)


@each({"20 bytes": (20, 19), "its very limit": (20, 20), "a byte more": (20, 21), "any": (20, 500), "0": (0, 200_000)})
def a_form_is_cut_past_the_limit_of_the_settings(s, row):
    limit, sent = row

    def small(answer):
        answer.settings.limits.max_body_bytes = limit

    with s.own_edge(rules={"GetEdgeSettings": changed(small)}) as e:
        e.post(PATH, [FORM], b"a" * sent)
        equal(len(e.asked("StartLogout").form), min(sent, (limit or 65536) + 1))


def _begin(s, headers=(FORM,), announced=200):
    """Sends the head of a logout and a little of its body."""
    connection = socket.create_connection(s.site.address, timeout=30)
    lines = [("host", s.host), ("x-request-id", s.tag), *headers, ("content-length", str(announced))]
    connection.sendall(compose("POST", PATH, lines) + b"csrf_token=")
    return connection


def _answer(connection, seconds):
    """What came until the other side closed, or until the whole of an answer with a length was there."""
    received, end = b"", time.monotonic() + seconds
    while time.monotonic() < end:
        connection.settimeout(max(end - time.monotonic(), 0.01))
        try:
            part = connection.recv(65536)
        except ConnectionError:
            part = b""
        except TimeoutError:
            break
        received += part
        if not part or (b"\r\n\r\n" in received and received.rstrip().endswith(b"}")):
            return parse(received) if received else None
    raise AssertionError(f"no answer within {seconds} s")


@case
def a_form_that_stays_away_is_408_and_calls_nothing(s):
    begun = time.monotonic()
    with _begin(s) as connection:
        got = _answer(connection, 16)
    no_cookie(guarded(error(got, 408, "REQUEST_TIMEOUT")))
    true(9 < time.monotonic() - begun < 14, f"after {time.monotonic() - begun:.1f} s")
    equal(s.calls(), [])


@case
def a_form_that_trickles_is_408_too(s):
    with _begin(s) as connection:
        stop = threading.Event()

        def trickle():
            while not stop.wait(0.5):
                try:
                    connection.sendall(b"a")
                except OSError:
                    return

        threading.Thread(target=trickle, daemon=True).start()
        try:
            error(_answer(connection, 16), 408, "REQUEST_TIMEOUT")
        finally:
            stop.set()
    equal(s.calls(), [])


@case
def a_form_that_takes_a_while_is_taken(s):
    cookie, form = _session(s)
    with _begin(s, [cookie, FORM], len(form)) as connection:
        time.sleep(4)
        connection.sendall(form.removeprefix(b"csrf_token="))
        status(_answer(connection, 10), 200)


@each({"leaves": False, "stops sending": True})
def a_form_whose_browser_x_calls_nothing(s, stays):
    with _begin(s) as connection:
        if stays:
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(5)
            received = connection.recv(65536)
            true(not received or parse(received, is_head=True).status == 400, repr(received))
    time.sleep(1)
    equal(s.calls(), [])


@case
def a_body_that_is_no_form_is_not_waited_for(s):
    begun = time.monotonic()
    with _begin(s, [("content-type", "text/plain")]) as connection:
        status(_answer(connection, 8), 200)
    true(time.monotonic() - begun < 5, f"after {time.monotonic() - begun:.1f} s")
