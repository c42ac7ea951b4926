"""A TCP relay between a driver and its device, which counts, cuts and goes silent when the suite wants it.

So a driver can be tried against a device that nobody can control: what has to happen to the connection happens here.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from types import TracebackType
from typing import Self

_CONNECT_WITHIN = 10.0
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER with a time of 0: closing sends RST."""


class Relay:
    """Listens on a loopback port and forwards to an address. A context manager.

    Attributes:
        port: where it listens, on 127.0.0.1.
        connections: that it has taken.
        sent: bytes that it has taken from the driver's side.
    """

    def __init__(self, host: str, port: int) -> None:
        self._device = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self.sent = 0
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._flowing = threading.Event()
        self._flowing.set()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, name="relay", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop()
        self._flowing.set()

    def drop(self) -> None:
        """Cut all connections, on both sides."""
        with self._lock:
            doomed, self._open = self._open, set()
        for one in doomed:
            with contextlib.suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def freeze(self) -> None:
        """Forward nothing more, and close nothing: what a device looks like that has lost its power."""
        self._flowing.clear()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._connect, args=[near], daemon=True).start()

    def _connect(self, near: socket.socket) -> None:
        try:
            far = socket.create_connection(self._device, timeout=_CONNECT_WITHIN)
        except OSError:
            near.close()  # the driver sees the connection close, as from a device that is going down
            return
        far.settimeout(None)
        for one in (near, far):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._open |= {near, far}
        threading.Thread(target=self._pump, args=[far, near], daemon=True).start()
        self._pump(near, far, count=True)

    def _pump(self, source: socket.socket, sink: socket.socket, *, count: bool = False) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if count:
                    self.sent += len(data)
                self._flowing.wait()
                sink.sendall(data)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            with self._lock:
                self._open.discard(one)
        # The other direction's thread ends by the shutdown; the second to come here frees the descriptors.
        sink.close()
