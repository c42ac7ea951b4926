"""Whether a node gets anywhere: written by its main loop, read by the thread that keeps its lease.

A node can hold its lease and serve nothing: its loop hangs, or processes are ordered and none comes.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

NO_STALL = 5.0
"""Seconds without progress that are nobody's business: a fork server is loading, the machine is busy."""

MOST_FAILURES = 3
"""Fork servers in a row that never became ready, from which on it is said that none does."""

UNREADY = 60.0
"""Seconds without a fork server that is ready, from which on the same is said."""

OF_LATE = 300.0
"""Seconds for which the loss of a fork server is remembered."""


class Progress:
    """Of one node. Single attributes are read and written, which needs no lock.

    Attributes:
        loading: no fork server is ready, so that no process can be made at the moment.
        on_ready: called when that changes.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._turned = self._came_forward = clock()
        self._made = 0
        self._losses: deque[float] = deque(maxlen=100)
        self._ready_at = self._turned
        self._failures = 0
        self.loading = True
        self.on_ready: Callable[[], None] = lambda: None

    def turn(self, *, ordered: int, made: int, ready: bool = True) -> None:
        """The main loop has made another turn.

        Args:
            ordered: processes that are wanted and not there yet.
            made: processes that have been made so far.
            ready: a fork server is there and has loaded everything.
        """
        self._turned = self._clock()
        if ready:
            self._ready_at, self._failures = self._turned, 0
        if self.loading is ready:
            self.loading = not ready
            self.on_ready()
        if not ordered or made != self._made:
            self._came_forward = self._turned
        self._made = made

    def lost_fork_server(self) -> None:
        """A fork server has ended by itself, or had to be ended."""
        self._losses.append(self._clock())
        self._failures += 1

    def unfit(self) -> str:
        """Why no process can be made here, and will not soon; "" when one can."""
        if self._failures < MOST_FAILURES and self._clock() - self._ready_at <= UNREADY:
            return ""
        return "its fork server does not start: see the node's log, and restart it when the cause is mended"

    def stalled(self) -> float:
        """Seconds since it last came forward although it had something to do; 0 when that is not long."""
        seconds = self._clock() - min(self._turned, self._came_forward)
        return seconds if seconds > NO_STALL else 0.0

    def losses(self) -> int:
        """Fork servers lost of late."""
        now = self._clock()
        return sum(now - at <= OF_LATE for at in tuple(self._losses))
