"""The package as its users get it: built, installed into an empty environment, used there."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import venv
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.whole.dev import log_in
from tests.whole.test_readme import program

if TYPE_CHECKING:
    from tests.whole.dev import Dev

HERE = Path(__file__).parents[2]
PROGRAM = """
import sys
import gatelodge
from gatelodge import Active, Client, v1
from gatelodge.testing import FakeAuthority

assert not {"fastapi", "flask", "django", "starlette", "pytest"} & set(sys.modules), "no framework is needed"
authority = FakeAuthority()
cookie = v1.Cookie(name="session", value=authority.sign_in("google_1").credential.encode())
checked = authority.client().sessions.check(v1.ValidateSessionRequest(cookies=[cookie]))
assert isinstance(checked.verdict, Active)
print(checked.verdict.session.user_id, gatelodge.__version__)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(HERE)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    (sdist,) = out.glob("gatelodge-*.tar.gz")
    assert sdist.stat().st_size < 500_000
    (made,) = out.glob("gatelodge-*.whl")
    return made


def test_the_wheel_holds_what_it_should_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {"gatelodge/py.typed", "gatelodge/v1/session_pb2.pyi", "gatelodge/testing/plugin.py"} <= set(names)
    assert {name.split("/")[0].split("-")[0] for name in names} == {"gatelodge"}
    assert any(name.endswith("licenses/LICENSE") for name in names)


def in_an_empty_project(folder: Path, *packages: str) -> Path:
    """Its Python, which knows these packages and nothing else."""
    venv.create(folder / "empty", with_pip=True)
    python = folder / "empty/bin/python"
    pip = [str(python), "-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    subprocess.run([*pip, "-c", str(HERE / "constraints.txt"), *packages], check=True, timeout=300)
    return python


def test_it_is_installed_into_an_empty_environment_and_used_there(wheel: Path, tmp_path: Path) -> None:
    python = in_an_empty_project(tmp_path, str(wheel))
    done = subprocess.run(
        [str(python), "-I", "-c", PROGRAM], cwd=tmp_path, check=False, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.split() == ["google_1", "0.1.0"], done.stderr


def test_the_quick_start_serves_in_an_empty_project(wheel: Path, dev: Dev, tmp_path: Path, free_port: int) -> None:
    python = in_an_empty_project(tmp_path, f"{wheel}[fastapi]", "uvicorn")
    (tmp_path / "main.py").write_text(program("from gatelodge.fastapi import Gatelodge, Session"))
    environment = {**os.environ, "GATELODGE_ADDRESS": dev.address, "GATELODGE_API_KEY": dev.keys["edge"]}
    command = [str(python), "-I", "-m", "uvicorn", "--app-dir", str(tmp_path), "main:app", "--no-proxy-headers"]
    log = tmp_path / "log"
    with log.open("w") as output:
        served = subprocess.Popen(
            [*command, "--port", str(free_port)], cwd=tmp_path, env=environment, stdout=output, stderr=output
        )
    try:
        until = time.monotonic() + 60
        while "running on" not in log.read_text():
            assert time.monotonic() < until, log.read_text()
            assert served.poll() is None, log.read_text()
            time.sleep(0.02)
        # A browser that knows it under the address that people are sent back to.
        host = {"host": urlsplit(dev.base_url).netloc}
        with httpx2.Client(base_url=f"http://127.0.0.1:{free_port}", headers=host) as browser:

            def get(path: str, headers: dict[str, str]) -> httpx2.Response:
                browser.cookies.clear()
                return browser.get(path, headers=headers)

            assert get("/", {"accept": "text/html"}).headers["location"].startswith("/auth/web/login")
            assert get("/auth/me", {}).json()["reason"] == "not_signed_in"
            credential = log_in(dev.base_url, get)["session"]
            signed = {"cookie": f"session={credential}"}
            assert get("/", signed).json() == "Hello, dev_testuser1"
            signed["x-csrf-token"] = get("/auth/me", signed).json()["csrf_token"]
            assert browser.post("/auth/web/logout", headers=signed).status_code == 200
            assert get("/auth/me", signed).json()["reason"] == "session_ended"
    finally:
        served.terminate()
        served.wait(10)
