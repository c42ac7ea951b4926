"""The node's side of a fork server: start it, order forks, hear what became of them."""

from __future__ import annotations

import os
import pickle
import socket
import subprocess
import sys
import time

import structlog

from netpulse_broker.queueing.nodes.lease_clock import LeaseClock
from netpulse_broker.workers.node import ipc
from netpulse_broker.workers.node.worker_spec import Boot, lifeline

log = structlog.get_logger(__name__)

BOOT_WITHIN = 60.0
"""Seconds that a fork server has to load everything and say that it is ready."""

ANSWER_WITHIN = 5.0
"""Seconds that a ready fork server has to answer an order; one that does not is ended."""


class ForkServerGone(Exception):
    """The fork server has ended, or takes no orders."""


class ForkClient:
    """One fork server process.

    Attributes:
        ready: it has loaded everything.
        peer: the socket to it, for a selector.
    """

    def __init__(self, boot: Boot, clock: LeaseClock) -> None:
        self.boot = boot
        self.ready = False
        self.peer, theirs = ipc.pair()
        self.peer.settimeout(ipc.PATIENCE)
        inherited = {theirs.fileno(), lifeline()} - {None}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "netpulse_broker.workers.node.fork_server", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=[fd for fd in inherited if fd is not None],
            )
        self._waiting: dict[int, float] = {}
        self._since = time.monotonic()
        try:
            socket.send_fds(self.peer, [pickle.dumps(boot)], [clock.fd])
        except OSError as error:
            raise ForkServerGone(str(error)) from error

    @property
    def pid(self) -> int:
        return self._process.pid

    def order(self, seq: int, device: str, peer: socket.socket) -> None:
        """Order a child; the answer comes through ``peer`` as ``forked`` or ``refused`` with the same ``seq``.

        Raises:
            ForkServerGone
        """
        try:
            ipc.send(self.peer, {"op": "fork", "seq": seq, "device": device}, fds=(peer.fileno(),))
        except OSError as error:
            raise ForkServerGone(str(error)) from error
        self._waiting[seq] = time.monotonic()

    def receive(self) -> tuple[ipc.Message, list[int]] | None:
        """The next message; None when the fork server is gone. Call it when ``peer`` is readable."""
        try:
            received = ipc.receive(self.peer)
        except OSError:
            return None
        if received is not None:
            if received[0]["op"] == "ready":
                self.ready = True
                self._waiting.clear()
            self._waiting.pop(received[0].get("seq", 0), None)
        return received

    def overdue(self) -> bool:
        """Whether it has been silent for too long (stopped, or caught in a plug-in's import)."""
        now = time.monotonic()
        if not self.ready:
            return now - self._since > BOOT_WITHIN
        return any(now - since > ANSWER_WITHIN for since in self._waiting.values())

    def dismiss(self, *, patience: float) -> None:
        """No more orders: it ends when its children have; after ``patience`` seconds it is ended."""
        self.peer.close()
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            log.warning("fork_server_killed", pid=self.pid)
            self._process.kill()
            self._process.wait()

    def bury(self) -> int:
        """Clean up after one that is gone, or to be; its exit code."""
        self.peer.close()
        self._process.kill()
        return self._process.wait()


def drop_descriptors(fds: list[int]) -> None:
    """Close descriptors that came with a message nobody waits for."""
    for fd in fds:
        os.close(fd)
