"""``python -m tests.bench.accounted REPORT COMMAND...``: run a command and account for all that it started.

Stock network_cli's helper processes are daemons: no parent waits for them, so their CPU time is in nobody's account.
This process makes itself the one that orphans are handed to (prctl(2), PR_SET_CHILD_SUBREAPER). Each process below it
is then waited for, by its parent or here, and wait4(2) tells the CPU time of it and of all that it has waited for.

REPORT gets a JSON object: ``returncode``; ``wall``, seconds until the command itself ended; ``cpu``, user and system
seconds of everything; ``helpers``, daemons that there were. Those that the command left behind are ended by signal:
left alone they would idle until their timeout.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_LOOK = 0.05
"""Seconds between looks for daemons."""

_LOOKS = 6
"""Of a process that counts as one. The forks on the way to one live shorter, on a busy machine too, helpers longer."""

_GRACE = 5.0
"""Seconds that a helper has to end after SIGTERM."""


def main(report: str, command: list[str]) -> None:
    """Run, account, write the report."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "PR_SET_CHILD_SUBREAPER was refused")
    began = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    daemons = _Daemons(process.pid)
    daemons.start()
    cpu, ended = 0.0, 0
    while ended != process.pid:
        ended, status, usage = os.wait4(-1, 0)
        cpu += usage.ru_utime + usage.ru_stime
    wall = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    daemons.end()
    for one in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess):
            one.terminate()
    cpu += _reaped(time.monotonic() + _GRACE)
    Path(report).write_text(
        json.dumps({"returncode": process.returncode, "wall": wall, "cpu": cpu, "helpers": len(daemons.seen)})
    )


class _Daemons(threading.Thread):
    """Finds the orphans that were handed to this process and were alive in ``_LOOKS`` looks, one after the other."""

    def __init__(self, command: int) -> None:
        super().__init__(daemon=True)
        self.seen: set[int] = set()
        self._alive: dict[int, int] = {}
        self._command = command
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(_LOOK):
            alive: dict[int, int] = {}
            for one in psutil.Process().children():
                with contextlib.suppress(psutil.NoSuchProcess):
                    if one.status() != psutil.STATUS_ZOMBIE and one.pid != self._command:
                        alive[one.pid] = self._alive.get(one.pid, 0) + 1
            self.seen |= {pid for pid, looks in alive.items() if looks >= _LOOKS}
            self._alive = alive

    def end(self) -> None:
        self._ended.set()
        self.join()


def _reaped(deadline: float) -> float:
    """CPU seconds of all that is left; killed when it is still there at the deadline."""
    cpu = 0.0
    while True:
        try:
            pid, _status, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return cpu
        if pid:
            cpu += usage.ru_utime + usage.ru_stime
        elif time.monotonic() < deadline:
            time.sleep(0.01)
        else:
            for one in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.send_signal(signal.SIGKILL)
            deadline += _GRACE


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
