"""How long a node's right to its devices lasts, in memory that the node shares with its workers.

CLOCK_BOOTTIME (clock_gettime(2)) also runs while the machine sleeps, so a machine that was suspended and wakes up finds
its lease passed.
"""

from __future__ import annotations

import mmap
import os
import struct
import time

from netpulse_broker.queueing.redis.clock import boottime
from netpulse_drivers import Deadline

_DOUBLE = struct.Struct("=d")


class LeaseClock:
    """The end of a lease as seconds of CLOCK_BOOTTIME, in one aligned 8-byte word of a memfd.

    One process (the node) writes it, its workers read it. A single aligned 8-byte copy is atomic on the 64-bit
    platforms that Linux runs CPython on.
    """

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._map = mmap.mmap(fd, 8)

    @classmethod
    def create(cls) -> LeaseClock:
        """A new clock that has passed already."""
        fd = os.memfd_create("netpulse-lease", os.MFD_CLOEXEC)
        os.ftruncate(fd, 8)
        return cls(fd)

    def extend(self, end: float) -> None:
        """The lease now lasts until ``end`` (CLOCK_BOOTTIME seconds, computed from *before* the renewal was sent)."""
        self._map[:8] = _DOUBLE.pack(end)

    def revoke(self) -> None:
        """The lease is lost: nothing may be written any more."""
        self._map[:8] = _DOUBLE.pack(0.0)

    def valid_for(self) -> float:
        """Seconds that the lease still lasts; <= 0: it has passed."""
        end: float = _DOUBLE.unpack(self._map[:8])[0]
        return end - boottime()

    def wait_valid(self, deadline: Deadline) -> bool:
        """Wait until the lease is valid (Redis may be away for a while), at most until ``deadline``."""
        while self.valid_for() <= 0:
            if deadline.passed:
                return False
            time.sleep(min(0.05, deadline.remaining()))
        return True
