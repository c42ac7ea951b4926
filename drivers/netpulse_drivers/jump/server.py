"""The jump process: holds the SSH sessions to jump hosts for all workers of a machine.

Threads: the main one accepts; one for each stream and direction, since paramiko's channels block; one for each session,
for keepalives. It is never forked from.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import logging
import os
import resource
import secrets
import select
import signal
import socket
import threading
import time
from pathlib import Path

import paramiko
from pydantic import ValidationError

from netpulse_drivers.errors import ConnectError, DriverError
from netpulse_drivers.jump import messages
from netpulse_drivers.jump.event_log import log
from netpulse_drivers.jump.rendezvous import Rendezvous, is_our_user
from netpulse_drivers.jump.session import JumpSession

IDLE_VARIABLE = "NETPULSE_JUMP_IDLE"
IDLE = 60.0
"""Seconds that a session without streams is kept, and the process without sessions."""

CHUNK = 65_536
REQUEST_WITHIN = 10.0
STACK = 256 * 1024
"""Bytes of a thread's stack: there are two for each device."""


class JumpServer:
    """Serves one unix socket.

    Args:
        idle: seconds; see IDLE.
    """

    def __init__(self, listener: socket.socket, meeting_point: Rendezvous, *, idle: float) -> None:
        self._listener = listener
        self._meeting_point = meeting_point
        self._idle = idle
        self._secret = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._sessions: dict[bytes, JumpSession] = {}
        self._keepers: dict[int, int] = {}
        self._clients = 0
        self._idle_since = time.monotonic()

    def serve(self) -> None:
        """Until nobody needs it any more."""
        self._listener.settimeout(0)
        while True:
            poll = select.poll()
            poll.register(self._listener, select.POLLIN)
            poll.poll(250)
            self._accept()
            self._sweep()
            if self._unneeded() and self._leave():
                return

    # -- lifetime ---------------------------------------------------------------------------------------------------

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                peer, _ = self._listener.accept()
                with self._lock:
                    self._clients += 1
                threading.Thread(target=self._serve_client, args=(peer,), name="stream", daemon=True).start()

    def _kept(self) -> bool:
        """Whether a process lives that started workers of ours."""
        with self._lock:
            descriptors = list(self._keepers.values())
        poll = select.poll()
        for descriptor in descriptors:
            poll.register(descriptor, select.POLLIN)
        ended = {descriptor for descriptor, _ in poll.poll(0)}
        with self._lock:
            for inode, descriptor in list(self._keepers.items()):
                if descriptor in ended:
                    os.close(self._keepers.pop(inode))
            return bool(self._keepers)

    def _sweep(self) -> None:
        patience = self._idle if self._kept() else 0.0
        now = time.monotonic()
        with self._lock:
            done = [
                key
                for key, session in self._sessions.items()
                if session.users == 0
                and not (session.remembers_failure and patience)
                and (not session.alive or now - session.idle_since >= patience)
            ]
            closing = [self._sessions.pop(key) for key in done]
        for session in closing:
            session.close()
            if session.through is not None:
                self._let_go(session.through)

    def _unneeded(self) -> bool:
        with self._lock:
            if self._clients or self._sessions:
                self._idle_since = time.monotonic()
                return False
            patience = self._idle if self._keepers else 0.0
            return time.monotonic() - self._idle_since >= patience

    def _leave(self) -> bool:
        """Withdraw from the meeting point, unless somebody came meanwhile."""
        with self._meeting_point.locked():
            self._accept()
            with self._lock:
                if self._clients:
                    return False
            self._meeting_point.withdraw()
            self._listener.close()
        return True

    # -- one stream -------------------------------------------------------------------------------------------------

    def _serve_client(self, peer: socket.socket) -> None:
        try:
            with peer:
                self._answer(peer)
        except (OSError, EOFError, ValueError) as error:
            log("stream_ended", error=type(error).__name__)
        finally:
            with self._lock:
                self._clients -= 1

    def _answer(self, peer: socket.socket) -> None:
        if not is_our_user(peer):
            return
        peer.settimeout(REQUEST_WITHIN)
        message, keepers = messages.receive(peer, max_fds=1)
        for descriptor in keepers:
            self._keep(descriptor)
        held: list[JumpSession] = []
        try:
            try:
                request = messages.StreamRequest(**message)
                channel = self._open(request, held)
            except ValidationError as error:
                raise ConnectError(f"the jump process does not understand this worker: {error}") from error
            with contextlib.closing(channel):
                messages.send(peer, {"ok": True})
                relay(peer, channel)
        except DriverError as error:
            messages.send(peer, messages.error_message(error))
        finally:
            for session in held:
                self._let_go(session)

    def _open(self, request: messages.StreamRequest, held: list[JumpSession]) -> paramiko.Channel:
        """Walk the hops; each session on the way is held while it is being used."""
        channel: paramiko.Channel | None = None
        for position, hop in enumerate(request.hops):
            session = self._session(request, position, through=held[-1] if held else None)
            held.append(session)
            last = position == len(request.hops) - 1
            if last:
                channel = session.open(request.host, request.port, hop, within=request.within)
            else:
                session.ensure(hop)
        assert channel is not None  # noqa: S101 - the client sends at least one hop
        # The nearer hops are held by the session that runs through them.
        return channel

    def _session(self, request: messages.StreamRequest, position: int, *, through: JumpSession | None) -> JumpSession:
        """The session of this chain of logins, new or known; held for the caller."""
        key = self._key(request, position)
        with self._lock:
            session = self._sessions.get(key)
            if session is None:
                if through is not None:
                    through.users += 1
                hop = request.hops[position]
                session = self._sessions[key] = JumpSession(hop.where, through=through)
            session.users += 1
            return session

    def _key(self, request: messages.StreamRequest, position: int) -> bytes:
        """Who logs in where, how and through what; a wrong password is another key than the right one."""
        chain = messages.plain(request)["hops"][: position + 1]
        for hop in chain:
            del hop["addresses"]  # in whatever order the name service gave them: it is the same host
        text = json.dumps(chain, sort_keys=True)
        return hmac.new(self._secret, text.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()

    def _let_go(self, session: JumpSession) -> None:
        with self._lock:
            session.users -= 1
            session.idle_since = time.monotonic()

    def _keep(self, pidfd: int) -> None:
        """Remember who has to live for this process to stay; each process once."""
        target = _pid_of(pidfd)
        with self._lock:
            if target in self._keepers:
                os.close(pidfd)
            else:
                self._keepers[target] = pidfd


def relay(peer: socket.socket, channel: paramiko.Channel) -> None:
    """Pass bytes in both directions until either side ends; then neither goes on."""

    def to_worker() -> None:
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            while data := channel.recv(CHUNK):
                peer.sendall(data)
        with contextlib.suppress(OSError):
            peer.shutdown(socket.SHUT_RDWR)

    peer.settimeout(None)
    channel.settimeout(None)
    other = threading.Thread(target=to_worker, name="to-worker", daemon=True)
    other.start()
    with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
        while data := peer.recv(CHUNK):
            channel.sendall(data)
    channel.close()
    with contextlib.suppress(OSError):
        peer.shutdown(socket.SHUT_RDWR)
    other.join()


def _pid_of(pidfd: int) -> int:
    """The process that a pidfd means (proc(5), fdinfo); -1 when it has ended."""
    for line in Path(f"/proc/self/fdinfo/{pidfd}").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "Pid":
            return int(value)
    return -1


def main(fd: int, directory: str) -> None:
    """Entry point of the process; ``fd`` listens already."""
    # What stops a whole service (Ctrl-C, systemd) must not cut off the jobs that the workers are let end. This process
    # ends by itself when they are gone.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    Path("/proc/self/comm").write_text("np-jump")
    threading.stack_size(STACK)
    logging.getLogger("paramiko").addHandler(logging.NullHandler())  # what matters of it stands in our own events
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a descriptor for each device
    listener = socket.socket(fileno=fd)
    listener.set_inheritable(False)
    log("jump_process_started", directory=directory)
    idle = float(os.environ.get(IDLE_VARIABLE, IDLE))
    JumpServer(listener, Rendezvous(Path(directory)), idle=idle).serve()
    log("jump_process_ended")
