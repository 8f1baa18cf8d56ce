"""Owns the programs around a case: the authority and the edges, each started on free ports and ended with the suite.
Does not know the cases."""

import contextlib
import itertools
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import weakref
from pathlib import Path
from typing import ClassVar

ROOT = Path(__file__).resolve().parents[2]
LOGS = ROOT / "tests" / "artefacts" / "logs" / "edges"
ORIGIN = "http://localhost:5173"
CONFIG = {
    "development": True,
    "app": {
        "cors": {"allowed_origins": [ORIGIN]},
        "sessions": {"cookie": {"former_names": ["former_session"]}},
        "redirects": {"allowed": [f"{ORIGIN}/auth-callback", "https://spa.example.com/in/*"]},
        "spa": {"page": f"{ORIGIN}/auth/{{provider}}"},
    },
    "edge": {"routes": ["web", "api", "spa"]},
    "tokens": {"mint": {"enabled": True, "audiences": ["front-end"]}},
    "log": {"level": "warn"},
}


# Below what systems give to outgoing connections and to whoever listens on port 0, and no number twice.
_PORTS = range(10_240, 32_000)
_numbers = itertools.count(random.choice(_PORTS))
_held: list[socket.socket] = []


def free_port() -> int:
    """A port that nobody has, at any address. It is held until this process ends: a program that is told of it can
    listen there (it may use an address again, as servers do), and nobody comes to have it before or in between."""
    for number in itertools.islice(_numbers, len(_PORTS)):
        holder = socket.socket()
        try:
            holder.bind(("", port := _PORTS[number % len(_PORTS)]))
        except OSError:
            holder.close()
            continue
        # Only now: set before, it would have bound beside others who have set it.
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _held.append(holder)
        return port
    raise AssertionError("no port is free")


class LateError(AssertionError):
    """What was waited for did not come in time."""


def wait_until(true, what: str, seconds: float = 30.0, every: float = 0.02):
    """Waits for something to hold, and answers what it gave."""
    end = time.monotonic() + seconds
    while not (found := true()):
        if time.monotonic() > end:
            raise LateError(f"{what}: not within {seconds} s")
        time.sleep(every)
    return found


class Program:
    """A program that writes to a log of its own."""

    _all: ClassVar[weakref.WeakSet["Program"]] = weakref.WeakSet()

    def __init__(self, name: str, command: list[str], environment: dict[str, str] | None = None, *, is_told=False):
        LOGS.mkdir(parents=True, exist_ok=True)
        self.name, self.log = name, LOGS / f"{name}.log"
        self.log.write_bytes(b"")
        # It may be several processes that write there, each at the end.
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE if is_told else subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        self._all.add(self)

    @classmethod
    def end_with_this_one(cls) -> None:
        """From now on a SIGTERM ends every program too. Each leads a session of its own, where no signal to this one's
        group reaches it."""

        def end(*_) -> None:
            for ask in (cls._ask_to_end, cls.stop):
                for program in list(cls._all):
                    ask(program)
            sys.exit(128 + signal.SIGTERM)

        signal.signal(signal.SIGTERM, end)

    def said(self) -> str:
        """All that it wrote so far."""
        return self.log.read_text("utf-8", "replace")

    def tell(self, line: str) -> None:
        """Writes it a line, where it is told things."""
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()

    def ended(self) -> int | None:
        """Its exit status, once it has ended."""
        return self._process.poll()

    def wait_for(self, true, what: str, seconds: float = 60.0):
        """Waits for something that this program does; fails at once when it ends instead."""

        def or_dead():
            if self.ended() is not None:
                raise AssertionError(f"{self.name} ended with {self.ended()}:\n{self.said()[-2000:]}")
            return true()

        try:
            return wait_until(or_dead, f"{self.name}: {what}", seconds)
        except LateError as late:
            raise AssertionError(f"{late}; it wrote:\n{self.said()[-2000:]}") from None

    def stop(self) -> None:
        """Ends it, and whatever it started."""
        for attempt in (signal.SIGTERM, signal.SIGKILL):
            self._ask_to_end(attempt)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
                return

    def _ask_to_end(self, by: signal.Signals = signal.SIGTERM) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, by)


