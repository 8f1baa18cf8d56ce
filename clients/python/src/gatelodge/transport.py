"""Owns how one question travels and its answer comes back: over gRPC, or however a test wants it.

Does not know deadlines' lengths, repeats or what the questions mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from gatelodge import errors
from gatelodge._own import PerLoop, PerProcess

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatelodge._methods import A, Method, Q
    from gatelodge.options import ClientOptions

Metadata = tuple[tuple[str, str], ...]


class Transport(Protocol):
    """Carries calls of a :class:`gatelodge.Client`."""

    def send(self, method: Method[Q, A], question: Q, *, timeout: float, metadata: Metadata) -> A:
        """Brings the answer.

        Raises:
            GatelodgeError: there is none.
        """

    def close(self) -> None:
        """Lets go of connections. A later call makes new ones."""


class AsyncTransport(Protocol):
    """Carries calls of a :class:`gatelodge.AsyncClient`."""

    async def send(self, method: Method[Q, A], question: Q, *, timeout: float, metadata: Metadata) -> A:
        """Brings the answer.

        Raises:
            GatelodgeError: there is none.
        """

    async def close(self) -> None:
        """Lets go of connections. A later call makes new ones."""


class GrpcTransport:
    """One channel per process, opened at its first call."""

    def __init__(self, options: ClientOptions) -> None:
        self._address = options.address
        self._connection = PerProcess(lambda: _Connection(_open(options, grpc)))

    def send(self, method: Method[Q, A], question: Q, *, timeout: float, metadata: Metadata) -> A:
        """Sends over the channel."""
        try:
            answer: bytes = self._connection.get().call(method)(question, timeout=_told(timeout), metadata=metadata)
        except grpc.RpcError as error:
            raise _failure(error, self._address) from None
        return _read(method, answer)

    def close(self) -> None:
        """Closes this process's channel."""
        connection = self._connection.take()
        if connection is not None:
            connection.channel.close()


class AsyncGrpcTransport:
    """One channel per event loop, opened at its first call."""

    def __init__(self, options: ClientOptions) -> None:
        self._address = options.address
        self._connection = PerLoop(lambda: _Connection(_open(options, grpc.aio)))

    async def send(self, method: Method[Q, A], question: Q, *, timeout: float, metadata: Metadata) -> A:
        """Sends over the channel."""
        try:
            call = self._connection.get().call(method)
            answer: bytes = await call(question, timeout=_told(timeout), metadata=metadata)
        except grpc.RpcError as error:
            raise _failure(error, self._address) from None
        return _read(method, answer)

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

    def call(self, method: Method[Q, A]) -> Callable[..., Any]:
        call = self._calls.get(method.path)
        if call is None:
            serializer = method.question.SerializeToString
            call = self._calls[method.path] = self.channel.unary_unary(method.path, request_serializer=serializer)
        return call


def _open(options: ClientOptions, flavour: Any) -> Any:
    credentials = options.credentials()
    if credentials is None:
        return flavour.insecure_channel(options.target, options=options.channel_arguments)
    return flavour.secure_channel(options.target, credentials, options=options.channel_arguments)


def _told(timeout: float) -> float:
    """The timeout to give to gRPC, which tells the authority up to a hundredth more."""
    return timeout * 0.99


def _read(method: Method[Q, A], answer: bytes) -> A:
    message = method.answer()
    try:
        message.ParseFromString(answer)
    except DecodeError as error:
        raise errors.InconclusiveError(f"what came as the answer to {method.name} is none") from error
    return message


def _failure(error: grpc.RpcError, address: str) -> errors.GatelodgeError:
    return errors.from_status(error.code(), error.details() or "", error.trailing_metadata() or (), address)
