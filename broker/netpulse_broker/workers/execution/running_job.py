"""A job under way: its deadline, whether it was stopped, and the guard before each write to the device."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from netpulse_broker.errors import JobStopped, LeaseLost
from netpulse_broker.queueing.jobs.payload import JobPlace
from netpulse_drivers import Deadline


class Validity(Protocol):
    """The part of ``LeaseClock`` that a worker uses."""

    def valid_for(self) -> float:
        """Seconds that the node's lease still lasts; <= 0: it has passed."""
        ...

    def wait_valid(self, deadline: Deadline) -> bool:
        """Wait until it is valid, at most until ``deadline``."""
        ...


class NotGranted(Exception):
    """The job that a worker had begun to prepare is not its own: nothing was written for it, and nothing is told."""


@dataclass(slots=True, kw_only=True, eq=False)
class RunningJob:
    """One execution of one job. ``before_write`` runs in the worker's thread, ``stop`` in another one.

    Attributes:
        id: the job's id.
        place: which job, and whose.
        deadline: when its execution must have ended.
        clock: the lease under which the device may be written to.
        wrote: whether anything may have been written to the device for this job.
        stopped: somebody asked for its end.
        expired: its session was broken because the driver had not kept the deadline.
        orphaned: asked before waiting for the lease; True when the node that renews it is gone for good.
        leaving: True when the worker was told to leave; a job that has no end of its own ends then.
        granted: whether the job is this worker's; asked before the first write, because the answer may still be under
            way until then.
    """

    id: str
    place: JobPlace | None = None
    deadline: Deadline
    clock: Validity
    orphaned: Callable[[], bool] = lambda: False
    leaving: Callable[[], bool] = lambda: False
    granted: Callable[[], bool] = lambda: True
    wrote: bool = False
    stopped: bool = False
    expired: bool = False
    _interrupt: Callable[[], None] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def before_write(self) -> None:
        """The driver is about to write to the device.

        Raises:
            NotGranted: the job is not this worker's.
            JobStopped: the job was stopped.
            LeaseLost: the lease had passed and was not renewed within the job's deadline.
        """
        if not self.granted():
            raise NotGranted
        self.check_stopped()
        while self.clock.valid_for() <= 0:
            if self.deadline.passed or self.orphaned():
                raise LeaseLost(
                    "the node's lease had passed and was not renewed in time: nothing was written to the device after "
                    "that; check that the node reaches Redis"
                )
            # Short steps: a stop, and the end of the node, must be seen while waiting.
            self.clock.wait_valid(self.deadline.sooner(0.2))
            self.check_stopped()
        self.wrote = True

    def check_stopped(self) -> None:
        """Raise ``JobStopped`` if somebody asked for the job's end."""
        if self.stopped:
            raise JobStopped("the job was stopped while it ran")

    def interruptible_by(self, interrupt: Callable[[], None] | None) -> None:
        """Name the action that makes a blocked driver call return (None: the driver holds no session now).

        Raises:
            JobStopped: the stop came earlier.
        """
        with self._lock:
            self._interrupt = interrupt
        if interrupt is not None:
            self.check_stopped()

    def stop(self) -> None:
        """Forbid further writes and break the session under the driver, so that the job ends now."""
        self.stopped = True
        self._break_session()

    def expire(self) -> None:
        """The deadline has passed and the driver does not return: break the session under it."""
        self.expired = True
        self._break_session()

    @property
    def broken(self) -> bool:
        """The session may have been broken under the driver: it must not be kept."""
        return self.stopped or self.expired

    def _break_session(self) -> None:
        # The lock is held meanwhile, so that the session cannot pass on to the next job half-closed.
        with self._lock:
            if self._interrupt is not None:
                # Whatever the interrupted driver says in its own thread is the account of it.
                with suppress(Exception):
                    self._interrupt()
