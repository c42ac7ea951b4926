"""A receiver of webhooks on the loopback: keeps what it got, answers as told."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True, kw_only=True)
class Received:
    """One request; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class WebhookReceiver:
    """Start with the context, stop with it.

    Attributes:
        received: all requests so far.
        answers: statuses for the next ones; then 204.
        gate: while cleared, a request is kept waiting for its answer.
        drip: seconds between two bytes of the answer; 0: at once.
        location: where redirecting answers lead.
    """

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answers: list[int] = []
        self.gate = threading.Event()
        self.gate.set()
        self.drip = 0.0
        self.location = ""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                receiver._answer(self)

            do_POST = do_PUT = do_GET = do_DELETE = do_PATCH = answer

            def log_message(self, *args: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.gate.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in request.headers.items()}
        status = self.answers.pop(0) if self.answers else 204
        self.received.append(Received(method=request.command, path=request.path, headers=headers, body=body))
        self.gate.wait(60)
        text = f"HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: 0\r\n"
        if self.location:
            text += f"location: {self.location}\r\n"
        try:
            for byte in (text + "\r\n").encode():
                request.connection.sendall(bytes([byte]))
                if self.drip:
                    time.sleep(self.drip)
        except OSError:
            pass  # the caller has left
        request.close_connection = True
