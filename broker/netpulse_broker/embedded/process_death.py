"""Processes that end with their parent, and the finding of those that outlived theirs (prctl(2), proc(5))."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36

_libc = ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl({option}): {os.strerror(number)}")


def dies_with_parent(signal_number: signal.Signals) -> Callable[[], None]:
    """A ``preexec_fn``: the child gets ``signal_number`` when the thread that started it ends, however it ends.

    Call it in the parent, from its main thread; the parent must be single-threaded, as for every ``preexec_fn``.
    """
    parent = os.getpid()

    def in_child() -> None:
        _prctl(_PR_SET_PDEATHSIG, signal_number)
        if os.getppid() != parent:
            # The parent died before the call above: no signal will come.
            os.kill(os.getpid(), signal.SIGKILL)

    return in_child


def adopt_orphans() -> None:
    """Make this process the parent of every descendant whose own parent dies."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def descendants(*, besides: frozenset[int] = frozenset()) -> list[int]:
    """Process ids of all living descendants of this process, except ``besides`` and what descends from those.

    Zombies are no living processes: they wait to be reaped and hold nothing.
    """
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (parent := _living_parent(entry)) is not None:
            children.setdefault(parent, []).append(int(entry.name))
    found: list[int] = []
    waiting = [os.getpid()]
    while waiting:
        for pid in children.get(waiting.pop(), ()):
            if pid not in besides:
                found.append(pid)
                waiting.append(pid)
    return found


def _living_parent(entry: Path) -> int | None:
    """The parent's process id from /proc/<pid>/stat, or None for a zombie or a process that is gone."""
    try:
        stat = (entry / "stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the program's name in parentheses and may hold anything; state and parent follow it.
    state, parent = stat.rpartition(")")[2].split()[:2]
    return None if state in "ZX" else int(parent)
