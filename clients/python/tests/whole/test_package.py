"""The package as its users get it: built, installed into an empty environment, used there."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

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


def test_it_is_installed_into_an_empty_environment_and_used_there(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "empty", with_pip=True)
    python = tmp_path / "empty/bin/python"
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(wheel)]
    subprocess.run(command, check=True, timeout=300)
    done = subprocess.run(
        [str(python), "-c", PROGRAM], cwd=tmp_path, check=False, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.split() == ["google_1", "0.1.0"], done.stderr
