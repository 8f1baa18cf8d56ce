"""Serves the fake authority over gRPC, for tests/edges to put behind edges of any language.

Reads LISTEN, prints "ready" and the one key, and is told on its standard input what is given, as tests/edges/README.md
says. Every call goes to the fake of the moment, as those of a client in its process would.
"""

from __future__ import annotations

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import error_details_pb2, status_pb2

from gatelodge import GatelodgeError, _methods
from gatelodge._methods import Method, StreamMethod
from gatelodge.testing.transport import FakeTransport
from tests.applications.given import Given

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from google.protobuf.message import Message

KEY = "glk_fake"
_METHODS = {value.path: value for value in vars(_methods).values() if isinstance(value, Method | StreamMethod)}


def main() -> None:
    """Serves until there is nothing more to be told."""
    server = grpc.server(ThreadPoolExecutor(16), handlers=[served := ServedFake()])
    server.add_insecure_port(os.environ["LISTEN"])
    server.start()
    _say("ready", KEY)
    for line in sys.stdin:
        served.be_told(json.loads(line))
        _say("told")
    server.stop(None).wait()


class ServedFake(grpc.GenericRpcHandler):  # type: ignore[misc]
    """The fake of the moment, for callers with the one key."""

    def __init__(self) -> None:
        self._given = Given({"sessions": [], "authority": "up"})

    def be_told(self, said: dict[str, Any]) -> None:
        """Begins with a new fake, or changes what is given in this one."""
        if "begin" in said:
            self._given = Given(said["begin"])
        else:
            self._given.change(said["change"])

    def service(self, details: Any) -> Any:
        method = _METHODS.get(details.method)
        if method is None:
            return None
        read: Any = method.question.FromString
        if isinstance(method, Method):
            return grpc.unary_unary_rpc_method_handler(partial(self._answer, method), read, _bytes)
        if method is _methods.WATCH_SESSIONS:
            return grpc.unary_stream_rpc_method_handler(partial(self._follow, method), read, _bytes)
        return grpc.stream_stream_rpc_method_handler(partial(self._follow, method), read, _bytes)

    def _answer(self, method: Method[Any, Any], question: Message, context: Any) -> Any:
        try:
            return self._transport(context).send(method, question, timeout=0, metadata=context.invocation_metadata())
        except GatelodgeError as error:
            _end(context, error)

    def _follow(
        self, method: StreamMethod[Any, Any], asked: Message | Iterable[Message], context: Any
    ) -> Iterator[Any]:
        with self._transport(context).stream(method, asked, metadata=context.invocation_metadata()) as stream:
            context.add_callback(stream.close)
            yield from stream

    def _transport(self, context: Any) -> FakeTransport:
        if dict(context.invocation_metadata()).get("authorization") != f"Bearer {KEY}":
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "this is not the one key")
        return FakeTransport(self._given.authority)


def _say(*words: str) -> None:
    # In one write, since somebody waits for the line: `print` makes several where Python keeps no buffer.
    sys.stdout.write(" ".join(words) + "\n")
    sys.stdout.flush()


def _end(context: Any, error: GatelodgeError) -> None:
    """Ends a call as the error says that it ended."""
    status = status_pb2.Status(code=error.code.value[0], message=error.message)
    if error.reason is not None:
        packed = AnyMessage()
        packed.Pack(error_details_pb2.ErrorInfo(reason=error.reason, domain="gatelodge"))
        status.details.append(packed)
        context.set_trailing_metadata([("grpc-status-details-bin", status.SerializeToString())])
    context.abort(error.code, error.message)


def _bytes(made: Message) -> bytes:
    return made.SerializeToString()


if __name__ == "__main__":
    main()
