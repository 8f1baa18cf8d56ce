"""Owns the wire between an edge and its authority: it can be shut, torn, or swallow everything. Does not know what it
carries."""

import contextlib
import socket
import threading

from .programs import free_port


class Valve:
    """Forwards connections to `target`. Shut: they are refused. Silent: they are accepted, and nothing comes back."""

    def __init__(self, target: tuple[str, int], *, is_open: bool = True):
        self.target = target
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._silent = False
        # One that is held: it has to be there again after it was shut.
        self.port = free_port()
        self._listener = _listen(self.port)
        if is_open:
            self._serve()
        else:
            self._listener.close()

    def shut(self) -> None:
        """Refuses connections, and tears those that are open."""
        # A thread that waits in accept keeps the port: shutdown wakes it.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.tear()

    def open(self) -> None:
        """Forwards again."""
        self._silent = False
        if self._listener.fileno() == -1:
            self._listener = _listen(self.port)
            self._serve()

    def silence(self) -> None:
        """Tears what is open; from now on accepts, and never answers."""
        self._silent = True
        self.tear()

    def tear(self) -> None:
        """Tears the connections that are open; new ones are forwarded."""
        with self._lock:
            torn, self._sockets = self._sockets, set()
        for one in torn:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        threading.Thread(target=self._accept, args=[self._listener], daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                here, _ = listener.accept()
                with self._lock:
                    self._sockets.add(here)
                if self._silent:
                    continue
                try:
                    there = socket.create_connection(self.target)
                except OSError:
                    here.close()
                    continue
                with self._lock:
                    self._sockets.add(there)
                for pair in ((here, there), (there, here)):
                    threading.Thread(target=self._pump, args=pair, daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while part := source.recv(65536):
                sink.sendall(part)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        with self._lock:
            known = source in self._sockets
            self._sockets.discard(source)
        if known:
            source.close()


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(64)
    return listener
