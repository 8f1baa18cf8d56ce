"""Starts ``gatelodge dev --ephemeral``, the real authority with a development provider, and ends it."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[4]


class Dev:
    """A running authority. Its own edge is at ``base_url``, which is also the public base URL."""

    def __init__(self) -> None:
        program = Path(os.environ.get("GATELODGE_BIN", ROOT / "target/debug/gatelodge"))
        assert program.exists(), f"{program} is missing: build it with `cargo build`, or set GATELODGE_BIN"
        authority, edge, provider = (_free_port() for _ in range(3))
        ports = {"--listen": authority, "--edge-listen": edge, "--provider-listen": provider}
        command = [str(program), "dev", "--ephemeral"]
        for flag, port in ports.items():
            command += [flag, f"127.0.0.1:{port}"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.address = f"http://127.0.0.1:{authority}"
        self.base_url = f"http://localhost:{edge}"
        self.keys = self._read_keys()

    def _read_keys(self) -> dict[str, str]:
        """The keys of the banner; the rest of it is read so that the program never waits for us."""
        output = self._process.stdout
        assert output is not None
        keys: dict[str, str] = {}
        for line in output:
            found = re.match(r" +(edge|backend|admin) +(glk_\S+)", line)
            if found:
                keys[found[1]] = found[2]
            if line.startswith("Ctrl-C"):
                threading.Thread(target=output.read, daemon=True).start()
                return keys
        raise AssertionError("gatelodge dev ended before it was ready")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()


def log_in(base_url: str, get: Callable[[str, dict[str, str]], httpx2.Response]) -> dict[str, str]:
    """Logs in at the development provider as a person would; ``get`` asks the application. Gives its cookies."""
    cookies: dict[str, str] = {}

    def ask(url: str) -> str:
        header = {"cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
        response = get(url.removeprefix(base_url), header)
        assert response.status_code == 302, response.text
        for line in response.headers.get_list("set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            cookies[name] = value
        return str(response.headers["location"])

    place = ask("/auth/web/login?provider=dev")
    with httpx2.Client() as provider:
        page = provider.get(place, follow_redirects=True)
        form = re.search(r'name="form" value="([^"]+)"', page.text)
        assert form, page.text
        fields = {"form": form[1], "username": "testuser1@example.com", "password": "password123"}
        back = provider.post(page.url.join("/login"), data=fields)
        while not str(back.headers["location"]).startswith(base_url):
            back = provider.get(back.url.join(back.headers["location"]))
    ask(str(back.headers["location"]))
    return cookies


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
