from __future__ import annotations

import socket

import pytest


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ADDRESS", "API_KEY", "CA_FILE", "CERT_FILE", "KEY_FILE", "KEEP_ANSWERS"):
        monkeypatch.delenv(f"GATELODGE_{name}", raising=False)


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
