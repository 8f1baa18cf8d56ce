"""Prefork servers: what a parent made is of no use to its children, and must not hang them."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from gatelodge import _methods
from tests.wire.authority import Authority, for_keeping

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
import os, sys, threading
from gatelodge import Client, ClientOptions
from gatelodge.gate import Gate
from gatelodge.presented import RawRequest

request = RawRequest(method=b"GET", target=b"/", query=b"", headers=[(b"cookie", b"session=a")], peer=None)
gate = Gate(Client(ClientOptions(sys.argv[1], "k")))
if sys.argv[2] == "used before":
    assert gate.admit(request).required().user_id == "google_1"
children = []
for _ in range(3):
    child = os.fork()
    if child == 0:
        for _ in range(3):
            assert gate.admit(request).required().user_id == "google_1"
        assert sum(thread.name == "gatelodge-watch" for thread in threading.enumerate()) == 1
        os._exit(0)
    children.append(child)
for child in children:
    assert os.waitpid(child, 0)[1] == 0
assert gate.admit(request).required().user_id == "google_1"
print("all of them")
"""


@pytest.mark.parametrize("when", ["not used before", "used before"])
def test_a_gate_works_in_children_and_parent(authority: Authority, tmp_path: Path, when: str) -> None:
    authority.say(_methods.VALIDATE_SESSION, for_keeping())
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    command = [sys.executable, str(program), authority.options.address, when]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.stdout == "all of them\n", done.stderr