class Authority:
    """`gatelodge dev`, with the development provider. Its own edge is kept out of the way, on another address."""

    def __init__(self, name: str = "authority", config: dict | None = None):
        self._name = name
        self._folder = tempfile.TemporaryDirectory(prefix="gatelodge-edges-")
        self.port, self.public_port, provider_port = free_port(), free_port(), free_port()
        self.base_url = f"http://localhost:{self.public_port}"
        self.provider = f"http://127.0.0.1:{provider_port}"
        self._listen = ["--listen", f"127.0.0.1:{self.port}", "--provider-listen", f"127.0.0.1:{provider_port}"]
        self._listen += ["--edge-listen", f"127.0.0.2:{self.public_port}"]
        self._runs = 0
        self.start(config)

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.port}"

    def key(self, role: str) -> str:
        """The API key of a role."""
        lines = dict(line.split() for line in (self._kept / "api-keys").read_text().splitlines())
        return lines[role]

    @property
    def _kept(self) -> Path:
        return Path(self._folder.name) / "kept"

    def start(self, config: dict | None = None) -> None:
        """Starts it, with what an earlier run kept, and `config` over the suite's own configuration."""
        file = Path(self._folder.name) / "gatelodge.yaml"
        # YAML is a superset of JSON.
        file.write_text(json.dumps(merged(CONFIG, config or {})))
        self._runs += 1
        command = [gatelodge(), "dev", "--config", str(file), "--folder", str(self._kept), *self._listen]
        self._program = Program(f"{self._name}-{self._runs}", command)
        # It listens for browsers last.
        for there in (("127.0.0.1", self.port), ("127.0.0.2", self.public_port)):
            self._program.wait_for(lambda there=there: listens(there), f"listens at {there}")

    def stop(self) -> None:
        """Ends it; what it keeps stays."""
        self._program.stop()

    def close(self) -> None:
        """Ends it for good."""
        self.stop()
        self._folder.cleanup()


def gatelodge() -> str:
    """The authority's program: GATELODGE_BIN, or what the build left."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    program = Path(os.environ.get("GATELODGE_BIN", target / "debug" / "gatelodge"))
    if not program.exists():
        raise SystemExit(f"{program} is missing: build it with `cargo build --workspace`, or set GATELODGE_BIN")
    return str(program)


def edge_command(edge: str) -> str:
    """The start command of an edge-under-test: that of a language, or one that is named by its path."""
    command = Path(edge).resolve() if "/" in edge else ROOT / "clients" / edge / "edge-under-test"
    if not os.access(command, os.X_OK):
        raise SystemExit(f"{command} is missing or not executable: tests/edges/README.md says what it is")
    return str(command)


def fake_command(language: str) -> str:
    """The start command of a language's fake authority."""
    command = ROOT / "clients" / language / "fake-under-test"
    if not os.access(command, os.X_OK):
        raise SystemExit(f"{command} is missing or not executable: tests/edges/README.md says what it is")
    return str(command)


def start_edge(name: str, command: str, port: int, environment: dict[str, str]) -> Program:
    """Starts an edge and waits until it says that it is ready."""
    clean = {"GATELODGE_CA_FILE": "", "GATELODGE_CERT_FILE": "", "GATELODGE_KEY_FILE": "", "MOUNT_PREFIX": ""}
    program = Program(name, [command], {**clean, "LISTEN": f"127.0.0.1:{port}", **environment})
    try:
        program.wait_for(lambda: "ready" in program.said().split(), 'says "ready"')
        program.wait_for(lambda: listens(("127.0.0.1", port)), "listens")
    except BaseException:
        program.stop()
        raise
    return program


def listens(address: tuple[str, int]) -> bool:
    """Whether somebody accepts connections there."""
    try:
        socket.create_connection(address, timeout=1).close()
    except OSError:
        return False
    return True


def merged(below: dict, above: dict) -> dict:
    """Two configurations, the second over the first."""
    both = dict(below)
    for name, value in above.items():
        both[name] = merged(both.get(name, {}), value) if isinstance(value, dict) else value
    return both
