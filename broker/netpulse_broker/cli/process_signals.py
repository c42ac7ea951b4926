"""Signals of the supervisor, turned into something that a loop can wait for."""

from __future__ import annotations

import contextlib
import select
import signal
import socket
from types import FrameType, TracebackType
from typing import Any, Self

_STOP = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class ProcessSignals:
    """A context: inside it SIGTERM, SIGINT and SIGHUP are counted and SIGCHLD wakes ``wait``; for the main thread.

    SIGHUP stays ignored where it was ignored before.

    Attributes:
        stop_requests: how often the process has been told to stop; a second time means "at once".
    """

    def __init__(self) -> None:
        self.stop_requests = 0
        self._before: dict[signal.Signals, Any] = {}
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._former_wakeup = -1

    def __enter__(self) -> Self:
        self._former_wakeup = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for number in _STOP:
            before = signal.signal(number, self._on_stop)
            if number == signal.SIGHUP and before == signal.SIG_IGN:
                signal.signal(number, before)  # started with nohup: to go on when the terminal is closed
            else:
                self._before[number] = before
        # Any handler will do: the default one would leave the wake-up descriptor untouched.
        self._before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._former_wakeup)
        self._reader.close()
        self._writer.close()

    def wait(self, timeout: float | None, *descriptors: int) -> None:
        """Return when a signal has come, a descriptor is readable, or ``timeout`` seconds have passed (None: never)."""
        poller = select.poll()
        for descriptor in (self._reader.fileno(), *descriptors):
            poller.register(descriptor, select.POLLIN)
        poller.poll(None if timeout is None else max(0.0, timeout) * 1000)
        with contextlib.suppress(BlockingIOError):
            while self._reader.recv(4096):
                pass

    def _on_stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stop_requests += 1
