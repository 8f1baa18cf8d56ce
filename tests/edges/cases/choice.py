"""A login beyond the limit of sessions: the callback asks which of them end, and takes the choice by POST."""

import json
import re
from urllib.parse import urlencode

from gatelodge.v1 import http_answer_pb2, login_pb2

from ..authority import always
from ..browser import FETCH, NAVIGATION
from ..case import case, each, equal, error, guarded, no_cookie, status, true
from ..programs import Authority

CALLBACK = "/auth/web/callback"
JSON = ("content-type", "application/json")
FORM = ("content-type", "application/x-www-form-urlencoded")
LIMIT = {"app": {"sessions": {"limit": {"max": 1, "on_exceed": "ask"}}}}


def _asked(e, *headers):
    """A browser whose login waits, and the question; beside another browser that is signed in."""
    first, second = e.signed_in(), e.browser()
    question = second.get(second.callback_address(e.authority.provider), headers)
    return first, second, question


def _answered(browser, fields, *headers, kind=JSON):
    body = json.dumps(fields) if kind == JSON else urlencode(fields)
    return browser.post(CALLBACK, [kind, *headers], body.encode())


def _limited(name):
    """A case with an authority that lets nobody have two sessions."""

    def decorate(function):
        def run(s):
            authority = Authority(f"authority-of-{s.tag}", LIMIT)
            try:
                with s.own_edge(authority=authority) as e:
                    function(e)
            finally:
                authority.close()

        run.__name__, run.__module__ = name, function.__module__
        return case(run)

    return decorate


@_limited("a_person_chooses_on_a_page")
def _(e):
    first, second, page = _asked(e, *NAVIGATION)
    status(page, 200)
    # With no-referrer a form's Origin would be null.
    equal((page.header("cache-control"), page.header("referrer-policy")), ("no-store", "same-origin"))
    true(page.header("content-type").startswith("text/html") and second.cookie("session") is None, str(page))
    state = re.search(rb'name="state" value="([^"]+)"', page.body)[1].decode()
    # A reload asks again.
    own = ("origin", e.base_url)
    back = guarded(_answered(second, {"state": state, "end": "oldest"}, own, *NAVIGATION, kind=FORM))
    equal((status(back, 303).header("location"), second.cookie("session") is None), ("/", False))
    status(second.get("/auth/me"), 200)
    error(first.get("/auth/me"), 401, "session_ended")


@_limited("a_script_chooses_by_id")
def _(e):
    first, second, question = _asked(e, *FETCH)
    asked = guarded(error(question, 409, "choose_sessions")).json()
    equal((asked["limit"], len(asked["sessions"])), (1, 1))
    end = {"state": asked["state"], "end": asked["sessions"][0]["session_id"]}
    true(_answered(second, end, *FETCH).status < 400, "the login is complete")
    status(second.get("/auth/me"), 200)
    error(first.get("/auth/me"), 401, "session_ended")


@_limited("who_gives_up_changes_nothing")
def _(e):
    first, second, question = _asked(e, *FETCH)
    got = _answered(second, {"state": question.json()["state"], "end": "cancel"}, *FETCH)
    true(400 <= got.status < 500 and second.cookie("session") is None, str(got))
    status(first.get("/auth/me"), 200)


@_limited("another_browser_and_another_site_choose_nothing")
def _(e):
    first, second, question = _asked(e, *FETCH)
    end = {"state": question.json()["state"], "end": "oldest"}
    no_cookie(error(_answered(e.browser(), end, *FETCH), 400, "other_browser"))
    evil = ("origin", "https://evil.example")
    no_cookie(error(_answered(second, end, evil, *FETCH), 403, "origin_refused"))
    status(first.get("/auth/me"), 200)
    true(_answered(second, end, *FETCH).status < 400, "it still waits for its own browser")


@each({"JSON": (JSON, "json", b'{"state": "\xff"}'), "a form": (FORM, "form", b"state=%ff+\xfe")})
def a_choice_arrives_as_it_came_of_x(s, row):
    kind, field, body = row
    s.post(f"{CALLBACK}?state=y", [("cookie", "session=x; login_binding=y"), kind], body)
    asked = s.asked("CompleteCallback")
    equal((asked.WhichOneof("response"), getattr(asked, field)), (field, body))
    equal([cookie.value for cookie in asked.cookies], [b"x", b"y"])
    equal((asked.context.method, asked.context.target), (b"POST", f"{CALLBACK}?state=y".encode()))


@each({"text": [("content-type", "text/plain")], "no kind": []})
def a_choice_of_x_stays_unread(s, kinds):
    no_cookie(error(s.post(CALLBACK, kinds, b"state=x&end=oldest"), 400, "state_invalid"))
    asked = s.asked("CompleteCallback")
    equal((asked.WhichOneof("response"), asked.form), ("form", b""))


@case
def the_answer_to_a_choice_is_copied_whole(s):
    whole = http_answer_pb2.HttpAnswer(status=418, location="/tea", set_cookies=["a=1", "b=2"], body=b"\xff")
    s.rule("CompleteCallback", always(login_pb2.CompleteCallbackResponse(answer=whole)))
    got = guarded(status(s.post(CALLBACK, [JSON], b"{}"), 418))
    equal((got.all("set-cookie"), got.header("location"), got.body), (["a=1", "b=2"], "/tea", b"\xff"))
