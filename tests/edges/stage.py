"""Owns what a case plays on: an edge with an authority behind it, requests that carry the case's own id, browsers, and
rules for that id. Does not know the cases."""

import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from google.protobuf.message import Message

from .authority import Between, Call, Fault, Rule
from .browser import Browser
from .programs import Authority, Program, edge_command, free_port, start_edge, wait_until
from .valve import Valve
from .wire import Answer, Text, compose, exchange, send_and_hang_up

Address = tuple[str, int]
_numbers = itertools.count(1)
# Edges of their own are started a few at a time: a case's patience is not meant for a crowd that starts.
_starting = threading.Semaphore(2)


@dataclass
class World:
    """Everything around the cases. `edge` is a language, or the path of an edge-under-test. `front` puts something
    before an edge, `fault` breaks what an edge is answered: both are for showing that a broken edge is noticed.
    `keep` is how many answers edges may keep."""

    edge: str
    authority: Authority
    front: Callable[[Address], Address] = lambda address: address
    fault: Fault | None = None
    keep: int = 0

    def log_of(self, name: str) -> str:
        """The name of an edge's log."""
        return f"{Path(self.edge).parent.name if '/' in self.edge else self.edge}-{name}"


@dataclass
class Site:
    """An edge, and the wire and the man in the middle between it and its authority."""

    world: World
    authority: Authority
    between: Between
    valve: Valve
    program: Program
    address: Address
    prefix: str = ""

    @classmethod
    def start(
        cls,
        world: World,
        name: str = "edge",
        *,
        authority: Authority | None = None,
        prefix: str = "",
        reachable: bool = True,
        role: str = "edge",
        environment: dict[str, str] | None = None,
        rules: dict[str, Rule] | None = None,
    ) -> "Site":
        """Starts an edge. `rules` hold for every call of a method; `role` is that of the API key it gets."""
        authority = authority or world.authority
        between = Between(authority.address)
        if world.fault:
            between.faults[""] = world.fault
        for method, rule in (rules or {}).items():
            between.rule(method, rule)
        valve = Valve(("127.0.0.1", between.port), is_open=reachable)
        port = free_port()
        settings = {"GATELODGE_ADDRESS": f"http://127.0.0.1:{valve.port}", "GATELODGE_API_KEY": authority.key(role)}
        settings["GATELODGE_KEEP_ANSWERS"] = str(world.keep)
        settings["ROUTE_SETS"] = "web,api,spa"
        if prefix:
            settings["MOUNT_PREFIX"] = prefix
        try:
            program = start_edge(world.log_of(name), edge_command(world.edge), port, settings | (environment or {}))
        except BaseException:
            valve.shut()
            between.stop()
            raise
        return cls(world, authority, between, valve, program, world.front(("127.0.0.1", port)), prefix)

    def stop(self) -> None:
        """Ends the edge, then what is behind it."""
        self.program.stop()
        self.valve.shut()
        self.between.stop()

    def wait_for_settings(self) -> None:
        """Waits until the edge answers from its settings."""
        path = f"{self.prefix}/auth/me"
        stage = Stage(self, "start")
        self.program.wait_for(lambda: stage.get(path).status != 503, "gets its settings")


