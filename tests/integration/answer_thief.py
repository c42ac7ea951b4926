"""A TCP relay that lets requests through and keeps answers back: the moment in which a caller cannot know."""

from __future__ import annotations

import socket
import threading
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class AnswerThief:
    """Relays to the HTTP server at ``target``; the first ``steals`` connections end after the server has answered,
    before a byte of the answer is passed on.

    Each connection carries one request: the relay asks the server to close.
    """

    def __init__(self, target: str, *, steals: int) -> None:
        parts = urlsplit(target)
        assert parts.hostname
        assert parts.port
        self._target = (parts.hostname, parts.port)
        self._steals = steals
        self.stolen = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept, which closing alone does not
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return
            with client, socket.create_connection(self._target) as server:
                server.sendall(_request(client))
                answer = _everything(server)
                if self.stolen < self._steals:
                    self.stolen += 1
                else:
                    client.sendall(answer)


def _request(client: socket.socket) -> bytes:
    """One request with its body, changed to ask for the connection's end after the answer."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += _more(client)
    head, body = received.split(b"\r\n\r\n", 1)
    lines = head.split(b"\r\n")
    lengths = [line.split(b":")[1] for line in lines if line.lower().startswith(b"content-length:")]
    while len(body) < int(lengths[0] if lengths else 0):
        body += _more(client)
    return b"\r\n".join([*lines, b"Connection: close", b"", body])


def _everything(server: socket.socket) -> bytes:
    parts = []
    while part := server.recv(65536):
        parts.append(part)
    return b"".join(parts)


def _more(client: socket.socket) -> bytes:
    part = client.recv(65536)
    assert part, "the client closed in the middle of its request"
    return part
