"""What the node's threads tell its main loop: a queue whose filling makes a socket readable."""

from __future__ import annotations

import queue
import socket
from contextlib import suppress
from dataclasses import dataclass

from netpulse_broker.queueing.nodes.orders import Order


@dataclass(frozen=True, slots=True)
class LeaseLost:
    """Another process has this node's name, or the node was declared dead: its workers have no right any more."""


@dataclass(frozen=True, slots=True)
class LeaseRetaken:
    """Redis was away and is back: records of this node may be missing there."""


@dataclass(frozen=True, slots=True)
class Ordered:
    """An order has come."""

    order: Order


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """Redis knows that no process can be made here: devices that wait for one are to be given back."""


@dataclass(frozen=True, slots=True)
class Quit:
    """A signal asks for the end. ``SIGINT`` and ``SIGTERM`` alike; the second one means: now."""


Letter = LeaseLost | LeaseRetaken | Ordered | Withdrawn | Quit


class Inbox:
    """Many threads put, one takes.

    Attributes:
        socket: readable when something may be in it; for a selector.
    """

    def __init__(self) -> None:
        self._letters: queue.SimpleQueue[Letter] = queue.SimpleQueue()
        self.socket, self._bell = socket.socketpair()
        self.socket.setblocking(False)
        self._bell.setblocking(False)

    def put(self, letter: Letter) -> None:
        """Put a letter in; also from a signal handler (SimpleQueue.put is reentrant)."""
        self._letters.put(letter)
        with suppress(BlockingIOError, OSError):  # full: it rings already
            self._bell.send(b"\0")

    def take(self) -> list[Letter]:
        """Everything that has come, oldest first."""
        with suppress(BlockingIOError):
            self.socket.recv(65536)
        letters: list[Letter] = []
        while True:
            try:
                letters.append(self._letters.get_nowait())
            except queue.Empty:
                return letters

    def close(self) -> None:
        """Close both ends."""
        self.socket.close()
        self._bell.close()
