"""Owns how one question travels and its answer comes back: over gRPC, or however a test wants it.

Does not know deadlines' lengths, repeats or what the questions mean.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from gatelodge import errors
from gatelodge._methods import A, StreamMethod
from gatelodge._own import PerLoop, PerProcess
from gatelodge.options import ADDRESS

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Iterable

    from typing_extensions import Self

    from gatelodge._methods import Method, Q
    from gatelodge.options import ClientOptions

_log = logging.getLogger("gatelodge")

Metadata = tuple[tuple[str, str], ...]
A_co = TypeVar("A_co", covariant=True)


class Stream(Protocol[A_co]):
    """The answers of a call that brings one after another: iterate it, and close it."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def __iter__(self) -> Self: ...

    def __next__(self) -> A_co:
        """The next answer.

        Raises:
            GatelodgeError: the stream broke off.
        """

    def follow(self, hear: Callable[[A_co], None]) -> None:
        """Hands on every answer until the stream ends, as iterating it does.

        Raises:
            GatelodgeError: the stream broke off.
        """

    def close(self) -> None:
        """Ends the stream, and so whoever waits for an answer. Any thread may."""


class AsyncStream(Protocol[A_co]):
    """The answers of a call that brings one after another, for asyncio: iterate it, and close it."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *_: object) -> None: ...

    def __aiter__(self) -> Self: ...

    async def __anext__(self) -> A_co:
        """The next answer.

        Raises:
            GatelodgeError: the stream broke off.
        """

    async def follow(self, hear: Callable[[A_co], None]) -> None:
        """Hands on every answer until the stream ends, as iterating it does.

        Raises:
            GatelodgeError: the stream broke off.
        """

    def close(self) -> None:
        """Ends the stream, and so whoever waits for an answer."""


class Transport(Protocol):
    """Carries calls of a :class:`gatelodge.Client`."""

    def send(self, method: Method[Q, A], question: Q, *, timeout: float, metadata: Metadata) -> A:
        """Brings the answer.

        Raises:
            GatelodgeError: there is none.
        """

    def stream(self, method: StreamMethod[Q, A], asked: Q | Iterable[Q], *, metadata: Metadata) -> Stream[A]:
        """Begins a stream, without a deadline. What goes wrong is told by the first answer that is awaited."""

    def close(self) -> None:
        """Lets go of connections. A later call makes new ones."""


class AsyncTransport(Protocol):
    """Carries calls of a :class:`gatelodge.AsyncClient`."""

    async def send(self, method: Method[Q, A], question: Q, *, timeout: float, metadata: Metadata) -> A:
        """Brings the answer.

        Raises:
            GatelodgeError: there is none.
        """

    def stream(self, method: StreamMethod[Q, A], asked: Q | AsyncIterable[Q], *, metadata: Metadata) -> AsyncStream[A]:
        """Begins a stream, without a deadline. What goes wrong is told by the first answer that is awaited."""

    async def close(self) -> None:
        """Lets go of connections. A later call makes new ones."""


class GrpcTransport:
    """One channel per process, opened at its first call."""

    def __init__(self, options: ClientOptions) -> None:
        self._address = options.address
        _warn_in_clear(options)
        self._connection = PerProcess(lambda: _Connection(_open(options, grpc)))

    def send(self, method: Method[Q, A], question: Q, *, timeout: float, metadata: Metadata) -> A:
        """Sends over the channel."""
        try:
            answer: bytes = self._connection.get().call(method)(question, timeout=_told(timeout), metadata=metadata)
        except grpc.RpcError as error:
            raise _failure(error, self._address) from None
        return _read(method, answer)

    def stream(self, method: StreamMethod[Q, A], asked: Q | Iterable[Q], *, metadata: Metadata) -> Stream[A]:
        """Begins a stream on the channel."""
        sent: Any = iter(asked) if method.asks_many else asked  # type: ignore[arg-type] # then it is many
        try:
            call = self._connection.get().call(method)(sent, metadata=metadata)
        except ValueError as closed:  # Another thread has closed the channel meanwhile.
            raise errors.UnreachableError("the connection was closed", code=grpc.StatusCode.UNAVAILABLE) from closed
        return _GrpcStream(call, method, self._address)

    def close(self) -> None:
        """Closes this process's channel."""
        connection = self._connection.take()
        if connection is not None:
            connection.channel.close()


