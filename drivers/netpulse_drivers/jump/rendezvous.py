"""Where workers and the jump process meet: a unix socket in a directory that only its owner may enter.

Whoever finds nobody at the socket starts the process, with the listening socket already in its hands: connections wait
in the backlog until it has loaded. A lock file keeps two from doing that at the same time.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from netpulse_drivers.errors import ConnectError
from netpulse_drivers.ssh.host_keys import default_known_hosts

DIRECTORY_VARIABLE = "NETPULSE_JUMP_DIR"
"""Environment variable with the directory; without it ``jump`` beside the worker's known_hosts file."""

BACKLOG = 1024

_BIRTH = (
    # Twice forked, so that the worker that happened to be first is not its parent and need not wait for it.
    "import os, sys\n"
    "if os.fork(): os._exit(0)\n"
    "os.setsid()\n"
    "from netpulse_drivers.jump.server import main\n"
    "main(int(sys.argv[1]), sys.argv[2])\n"
)


class Rendezvous:
    """The socket and its lock."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._socket = directory / "socket"

    @classmethod
    def of_worker(cls) -> Rendezvous:
        """The one of this process's environment."""
        configured = os.environ.get(DIRECTORY_VARIABLE)
        return cls(Path(configured).expanduser() if configured else default_known_hosts().parent / "jump")

    def connect(self) -> socket.socket:
        """A connection to the jump process, which is started when there is none.

        Raises:
            ConnectError: the directory is not usable, or the process cannot be started.
        """
        try:
            self._prepare()
            found = self._dial()
            if found is not None:
                return found
            with self.locked():
                found = self._dial()
                if found is None:
                    self._start()
                    found = self._dial()
        except OSError as error:
            raise ConnectError(
                f"the jump host process cannot be reached in {self.directory}: {error.strerror or error}"
            ) from error
        if found is None:
            raise ConnectError(f"the jump host process did not start in {self.directory}")
        return found

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else starts or ends a jump process meanwhile."""
        descriptor = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def withdraw(self) -> None:
        """Nobody new finds the process any more. Under the lock only."""
        self._socket.unlink(missing_ok=True)

    def _prepare(self) -> None:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = self.directory.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
            raise ConnectError(
                f"{self.directory} must be a directory of the worker's own user with mode 0700: passwords of jump "
                "hosts pass through it"
            )

    def _dial(self) -> socket.socket | None:
        peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with _short_path(self.directory) as directory:
                peer.connect(f"{directory}/{self._socket.name}")
        except (FileNotFoundError, ConnectionRefusedError):
            peer.close()
            return None
        except BaseException:
            peer.close()
            raise
        return peer

    def _start(self) -> None:
        self.withdraw()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            with _short_path(self.directory) as directory:
                listener.bind(f"{directory}/{self._socket.name}")
            self._socket.chmod(0o600)
            listener.listen(BACKLOG)
            subprocess.run(
                [sys.executable, "-P", "-c", _BIRTH, str(listener.fileno()), str(self.directory)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[listener.fileno()],
                check=True,
            )


@contextlib.contextmanager
def _short_path(directory: Path) -> Iterator[str]:
    """The directory by a name that fits into a unix socket's address (108 bytes, unix(7)), however deep it lies."""
    descriptor = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def is_our_user(peer: socket.socket) -> bool:
    """Whether the process at the other end runs as the same user (SO_PEERCRED, unix(7))."""
    credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return int.from_bytes(credentials[4:8], sys.byteorder) == os.geteuid()
