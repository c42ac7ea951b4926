"""Keep the lab's daemons on a leash: they end when the process that started them ends, however it ends.

Run as a script (`python -I -S keeper.py`), with nothing but the standard library, in one of two forms:

`keeper.py WATCH_FD STATE_DIR namespaces [net]`
    Makes a private mount and PID namespace, with `net` also a network namespace, prints the PID of the
    namespace's init process (as the caller sees it) and waits. When it ends it kills that init: the kernel
    then kills every process in the namespace, and mounts and interfaces vanish with the last of them
    (pid_namespaces(7)). Needs root.

`keeper.py WATCH_FD STATE_DIR command ARGV...`
    Runs ARGV and waits; ends with its status when it ends. Every orphan among the descendants becomes the
    keeper's child (PR_SET_CHILD_SUBREAPER), so none escapes by daemonizing. Needs no rights.

The end comes by SIGTERM, or when WATCH_FD, a pidfd of the caller, becomes readable: the caller has terminated
(pidfd_open(2)). Not by PR_SET_PDEATHSIG, because that signal comes already when the *thread* that forked ends;
not by a pipe, because a child that the caller forked would hold the pipe open. Last, STATE_DIR is removed, except
when ARGV ended by itself: its caller still wants to read why.
"""

from __future__ import annotations

import ctypes
import os
import select
import shutil
import signal
import sys
from pathlib import Path
from typing import NoReturn

CLONE_NEWNS = 0x00020000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
MS_NOSUID_NODEV_NOEXEC = 0x2 | 0x4 | 0x8
MS_REC_PRIVATE = 0x4000 | 0x40000
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

libc = ctypes.CDLL(None, use_errno=True)


def checked(result: int, action: str) -> None:
    """Turn the -1 of a libc call into an OSError that names the action."""
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{action}: {os.strerror(code)}")


def start_namespaces(*, net: bool) -> int:
    """Unshare and fork the init process of the new PID namespace; return its PID once it is ready."""
    checked(libc.unshare(CLONE_NEWNS | CLONE_NEWPID | (CLONE_NEWNET if net else 0)), "unshare")
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        be_init(writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        if pipe.read() != b"ready":
            os.waitpid(pid, 0)
            raise OSError("the init process of the namespace did not come up")
    return pid


def be_init(ready: int) -> NoReturn:
    """Be the init process: set the namespace up, say so, and reap until killed."""
    try:
        signal.set_wakeup_fd(-1)  # the pipe behind it is the keeper's
        # Kills the namespace even when the keeper is killed; it has one thread, so the signal is not early.
        checked(libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0), "prctl")
        checked(libc.mount(b"none", b"/", None, MS_REC_PRIVATE, None), "make mounts private")
        checked(libc.mount(b"proc", b"/proc", b"proc", MS_NOSUID_NODEV_NOEXEC, None), "mount /proc")
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # a parent that ignores SIGCHLD leaves no zombies
        os.write(ready, b"ready")
        os.close(ready)
        os.close(1)  # the keeper's caller reads that pipe up to its end
        while True:
            signal.pause()
    except OSError as error:
        print(error, file=sys.stderr, flush=True)
    finally:
        os._exit(1)


def own_children() -> list[int]:
    """PIDs of this process's children, the adopted ones among them."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            parent = int((entry / "stat").read_bytes().rpartition(b")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended meanwhile
        if parent == os.getpid():
            found.append(int(entry.name))
    return found


def kill_children() -> None:
    """Kill and reap the children until none is left; those of a killed child come up as children next."""
    while children := own_children():
        for pid in children:
            os.kill(pid, signal.SIGKILL)  # not reaped yet, so the PID cannot be another process's
        for pid in children:
            os.waitpid(pid, 0)


def listen_for_signals() -> int:
    """Make SIGTERM and SIGCHLD readable as bytes on the returned descriptor instead of acting on them."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)
    for number in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    return reader


def wait_for_end(watched: int, signals: int, child: int) -> int | None:
    """Return the child's exit status when it ends by itself, None when told to stop or when the caller has ended."""
    while True:
        ready, _, _ = select.select([watched, signals], [], [])
        if watched in ready or signal.SIGTERM in os.read(signals, 64):
            return None
        while True:  # adopted orphans are reaped here too; only the child's own end counts
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == child:
                return abs(os.waitstatus_to_exitcode(status))
            if pid == 0:
                break


def main(arguments: list[str]) -> int:
    """Run one of the two forms described above."""
    watched, state_dir, form = int(arguments[0]), arguments[1], arguments[2]
    os.set_inheritable(watched, False)
    signals = listen_for_signals()
    status = None
    try:
        if form == "namespaces":
            child = start_namespaces(net="net" in arguments[3:])
            print(child, flush=True)
        else:
            checked(libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl")
            child = os.posix_spawn(arguments[3], arguments[3:], os.environ)
        status = wait_for_end(watched, signals, child)
    finally:
        kill_children()
        if status is None:
            shutil.rmtree(state_dir, ignore_errors=True)
    return status or 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
