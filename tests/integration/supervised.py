"""A running ``netpulse up`` and what belongs to it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil
import redis

from netpulse_broker.embedded.paths import ServerPaths
from netpulse_broker.embedded.server import EmbeddedServer
from tests.lab.real.waiting import wait_until
from tests.lab.running_broker import DEVICES_HERE

STAND_INS = (sys.executable, str(Path(__file__).with_name("stand_in_roles.py")), "up")


def processes_of(state_dir: Path) -> list[psutil.Process]:
    """Every process that has anything in the state directory open: logs, locks, lifeline, append-only file."""
    others = (process for process in psutil.process_iter() if process.pid != os.getpid())
    return [process for process in others if any(_is_in(state_dir, opened) for opened in _opened_by(process.pid))]


def _opened_by(pid: int) -> list[str]:
    # Read from /proc directly: psutil leaves out named pipes. Other users' processes are not ours.
    opened: list[str] = []
    with contextlib.suppress(FileNotFoundError, PermissionError, ProcessLookupError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                opened.append(str(descriptor.readlink()))
    return opened


def _is_in(directory: Path, path: str) -> bool:
    return path.startswith(f"{directory}/")


class Up:
    """``netpulse up`` as a child process; leaves nothing behind when the test ends."""

    def __init__(
        self, state_dir: Path, *, command: Sequence[str] = STAND_INS, env: dict[str, str] | None = None
    ) -> None:
        self.state_dir = state_dir
        state_dir.mkdir(mode=0o700, exist_ok=True)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("NETPULSE_")}
        self.process = subprocess.Popen(
            [*command, str(state_dir)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**inherited, **DEVICES_HERE, "NETPULSE_CONTROLLER__PORT": "0", **(env or {})},
        )

    @property
    def stdout(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.read()

    @property
    def stderr(self) -> str:
        assert self.process.stderr is not None
        return self.process.stderr.read()

    def ready(self) -> str:
        """The line that tells the address. Fails with what the command said when it ends instead."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"ended with status {self.process.wait(timeout=60)}: {self.stderr}"
        return line

    def client(self) -> redis.Redis:
        """A client of the private server."""
        server = EmbeddedServer(self.state_dir)
        server._password = ServerPaths(self.state_dir).password.read_text().strip()
        return redis.Redis.from_url(server.url)

    def pid_of(self, name: str) -> int:
        """Process id of a stand-in role, or of its worker."""
        with self.client() as client:
            return int(client.get(f"stand-in:{name}") or 0)

    def keeper(self) -> psutil.Process:
        return psutil.Process(int(ServerPaths(self.state_dir).keeper_lock.read_text()))

    def server(self) -> psutil.Process:
        """The Valkey or Redis process."""
        (server,) = self.keeper().children()
        return server

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        return self.process.wait(timeout=60)

    def wait_until_gone(self) -> None:
        """Until no process of the state directory is left."""
        wait_until(
            lambda: not processes_of(self.state_dir), what=f"the processes of {self.state_dir} to end", timeout=60
        )

    def close(self) -> None:
        (self.state_dir / "job-runs").unlink(missing_ok=True)
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=60)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        for process in processes_of(self.state_dir):
            process.kill()
