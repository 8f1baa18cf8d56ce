"""Owns the man in the middle between an edge and the real authority: it records every call, and changes what a case
wants changed. So one authority plays those of the past and of the future. Does not know the cases.

A rule belongs to the calls of one method that carry one request id, so cases run side by side on one edge.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

import grpc

# Imported for their descriptors: every method of the contract is found there.
from gatelodge.v1 import admin_pb2, error_reason_pb2, login_pb2, presented_pb2, session_pb2, token_pb2  # noqa: F401
from google.protobuf import any_pb2, descriptor_pool, duration_pb2, message_factory
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

PACKAGE = "gatelodge.v1"
SPINE = {
    "GetEdgeSettings",
    "ListProviders",
    "StartLogin",
    "CompleteCallback",
    "StartLogout",
    "CompleteLogout",
    "ValidateSession",
}
# What edges may ask beyond it.
LATER = {
    "CheckSessions",
    "WatchSessions",
    "ListUserSessions",
    "GetUserInfo",
    "RefreshTokens",
    "Revoke",
    "HandleBackchannelLogout",
    "HandleFrontchannelLogout",
}
_LONGEST_DEADLINE = 1e6
_WORKERS = 64


@dataclass
class Call:
    """One call as the edge made it. A stream's questions are not read."""

    method: str
    request: Message | None
    metadata: dict[str, list[str]]
    seconds_left: float | None
    at: float = field(default_factory=time.monotonic)
    # Whether the edge still waits for the answer.
    is_waited_for: Callable[[], bool] = lambda: True

    @property
    def request_id(self) -> str:
        """The request id it carries; empty when it carries none."""
        return "".join(self.metadata.get("x-request-id", [])[:1])


class RefusedError(Exception):
    """A rule's way to end a call with a status."""

    def __init__(
        self,
        code: str,
        message: str = "as the case says",
        reason: str = "",
        retry_after: float | None = None,
        answer: Message | None = None,
    ):
        super().__init__(message)
        self.code = grpc.StatusCode[code]
        self.message = message
        details = []
        if reason:
            details.append(error_details_pb2.ErrorInfo(reason=reason, domain="gatelodge"))
        if retry_after is not None:
            delay = duration_pb2.Duration()
            delay.FromNanoseconds(round(retry_after * 1e9))
            details.append(error_details_pb2.RetryInfo(retry_delay=delay))
        if answer is not None:
            details.append(answer)
        packed = [any_pb2.Any() for _ in details]
        for box, detail in zip(packed, details, strict=True):
            box.Pack(detail)
        self.status = status_pb2.Status(code=self.code.value[0], message=message, details=packed)


Ask = Callable[..., Message]
Rule = Callable[[Call, Ask], Message | bytes]


class Fault(Protocol):
    """What a broken edge would do to its calls, done to them on their way."""

    def spoil_question(self, call: Call) -> None:
        """Changes what was asked."""

    def spoil_answer(self, method: "Method", answer: Message | bytes) -> Message | bytes:
        """Changes what is answered."""

    def spoil_refusal(self, call: Call, refused: RefusedError) -> RefusedError:
        """Changes a status that is answered."""


