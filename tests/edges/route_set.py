"""Owns what must hold of every set of routes for front ends, whatever they are for. Does not know a set."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from gatelodge.v1 import login_pb2
from google.protobuf.message import Message

from .authority import changed, held, refused
from .case import could_not_say, equal, guarded, no_cookie, status, true
from .stage import Stage


@dataclass(frozen=True)
class RouteSet:
    """A set: the method of each of its paths, and the calls that they come to."""

    paths: dict[str, str]
    calls: tuple[str, ...]

    def is_unknown_when_off(self, s: Stage) -> None:
        """Where the authority serves the web's set alone."""
        with s.own_edge(rules={"GetEdgeSettings": changed(_web_alone)}) as e:
            self._is_unknown(e)

    def is_unknown_when_not_mounted(self, s: Stage) -> None:
        """Where the edge does."""
        with s.own_edge(environment={"ROUTE_SETS": "web"}) as e:
            self._is_unknown(e)

    def refuses(self, s: Stage, method: str, path: str, allowed: str) -> None:
        """A method that a path does not have is answered with those that it has, and asks nobody."""
        got = guarded(no_cookie(status(s.request(method, path, body=_body(method)), 405)))
        equal(got.header("allow"), allowed)
        equal(len(s.calls(*self.calls)), 0)

    def _is_unknown(self, e: Stage) -> None:
        for path, method in self.paths.items():
            status(e.request(method, path, body=_body(method)), 404)
        equal(len(e.calls(*self.calls)), 0)
        status(e.get("/auth/me"), 401)


def fails(s: Stage, call: str, method: str, path: str, headers: Sequence[tuple]) -> None:
    """A call that fails says nothing of whoever asked."""
    s.rule(call, refused("INTERNAL", reason="INTERNAL"))
    could_not_say(s.request(method, path, headers, b"{}" if method == "POST" else None))


def goes_on(s: Stage, call: str, verb: str, path: str, headers: Sequence[tuple], body: bytes | None) -> None:
    """A call that sends what is good once goes on when its browser hangs up."""
    release = threading.Event()
    s.rule(call, held(release))
    try:
        under_way = s.hang_up_on(verb, path, headers, body, call=call)
        true(under_way.is_waited_for(), f"{call} was given up when the browser hung up")
    finally:
        release.set()


def _body(method: str) -> bytes | None:
    return b"" if method == "POST" else None


def _web_alone(answer: Message) -> None:
    answer.settings.route_sets[:] = [login_pb2.ROUTE_SET_WEB]
