"""A device that speaks lines over TCP and keeps a journal of what reached it: tests ask the device itself."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

PASSWORD = "Opensesame-7"


class LineDevice:
    """Serves any number of sessions; each in a thread.

    Attributes:
        logins, refused: counted on the device.
        release: what the command ``hold`` waits for.
        journal: (session, "begin" | "end", command) in the order in which the device saw them.
    """

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.logins = 0
        self.refused = 0
        self.pings = 0
        self.journal: list[tuple[int, str, str]] = []
        self.release = threading.Event()
        self._changed = threading.Condition()
        self._numbers = itertools.count(1)
        self._peers: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def connection_args(self) -> dict[str, object]:
        return {"host": "127.0.0.1", "port": self.port, "username": "operator", "password": PASSWORD}

    def judge(self) -> None:
        """Before a login is answered; for devices that take their time."""

    @property
    def commands(self) -> list[str]:
        """Commands that the device began, in order."""
        with self._changed:
            return [command for _, what, command in self.journal if what == "begin"]

    def drop_sessions(self) -> None:
        """Close all sessions from the device's side."""
        for peer in list(self._peers):
            with suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)

    @property
    def sessions(self) -> int:
        return len(self._peers)

    def wait_until(self, condition: Callable[[], bool], *, within: float = 60.0) -> None:
        """Wait for something that this device sees."""
        with self._changed:
            assert self._changed.wait_for(condition, within), f"not within {within} s; journal: {self.journal[-10:]}"

    def wait_for_command(self, command: str) -> None:
        """Wait until the device has begun that command."""
        self.wait_until(lambda: any(entry[1:] == ("begin", command) for entry in self.journal))

    def interleaved(self) -> bool:
        """Whether two commands ever ran at the same time."""
        running = 0
        for _, what, _ in self.journal:
            running += 1 if what == "begin" else -1
            if running > 1:
                return True
        return False

    def close(self) -> None:
        self._listener.close()
        self.drop_sessions()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _note(self, entry: tuple[int, str, str] | None = None) -> None:
        with self._changed:
            if entry is not None:
                self.journal.append(entry)
            self._changed.notify_all()

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(peer, next(self._numbers)), daemon=True).start()

    def _serve(self, peer: socket.socket, number: int) -> None:
        try:
            with peer, peer.makefile("rw", newline="\n") as lines:
                user, password = lines.readline().split()[1:3]
                self.judge()
                if (user, password) != ("operator", PASSWORD):
                    self.refused += 1
                    lines.write("denied\n")
                    return
                self.logins += 1
                self._peers.add(peer)
                self._note()
                lines.write("ok\n")
                lines.flush()
                for line in lines:
                    word, _, command = line.strip().partition(" ")
                    if word == "ping":
                        self.pings += 1
                        answer = "pong"
                    else:
                        self._note((number, "begin", command))
                        answer = self._answer(command)
                        self._note((number, "end", command))
                    self._note()
                    lines.write(answer + "\n")
                    lines.flush()
        except (OSError, ValueError):
            return
        finally:
            self._peers.discard(peer)
            self._note()

    def _answer(self, command: str) -> str:
        word, _, rest = command.partition(" ")
        match word:
            case "sleep":
                time.sleep(float(rest.split()[0]))
                return f"slept {rest}"
            case "hold":
                self.release.wait(60)
                return "held"
            case "hang":
                time.sleep(3600)
                return ""
            case "refuse":
                return "% Invalid input"
            case "password":
                return f"password {PASSWORD}"
            case _:
                return f"did {command}"