class AsyncGrpcTransport:
    """One channel per event loop, opened at its first call."""

    def __init__(self, options: ClientOptions) -> None:
        self._address = options.address
        _warn_in_clear(options)
        self._connection = PerLoop(lambda: _Connection(_open(options, grpc.aio)))

    async def send(self, method: Method[Q, A], question: Q, *, timeout: float, metadata: Metadata) -> A:
        """Sends over the channel."""
        try:
            call = self._connection.get().call(method)
            answer: bytes = await call(question, timeout=_told(timeout), metadata=metadata)
        except grpc.RpcError as error:
            raise _failure(error, self._address) from None
        return _read(method, answer)

    def stream(self, method: StreamMethod[Q, A], asked: Q | AsyncIterable[Q], *, metadata: Metadata) -> AsyncStream[A]:
        """Begins a stream on the channel."""
        call = self._connection.get().call(method)(asked, metadata=metadata)
        return _AsyncGrpcStream(call, method, self._address)

    async def close(self) -> None:
        """Closes the running loop's channel."""
        connection = self._connection.take()
        if connection is not None:
            await connection.channel.close()


class _Connection:
    """A channel, and what it makes of each method once."""

    def __init__(self, channel: Any) -> None:
        self.channel = channel
        self._calls: dict[str, Callable[..., Any]] = {}

    def call(self, method: Method[Q, A] | StreamMethod[Q, A]) -> Callable[..., Any]:
        call = self._calls.get(method.path)
        if call is None:
            if not isinstance(method, StreamMethod):
                kind = self.channel.unary_unary
            elif method.asks_many:
                kind = self.channel.stream_stream
            else:
                kind = self.channel.unary_stream
            call = self._calls[method.path] = kind(method.path, request_serializer=method.question.SerializeToString)
        return call


class _GrpcStream(Generic[A]):
    def __init__(self, call: Any, method: StreamMethod[Any, A], address: str) -> None:
        self._call, self._method, self._address = call, method, address
        self._is_closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> A:
        try:
            return _read(self._method, next(self._call))
        except grpc.RpcError as error:
            if self._is_closed:
                raise StopIteration from None
            raise _failure(error, self._address) from None

    def follow(self, hear: Callable[[A], None]) -> None:
        for answer in self:
            hear(answer)

    def close(self) -> None:
        self._is_closed = True
        self._call.cancel()


class _AsyncGrpcStream(Generic[A]):
    def __init__(self, call: Any, method: StreamMethod[Any, A], address: str) -> None:
        self._call, self._method, self._address = call, method, address
        self._is_closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> A:
        try:
            answer = await self._call.read()
        except grpc.RpcError as error:
            raise _failure(error, self._address) from None
        except asyncio.CancelledError:
            # So gRPC says that the stream was closed, too.
            if self._is_closed:
                raise StopAsyncIteration from None
            raise
        if answer is grpc.aio.EOF:
            raise StopAsyncIteration
        return _read(self._method, answer)

    async def follow(self, hear: Callable[[A], None]) -> None:
        async for answer in self:
            hear(answer)

    def close(self) -> None:
        self._is_closed = True
        self._call.cancel()


def _warn_in_clear(options: ClientOptions) -> None:
    if options.is_in_clear:
        _log.warning(
            "%s is %s, plaintext to another machine: the API key and people's cookies cross the network in clear. "
            "Use https://, or make sure that something else encrypts the way",
            ADDRESS,
            options.address,
        )


def _open(options: ClientOptions, flavour: Any) -> Any:
    credentials = options.credentials()
    if credentials is None:
        return flavour.insecure_channel(options.target, options=options.channel_arguments)
    return flavour.secure_channel(options.target, credentials, options=options.channel_arguments)


def _told(timeout: float) -> float:
    """The timeout to give to gRPC, which tells the authority up to a hundredth more."""
    return timeout * 0.99


def _read(method: Method[Any, A] | StreamMethod[Any, A], answer: bytes) -> A:
    message = method.answer()
    try:
        message.ParseFromString(answer)
    except DecodeError as error:
        raise errors.InconclusiveError(f"what came as the answer to {method.name} is none") from error
    return message


def _failure(error: grpc.RpcError, address: str) -> errors.GatelodgeError:
    return errors.from_status(error.code(), error.details() or "", error.trailing_metadata() or (), address)
