"""Owns HTTP/1.1 as bytes: requests exactly as written, answers exactly as they came. Does not know the cases."""

import json
import select
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass

Text = str | bytes


def raw(text: Text) -> bytes:
    """Text as bytes: a str holds one character for each byte."""
    return text if isinstance(text, bytes) else text.encode("latin-1")


class NoAnswerError(AssertionError):
    """No whole HTTP answer came."""


@dataclass
class Answer:
    """An HTTP answer. Names of headers are in lower case; values are one character for each byte."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    seconds: float = 0.0

    def all(self, name: str) -> list[str]:
        """Every line of this header."""
        return [value for found, value in self.headers if found == name.lower()]

    def header(self, name: str) -> str | None:
        """The header, if it came; it must not have come twice."""
        lines = self.all(name)
        if len(lines) > 1:
            raise AssertionError(f"{name} came {len(lines)} times: {lines}")
        return lines[0] if lines else None

    def listed(self, name: str) -> list[str]:
        """A header that is a list, in lower case, over all its lines."""
        return [word.strip().lower() for line in self.all(name) for word in line.split(",") if word.strip()]

    def words(self, name: str) -> set[str]:
        """What such a list has."""
        return set(self.listed(name))

    def json(self) -> dict:
        """The body, which has to be a JSON object that says so."""
        kind = self.header("content-type") or ""
        if not kind.startswith("application/json"):
            raise AssertionError(f"JSON was expected, not {self}")
        return json.loads(self.body)

    def __str__(self) -> str:
        lines = "; ".join(f"{name}: {value}" for name, value in self.headers)
        return f"{self.status} [{lines}] {self.body[:300]!r}"


def compose(method: Text, target: Text, headers: list[tuple[Text, Text]], body: bytes | None = None) -> bytes:
    """A request with these bytes and no others; a body gets its length unless the headers frame it."""
    lines = [raw(method) + b" " + raw(target) + b" HTTP/1.1"]
    lines += [raw(name) + b": " + raw(value) for name, value in headers]
    framed = any(raw(name).lower() in (b"content-length", b"transfer-encoding") for name, _ in headers)
    if body is not None and not framed:
        lines.append(b"content-length: %d" % len(body))
    return b"\r\n".join([*lines, b"connection: close", b"", b""]) + (body or b"")


def exchange(address: tuple[str, int], request: bytes, *, is_head: bool = False, timeout: float = 30.0) -> Answer:
    """Sends bytes and reads until the other side closes; both at once, as an answer may come before all is sent."""
    begun = time.monotonic()
    received = bytearray()
    with socket.create_connection(address, timeout=timeout) as connection:
        connection.setblocking(False)
        unsent = memoryview(request)
        while True:
            left = begun + timeout - time.monotonic()
            readable, writable, _ = select.select([connection], [connection] if unsent else [], [], max(left, 0))
            if not readable and not writable:
                raise NoAnswerError(f"no answer within {timeout} s; came so far: {bytes(received[:200])!r}")
            try:
                if writable:
                    unsent = unsent[connection.send(unsent[:65536]) :]
            except OSError:
                unsent = memoryview(b"")
            try:
                part = connection.recv(65536) if readable else None
            except ConnectionError:
                part = b""
            if part == b"":
                break
            received += part or b""
    return parse(bytes(received), is_head=is_head, seconds=time.monotonic() - begun)


def send_and_hang_up(address: tuple[str, int], request: bytes, until: Callable[[], object]) -> None:
    """Sends bytes, waits for something to hold, and tears the connection: nobody reads the answer."""
    with socket.create_connection(address, timeout=30) as connection:
        connection.sendall(request)
        until()
        # Closed with a reset, not politely: nothing is left to be waited for.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def parse(received: bytes, *, is_head: bool = False, seconds: float = 0.0) -> Answer:
    """Reads an answer that ended with its connection. What follows the head of an answer to HEAD is its body too."""
    while True:
        head, found, rest = received.partition(b"\r\n\r\n")
        if not found:
            raise NoAnswerError(f"no HTTP answer: {received[:200]!r}")
        first, *lines = head.split(b"\r\n")
        version, status, *_ = first.split(b" ", 2)
        if version not in (b"HTTP/1.1", b"HTTP/1.0") or not status.isdigit():
            raise NoAnswerError(f"no HTTP answer: {received[:200]!r}")
        if int(status) >= 200:
            break
        received = rest
    headers = []
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not name or name != name.strip():
            raise NoAnswerError(f"a line that is no header: {line!r}")
        headers.append((name.decode("latin-1").lower(), value.strip(b" \t").decode("latin-1")))
    answer = Answer(int(status), headers, rest, seconds)
    if not is_head:
        answer.body = _unframed(answer, rest)
    return answer


def _unframed(answer: Answer, rest: bytes) -> bytes:
    if "chunked" in answer.words("transfer-encoding"):
        body = b""
        while True:
            size, _, rest = rest.partition(b"\r\n")
            length = int(size.split(b";")[0], 16)
            if length == 0:
                return body
            if len(rest) < length + 2:
                raise NoAnswerError("the answer was cut off")
            body, rest = body + rest[:length], rest[length + 2 :]
    length = answer.header("content-length")
    if length is not None and answer.status not in (204, 304) and len(rest) != int(length):
        raise NoAnswerError(f"the body has {len(rest)} bytes where {length} were announced")
    return rest
