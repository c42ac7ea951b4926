"""An HTTP server on loopback that answers as rest clients may expect a broker to, by script.

It exists for what a real broker does not do on demand: break a connection in the middle, answer nonsense, lose a
worker.
"""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self


@dataclass
class Seen:
    """One request as it arrived. ``connection`` is the client's address and port: the same for a kept connection."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    connection: tuple[str, int]


@dataclass
class Reply:
    """What to answer. ``hang_up``: close the connection without an answer. ``close``: close it after the answer."""

    status: int = 200
    payload: Any = None
    raw: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False
    close: bool = False


def ok(data: Any, status: int = 200) -> Reply:
    return Reply(status, {"code": 200, "message": "success", "data": data})


def refused(
    status: int, message: str, error: str, *, retryable: bool = False, details: list[Any] | None = None
) -> Reply:
    data = {"error": error, "phase": "validate", "retryable": retryable, "details": details or []}
    return Reply(status, {"code": -1, "message": message, "data": data})


def job(status: str = "finished", *, outputs: list[Any] | None = None, **changes: Any) -> dict[str, Any]:
    """A job object; ``result`` keys may be given as ``result=``."""
    result = {"type": 1, "error": None, "outputs": outputs or [], "duration": 0.01, "session_reused": True}
    result |= changes.pop("result", {})
    return {
        "id": "job-1",
        "seq": 7,
        "status": status,
        "outcome": {"finished": "ok", "queued": None, "started": None}.get(status, "failed"),
        "queue": "device:r1",
        "worker": "node.1",
        "device": "r1",
        "duration": 0.01,
        "queue_time": 0.001,
        "session_reused": True,
        "result": None if status in ("queued", "started") else result,
    } | changes


def output(command: str, text: Any, **more: Any) -> dict[str, Any]:
    return {"command": command, "output": text, "elapsed": 0.001, "failed": False} | more


def error(code: str, phase: str, message: str, device_output: str = "") -> dict[str, Any]:
    return {
        "type": code.title(),
        "code": code,
        "phase": phase,
        "retryable": False,
        "message": message,
        "device_output": device_output,
        "details": [],
    }


class ContractServer:
    """Answers with ``script`` (one reply a request, the last one for ever) or with what ``answer`` returns."""

    def __init__(self, *, certificate: Path | None = None) -> None:
        self.seen: list[Seen] = []
        self.script: list[Reply] = []
        self.answer: Callable[[Seen], Reply] | None = None
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._scheme = "http"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            self._scheme = "https"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_address[1]}"

    def bodies(self, path: str = "/device/execute") -> list[Any]:
        return [one.body for one in self.seen if one.path == path]

    def reply_to(self, request: Seen) -> Reply:
        with self._lock:
            self.seen.append(request)
            if self.answer is not None:
                return self.answer(request)
            return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def _serve(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                reply = server.reply_to(
                    Seen(self.command, self.path, dict(self.headers.items()), body, self.client_address)
                )
                if reply.hang_up:
                    self.close_connection = True
                    return
                text = reply.raw if reply.raw is not None else json.dumps(reply.payload).encode()
                self.send_response(reply.status)
                self.send_header("Content-Type", "application/json" if reply.raw is None else "text/html")
                self.send_header("Content-Length", str(len(text)))
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text)
                self.close_connection = self.close_connection or reply.close

            do_GET = do_POST = do_DELETE = _serve  # the names that http.server looks for

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's signature
                """Requests stand in ``seen``."""

        return Handler
