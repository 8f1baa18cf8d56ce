"""The scenarios that drive the fakes of all languages, played on this fake through every framework."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.applications.given import Given, as_in_scenarios
from tests.applied.browsers import BROWSERS, Browser, Got

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatelodge.testing import FakeAuthority

FILE = Path(__file__).parents[3] / "scenarios.json"
SCENARIOS = {scenario["name"]: scenario for scenario in json.loads(FILE.read_text())["scenarios"]}


@pytest.fixture
def fake_authority() -> FakeAuthority:
    return as_in_scenarios()


@pytest.fixture(params=[*((name, 0) for name in BROWSERS), ("flask", 100)], ids=lambda param: f"{param[0]}-{param[1]}")
def browser(request: pytest.FixtureRequest, fake_authority: FakeAuthority) -> Iterator[Browser]:
    name, keep_answers = request.param
    browser = BROWSERS[name]
    with fake_authority.behind(browser.application, keep_answers=keep_answers):
        yield browser


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(browser: Browser, fake_authority: FakeAuthority, name: str) -> None:
    scenario = SCENARIOS[name]
    given = Given(scenario["given"], fake_authority)
    for step in [scenario, *scenario.get("then", [])]:
        if step is not scenario:
            given.change(step.get("given", {}))
        request = step["request"]
        got = browser.ask(
            request["method"], request["path"], dict(request["headers"]), request.get("body", "").encode()
        )
        compare(got, step["expect"])


def compare(got: Got, expected: dict[str, Any]) -> None:
    assert got.status == expected["status"], got
    for name, value in expected.get("headers", {}).items():
        assert got.header(name) == value, name
    vary = {name.strip() for name in (got.header("vary") or "").split(",")}
    assert set(expected.get("vary", ())) <= vary
    if "json" in expected:
        body = json.loads(got.body)
        assert {name: body[name] for name in expected["json"]} == expected["json"]
    if "body" in expected:
        assert got.body.decode() == expected["body"]
    if "set_cookies" in expected:
        pairs = [line.partition(";")[0] for line in got.all("set-cookie")]
        assert [pair for pair in pairs if pair.startswith("session=")] == expected["set_cookies"]
