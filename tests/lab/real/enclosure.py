"""Where the lab's daemons run: an enclosure that takes all of them along when it is closed.

`NamespaceEnclosure` (root) is a private set of mounts and processes, optionally with a private network: daemons find
their usual paths (`/etc/frr`, `/run`, `/etc/passwd`) while the machine around them stays untouched, so any number of
labs run side by side. `ProcessEnclosure` (no rights needed) only holds the processes together.

Both end with the process that opened them, even when that is killed: see `keeper.py`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from tests.lab.real.errors import LabError

KEEPER = Path(__file__).with_name("keeper.py")

STOP_TIMEOUT = 60.0
"""Seconds that a keeper gets to kill and reap what it keeps."""

RUN_TIMEOUT = 60.0
"""Seconds for one command inside an enclosure."""


class Enclosure(Protocol):
    """What `Sshd` needs to know of the place it runs in."""

    state_dir: Path

    def spawn(self, argv: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start `argv` inside; it is on the host's network."""

    def close(self) -> None:
        """End every process inside and remove `state_dir`."""


def new_state_dir(prefix: str) -> Path:
    """Make a directory that every user may enter.

    Always in /tmp, whatever TMPDIR says: a namespace mounts over /run, /var/log and /var/tmp, and paths of unix sockets
    have to be short.
    """
    path = Path(tempfile.mkdtemp(prefix=f"{prefix}-", dir="/tmp"))
    path.chmod(0o755)
    return path


def start_keeper(state_dir: Path, *form: str) -> subprocess.Popen[bytes]:
    """Start `keeper.py`, which watches this process; its standard output is a pipe."""
    watched = os.pidfd_open(os.getpid())
    try:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", str(KEEPER), str(watched), str(state_dir), *form],
            pass_fds=[watched],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=None,
            start_new_session=True,  # Ctrl-C in the terminal is for the tests, which then close the lab
        )
    finally:
        os.close(watched)


def stop_keeper(keeper: subprocess.Popen[bytes]) -> None:
    """Tell the keeper to end what it keeps; raise `LabError` when it does not manage."""
    keeper.terminate()
    try:
        keeper.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        raise LabError(f"keeper {keeper.pid} did not end within {STOP_TIMEOUT:g} s") from None
    finally:
        if keeper.stdout is not None:
            keeper.stdout.close()


class NamespaceEnclosure:
    """Private mounts and processes, with `net=True` also a private network. Needs root."""

    def __init__(self, *, name: str, net: bool) -> None:
        self.state_dir = new_state_dir(f"lab-{name}")
        self._net = net
        self._spawned: list[subprocess.Popen[bytes]] = []
        self._keeper = start_keeper(self.state_dir, "namespaces", *(["net"] if net else []))
        assert self._keeper.stdout is not None
        answer = self._keeper.stdout.readline()
        if not answer:
            self.close()
            raise LabError("could not make namespaces; the reason stands above, on standard error")
        self.init_pid = int(answer)
        """PID of the namespace's init process, as seen from outside; daemons become its children."""

    def run(self, argv: Sequence[str], *, stdin: str = "") -> str:
        """Run `argv` inside, on the private network, and return its output; `LabError` when it fails."""
        result = subprocess.run(
            [*self._enter(net=self._net), *argv],
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=RUN_TIMEOUT,
            check=False,
        )
        if result.returncode != 0:
            raise LabError(f"{argv[0]} ended with status {result.returncode}: {result.stdout.strip()}")
        return result.stdout

    def spawn(self, argv: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start `argv` with the private mounts and processes but on the host's network."""
        process = subprocess.Popen(
            [*self._enter(net=False), *argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._spawned.append(process)
        return process

    def close(self) -> None:
        """Kill every process inside; mounts, network and `state_dir` go with them."""
        stop_keeper(self._keeper)
        for process in self._spawned:
            process.wait(STOP_TIMEOUT)
        shutil.rmtree(self.state_dir, ignore_errors=True)

    def _enter(self, *, net: bool) -> list[str]:
        return ["nsenter", "-t", str(self.init_pid), "-m", "-p", *(["-n"] if net else []), "--"]


class ProcessEnclosure:
    """Holds processes together; needs no rights and hides nothing."""

    def __init__(self, *, name: str) -> None:
        self.state_dir = new_state_dir(f"lab-{name}")
        self._keepers: list[subprocess.Popen[bytes]] = []

    def spawn(self, argv: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start `argv`; the returned process is its keeper, which ends with its status."""
        keeper = start_keeper(self.state_dir, "command", *argv)
        self._keepers.append(keeper)
        return keeper

    def close(self) -> None:
        """End every process inside and remove `state_dir`."""
        for keeper in self._keepers:
            stop_keeper(keeper)
        shutil.rmtree(self.state_dir, ignore_errors=True)
