"""A job under way: its deadline, whether it was stopped, and the guard before each write to the device."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from netpulse_broker.errors import JobStopped, LeaseLost
from netpulse_broker.queueing.jobs.payload import JobPlace
from netpulse_drivers import CommandTimeout, Deadline


class Validity(Protocol):
    """The part of ``LeaseClock`` that a worker uses."""

    def valid_for(self) -> float:
        """Seconds that the node's lease still lasts; <= 0: it has passed."""
        ...

    def wait_valid(self, deadline: Deadline) -> bool:
        """Wait until it is valid, at most until ``deadline``."""
        ...


@dataclass(slots=True, kw_only=True, eq=False)
class RunningJob:
    """One execution of one job. ``stop`` and ``expire`` are for another thread than the worker's, and do not wait.

    Attributes:
        id: the job's id.
        place: which job, and whose.
        deadline: when its execution must have ended.
        clock: the lease under which the device may be written to.
        wrote: whether anything may have been written to the device for this job.
        stopped: somebody asked for its end.
        expired: it was aborted because the driver had not kept the deadline.
        orphaned: asked before waiting for the lease; True when the node that renews it is gone for good.
        leaving: True when the worker was told to leave; a job that has no end of its own ends then.
    """

    id: str
    place: JobPlace | None = None
    deadline: Deadline
    clock: Validity
    orphaned: Callable[[], bool] = lambda: False
    leaving: Callable[[], bool] = lambda: False
    wrote: bool = False
    stopped: bool = False
    expired: bool = False
    _abort: Callable[[], None] | None = None
    _aborting: threading.Thread | None = None
    _aborted_at: float = math.inf
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def before_write(self) -> None:
        """The driver is about to write to the device.

        Raises:
            JobStopped, CommandTimeout: as ``check_going_on``.
            LeaseLost: the lease had passed and was not renewed within the job's deadline.
        """
        self.check_going_on()
        while self.clock.valid_for() <= 0:
            if self.deadline.passed or self.orphaned():
                raise LeaseLost(
                    "the node's lease had passed and was not renewed in time: nothing was written to the device after "
                    "that; check that the node reaches Redis"
                )
            # Short steps: a stop, and the end of the node, must be seen while waiting.
            self.clock.wait_valid(self.deadline.sooner(0.2))
            self.check_going_on()
        self.wrote = True

    def check_going_on(self) -> None:
        """See that nobody has ended the job.

        Raises:
            JobStopped: somebody asked for its end.
            CommandTimeout: it was aborted long after its deadline.
        """
        if self.stopped:
            raise JobStopped("the job was stopped while it ran")
        if self.expired:
            raise CommandTimeout("the job did not end within its time and its session was closed")

    def abortable_by(self, abort: Callable[[], None] | None) -> None:
        """Name what makes a blocked driver call return. None: the job has no session any more; waits for an abort that
        is under way, so that the session is closed after it.

        Raises:
            JobStopped, CommandTimeout: the job's end was asked for before it had the session.
        """
        with self._lock:
            self._abort = abort
            aborting, self._aborting = self._aborting, None
        if aborting is not None:
            aborting.join()
        if abort is not None:
            self.check_going_on()

    def stop(self) -> None:
        """Forbid further writes and abort the driver's call, so that the job ends now."""
        self.stopped = True
        self._begin_abort()

    def expire(self) -> None:
        """The deadline has passed and the driver does not return: abort its call."""
        self.expired = True
        self._begin_abort()

    @property
    def aborted(self) -> bool:
        """The session may have been aborted: it must not be kept."""
        return self.stopped or self.expired

    @property
    def overdue(self) -> float:
        """Seconds since the job had to end: since its deadline, or since its abort if that came earlier."""
        return time.monotonic() - min(self.deadline.at, self._aborted_at)

    def _begin_abort(self) -> None:
        """In a thread of its own, once per session: an abort that blocks must not hold up who watches over the job."""
        with self._lock:
            abort, self._abort = self._abort, None
            if abort is None:
                return
            self._aborted_at = time.monotonic()
            self._aborting = threading.Thread(target=abort, name="abort", daemon=True)
            self._aborting.start()
