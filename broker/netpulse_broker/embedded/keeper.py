"""The keeper: starts the private server, starts it again when it dies, stops it when nobody needs it any more.

It is a process of its own, because it has to act when the supervisor has been killed. It uses the standard library only
and imports nothing else of the product, so it stays small.

    python -m netpulse_broker.embedded.keeper BINARY STATE_DIR LIFELINE_FD LOCK_FD

``LIFELINE_FD`` is the read end of the lifeline, ``LOCK_FD`` the locked keeper lock. The server inherits the lock too,
and the keeper writes its process id into it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from netpulse_broker.embedded.paths import ServerPaths
from netpulse_broker.embedded.process_death import dies_with_parent

# The server writes out its append-only file and ends within this time (s), or is killed: nothing is lost by that but
# the last second, which `appendfsync everysec` leaves open anyway.
_STOP_WITHIN = 30.0
# Pauses (s) before the server is started again; a server that lived long enough begins at the first one.
_BACK_OFF = (0.0, 0.1, 0.5, 1.0, 2.0, 5.0)
_LIVED = 30.0

SERVER_FAILED = 3
"""Exit status: the very first start failed by the server's own decision (configuration, damaged data, full disk)."""


def server_configuration(paths: ServerPaths, *, password: str) -> str:
    """The server's configuration; it goes to its standard input, so the password stands in one file only."""

    def quoted(value: object) -> str:
        escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'

    return "\n".join(
        [
            "port 0",
            f"unixsocket {quoted(paths.socket)}",
            "unixsocketperm 700",
            f"requirepass {quoted(password)}",
            f"dir {quoted(paths.directory)}",
            # Everything accepted survives: an append-only file, synced every second, and never any eviction.
            "appendonly yes",
            "appendfsync everysec",
            'save ""',
            "maxmemory 0",
            "maxmemory-policy noeviction",
            "daemonize no",
            "databases 1",
            "",
        ]
    )


@dataclass
class _Server:
    """One run of the server program."""

    process: subprocess.Popen[bytes]
    exited: int  # pidfd: readable when the process has ended
    started: float  # monotonic, s

    def close(self) -> None:
        os.close(self.exited)


class Keeper:
    """See the module's text. ``run`` returns the exit status of the process."""

    def __init__(self, *, binary: Path, paths: ServerPaths, lifeline: int, lock: int) -> None:
        self._binary = binary
        self._paths = paths
        self._lifeline = lifeline
        self._lock = lock
        self._told_to_stop = False
        self._failures = 0

    def run(self) -> int:
        wake_reader, wake_writer = socket.socketpair()
        wake_writer.setblocking(False)
        signal.set_wakeup_fd(wake_writer.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self._on_terminate)
        # Ctrl-C and a closed terminal are the supervisor's matter.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, str(os.getpid()).encode(), 0)
        server = self._start()
        first = True
        while True:
            poller = select.poll()
            poller.register(self._lifeline, 0)  # a hang-up is always reported
            poller.register(server.exited, select.POLLIN)
            poller.register(wake_reader, select.POLLIN)
            ready = dict(poller.poll())
            if wake_reader.fileno() in ready:
                wake_reader.recv(4096)
            if server.exited in ready:
                status = server.process.wait()
                lived = time.monotonic() - server.started
                server.close()
                if self._told_to_stop:
                    return 0
                if first and status > 0:
                    _log(f"the server refused to start (exit status {status}); see {self._log_file}")
                    return SERVER_FAILED
                first = False
                server = self._start_again(status=status, lived=lived)
            elif self._told_to_stop or (ready.get(self._lifeline, 0) & select.POLLHUP and self._nobody_left()):
                self._stop(server)
                return 0

    @property
    def _log_file(self) -> Path:
        return self._paths.log_directory / "server.log"

    def _on_terminate(self, *_: object) -> None:
        self._told_to_stop = True

    def _start(self) -> _Server:
        password = self._paths.password.read_text(encoding="ascii").strip()
        configuration = server_configuration(self._paths, password=password)
        with self._log_file.open("ab") as log:
            process = subprocess.Popen(
                [self._binary, "-"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                pass_fds=(self._lock,),
                # Should the keeper be killed, nobody could tell when the server is to end: it ends with it, in order.
                preexec_fn=dies_with_parent(signal.SIGTERM),  # noqa: PLW1509  # this process has one thread
            )
        if process.stdin is None:
            raise AssertionError("the server was started with a pipe")
        with contextlib.suppress(BrokenPipeError), process.stdin:
            process.stdin.write(configuration.encode())
        _log(f"started the server, process {process.pid}")
        return _Server(process=process, exited=os.pidfd_open(process.pid), started=time.monotonic())

    def _start_again(self, *, status: int, lived: float) -> _Server:
        self._failures = 0 if lived >= _LIVED else self._failures
        pause = _BACK_OFF[min(self._failures, len(_BACK_OFF) - 1)]
        self._failures += 1
        _log(f"the server ended (status {status}) after {lived:.1f} s; starting it again in {pause} s")
        if pause:
            time.sleep(pause)  # a signal does not cut it short, but it is short anyway
        return self._start()

    def _nobody_left(self) -> bool:
        """Decide, under the attach lock, whether the last holder has really gone; if so, nobody can attach any more."""
        with self._paths.attach_lock.open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            poller = select.poll()
            poller.register(self._lifeline, 0)
            if not any(events & select.POLLHUP for _, events in poller.poll(0)):
                return False
            # Without a reader, opening a write end fails.
            os.close(self._lifeline)
            return True

    def _stop(self, server: _Server) -> None:
        _log("stopping the server")
        server.process.terminate()
        try:
            server.process.wait(timeout=_STOP_WITHIN)
        except subprocess.TimeoutExpired:
            _log(f"the server did not end within {_STOP_WITHIN:.0f} s and is killed")
            server.process.kill()
            server.process.wait()
        server.close()


def _log(message: str) -> None:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    print(f"{now} keeper[{os.getpid()}] {message}", file=sys.stderr, flush=True)  # noqa: T201  # stderr is its log


def main(arguments: list[str]) -> int:
    binary, state_dir, lifeline, lock = arguments
    keeper = Keeper(binary=Path(binary), paths=ServerPaths(Path(state_dir)), lifeline=int(lifeline), lock=int(lock))
    return keeper.run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
