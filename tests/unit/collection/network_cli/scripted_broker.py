"""A real HTTP server with the broker's session routes, before a device whose answers are given by the test."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, Any, str]


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


class ScriptedBroker:
    """One device, one interactive session at a time.

    Attributes:
        requests: ``(method, path, body)`` of everything that came, heartbeats left out.
        heartbeats: how many came.
        commands: what the device was told, each once.
        outputs: command: output.
        refusals: answers to give to the next ``POST /session`` requests instead of a session.
        replies: command: ExchangeResult fields that replace the usual ones.
        drop_after: commands after which the HTTP connection is cut once, the command having been carried out.
    """

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, Any]] = []
        self.heartbeats = 0
        self.commands: list[str] = []
        self.outputs: dict[str, str] = {}
        self.replies: dict[str, dict[str, Any]] = {}
        self.refusals: list[Answer] = []
        self.drop_after: set[str] = set()
        self.files: dict[str, bytes] = {}
        self.prompt = b"device#"
        self.fresh = True
        self.max_hold = 600.0
        self.heartbeat_interval = 10.0
        self.beat = threading.Event()
        self.session: str | None = None
        self._stored: dict[int, Any] = {}
        self._opened = 0
        broker = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

            def handle_one(self) -> None:
                broker.answer(self)

            do_GET = do_POST = do_DELETE = do_PUT = handle_one

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def exchanges(self) -> list[dict[str, Any]]:
        """Bodies of the exchanges that were asked for, repetitions included."""
        return [body for method, path, body in self.requests if method == "POST" and path.endswith("/exchange")]

    def count(self, method: str, path: str) -> int:
        return sum(1 for one in self.requests if one[0] == method and urlsplit(one[1]).path.startswith(path))

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        raw = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        path = urlsplit(handler.path).path
        if path.endswith("/heartbeat"):
            self.heartbeats += 1
            self.beat.set()
            return self._send(handler, self._heartbeat(path))
        if path.endswith("/file"):
            return self._file(handler, raw)
        body: Any = json.loads(raw) if raw else {}
        self.requests.append((handler.command, handler.path, body))
        route = self._route(handler.command, path)
        answer = route(path, body)
        if path.endswith("/exchange") and self._command(body) in self.drop_after:
            self.drop_after.remove(self._command(body))
            handler.close_connection = True
            return None
        return self._send(handler, answer)

    def _route(self, method: str, path: str) -> Callable[[str, Any], Answer]:
        if (method, path) == ("POST", "/session"):
            return self._open
        if (method, path) == ("POST", "/session/reset"):
            return self._reset
        if method == "POST" and path.endswith("/exchange"):
            return self._exchange
        if method == "DELETE":
            return self._release
        raise AssertionError(f"no such route: {method} {path}")

    def _open(self, path: str, body: Any) -> Answer:
        if self.refusals:
            return self.refusals.pop(0)
        self._opened += 1
        self.session = f"session-{self._opened}"
        self._stored = {}
        granted = {
            "id": self.session,
            "device": body["connection_args"]["host"],
            "fresh": self.fresh,
            "prompt": b64(self.prompt),
            "privilege": None,
            "config_mode": False,
            "worker": "worker-1",
            "heartbeat": self.heartbeat_interval,
            "max_hold": self.max_hold,
        }
        if body.get("exchange"):
            granted["exchange"] = self._carry_out(body["exchange"])
        self.fresh = False
        return 201, granted, "success"

    def _reset(self, path: str, body: Any) -> Answer:
        self.fresh = True
        return 200, {}, "success"

    def _heartbeat(self, path: str) -> Answer:
        return (200, {"id": self.session, "remaining": 1.0}, "success") if self._known(path) else self._unknown()

    def _exchange(self, path: str, body: Any) -> Answer:
        return (200, self._carry_out(body), "success") if self._known(path) else self._unknown()

    def _release(self, path: str, body: Any) -> Answer:
        if not self._known(path):
            return self._unknown()
        self.session = None
        return 200, {"released": True}, "success"

    def _known(self, path: str) -> bool:
        return path.split("/")[2] == self.session

    def _unknown(self) -> Answer:
        return (
            404,
            {"error": "unknown_session", "phase": "session", "retryable": False, "details": []},
            "max_hold passed",
        )

    def _carry_out(self, exchange: dict[str, Any]) -> Any:
        number = exchange["seq"]
        if number not in self._stored:
            assert number == len(self._stored) + 1, f"a gap before {number}"
            command = self._command(exchange)
            self.commands.append(command)
            output = self.outputs.get(command, "")
            text = f"{command}\r\n{output}{chr(13) + chr(10) if output else ''}".encode() + self.prompt
            self._stored[number] = {
                "seq": number,
                "response": b64(text),
                "window": b64(text[-64:]),
                "matched_prompt": b64(b"\n" + self.prompt),
                "error": None,
                "lease_open": True,
                "elapsed": 0.0,
                **self.replies.get(command, {}),
            }
        return self._stored[number]

    @staticmethod
    def _command(exchange: Any) -> str:
        return "" if exchange["command"] is None else base64.b64decode(exchange["command"]).decode()

    def _file(self, handler: BaseHTTPRequestHandler, raw: bytes) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(handler.path).query).items()}
        self.requests.append((handler.command, handler.path, query))
        self._stored[int(query["seq"])] = {}
        if handler.command == "PUT":
            self.files[query["path"]] = raw
            return self._send(handler, (200, {}, "success"))
        if query["path"] not in self.files:
            refused = {"error": "file_copy_failed", "phase": "execute", "retryable": False, "details": []}
            return self._send(handler, (502, refused, f"{query['path']}: No such file or directory"))
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        data = self.files[query["path"]]
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        if query["path"] != "cut":
            handler.wfile.write(b"0\r\n\r\n")
        handler.close_connection = True
        return None

    @staticmethod
    def _send(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
        status, data, message = answer
        content = json.dumps({"code": 200 if status < 400 else -1, "message": message, "data": data}).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)
