"""Which process is meant by a pid: pids are used again, a pid together with its start time is not (proc(5))."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_STATE, _START_TIME = 0, 19
"""Positions in /proc/<pid>/stat counted from field 3, the first one after the command in parentheses."""


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A process of this boot and this pid namespace.

    Attributes:
        pid: process id.
        started: start time in clock ticks since boot (/proc/<pid>/stat, field 22).
    """

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> ProcessIdentity | None:
        """The process that has this pid now; None when there is none, or only a dead one not yet reaped."""
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return None
        fields = stat[stat.rindex(")") + 2 :].split()
        if fields[_STATE] in "ZX":
            return None
        return cls(pid, int(fields[_START_TIME]))

    def alive(self) -> bool:
        """Whether this very process still runs."""
        return self.pid > 0 and ProcessIdentity.of(self.pid) == self

    def watch(self) -> int | None:
        """A pidfd that becomes readable when it ends (pidfd_open(2)); None when it has ended."""
        if not self.alive():
            return None
        try:
            fd = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return None
        # The pid may have passed on to another process between the look and the call.
        if self.alive():
            return fd
        os.close(fd)
        return None
