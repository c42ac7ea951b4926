"""An SSH terminal without any cleverness: what is sent is sent, what comes is kept as it came."""

from __future__ import annotations

import re
import time
from types import TracebackType
from typing import Self

import paramiko

from netpulse_lab import SimulatedDevice


class RawShell:
    """A pty and shell on a device."""

    def __init__(self, device: SimulatedDevice, *, username: str = "", password: str = "") -> None:
        self.transport = paramiko.Transport((device.host, device.port))
        try:
            self.transport.start_client(timeout=60)
            self.transport.auth_password(username or device.username, password or device.password)
            self.channel = self.transport.open_session(timeout=60)
            self.channel.get_pty()
            self.channel.invoke_shell()
        except BaseException:
            self.transport.close()
            raise
        self.received = b""
        """All that came and was not yet asked for."""
        self.pieces: list[bytes] = []
        """All that ever came, as it was read."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.transport.close()

    def send(self, data: str | bytes) -> None:
        self.channel.sendall(data.encode() if isinstance(data, str) else data)

    def read_bytes(self, pattern: bytes, *, within: float = 60.0) -> bytes:
        """Everything up to and with the first match of `pattern`.

        Raises:
            TimeoutError: it did not come in `within` seconds; the text shows what did.
            EOFError: the session ended first.
        """
        deadline = time.monotonic() + within
        while not (found := re.search(pattern, self.received)):
            self.channel.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                piece = self.channel.recv(65536)
            except TimeoutError as error:
                raise TimeoutError(f"no {pattern!r} in {self.received!r}") from error
            if not piece:
                raise EOFError(f"ended before {pattern!r}: {self.received!r}")
            self.received += piece
            self.pieces.append(piece)
        text, self.received = self.received[: found.end()], self.received[found.end() :]
        return text

    def read(self, pattern: str, *, within: float = 60.0) -> str:
        """The same as text with plain line breaks; ``\n`` in the pattern stands for them."""
        return self.read_bytes(pattern.replace(r"\n", r"\r?\n").encode(), within=within).decode().replace("\r\n", "\n")

    def run(self, line: str, prompt: str = r"\n[\w.-]+(\([\w-]+\))?[#>]$") -> str:
        """Send a line; returns echo, output and prompt."""
        self.send(line + "\r")
        return self.read(prompt)

    def silent(self, *, seconds: float = 0.3) -> bool:
        """Whether nothing comes for a while."""
        try:
            self.read_bytes(b"(?s).", within=seconds)
        except TimeoutError:
            return True
        return False

    def ended(self, *, within: float = 60.0) -> Exception | None:
        """Wait until the connection is gone; returns what ended it (EOFError or ConnectionResetError).

        Raises:
            TimeoutError: it lives on.
        """
        self.transport.join(within)
        if self.transport.is_alive():
            raise TimeoutError("the connection lives on")
        return self.transport.saved_exception

    def enable(self, secret: str) -> None:
        """To privileged mode."""
        self.send("enable\r")
        self.read("Password: $")
        self.send(secret + "\r")
        self.read("#$")