class Between:
    """A gRPC server in front of the authority at `upstream` ("127.0.0.1:50051")."""

    def __init__(self, upstream: str):
        self.calls: list[Call] = []
        self.faults: dict[str, Fault] = {}
        self._rules: dict[tuple[str, str], Rule] = {}
        self._lock = threading.Lock()
        self._channel = grpc.insecure_channel(upstream, [("grpc.use_local_subchannel_pool", 1)])
        self._pool = ThreadPoolExecutor(_WORKERS)
        self._server = grpc.server(self._pool, options=[("grpc.so_reuseport", 0)])
        self._server.add_generic_rpc_handlers((_Methods(self),))
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()

    def stop(self) -> None:
        """Ends it at once."""
        self._server.stop(0).wait(1)
        self._channel.close()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def rule(self, method: str, rule: Rule, request_id: str = "") -> None:
        """From now on `rule` answers these calls; without a request id, every call of the method."""
        with self._lock:
            self._rules[request_id, method] = rule

    def called(self, *methods: str, request_id: str = "") -> list[Call]:
        """The calls so far, of these methods or of any, with this request id or with any."""
        with self._lock:
            calls = list(self.calls)
        wanted = [call for call in calls if not methods or call.method in methods]
        return [call for call in wanted if not request_id or call.request_id == request_id]

    def _note(self, call: Call) -> Rule | None:
        """Records a call; the rule that answers it, if one does."""
        with self._lock:
            self.calls.append(call)
        return self._rule_of(call)

    def _rule_of(self, call: Call) -> Rule | None:
        with self._lock:
            return self._rules.get((call.request_id, call.method)) or self._rules.get(("", call.method))

    def take(self, path: str, method: "Method", raw: bytes, context: grpc.ServicerContext) -> bytes:
        """Answers one unary call."""
        call = Call(method.name, method.request.FromString(raw), _metadata(context), _seconds_left(context))
        call.is_waited_for = context.is_active
        fault = self.faults.get(call.request_id) or self.faults.get("")
        if fault:
            fault.spoil_question(call)
        rule = self._note(call)

        def ask(request: Message | None = None) -> Message:
            changed = raw if request is None else request.SerializeToString()
            forward = self._channel.unary_unary(path)
            return method.response.FromString(forward(changed, _seconds_left(context), _passed_on(context)))

        try:
            answer = rule(call, ask) if rule else ask()
            if fault:
                answer = fault.spoil_answer(method, answer)
            return answer if isinstance(answer, bytes) else answer.SerializeToString()
        except RefusedError as refused:
            said = fault.spoil_refusal(call, refused) if fault else refused
            context.set_trailing_metadata([("grpc-status-details-bin", said.status.SerializeToString())])
            context.abort(said.code, said.message)
        except grpc.RpcError as error:
            context.set_trailing_metadata(error.trailing_metadata() or ())
            context.abort(error.code(), error.details())

    def pass_stream(self, path: str, method: "Method | None", requests, context: grpc.ServicerContext):
        """Passes on a call that streams. A rule answers in place of each message that comes back, or ends the call."""
        call = Call(method.name if method else path, None, _metadata(context), _seconds_left(context))
        self._note(call)
        fault = self.faults.get(call.request_id) or self.faults.get("")
        try:
            for raw in self._channel.stream_stream(path)(requests, call.seconds_left, _passed_on(context)):
                rule = self._rule_of(call)
                answer = rule(call, lambda raw=raw: method.response.FromString(raw)) if rule and method else raw
                if fault and method:
                    answer = fault.spoil_answer(method, answer)
                yield answer if isinstance(answer, bytes) else answer.SerializeToString()
        except RefusedError as refused:
            context.set_trailing_metadata([("grpc-status-details-bin", refused.status.SerializeToString())])
            context.abort(refused.code, refused.message)
        except grpc.RpcError as error:
            context.set_trailing_metadata(error.trailing_metadata() or ())
            context.abort(error.code(), error.details())


@dataclass
class Method:
    """A method of the contract."""

    name: str
    request: type[Message]
    response: type[Message]
    streams: bool


def _contract() -> dict[str, Method]:
    pool, methods = descriptor_pool.Default(), {}
    for module in (admin_pb2, login_pb2, session_pb2, token_pb2):
        for service in module.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                request, response = map(message_factory.GetMessageClass, (method.input_type, method.output_type))
                streams = method.client_streaming or method.server_streaming
                methods[f"/{service.full_name}/{method.name}"] = Method(method.name, request, response, streams)
    assert pool.FindServiceByName(f"{PACKAGE}.SessionService")
    return methods


_METHODS = _contract()


