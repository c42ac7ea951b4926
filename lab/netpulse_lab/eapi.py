"""eAPI of a simulated Arista switch: JSON-RPC 2.0 over HTTP/1.1, plain or in TLS.

Method ``runCmds`` at ``/command-api`` (Arista, "eAPI and Unified Management"): basic authentication, kept-alive
connections, one request at a time on each. A login is counted once a connection, a request each time.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

from .eapi_commands import CommandFailed, Cut, run_commands
from .gate import Gate
from .interpreter import Interpreter

_LONGEST_HEAD = 65536
_JSON_RPC = "application/json-rpc"


class EapiConnection(asyncio.Protocol):
    """One HTTP connection."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._device = gate.device
        self._received = bytearray()
        self._answering = False
        self._answered = 0
        self._timer: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        self._device.journal.counters.bytes_in += len(data)
        self._received += data
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._received.clear()

    # -- requests ----------------------------------------------------------------------------------------------------

    def _next(self) -> None:
        if self._answering:
            return
        if self._received and not 0x41 <= self._received[0] <= 0x5A:
            # no method: somebody begins a TLS handshake, say
            self._received.clear()
            self._respond(HTTPStatus.BAD_REQUEST, "400 Bad Request", close=True)
            return
        head, end, rest = bytes(self._received).partition(b"\r\n\r\n")
        if not end:
            if len(self._received) > _LONGEST_HEAD:
                self._respond(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "head too long", close=True)
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        size = int(headers.get("content-length", "0") or "0")
        if len(rest) < size:
            return
        del self._received[: len(head) + len(end) + size]
        self._answering = True
        self._device.journal.counters.requests += 1
        delay = self._device.faults.latency + (self._device.faults.auth_delay if not self._gate.session else 0.0)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(delay, self._answer, first, headers, rest[:size])

    def _answer(self, first: str, headers: Mapping[str, str], body: bytes) -> None:
        close = headers.get("connection", "").lower() == "close"
        faults = self._device.faults
        method, _, target = first.partition(" ")
        if faults.http_status:
            self._respond(HTTPStatus(faults.http_status), "the agent is not well", close=close)
        elif not target.startswith("/command-api"):
            self._respond(HTTPStatus.NOT_FOUND, "there is nothing here", close=close)
        elif method != "POST":
            self._respond(HTTPStatus.METHOD_NOT_ALLOWED, "POST only", close=close)
        elif (privilege := self._privilege(headers)) is None:
            self._respond(HTTPStatus.UNAUTHORIZED, "Unable to authenticate user: Bad username/password combination")
        else:
            try:
                answer = self._call(body, privilege)
            except Cut as cut:
                self._device.journal.event("cut", action=cut.action, session=self._gate.session)
                self._gate.cut(cut.action)
                return
            self._respond(HTTPStatus.OK, json.dumps(answer), kind=_JSON_RPC, close=close)

    def _privilege(self, headers: Mapping[str, str]) -> int | None:
        """The level of whoever asks; None: nobody that the device knows."""
        name = self._certificate_name()
        given = headers.get("authorization", "")
        device, counters = self._device, self._device.journal.counters
        if given.startswith("Basic "):
            try:
                name, _, password = base64.b64decode(given[6:], validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                return None
            privilege = device.platform.check_password(device, name, password)
        else:
            privilege = device.privilege_of(name) if name else None
        if privilege is None or device.faults.take_auth_failure():
            counters.auth_failures += 1
            device.journal.event("authentication failed", username=name, source=self._gate.peer)
            return None
        if not self._gate.session:
            self._gate.logged_in(name)
        return privilege

    def _certificate_name(self) -> str:
        """The common name of the client's certificate, which was verified in the handshake; "" without one."""
        certificate = self._gate.get_extra_info("peercert") or {}
        subject = cast("tuple[tuple[tuple[str, str], ...], ...]", certificate.get("subject", ()))
        return next((value for part in subject for name, value in part if name == "commonName"), "")

    def _call(self, body: bytes, privilege: int) -> dict[str, Any]:  # noqa: PLR0911 - one return a kind of error
        try:
            request = json.loads(body)
        except ValueError:
            return _failure(None, -32700, "Parse error")
        if not isinstance(request, dict) or request.get("jsonrpc") != "2.0":
            return _failure(None, -32600, "Invalid Request")
        number = request.get("id")
        if request.get("method") != "runCmds":
            return _failure(number, -32601, "Method not found")
        params = request.get("params")
        if not isinstance(params, dict) or not isinstance(params.get("cmds"), list):
            return _failure(number, -32602, "Invalid params")
        if params.get("version", 1) not in (1, "latest") or params.get("format", "json") not in ("json", "text"):
            return _failure(number, -32602, "Invalid params")
        shell = Interpreter(
            device=self._device, username=self._gate.username, privilege=privilege, session=self._gate.session
        )
        shell.length = 0
        try:
            results = run_commands(shell, params["cmds"], text=params.get("format") == "text")
        except CommandFailed as failed:
            return _failure(number, failed.code, str(failed), data=failed.data)
        return {"jsonrpc": "2.0", "id": number, "result": results}

    # -- answers -----------------------------------------------------------------------------------------------------

    def _respond(self, status: HTTPStatus, text: str, *, kind: str = "text/plain", close: bool = False) -> None:
        body = text.encode()
        self._answered += 1
        limit = self._device.faults.http_requests
        close = close or (limit > 0 and self._answered >= limit)
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\nServer: nginx\r\nContent-Type: {kind}\r\n"
            f"Content-Length: {len(body)}\r\nConnection: {'close' if close else 'keep-alive'}\r\n\r\n"
        )
        self._device.journal.counters.bytes_out += len(head) + len(body)
        self._gate.write(head.encode() + body)
        self._answering = False
        if close or (limit < 0 and self._answered >= -limit):
            self._gate.cut("close")
        else:
            self._next()


def _failure(number: object, code: int, message: str, *, data: list[Any] | None = None) -> dict[str, Any]:
    error: dict[str, Any] = {"code": code, "message": message}
    if data is not None:
        error["data"] = data
    return {"jsonrpc": "2.0", "id": number, "error": error}
