"""clients/scenarios.json, played on this edge with the reference fake: so the fakes of all languages are held to what
an edge really answers."""

from ..case import case, each, equal, true
from ..fake import FakeAuthority
from ..scenarios import load


@each(load())
def x(s, scenario):
    fake = FakeAuthority(scenario["given"])
    s.rule("ValidateSession", fake.validate_session)
    s.rule("StartLogout", fake.start_logout)
    s.rule("RefreshTokens", fake.refresh_tokens)
    s.rule("GetUserInfo", fake.get_user_info)
    s.rule("ListUserSessions", fake.list_user_sessions)
    s.rule("Revoke", fake.revoke)
    s.rule("ValidateToken", fake.validate_token)
    s.rule("HandleBackchannelLogout", fake.handle_backchannel_logout)
    s.rule("HandleFrontchannelLogout", fake.handle_frontchannel_logout)
    s.rule("StartLogin", fake.pass_on)
    s.rule("CompleteCallback", fake.pass_on)
    for step in [scenario, *scenario.get("then", [])]:
        if step is not scenario:
            fake.change(step.get("given", {}))
        asked, expected = step["request"], step["expect"]
        as_expected(sent(s, asked), expected)


@case
def those_without_sessions_are_the_real_authoritys_answers_too(s):
    for scenario in load().values():
        given = scenario["given"]
        if not given["sessions"] and "tokens" not in given and given["authority"] == "up":
            as_expected(sent(s, scenario["request"]), scenario["expect"])


def sent(s, asked):
    """The answer to a scenario's request, in a browser of its own: all scenarios have the same few cookies, and an edge
    that keeps answers gives one answer to those who ask the same at the same time."""
    body = asked.get("body", "").encode() if asked["method"] == "POST" else None
    browser = ("user-agent", s.tag)
    return s.request(asked["method"], asked["path"], [browser, *map(tuple, asked["headers"])], body)


def as_expected(got, expected):
    """An answer is what its scenario expects."""
    equal(got.status, expected["status"], str(got))
    for name, value in expected.get("headers", {}).items():
        equal(got.header(name), value, name)
    true({name.lower() for name in expected.get("vary", [])} <= got.words("vary"), f"Vary: {got}")
    if "json" in expected:
        body = got.json()
        equal({name: body.get(name, "absent") for name in expected["json"]}, expected["json"])
    if "body" in expected:
        equal(got.body, expected["body"].encode())
    if "set_cookies" in expected:
        session = [line.split(";")[0] for line in got.all("set-cookie") if line.startswith("session=")]
        equal(session, expected["set_cookies"])
