"""Who is logged in: /auth/me."""

from concurrent.futures import ThreadPoolExecutor

from ..authority import changed, revoke
from ..browser import FETCH, NAVIGATION, XHR
from ..case import body_is, case, each, equal, error, guarded, no_cookie, status, true


@case
def it_says_who_with_a_fresh_csrf_token(s):
    got = guarded(status(s.get("/auth/me", [s.cookie()]), 200))
    token = got.header("x-csrf-token")
    true(token.startswith("csrf_"), str(got))
    expected = {"user_id": "dev_testuser1", "email": "testuser1@example.com", "name": "Tessa Usher", "provider": "dev"}
    body_is(got, {**expected, "csrf_token": token})


@case
def what_the_provider_did_not_give_is_null(s):
    def nameless(answer):
        answer.active.identity.email = answer.active.identity.name = ""

    s.rule("ValidateSession", changed(nameless))
    got = s.get("/auth/me", [s.cookie()]).json()
    equal((got["email"], got["name"]), (None, None))


@case
def text_beyond_ascii_arrives(s):
    def named(answer):
        answer.active.identity.name = 'Zoë "Ω" \\ 𝄞 \u2028\n'

    s.rule("ValidateSession", changed(named))
    equal(s.get("/auth/me", [s.cookie()]).json()["name"], 'Zoë "Ω" \\ 𝄞 \u2028\n')


@each({"a fetch": FETCH, "an old XHR": XHR, "a person's click": NAVIGATION, "a bare request": []})
def nobody_is_401_json_to_x(s, headers):
    guarded(no_cookie(error(s.get("/auth/me", headers), 401, "not_signed_in")))


@case
def it_asks_for_json_a_token_and_cookies(s):
    s.get("/auth/me", [("cookie", "session=x")])
    asked = s.asked("ValidateSession")
    equal((asked.answer_json, asked.issue_csrf_token, asked.can_set_cookies), (True, True, True))
    true(not asked.HasField("touch") or asked.touch, "a visit counts as use")


@case
def head_is_as_get_without_the_body(s):
    cookie = s.cookie()
    got = guarded(status(s.request("HEAD", "/auth/me", [cookie]), 200))
    equal(got.body, b"")
    true((got.header("x-csrf-token") or "").startswith("csrf_"), str(got))
    equal(s.calls("ValidateSession")[-1].request.context.method, b"HEAD")


@case
def head_without_a_session_is_401_without_a_body(s):
    equal(guarded(status(s.request("HEAD", "/auth/me"), 401)).body, b"")


@case
def a_query_changes_nothing(s):
    status(s.get("/auth/me?x=%ff&user_id=admin", [s.cookie()]), 200)


@case
def a_cookie_that_is_renewed_is_delivered(s):
    value = s.signed_in().cookie("session")
    got = status(s.get("/auth/me", [("cookie", b"former_session=" + value)]), 200)
    true(got.header("set-cookie").startswith("session=" + value.decode()), str(got))


@case
def an_ended_session_is_401_and_keeps_the_cookie(s):
    headers = s.with_token()
    status(s.post("/auth/web/logout", headers), 200)
    no_cookie(error(s.get("/auth/me", headers), 401, "session_ended"))


@case
def a_session_that_an_admin_ended_is_401(s):
    found = []
    s.rule("ValidateSession", changed(lambda answer: found.append(answer.active.session.session_id)))
    cookie = s.cookie()
    status(s.get("/auth/me", [cookie]), 200)
    revoke(s.authority.address, s.authority.key("admin"), found[0])
    no_cookie(error(s.get("/auth/me", [cookie]), 401, "session_ended"))
    error(s.get("/private", [cookie, *FETCH]), 401, "session_ended")


@case
def a_denial_is_the_authoritys_answer(s):
    def denied(answer):
        answer.denied.reason = 5
        answer.denied.answer.status = 403
        answer.denied.answer.content_type = "application/json"
        answer.denied.answer.body = b'{"reason":"origin_refused","detail":"d","request_id":"r"}'

    s.rule("ValidateSession", changed(denied))
    guarded(error(s.get("/auth/me", [s.cookie()]), 403, "origin_refused"))


@case
def many_at_once_are_never_mixed_up(s):
    people = {f"dev_testuser{user + 1}": s.cookie(user) for user in (0, 1)}

    def ask(number):
        user = f"dev_testuser{number % 2 + 1}"
        return user, s.get("/auth/me", [people[user]]).json()["user_id"]

    with ThreadPoolExecutor(12) as pool:
        for expected, got in pool.map(ask, range(60)):
            equal(got, expected)
