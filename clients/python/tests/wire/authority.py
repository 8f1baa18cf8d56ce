"""An authority over real gRPC that says what a test wants, and keeps what it was asked."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import error_details_pb2, status_pb2

from gatelodge import ClientOptions, _methods, v1
from gatelodge._methods import Method, StreamMethod

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.message import Message

KEY = "glk_test"
TABLE = {value.path: value for value in vars(_methods).values() if isinstance(value, Method | StreamMethod)}


class Refusal:
    """A status other than OK."""

    def __init__(self, code: grpc.StatusCode, reason: str = "", retry_after: float | None = None) -> None:
        self.code = code
        self.status = status_pb2.Status(code=code.value[0], message="no")
        if reason:
            self._add(error_details_pb2.ErrorInfo(reason=reason, domain="gatelodge", metadata={"request_id": "req-9"}))
        if retry_after is not None:
            retry = error_details_pb2.RetryInfo()
            retry.retry_delay.FromMilliseconds(int(retry_after * 1000))
            self._add(retry)

    def _add(self, detail: Message) -> None:
        packed = AnyMessage()
        packed.Pack(detail)
        self.status.details.append(packed)


class Silence:
    """No answer at all, until the caller has gone away."""


class Authority(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Answers each method with what was said for it, the last of it again and again."""

    def __init__(self, address: str = "127.0.0.1:0", credentials: grpc.ServerCredentials | None = None) -> None:
        self._scripts: dict[str, list[Any]] = defaultdict(list)
        self.metadata: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.deadlines: dict[str, list[float]] = defaultdict(list)
        self.questions: dict[str, list[Any]] = defaultdict(list)
        self.watched: list[v1.WatchSessionsRequest] = []
        self._told: deque[v1.WatchSessionsResponse | Refusal | None] = deque()
        self._changed = threading.Condition()
        self._server = grpc.server(ThreadPoolExecutor(16), handlers=[self])
        if credentials is None:
            self.port = self._server.add_insecure_port(address)
        else:
            self.port = self._server.add_secure_port(address, credentials)
        self._server.start()
        self.say(_methods.GET_EDGE_SETTINGS, settings())

    @property
    def options(self) -> ClientOptions:
        return ClientOptions(f"http://127.0.0.1:{self.port}", KEY)

    def say(self, method: Method[Any, Any], *answers: Any) -> None:
        self._scripts[method.path] = list(answers)

    def count(self, method: Method[Any, Any]) -> int:
        return len(self.metadata[method.path])

    def wait_for(self, method: Method[Any, Any], count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.count(method) >= count, timeout=10), "it was never asked"

    def tell(self, message: v1.WatchSessionsResponse | Refusal | None) -> None:
        """Says something to whoever watches last; a refusal ends the stream, and so does nothing."""
        with self._changed:
            self._told.append(message)
            self._changed.notify_all()

    def wait_until_watched(self, times: int = 1) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.watched) >= times, timeout=10), "nobody watches"

    def stop(self) -> None:
        self.tell(None)
        self._server.stop(None).wait()

    def service(self, details: Any) -> Any:
        method = TABLE[details.method]
        if method is _methods.WATCH_SESSIONS:
            return grpc.unary_stream_rpc_method_handler(self._watch, method.question.FromString, _bytes)
        if isinstance(method, StreamMethod):
            return grpc.stream_stream_rpc_method_handler(self._check_each, method.question.FromString, _bytes)

        def answer(question: Message, context: Any) -> Any:
            with self._changed:
                self.questions[details.method].append(question)
                self.metadata[details.method].append(dict(details.invocation_metadata))
                self.deadlines[details.method].append(context.time_remaining())
                self._changed.notify_all()
            script = self._scripts[details.method]
            said = script.pop(0) if len(script) > 1 else script[0]
            if callable(said):
                said = said()
            if isinstance(said, Silence):
                gone = threading.Event()
                context.add_callback(gone.set)
                gone.wait(10)
            if isinstance(said, Refusal):
                context.set_trailing_metadata([("grpc-status-details-bin", said.status.SerializeToString())])
                context.abort(said.code, said.status.message)
            return said if not isinstance(said, Silence) else method.answer()

        return grpc.unary_unary_rpc_method_handler(answer, method.question.FromString, _bytes)

    def _watch(self, question: v1.WatchSessionsRequest, context: Any) -> Iterator[v1.WatchSessionsResponse]:
        with self._changed:
            self.metadata[_methods.WATCH_SESSIONS.path].append(dict(context.invocation_metadata()))
            self.watched.append(question)
            self._changed.notify_all()
        number = len(self.watched)
        while context.is_active() and number == len(self.watched):
            with self._changed:
                if not self._changed.wait_for(lambda: self._told or number != len(self.watched), timeout=0.05):
                    continue
                message = self._told.popleft() if number == len(self.watched) else None
            if isinstance(message, Refusal):
                context.abort(message.code, message.status.message)
            elif message is None:
                return
            else:
                yield message

    def _check_each(self, questions: Iterator[v1.CheckSessionsRequest], _: Any) -> Iterator[v1.CheckSessionsResponse]:
        for question in questions:
            yield v1.CheckSessionsResponse(id=question.id, answer=active())


def _bytes(made: bytes | Message) -> bytes:
    return made if isinstance(made, bytes) else made.SerializeToString()


def settings(version: str = "v1") -> v1.GetEdgeSettingsResponse:
    made = v1.EdgeSettings(
        version=version,
        session_cookie_names=["session"],
        binding_cookie_names=["login"],
        csrf_header="x-csrf-token",
        route_sets=[v1.ROUTE_SET_WEB],
    )
    made.ask_again_after.seconds = 60
    return v1.GetEdgeSettingsResponse(settings=made)


def for_keeping(position: int = 1, keep_for: int = 60) -> v1.ValidateSessionResponse:
    made = active()
    made.active.event_position, made.active.keep_for.seconds = bytes([position]), keep_for
    return made


def told(position: int, *events: v1.SessionEvent, reset: bool = False) -> v1.WatchSessionsResponse:
    message = v1.WatchSessionsResponse(events=events, position=bytes([position]), reset=reset)
    message.max_staleness.seconds = 5
    return message


def revoked(session_id: str = "sid_1") -> v1.SessionEvent:
    return v1.SessionEvent(kind=v1.SESSION_EVENT_KIND_REVOKED, session_id=session_id)


def active(version: str = "v1") -> v1.ValidateSessionResponse:
    identity, info = v1.Identity(user_id="google_1", provider="google"), v1.SessionInfo(session_id="sid_1")
    session = v1.ActiveSession(identity=identity, session=info)
    return v1.ValidateSessionResponse(active=session, settings_version=version)
