"""Owns edges that are broken in one way each: a right edge behind a front that spoils what passes. Shows that the suite
notices each of them. Does not know how the cases are run."""

import dataclasses
import shlex
import shutil
import socketserver
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.message import Message

from .authority import Call, Method, RefusedError
from .case import CASES, Case
from .programs import Authority, edge_command
from .stage import Address, Site, World
from .wire import Answer, NoAnswerError, compose, exchange, raw


@dataclass
class Asked:
    """A request on its way through the front."""

    method: bytes
    target: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def header(self, name: str) -> bytes | None:
        """The first header of this name."""
        return next((value for found, value in self.headers if found.lower() == name.encode()), None)

    def change(self, name: str, how: Callable[[bytes], bytes]) -> None:
        """Changes every header of this name."""
        self.headers = [(n, how(value) if n.lower() == name.encode() else value) for n, value in self.headers]


@dataclass(frozen=True)
class Broken:
    """One way to be broken, and the cases that must notice."""

    noticed_by: tuple[str, ...]
    # What it changes of a request, or what it answers in place of the edge.
    request: Callable[[Asked], Answer | None] = lambda _asked: None
    answer: Callable[[Asked, Answer, Callable[[Asked], Answer]], Answer | None] = lambda _asked, _answer, _again: None
    question: Callable[[Call], None] = lambda _call: None
    reply: Callable[[Method, Message], None] = lambda _method, _answer: None
    refusal: Callable[[Call, RefusedError], RefusedError] = lambda _call, refused: refused
    # What is run in place of the edge-under-test, as a script, to which $EDGE is the right one.
    program: str = ""

    def spoil_question(self, call: Call) -> None:
        """As authority.Fault."""
        self.question(call)

    def spoil_answer(self, method: Method, answer: Message | bytes) -> Message | bytes:
        """As authority.Fault."""
        read = method.response.FromString(answer) if isinstance(answer, bytes) else answer
        self.reply(method, read)
        return read

    def spoil_refusal(self, call: Call, refused: RefusedError) -> RefusedError:
        """As authority.Fault."""
        return self.refusal(call, refused)


def front(broken: Broken) -> Callable[[Address], Address]:
    """Puts a front before an edge: the address to reach it by."""

    def stand_before(edge: Address) -> Address:
        class Connection(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                asked = _read(self.rfile)
                if asked is None:
                    return
                try:
                    got = broken.request(asked) or _send(edge, asked)
                    got = broken.answer(asked, got, lambda again: _send(edge, again)) or got
                    self.wfile.write(_written(asked, got))
                except (NoAnswerError, OSError):
                    return

        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Connection)
        server.daemon_threads = True
        server.request_queue_size = 128
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server.server_address

    return stand_before


def _read(stream) -> Asked | None:
    first = stream.readline().rstrip(b"\r\n").split(b" ")
    if len(first) != 3:
        return None
    headers = []
    while line := stream.readline().rstrip(b"\r\n"):
        name, _, value = line.partition(b":")
        headers.append((name, value.strip(b" \t")))
    asked = Asked(first[0], first[1], headers, b"")
    asked.body = stream.read(int(asked.header("content-length") or 0))
    return asked


def _send(edge: Address, asked: Asked) -> Answer:
    headers = [(name, value) for name, value in asked.headers if name.lower() != b"connection"]
    request = compose(asked.method, asked.target, headers, asked.body or None)
    return exchange(edge, request, is_head=asked.method == b"HEAD")


def _written(asked: Asked, got: Answer) -> bytes:
    dropped = ("transfer-encoding", "connection") + (("content-length",) if asked.method != b"HEAD" else ())
    lines = [b"HTTP/1.1 %d -" % got.status]
    lines += [raw(name) + b": " + raw(value) for name, value in got.headers if name not in dropped]
    if asked.method != b"HEAD" and got.status not in (204, 304):
        lines.append(b"content-length: %d" % len(got.body))
    return b"\r\n".join([*lines, b"connection: close", b"", got.body])


def _command(edge: str, broken: Broken, scripts: Path) -> str:
    if not broken.program:
        return edge
    script = scripts / "edge-under-test"
    script.write_text(f"#!/bin/sh\nEDGE={shlex.quote(edge_command(edge))}\n{broken.program}\n")
    script.chmod(0o700)
    return str(script)


CONTROL = "application: a route without sessions asks nobody"

Run = Callable[[Site, Case], str | None]


def show(edge: str, authority: Authority, switches: dict[str, Broken], run: Run) -> int:
    """Breaks a right edge in each way, and shows that the cases which must notice fail. `run` tells how one failed."""
    cases = {case.name: case for case in CASES}
    site = Site.start(World(edge, authority))
    scripts = Path(tempfile.mkdtemp(prefix="gatelodge-broken-"))
    missed = []
    try:
        site.wait_for_settings()
        for name, broken in switches.items():
            world = World(_command(edge, broken, scripts), authority, front(broken), broken)
            spoiled = dataclasses.replace(site, world=world, address=world.front(site.address))
            overlooked = [case for case in broken.noticed_by if run(spoiled, cases[case]) is None]
            trouble = [f"passed all the same: {case}" for case in overlooked]
            trouble += [f"fails on a right edge too: {case}" for case in broken.noticed_by if run(site, cases[case])]
            if run(spoiled, cases[CONTROL]):
                trouble.append("a case that has nothing to do with it fails")
            missed += [name] if trouble else []
            print(f"{'MISSED ' if trouble else 'noticed'} an edge that {name}", *trouble, sep="\n        ", flush=True)
    finally:
        site.stop()
        shutil.rmtree(scripts)
    named = {name for broken in switches.values() for name in broken.noticed_by}
    areas = {name.split(":")[0] for name in cases} - {name.split(":")[0] for name in named}
    print(f"they name {len(named)} of {len(cases)} cases", *(f"; none of {area}" for area in sorted(areas)), sep="")
    print(f"{len(switches) - len(missed)} passed, {len(missed)} failed")
    return 1 if missed else 0
