"""A device's own time: one command on an open SSH channel, read by blocking on it, and nothing else."""

from __future__ import annotations

import time
from typing import Any

import paramiko


class RawExchange:
    """An open shell. What it takes is the floor under every client that speaks SSH through paramiko.

    Args:
        connection_args: as netmiko takes them; host, port, username and password are used.
    """

    def __init__(self, connection_args: dict[str, Any]) -> None:
        self._transport = paramiko.Transport((connection_args["host"], connection_args["port"]))
        self._transport.start_client(timeout=10)
        self._transport.auth_password(connection_args["username"], connection_args["password"])
        self._channel = self._transport.open_session(timeout=10)
        self._channel.get_pty(width=511, height=1000)
        self._channel.invoke_shell()
        self._channel.settimeout(10)
        greeting = b""
        while not greeting.rstrip(b" ").endswith((b"#", b">")):
            greeting += self._received()
        self._prompt = greeting[max(greeting.rfind(b"\n"), greeting.rfind(b"\r")) + 1 :]
        self.run("terminal length 0")

    def _received(self) -> bytes:
        data = self._channel.recv(65536)
        assert data, "the device closed the session"
        return data

    def run(self, command: str) -> float:
        """Seconds from before the command is sent until its prompt has come."""
        began = time.perf_counter()
        self._channel.sendall(command.encode() + b"\n")
        answer = b""
        while not (answer.endswith(self._prompt) and b"\n" in answer):
            answer += self._received()
        return time.perf_counter() - began

    def close(self) -> None:
        self._transport.close()