class Stage:
    """What one case has."""

    def __init__(self, site: Site, name: str):
        self.site = site
        self.name = name
        self.tag = f"case-{next(_numbers)}"
        self.host = urlsplit(site.authority.base_url).netloc
        self.base_url = site.authority.base_url
        if site.world.fault:
            site.between.faults[self.tag] = site.world.fault

    @property
    def authority(self) -> Authority:
        """The real authority."""
        return self.site.authority

    # Requests.

    def request(
        self,
        method: Text,
        target: Text,
        headers=(),
        body: bytes | None = None,
        *,
        tagged=True,
        host: Text | None = None,
    ) -> Answer:
        """One request with exactly these bytes, plus Host and, when tagged, the case's request id."""
        lines: list[tuple[Text, Text]] = [("host", self.host if host is None else host)]
        if tagged:
            lines.append(("x-request-id", self.tag))
        is_head = method in ("HEAD", b"HEAD")
        return exchange(self.site.address, compose(method, target, [*lines, *headers], body), is_head=is_head)

    def hang_up_on(self, method: Text, target: Text, headers=(), body: bytes | None = None, *, call: str) -> Call:
        """One request, whose browser goes away once this call has arrived: the call. Comes back when the edge has given
        it up, or has had the time to."""
        before = len(self.calls(call))
        lines: list[tuple[Text, Text]] = [("host", self.host), ("x-request-id", self.tag), *headers]

        def arrived():
            self.eventually(lambda: len(self.calls(call)) > before, f"{call} arrives")

        send_and_hang_up(self.site.address, compose(method, target, lines, body), arrived)
        under_way, end = self.calls(call)[-1], time.monotonic() + 1
        while under_way.is_waited_for() and time.monotonic() < end:
            time.sleep(0.02)
        return under_way

    def get(self, target: Text, headers=(), **how) -> Answer:
        """GET."""
        return self.request("GET", target, headers, **how)

    def post(self, target: Text, headers=(), body: bytes = b"", **how) -> Answer:
        """POST."""
        return self.request("POST", target, headers, body, **how)

    def options(self, target: Text, origin: Text | None, method: str = "GET", headers=()) -> Answer:
        """A preflight from this origin."""
        lines = [("access-control-request-method", method), *headers]
        return self.request("OPTIONS", target, [("origin", origin), *lines] if origin is not None else lines)

    def browser(self, *headers: tuple[Text, Text]) -> Browser:
        """A new browser, whose requests to the edge carry the case's request id."""
        base = urlsplit(self.base_url)
        addresses = {(base.hostname, base.port): self.site.address}
        return Browser(self.base_url, addresses, [("x-request-id", self.tag), *headers])

    def signed_in(self, user: int = 0) -> Browser:
        """A browser that has logged in."""
        browser = self.browser()
        back = browser.log_in(self.authority.provider, user)
        if back.status != 302 or browser.cookie("session") is None:
            raise AssertionError(f"the login failed: {back}")
        return browser

    def cookie(self, user: int = 0) -> tuple[str, bytes]:
        """The Cookie header of a new session."""
        return "cookie", b"session=" + self.signed_in(user).cookie("session")

    def with_token(self, user: int = 0) -> list[tuple[str, Text]]:
        """The headers of a new session's unsafe requests: cookie and CSRF token."""
        cookie = self.cookie(user)
        return [cookie, ("x-csrf-token", self.get("/auth/me", [cookie]).json()["csrf_token"])]

    # What is behind the edge.

    def rule(self, method: str, rule: Rule) -> None:
        """Changes the answers to this case's calls."""
        self.site.between.rule(method, rule, self.tag)

    def calls(self, *methods: str) -> list[Call]:
        """The calls that this case's requests led to."""
        return self.site.between.called(*methods, request_id=self.tag)

    def the_call(self, method: str) -> Call:
        """The one call of this method."""
        calls = self.calls(method)
        if len(calls) != 1:
            raise AssertionError(f"one {method} was expected, and there were {len(calls)}")
        return calls[0]

    def asked(self, method: str) -> Message:
        """What the one call of this method asked."""
        return self.the_call(method).request

    @contextlib.contextmanager
    def own_edge(self, *, ready: bool = True, **how) -> Iterator["Stage"]:
        """An edge of this case's own, as Site.start makes it; waits for its settings unless told otherwise."""
        with _starting:
            site = Site.start(self.site.world, f"{self.tag}", **how)
        try:
            if ready:
                site.wait_for_settings()
            yield Stage(site, self.name)
        finally:
            site.stop()

    def eventually(self, true, what: str, seconds: float = 10.0):
        """Waits for something to hold."""
        return wait_until(true, what, seconds, 0.05)