class _Methods(grpc.GenericRpcHandler):
    def __init__(self, between: Between):
        self._between = between

    def service(self, details: grpc.HandlerCallDetails):
        path, between = details.method, self._between
        method = _METHODS.get(path)
        if method is None or method.streams:
            return grpc.stream_stream_rpc_method_handler(
                lambda requests, context: between.pass_stream(path, method, requests, context)
            )
        return grpc.unary_unary_rpc_method_handler(lambda raw, context: between.take(path, method, raw, context))


def _seconds_left(context: grpc.ServicerContext) -> float | None:
    """None for a call without a deadline, of which gRPC says a number too large to be passed on."""
    left = context.time_remaining()
    return left if left is not None and left < _LONGEST_DEADLINE else None


def _metadata(context: grpc.ServicerContext) -> dict[str, list[str]]:
    metadata: dict[str, list[str]] = {}
    for name, value in context.invocation_metadata():
        metadata.setdefault(name, []).append(value)
    return metadata


def _passed_on(context: grpc.ServicerContext) -> list[tuple[str, str | bytes]]:
    ours = ("authorization", "x-request-id", "x-tenant-id")
    return [(name, value) for name, value in context.invocation_metadata() if name in ours]


def revoke(address: str, admin_key: str, session_id: str) -> None:
    """Ends a session, as an admin does."""
    with grpc.insecure_channel(address) as channel:
        call = channel.unary_unary(f"/{PACKAGE}.AdminService/Revoke")
        question = admin_pb2.AdminServiceRevokeRequest(session_id=session_id)
        call(question.SerializeToString(), 10, [("authorization", f"Bearer {admin_key}")])


def changed(change: Callable[[Message], object]) -> Rule:
    """The real answer, changed in place."""

    def rule(_call: Call, ask: Ask) -> Message:
        answer = ask()
        change(answer)
        return answer

    return rule


def always(answer: Message | bytes) -> Rule:
    """This answer, whatever was asked."""
    return lambda _call, _ask: answer


def refused(code: str, **details) -> Rule:
    """A status other than OK."""

    def rule(_call: Call, _ask: Ask) -> Message:
        raise RefusedError(code, **details)

    return rule


def slow(seconds: float) -> Rule:
    """The real answer, late."""

    def rule(_call: Call, ask: Ask) -> Message:
        answer = ask()
        time.sleep(seconds)
        return answer

    return rule


def held(release: threading.Event, rule: Rule = lambda _call, ask: ask()) -> Rule:
    """What `rule` answers, once it is released."""

    def wait(call: Call, ask: Ask) -> Message | bytes:
        release.wait(20)
        return rule(call, ask)

    return wait


def at_first(times: int, rule: Rule, then: Rule = lambda _call, ask: ask()) -> Rule:
    """`rule` for the first calls, then another: the real answer, unless told otherwise."""
    left = iter(range(times))

    def either(call: Call, ask: Ask) -> Message | bytes:
        return (rule if next(left, None) is not None else then)(call, ask)

    return either


def with_unknown_fields(answer: Message) -> bytes:
    """The answer as an authority of the future might send it: every message in it holds fields that nobody knows."""
    for descriptor, value in answer.ListFields():
        if descriptor.message_type is None or descriptor.message_type.GetOptions().map_entry:
            continue
        if not descriptor.message_type.full_name.startswith(PACKAGE):
            continue
        for part in value if descriptor.is_repeated else [value]:
            part.MergeFromString(with_unknown_fields(part))
    return answer.SerializeToString() + UNKNOWN_FIELDS


def _field(number: int, payload: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(payload)) + payload


def _varint(number: int) -> bytes:
    parts = []
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


UNKNOWN_FIELDS = _field(1001, b"from the future") + _varint(1002 << 3) + _varint(7)
UNKNOWN_OUTCOME = _field(77, _field(1, b"an outcome that nobody knows yet"))
