"""Start the private server of a state directory, or attach to the one that still runs for it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from netpulse_broker.embedded.binary import ServerBinary, find_binary
from netpulse_broker.embedded.errors import EmbeddedServerError
from netpulse_broker.embedded.keeper import SERVER_FAILED
from netpulse_broker.embedded.paths import ServerPaths
from netpulse_broker.embedded.private_files import private_directory, read_or_create
from netpulse_broker.settings import ENV_PREFIX

_POLL = 0.02
# A large append-only file takes its time: about 0.5 GB of it are read within this many seconds on a slow machine.
_READY_WITHIN = 60.0
_KEEPER_STOPS_WITHIN = 45.0


class EmbeddedServer:
    """The private server, from the point of view of the supervisor that uses it.

    ``start`` gives the server a keeper, or finds the one it has; either way this process holds the lifeline then and
    passes it on to its children (``lifeline``). One object serves one supervisor, in its main thread.
    """

    def __init__(self, state_dir: Path, *, binary: Callable[[], ServerBinary] = find_binary) -> None:
        self._paths = ServerPaths(state_dir)
        self._find_binary = binary
        self._password = ""
        self._lifeline: int | None = None
        self._keeper: subprocess.Popen[bytes] | None = None
        self._keeper_exited: int | None = None  # pidfd

    @property
    def url(self) -> str:
        """The server's URL with its password, as ``redis.Redis.from_url`` takes it."""
        return f"unix://:{quote(self._password, safe='')}@{quote(str(self._paths.socket))}?db=0"

    @property
    def password(self) -> str:
        """To be masked in logs."""
        return self._password

    @property
    def lifeline(self) -> int:
        """The write end of the lifeline; a child that is to keep the server alive inherits it."""
        if self._lifeline is None:
            raise AssertionError("start() comes first")
        return self._lifeline

    def runs(self) -> bool:
        """Whether a server, or its keeper, lives for this state directory."""
        try:
            lock = os.open(self._paths.keeper_lock, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        else:
            return False
        finally:
            os.close(lock)

    @property
    def keeper_pid(self) -> int | None:
        """The keeper that this process has started itself, or None."""
        return None if self._keeper is None else self._keeper.pid

    @property
    def attached(self) -> bool:
        """Whether ``start`` has found a running server: processes of an earlier run hold it while they finish jobs."""
        return self._keeper is None and self._keeper_exited is not None

    @property
    def keeper_exited(self) -> int:
        """A descriptor that becomes readable when the keeper has ended: call ``start`` again then."""
        if self._keeper_exited is None:
            raise AssertionError("start() comes first")
        return self._keeper_exited

    def start(self, *, within: float = _READY_WITHIN) -> None:
        """Have a server that answers, within so many seconds. May be called again after the keeper's death.

        Raises EmbeddedServerError: no usable program, or the server does not come up; with the end of its log.
        """
        deadline = time.monotonic() + within
        private_directory(self._paths.state_dir)
        private_directory(self._paths.directory)
        private_directory(self._paths.log_directory)
        private_directory(self._paths.socket.parent)
        self._password = read_or_create(self._paths.password, lambda: secrets.token_urlsafe(32))
        if self.keeper_has_ended():
            self._forget_keeper()
            while not (self._start_keeper() or self._attach()):
                if time.monotonic() > deadline:
                    raise EmbeddedServerError(
                        f"a private server of an earlier run is ending and has not done so within {within:.0f} s; "
                        f"see {self._paths.log_directory}/keeper.log"
                    )
                time.sleep(_POLL)
        self._wait_until_it_answers(deadline, within=within)

    def ping(self) -> bool:
        """Whether the server answers now; False while it is loading its data."""
        client = redis.Redis.from_url(self.url, retry=Retry(NoBackoff(), 0), socket_timeout=2.0)
        try:
            return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError, redis.BusyLoadingError):
            return False
        finally:
            client.close()

    def reap(self) -> None:
        """Take note of the keeper's end, for a supervisor that has been told of a dead child."""
        if self._keeper is not None:
            self._keeper.poll()

    def keeper_has_ended(self) -> bool:
        """Whether the server has no keeper: ``start`` has not been called, or the keeper has died."""
        return self._keeper_exited is None or _is_readable(self._keeper_exited, within=0)

    def release(self, *, within: float = _KEEPER_STOPS_WITHIN) -> bool:
        """Let go of the lifeline and wait until the server has ended. False: another process still needs it."""
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None
        if self._keeper_exited is not None and not _is_readable(self._keeper_exited, within=within):
            return False
        self._forget_keeper()
        return True

    def _forget_keeper(self) -> None:
        if self._keeper is not None:
            self._keeper.wait()
            self._keeper = None
        if self._keeper_exited is not None:
            os.close(self._keeper_exited)
            self._keeper_exited = None

    def _start_keeper(self) -> bool:
        """Start keeper and server. False: a keeper, or a server that is about to end, still has the lock."""
        lock = os.open(self._paths.keeper_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            binary = self._find_binary()
            with contextlib.suppress(FileExistsError):
                os.mkfifo(self._paths.lifeline, 0o600)
            # The read end first: without one, opening the write end fails.
            reader = os.open(self._paths.lifeline, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                if self._lifeline is None:
                    self._lifeline = os.open(self._paths.lifeline, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
                with (self._paths.log_directory / "keeper.log").open("ab") as log:
                    self._keeper = subprocess.Popen(
                        [
                            sys.executable,
                            *("-m", "netpulse_broker.embedded.keeper"),
                            *(str(binary.path), str(self._paths.state_dir), str(reader), str(lock)),
                        ],
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        pass_fds=(reader, lock),
                        # Our variables may hold keys, which neither keeper nor server has any use for.
                        env={name: value for name, value in os.environ.items() if not name.startswith(ENV_PREFIX)},
                        # A terminal's Ctrl-C is for the supervisor, which stops the roles first.
                        start_new_session=True,
                    )
            finally:
                os.close(reader)
        finally:
            os.close(lock)
        self._keeper_exited = os.pidfd_open(self._keeper.pid)
        return True

    def _attach(self) -> bool:
        """Take hold of the lifeline of a running keeper. False: there is none, or it has decided to end."""
        with self._paths.attach_lock.open("ab") as attach:
            fcntl.flock(attach, fcntl.LOCK_EX)
            try:
                lifeline = os.open(self._paths.lifeline, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            except OSError as error:
                if error.errno in (errno.ENXIO, errno.ENOENT):
                    return False
                raise
            try:
                keeper = os.pidfd_open(int(self._paths.keeper_lock.read_text(encoding="ascii")))
            except (ProcessLookupError, ValueError):
                os.close(lifeline)
                return False
        if self._lifeline is None:
            self._lifeline = lifeline
        else:
            os.close(lifeline)
        self._keeper_exited = keeper
        return True

    def _wait_until_it_answers(self, deadline: float, *, within: float) -> None:
        while not self.ping():
            if self._keeper is not None and (status := self._keeper.poll()) is not None:
                reason = "refused to start" if status == SERVER_FAILED else f"has no keeper (exit status {status})"
                raise EmbeddedServerError(f"the private server {reason}:\n{self._end_of_log()}")
            if time.monotonic() > deadline:
                raise EmbeddedServerError(f"the private server did not answer in {within:.0f} s:\n{self._end_of_log()}")
            time.sleep(_POLL)

    def _end_of_log(self) -> str:
        lines: list[str] = []
        for name in ("keeper.log", "server.log"):
            path = self._paths.log_directory / name
            with contextlib.suppress(FileNotFoundError):
                lines += [f"{path}: {line}" for line in path.read_text(errors="replace").splitlines()[-5:]]
        return "\n".join(lines)


def _is_readable(descriptor: int, *, within: float) -> bool:
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    return bool(poller.poll(within * 1000))
