"""The README's programs, run as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi.testclient import TestClient

from gatelodge.testing import FakeAuthority

if TYPE_CHECKING:
    import pytest

    from tests.whole.dev import Dev

README = (Path(__file__).parents[2] / "README.md").read_text()
PROGRAMS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


def program(containing: str) -> str:
    (found,) = [text for text in PROGRAMS if containing in text]
    return str(found)


def test_the_quick_start_is_short() -> None:
    quick_start = program("from gatelodge.fastapi import Gatelodge, Session")
    own = [line for line in quick_start.splitlines() if line and not line.startswith(("from", "import"))]
    assert len(own) <= 5, "five lines beside the imports"


def test_the_test_of_an_application_passes_as_written(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(program("from gatelodge.fastapi import Gatelodge, Session"))
    (tmp_path / "test_main.py").write_text(program("fake_authority.behind(gatelodge)"))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--asyncio-mode=auto"]
    done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True, timeout=60)
    assert "2 passed" in done.stdout, done.stdout


def test_the_api_lets_in_by_token() -> None:
    scope: dict[str, Any] = {"__name__": "readme"}
    exec(program("require_token(scopes"), scope)
    authority = FakeAuthority()
    with authority.behind(scope["gatelodge"]):
        client = TestClient(scope["api"])
        assert client.get("/reports").headers["www-authenticate"] == "Bearer"
        token = authority.issue_token("google_1", scopes=["reports.read"])
        got = client.get("/reports", headers={"authorization": f"Bearer {token}"})
        assert got.json() == ["of google_1"]


def test_the_dependencies_say_who_may() -> None:
    scope: dict[str, Any] = {"__name__": "readme"}
    exec(program("auth.current_user()"), scope)
    authority = FakeAuthority()
    with authority.behind(scope["gatelodge"]):
        client = TestClient(scope["api"])
        assert client.get("/user").status_code == 401
        token = authority.issue_token("google_1", scopes=["orders"])
        header = {"authorization": f"Bearer {token}"}
        assert client.get("/user", headers=header).json()["user_id"] == "google_1"
        assert client.get("/orders", headers=header).json()["reason"] == "permission_missing"


def test_the_flask_program_serves() -> None:
    scope: dict[str, object] = {"__name__": "readme"}
    exec(program("from flask import Flask"), scope)
    authority = FakeAuthority()
    cookie = f"session={authority.sign_in(user_id='google_1').credential}"
    with authority.behind(scope["gatelodge"]):  # type: ignore[arg-type]
        browser = scope["app"].test_client(use_cookies=False)  # type: ignore[attr-defined]
        assert browser.get("/", headers={"cookie": cookie}).text == "Hello, google_1"
        assert browser.get("/").status_code == 401
        assert browser.get("/auth/me", headers={"cookie": cookie}).json["user_id"] == "google_1"


def test_the_starlette_program_serves() -> None:
    scope: dict[str, Any] = {"__name__": "readme"}
    exec(program("from starlette.applications"), scope)
    authority = FakeAuthority()
    with authority.behind(scope["gatelodge"]):
        browser = TestClient(scope["app"])
        assert browser.get("/").status_code == 401
        browser.cookies.update(authority.sign_in(user_id="google_1").cookies)
        assert browser.get("/").text == "Hello, google_1"
        assert browser.get("/auth/me").json()["user_id"] == "google_1"


DJANGO_SETTINGS = """
MIDDLEWARE = ["gatelodge.django.SessionMiddleware"]
ROOT_URLCONF, ALLOWED_HOSTS = "urls", ["*"]
"""
DJANGO_TEST = """
import asyncio
import django
import gatelodge.django
from django.test import AsyncClient, Client
from gatelodge.testing import FakeAuthority

django.setup()
authority = FakeAuthority()
cookie = f"session={authority.sign_in(user_id='google_1').credential}"
with authority.behind(gatelodge.django):
    browser = Client(headers={"cookie": cookie})
    print(browser.get("/").content.decode(), Client().get("/").status_code, browser.get("/auth/me").json()["user_id"])
    print(asyncio.run(AsyncClient().get("/", headers={"cookie": cookie})).content.decode())
"""


def test_the_django_program_serves(tmp_path: Path) -> None:
    (tmp_path / "settings.py").write_text(DJANGO_SETTINGS)
    (tmp_path / "urls.py").write_text(program("from gatelodge.django import"))
    (tmp_path / "try_it.py").write_text(DJANGO_TEST)
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "settings"}
    command = [sys.executable, "try_it.py"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, check=False, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.splitlines() == ["Hello, google_1 401 google_1", "Hello, google_1"], done.stderr


def test_every_program_of_the_readme_is_run_here() -> None:
    own = Path(__file__).read_text()
    known = re.findall(r'program\("([^"]+)"\)', own)
    assert [text for text in PROGRAMS if not any(words in text for words in known)] == []


def test_the_admins_program_runs(dev: Dev, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("GATELODGE_ADDRESS", dev.address)
    monkeypatch.setenv("GATELODGE_API_KEY", dev.keys["admin"])
    exec(program("client.admin.revoke"), {})
    assert capsys.readouterr().out == "0\n"


def test_all_words_of_the_other_languages_are_there() -> None:
    for trouble in ("Invalid state parameter", "CSRF token mismatch", "Session expired"):
        assert trouble in README
