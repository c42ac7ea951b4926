"""The owner's side of the template process: a listening socket from the start, a process once somebody connects.

Nothing runs and nothing is loaded until a template is used for the first time. The process may end at any time, by
itself or by force: connections wait in the socket's backlog until the next one has been started.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import select
import socket
import subprocess
import sys
import threading
import time
from types import TracebackType
from typing import Self

import structlog

from netpulse_broker.errors import TemplatesUnavailable
from netpulse_broker.templating.work import failed

log = structlog.get_logger(__name__)

VARIABLE = "NETPULSE_TEMPLATE_SOCKET"
"""Environment variable with the name of the socket (in the kernel's abstract namespace), for a role's children."""

_BACKLOG = 1024
_PAUSES = (0.0, 0.2, 1.0, 5.0)
_LIVED = 5.0
_PROGRAM = "import sys; from netpulse_broker.templating.process import main; sys.exit(main(int(sys.argv[1])))"
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "VIRTUAL_ENV")


class TemplateProcessOwner:
    """Start with the context, stop with it; the process does not outlive it.

    Attributes:
        name: of the socket; whoever has this process's user id and knows it may connect.
    """

    def __init__(self) -> None:
        self.name = f"netpulse-templates-{secrets.token_hex(16)}"
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._wake, self._waker = socket.socketpair()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="template service", daemon=True)
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def start(self) -> None:
        """Listen."""
        self._listener.bind(f"\0{self.name}")
        self._listener.listen(_BACKLOG)
        self._thread.start()

    def stop(self) -> None:
        """End the process and stop listening."""
        self._stopping.set()
        self._waker.send(b"x")
        with self._lock:
            process = self._process
        if process is not None:
            _end(process)
        self._thread.join(10)
        for end in (self._listener, self._wake, self._waker):
            end.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def publish(self) -> None:
        """Tell this process's later children where the socket is."""
        os.environ[VARIABLE] = self.name

    def _serve(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            poll = select.poll()
            poll.register(self._wake, select.POLLIN)
            poll.register(self._listener, select.POLLIN)
            ready = {fd for fd, _ in poll.poll()}
            if self._wake.fileno() in ready:
                return
            if self._stopping.wait(_PAUSES[min(failures, len(_PAUSES) - 1)]):
                return
            began = time.monotonic()
            code = self._run()
            failures = 0 if code == 0 or time.monotonic() - began > _LIVED else failures + 1
            if code != 0 and not self._stopping.is_set():
                log.warning("template_process_ended", code=code)
                if failures:
                    self._refuse_waiting()

    def _refuse_waiting(self) -> None:
        """Tell those who wait that the process does not start, instead of letting their time run out."""
        answer = json.dumps(failed(TemplatesUnavailable("the template process does not start; see the log"))).encode()
        while select.select([self._listener], [], [], 0)[0]:
            caller, _ = self._listener.accept()
            with caller, contextlib.suppress(OSError):
                caller.sendall(answer)

    def _run(self) -> int:
        """Start the process and wait for its end; its exit code."""
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        # ttp would keep a pickle of its own functions in its package's directory, and load it from there.
        environment["TTPCACHEFOLDER"] = os.devnull
        with self._lock:
            if self._stopping.is_set():
                return 0
            self._process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM, str(self._listener.fileno())],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                pass_fds=[self._listener.fileno()],
            )
        code = self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        return code


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()  # end of file is the order to end
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
