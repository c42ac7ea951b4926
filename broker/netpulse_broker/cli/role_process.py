"""A role as a child process of the supervisor."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import structlog

from netpulse_broker.embedded.lifeline import LIFELINE_VARIABLE
from netpulse_broker.embedded.process_death import dies_with_parent
from netpulse_broker.settings import ENV_PREFIX

log = structlog.get_logger(__name__)

# Pauses (s) before a role that died is started again; one that lived long enough begins at the first one.
_BACK_OFF = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_LIVED = 60.0
_LARGEST_LOG = 10 * 1024 * 1024


@dataclass(frozen=True)
class Role:
    """What the supervisor runs.

    Attributes:
        name: ``controller``, ``node`` or ``fifo``; also the name of its log file.
        command: program and arguments; ``--settings-fd N`` is added.
        is_ready: told the process id, whether the role does its work now. May take a second at most.
    """

    name: str
    command: tuple[str, ...]
    is_ready: Callable[[int], bool]


@dataclass(frozen=True)
class Surroundings:
    """What every role gets from the supervisor.

    Attributes:
        settings: descriptor of a memory file with the settings; secrets stand neither in arguments nor environment.
        lifeline: write end of the private server's lifeline, or None.
        log_directory: where standard output and error go; None: to the supervisor's standard error.
    """

    settings: int
    lifeline: int | None
    log_directory: Path | None

    def log_file(self, role: str) -> Path | None:
        return None if self.log_directory is None else self.log_directory / f"{role}.log"


class RoleProcess:
    """One role, started as often as it takes."""

    def __init__(self, role: Role, surroundings: Surroundings) -> None:
        self.role = role
        self._surroundings = surroundings
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._failures = 0
        self._start_at: float | None = None

    @property
    def pid(self) -> int | None:
        """The running process, or None."""
        return None if self._process is None else self._process.pid

    @property
    def start_at(self) -> float | None:
        """When (monotonic, s) the role is to be started again, or None while it runs."""
        return self._start_at

    def start(self) -> None:
        """Start the process; it is told to stop when the supervisor dies."""
        self._start_at = None
        lifeline = self._surroundings.lifeline
        # The settings reach the role whole; variables that would change them again stay outside.
        environment = {name: value for name, value in os.environ.items() if not name.startswith(ENV_PREFIX)}
        inherited = [self._surroundings.settings]
        if lifeline is not None:
            inherited.append(lifeline)
            environment[LIFELINE_VARIABLE] = str(lifeline)
        with self._open_log() as log_descriptor:
            self._process = subprocess.Popen(
                [*self.role.command, "--settings-fd", str(self._surroundings.settings)],
                stdin=subprocess.DEVNULL,
                stdout=log_descriptor,
                stderr=log_descriptor,
                env=environment,
                pass_fds=inherited,
                # A terminal's Ctrl-C is for the supervisor, which stops the roles in order.
                start_new_session=True,
                preexec_fn=dies_with_parent(signal.SIGTERM),  # noqa: PLW1509  # the supervisor has one thread
            )
        self._started = time.monotonic()
        log.info("role_started", name=self.role.name, pid=self._process.pid)

    def has_ended(self) -> int | None:
        """The exit status (negative: the signal), once, when the process has ended; None while it runs."""
        if self._process is None or (status := self._process.poll()) is None:
            return None
        self._process = None
        return status

    def reap(self) -> None:
        """Take note of the process's end; ``has_ended`` tells of it."""
        if self._process is not None:
            self._process.poll()

    def plan_restart(self, status: int) -> None:
        """Have the role started again after a pause that grows with each quick death."""
        now = time.monotonic()
        if now - self._started >= _LIVED:
            self._failures = 0
        pause = _BACK_OFF[min(self._failures, len(_BACK_OFF) - 1)]
        self._failures += 1
        self._start_at = now + pause
        log.warning("role_died", name=self.role.name, status=status, restart_in=pause)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if it runs."""
        if self._process is not None:
            self._process.send_signal(number)

    def is_ready(self) -> bool:
        """Whether the running process does its work."""
        return self.pid is not None and self.role.is_ready(self.pid)

    def end_of_log(self, *, lines: int = 15) -> str:
        """The last lines of the log, with where they stand."""
        path = self._surroundings.log_file(self.role.name)
        if path is None:
            return "its output stands above"
        with contextlib.suppress(FileNotFoundError):
            return "\n".join([f"{path}:", *path.read_text(errors="replace").splitlines()[-lines:]])
        return f"{path} does not exist"

    @contextlib.contextmanager
    def _open_log(self) -> Iterator[int | BinaryIO]:
        path = self._surroundings.log_file(self.role.name)
        if path is None:
            # Standard output belongs to the one line that tells the address.
            yield 2
            return
        keep_log_small(path)
        with path.open("ab") as file:
            yield file


def keep_log_small(path: Path) -> None:
    """Begin a new log file when this one has grown; the old one keeps its name with ``.1``."""
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > _LARGEST_LOG:
            path.replace(path.with_name(path.name + ".1"))
