"""A device that answers each line in capitals, over TCP and without a login: what the driver of docs/write-a-driver.md
speaks to."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

PAGE = Path(__file__).resolve().parents[2] / "docs" / "write-a-driver.md"


class ShoutingDevice:
    """A context manager; any number of connections, each in a thread."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._answering = threading.Event()
        self._answering.set()
        self._logins = 0
        self.lines: list[str] = []
        host, port = self._listener.getsockname()
        self.connection_args: dict[str, Any] = {"host": host, "port": port}
        """What a request says about it."""

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._answering.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop()

    def logins(self) -> int:
        """Connections that it has taken."""
        return self._logins

    def received(self) -> list[str]:
        return list(self.lines)

    def configuration(self) -> str:
        """It has none."""
        return ""

    def drop(self) -> None:
        """Close all connections from its side."""
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def freeze(self) -> None:
        """Take lines and answer none."""
        self._answering.clear()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._logins += 1
                self._open.add(connection)
                threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as lines:
            for line in lines:
                self.lines.append(line.decode().rstrip("\n"))
                self._answering.wait()
                connection.sendall(line.upper())
        self._open.discard(connection)


def page_blocks(language: str) -> list[str]:
    """The code of docs/write-a-driver.md, block by block."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


def install_page_driver(plugins: Path) -> Path:
    """Put the page's driver where the page says: a package in a plug-in directory. The package."""
    code, init, *_ = page_blocks("python")
    package = plugins / "custom"
    package.mkdir(parents=True)
    (package / "custom.py").write_text(code)
    (package / "__init__.py").write_text(init)
    return package
