"""The node's side of a fork server: start it, order forks, hear what became of them."""

from __future__ import annotations

import os
import pickle
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import structlog

from netpulse_broker.queueing.nodes.lease_clock import LeaseClock
from netpulse_broker.workers.node import ipc
from netpulse_broker.workers.node.worker_spec import Boot, lifeline

log = structlog.get_logger(__name__)

BOOT_WITHIN = 60.0
"""Seconds that a fork server has to load everything and say that it is ready."""

MOST_UNDER_WAY = 64
"""Orders that a fork server has at a time. The rest waits at the node, so that no socket fills."""

MOST_READ = 64
"""Messages that are read in a row before the node looks at something else."""

LONGEST_LOOK = 1.0
"""Seconds of silence that one look adds at most: while the node itself was held up, nobody listened."""


class ForkServerGone(Exception):
    """The fork server has ended, or takes no orders."""


class Silence:
    """How long nothing at all has come from a process that is listened to.

    What is measured is time spent listening: while the node itself is held up, nobody hears what has come.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._looked = clock()
        self._seconds = 0.0

    def broken(self) -> None:
        """Something has come, or nothing was to be expected until now."""
        self._looked = self._clock()
        self._seconds = 0.0

    def after_a_look(self) -> float:
        """Seconds of silence; call it after a look that found nothing."""
        now = self._clock()
        self._seconds += min(now - self._looked, LONGEST_LOOK)
        self._looked = now
        return self._seconds


class ForkClient:
    """One fork server process.

    How old an order is says nothing about it: on a busy machine the last of many is old when it is carried out. It is
    silent when nothing has come from it for ``patience`` seconds although it has orders.

    Args:
        patience: seconds.

    Attributes:
        ready: it has loaded everything.
        peer: the socket to it, for a selector.
    """

    def __init__(self, boot: Boot, clock: LeaseClock, *, patience: float) -> None:
        self.boot = boot
        self.ready = False
        self._patience = patience
        self.peer, theirs = ipc.pair()
        inherited = {theirs.fileno(), lifeline()} - {None}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "netpulse_broker.workers.node.fork_server", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=[fd for fd in inherited if fd is not None],
            )
        self._under_way: set[int] = set()
        self._silence = Silence()
        self.peer.setblocking(False)
        try:
            socket.send_fds(self.peer, [pickle.dumps(boot)], [clock.fd])
        except OSError as error:
            raise ForkServerGone(str(error)) from error

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def has_room(self) -> bool:
        """Whether it may be given another order now."""
        return self.ready and len(self._under_way) < MOST_UNDER_WAY

    def order(self, seq: int, device: str, peer: socket.socket) -> bool:
        """Order a child; the answer comes through ``peer`` as ``forked`` or ``refused`` with the same ``seq``.

        Returns:
            False: its socket is full; order again when an answer has come.

        Raises:
            ForkServerGone
        """
        try:
            ipc.send(self.peer, {"op": "fork", "seq": seq, "device": device}, fds=(peer.fileno(),))
        except BlockingIOError:
            return False
        except OSError as error:
            raise ForkServerGone(str(error)) from error
        if not self._under_way:
            self._silence.broken()
        self._under_way.add(seq)
        return True

    def receive(self) -> Iterator[tuple[ipc.Message, list[int]]]:
        """What has come, oldest first; call it when ``peer`` is readable.

        Raises:
            ForkServerGone: after what had come before.
        """
        for _ in range(MOST_READ):
            try:
                received = ipc.receive(self.peer)
            except BlockingIOError:
                return
            except OSError as error:
                raise ForkServerGone(str(error)) from error
            if received is None:
                raise ForkServerGone("end of file")
            self._silence.broken()
            if received[0]["op"] == "ready":
                self.ready = True
            self._under_way.discard(received[0].get("seq", 0))
            yield received

    def silent(self) -> bool:
        """Whether it is silent for too long (stopped, or caught in a plug-in's import).

        Call it after a look at ``peer`` that found nothing.
        """
        seconds = self._silence.after_a_look()
        if not self.ready:
            return seconds > BOOT_WITHIN
        return bool(self._under_way) and seconds > self._patience

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
