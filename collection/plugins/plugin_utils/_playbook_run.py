# Copyright (c) The NetPulse broker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the playbook run that a process works for is still there.

A run that is killed (a job cancelled in AWX) does not always take its workers along: from ansible-core 2.19 on each is
in a session of its own, which a signal to the run's process group does not reach. Such a worker would go on with its
task, and keep the device, for a run that nobody waits for.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable
from typing import Self

# Seconds between two looks.
LOOK = 1.0

GONE = "the playbook run that this task belongs to has ended"


class PlaybookRun:
    """The process that plays.

    Args:
        pid: its process id; None: there is none to look at, so it is never gone.
        child: whether this process is its child; then a new parent tells that it is gone.
    """

    def __init__(self, pid: int | None, *, child: bool) -> None:
        self._pid = pid
        self._child = child

    @classmethod
    def of_this_process(cls, *, told: str | None = None) -> PlaybookRun:
        """The run that this process is a worker of.

        Args:
            told: process id of the run, for ansible-core's helper process, which is nobody's child.
        """
        parent = multiprocessing.parent_process()
        if parent is not None:
            return cls(parent.pid, child=True)
        return cls(int(told) if told else None, child=False)

    @property
    def gone(self) -> bool:
        """Whether it has ended."""
        if self._pid is None:
            return False
        if self._child:
            return os.getppid() != self._pid
        return not _lives(self._pid)

    def watch(self, on_end: Callable[[], None]) -> RunWatch:
        """Have ``on_end`` called once, in another thread, should the run end before the watch does."""
        return RunWatch(self, on_end)


class RunWatch:
    """A thread that looks after a run while a task is under way; use it as a context manager."""

    def __init__(self, run: PlaybookRun, on_end: Callable[[], None]) -> None:
        self._run = run
        self._on_end = on_end
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="netpulse-run-watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *ended: object) -> None:
        self._over.set()

    def _look(self) -> None:
        while not self._over.wait(LOOK):
            if self._run.gone:
                self._on_end()
                return


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            # A process that has ended and that nobody has waited for yet; its state follows the name in parentheses.
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return True
