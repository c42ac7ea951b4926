"""The gate before each login: how many at a time on this node, and how often into one device.

When a node starts again, takes over another one's devices, or comes back from a stall, all its workers want to log in
at the same moment. Thousands of key exchanges, and thousands of requests to one AAA server, would fail most of them and
start the next wave. Here they wait for their turn, each with pauses of its own, and so spread.
"""

from __future__ import annotations

import fcntl
import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Protocol

import redis
import structlog

from netpulse_broker.errors import LoginLimited
from netpulse_broker.workers.execution.login_protection import LoginProtection
from netpulse_drivers import BaseDriver, Call, DriverError

log = structlog.get_logger(__name__)

SHORTEST_PAUSE, LONGEST_PAUSE = 0.02, 0.5
"""Seconds between two attempts to get a slot; doubled from one to the other and varied by half."""

TRIES = 8
"""Slots looked at in one attempt, from a random one on: thousands who wait must not look at all of them each time."""


class LoginSlots:
    """Slots that the processes of one node share, as record locks on a file without a name (fcntl(2), F_SETLK).

    The kernel gives a lock back when its process ends, however it ends: no slot is lost with a killed worker. Such
    locks exclude processes, not threads: one worker a process.

    Args:
        fd: the file, inherited from the fork server.
        slots: logins at a time.
    """

    def __init__(self, fd: int, slots: int) -> None:
        self._fd = fd
        self._slots = slots

    @staticmethod
    def create() -> int:
        """The file; its size does not matter."""
        return os.memfd_create("netpulse-logins", os.MFD_CLOEXEC)

    def take(self) -> int | None:
        """A free slot, or None."""
        first = random.randrange(self._slots)  # noqa: S311 - no secret
        for step in range(min(self._slots, TRIES)):
            slot = (first + step) % self._slots
            try:
                fcntl.lockf(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, slot, os.SEEK_SET)
            except (BlockingIOError, PermissionError):  # EAGAIN or EACCES, as the system likes
                continue
            return slot
        return None

    def free(self, slot: int) -> None:
        """Give a slot back."""
        fcntl.lockf(self._fd, fcntl.LOCK_UN, 1, slot, os.SEEK_SET)


class LoginRecords(Protocol):
    """The part of ``WorkerQueue`` that knows of all logins, whoever made them."""

    def login_delay(self, device: str, *, interval: float, burst: int) -> float:
        """0 when a login may begin (it counts as begun then), else seconds to wait before asking again."""
        ...

    def login_ended(self, *, driver: str, phase: str, waited: float) -> None:
        """Count a login; ``phase`` says where it failed, "" that it did not."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginLimits:
    """How often one device may be logged in to.

    Attributes:
        per_minute: in the long run; 0: no limit.
        burst: at once, after a pause.
    """

    per_minute: float = 0.0
    burst: int = 1


class LoginGate:
    """Holds logins back until it is their turn, and has them counted.

    Args:
        device: whose limit counts; a FIFO worker changes it for each job.
        slots: of this node; None: any number at a time.
        protection: keeps refused credentials from being tried again; None: nothing does.
    """

    def __init__(
        self,
        device: str,
        *,
        records: LoginRecords,
        limits: LoginLimits,
        slots: LoginSlots | None = None,
        protection: LoginProtection | None = None,
    ) -> None:
        self.device = device
        self._records = records
        self._limits = limits
        self._slots = slots
        self._protection = protection

    @contextmanager
    def turn(self, driver: BaseDriver) -> Iterator[None]:
        """Inside, the driver may log in.

        Raises:
            LoginLimited: the turn did not come within the job's time.
            LoginSuspended: the credential was refused before.
            JobStopped, LeaseLost: while waiting.
        """
        began = time.monotonic()
        self._await_rate(driver.call)
        protected = nullcontext() if self._protection is None else self._protection.attempt(driver)
        with protected, self._slot(driver, began):
            yield

    @contextmanager
    def _slot(self, driver: BaseDriver, began: float) -> Iterator[None]:
        slot = self._await_slot(driver.call)
        waited = time.monotonic() - began
        phase = ""
        try:
            yield
        except (DriverError, OSError, EOFError) as error:
            phase = error.phase if isinstance(error, DriverError) else "connect"
            raise
        finally:
            if slot is not None and self._slots is not None:
                self._slots.free(slot)
            self._count(driver.driver_name, phase, waited)

    def _await_rate(self, call: Call) -> None:
        if not self._limits.per_minute:
            return
        while (wait := self._delay()) > 0:
            if wait > call.deadline.remaining():
                raise LoginLimited(
                    f"the device may not be logged in to for another {wait:.0f} s, which is longer than the job may "
                    "run (settings worker.logins_per_minute and worker.login_burst); nothing was sent to the device"
                )
            _pause(call, wait * random.uniform(1.0, 1.1))  # noqa: S311 - no secret

    def _delay(self) -> float:
        try:
            return self._records.login_delay(
                self.device, interval=60.0 / self._limits.per_minute, burst=self._limits.burst
            )
        except redis.RedisError as error:
            # Without Redis nobody knows; whether anything may be written at all is the lease's business.
            log.warning("login_rate_unknown", device=self.device, error=f"{type(error).__name__}: {error}")
            return 0.0

    def _await_slot(self, call: Call) -> int | None:
        if self._slots is None:
            return None
        pause = SHORTEST_PAUSE
        while (slot := self._slots.take()) is None:
            _pause(call, pause * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
            pause = min(pause * 2, LONGEST_PAUSE)
            if call.deadline.passed:
                raise LoginLimited(
                    "the node was busy with other logins for the whole time of the job (setting node.max_logins); "
                    "nothing was sent to the device"
                )
        return slot

    def _count(self, driver: str, phase: str, waited: float) -> None:
        try:
            self._records.login_ended(driver=driver, phase=phase, waited=waited)
        except redis.RedisError as error:
            log.debug("login_not_counted", error=f"{type(error).__name__}: {error}")


def _pause(call: Call, seconds: float) -> None:
    """Pause, in steps that notice a stop of the job and the lease's end."""
    end = min(time.monotonic() + seconds, call.deadline.at)
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, 0.2))
        call.before_write()
