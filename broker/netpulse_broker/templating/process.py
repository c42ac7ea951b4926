"""The template process: has every engine loaded, and forks a child for each piece of work.

It is started with exec by whoever owns the listening socket (``service``), so that nothing of its starter's memory is
in it: no key, no password. It has one thread, so forking is safe. Each child sets itself an alarm whose default action
ends it, whatever it is doing (a regular expression that does not return included), limits its memory, and lets go of
the right to open anything before it touches the data.

End of file on standard input: the owner is gone. Idle for long: it ends, and is started again when it is needed.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import resource
import selectors
import signal
import socket
import struct
import sys
from pathlib import Path
from typing import Any, NoReturn

from pydantic import ValidationError
from pydantic_core import to_json

from netpulse_broker.errors import BadRequest, TemplateFailed
from netpulse_broker.templating import engines, ttp_guard
from netpulse_broker.templating.directory import TemplateDirectory
from netpulse_broker.templating.jinja import JinjaRenderer
from netpulse_broker.templating.textfsm_parser import read_index
from netpulse_broker.templating.work import LARGEST_MESSAGE, TemplateWork, failed
from netpulse_drivers import NetPulseError, ParseFailed

IDLE = 300.0
"""Seconds without work after which the process ends."""

ARRIVAL = 10.0
"""Seconds that a caller has to send his piece of work."""

LONGEST = 3600.0
"""Seconds that any piece of work may take."""


def main(listener_fd: int) -> int:
    """Serve the listening socket of that descriptor; the exit code."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the owner decides; without it, end of file does
    listener = socket.socket(fileno=listener_fd)
    listener.setblocking(False)
    _warm_up()
    _Server(listener).serve()
    return 0


def _warm_up() -> None:
    """Load what children need, because they can open nothing themselves."""
    ttp_guard.install()
    read_index()
    renderer = JinjaRenderer()
    renderer.prepare("{{ a|tojson }}{{ a|string|urlencode }}{{ [a]|join|e }}", {}, TemplateDirectory(None))
    renderer.render({"a": 1}, max_size=1000)
    renderer.prepare("{{ missing }}", {}, TemplateDirectory(None))
    with contextlib.suppress(TemplateFailed):  # what writes errors is loaded only when there is one
        renderer.render({}, max_size=1000)
    for encoding in ("latin-1", "ascii", "idna", "utf-16"):
        "a".encode(encoding)
    with contextlib.suppress(ImportError):
        import ttp_templates  # noqa: F401, PLC0415  # an optional package


class _Server:
    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._children: set[int] = set()
        self._most = max(4, 2 * (os.cpu_count() or 1))
        self._signals, writer = socket.socketpair()
        for end in (self._signals, writer):
            end.setblocking(False)
        self._writer = writer
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def serve(self) -> None:
        selector = selectors.DefaultSelector()
        selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
        selector.register(self._signals, selectors.EVENT_READ)
        listening = False
        while True:
            room = len(self._children) < self._most
            if room != listening:
                (
                    selector.register(self._listener, selectors.EVENT_READ)
                    if room
                    else selector.unregister(self._listener)
                )
                listening = room
            ready = {key.fileobj for key, _ in selector.select(IDLE)}
            if sys.stdin.fileno() in ready or (not ready and not self._children):
                return
            if self._signals in ready:
                with contextlib.suppress(BlockingIOError):
                    self._signals.recv(4096)
                self._reap()
            if self._listener in ready:
                self._take()

    def _take(self) -> None:
        try:
            caller, _ = self._listener.accept()
        except BlockingIOError:
            return
        with caller:
            if _user(caller) != os.geteuid():
                return
            pid = os.fork()
            if pid == 0:
                self._become_child(caller)
            self._children.add(pid)

    def _become_child(self, caller: socket.socket) -> NoReturn:
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGALRM, signal.SIGCHLD, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, ARRIVAL)
            caller.setblocking(True)
            _answer(caller)
        finally:
            os._exit(0)  # neither atexit handlers nor this frame's callers may run twice

    def _reap(self) -> None:
        while self._children:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            self._children.discard(pid)


def _user(caller: socket.socket) -> int:
    credentials = caller.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[1])


def _answer(caller: socket.socket) -> None:
    """Read a piece of work, do it, send its answer."""
    try:
        work = TemplateWork.model_validate_json(_read(caller))
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        caller.sendall(json.dumps(failed(BadRequest(f"template or data cannot be read: {problem['msg']}"))).encode())
        return
    signal.setitimer(signal.ITIMER_REAL, min(max(work.seconds, 0.05), LONGEST))
    try:
        answer = to_json({"value": _do(work)}, inf_nan_mode="strings", fallback=str)
        if len(answer) > 4 * work.max_size:  # a character takes up to four bytes
            too_large = f"the result is larger than {work.max_size} characters (setting templates.max_size)"
            answer = json.dumps(failed(_of(work, too_large))).encode()
    except NetPulseError as error:
        answer = json.dumps(failed(error)).encode()
    except MemoryError:
        megabytes = work.max_memory // 2**20
        answer = json.dumps(failed(_of(work, f"it takes more than {megabytes} MiB of memory"))).encode()
    except RecursionError:
        answer = json.dumps(failed(_of(work, "it is nested too deeply"))).encode()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - an engine may raise anything; it ends as this work's error
        answer = json.dumps(failed(_of(work, f"{type(error).__name__}: {error}"[:500]))).encode()
    caller.sendall(answer)


def _of(work: TemplateWork, message: str) -> NetPulseError:
    text = f"{work.engine}: {message}"
    return ParseFailed(text) if work.do == "parse" else TemplateFailed(text)


def _do(work: TemplateWork) -> Any:
    _limit_memory(work)
    if work.do == "render":
        renderer = engines.renderer(work.engine)
        directory = TemplateDirectory(None if work.directory is None else Path(work.directory))
        renderer.prepare(work.template or "", work.args, directory)
        _let_go()
        return renderer.render(work.context, max_size=work.max_size)
    parser = engines.parser(work.engine)
    parser.prepare(work.template, work.args)
    if work.do == "check":
        return None
    _let_go()
    return parser.parse(work.text)


def _limit_memory(work: TemplateWork) -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + work.max_memory
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    seconds = math.ceil(work.seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _let_go() -> None:
    """From here on nothing can be opened, written or connected to: no descriptor can be made any more."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))


def _read(caller: socket.socket) -> bytes:
    parts: list[bytes] = []
    size = 0
    while part := caller.recv(1 << 20):
        parts.append(part)
        size += len(part)
        if size > LARGEST_MESSAGE:
            break
    return b"".join(parts)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
