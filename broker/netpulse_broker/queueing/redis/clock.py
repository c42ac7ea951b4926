"""Redis' time, by which all machines agree on deadlines, whatever their own clocks say."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from netpulse_broker.queueing.redis.times import time_iso


def boottime() -> float:
    """Seconds since boot, suspension included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def redis_seconds(answer: Sequence[Any]) -> float:
    """The answer to Redis' command TIME (seconds, microseconds) as epoch seconds."""
    return int(answer[0]) + int(answer[1]) / 1e6


class RedisClock:
    """Redis' time between two answers that told it. Steps of this machine's own clock do not move it.

    Until Redis has told its time, this machine's own is taken for it. May be used by several threads.

    Args:
        wall: this machine's clock (epoch seconds).
        steady: seconds that nobody sets (for tests).
    """

    def __init__(self, *, wall: Callable[[], float] = time.time, steady: Callable[[], float] = boottime) -> None:
        self._wall = wall
        self._steady = steady
        self._ahead: float | None = None

    def heard(self, seconds: float) -> None:
        """Redis has just told its time (epoch seconds). It is late by the way of the answer."""
        self._ahead = seconds - self._steady()

    def now(self) -> float:
        """Epoch seconds."""
        return self._wall() if self._ahead is None else self._ahead + self._steady()

    def now_iso(self) -> str:
        """Now, in the format that RQ 3.0 reads."""
        return time_iso(datetime.fromtimestamp(self.now(), UTC))

    @property
    def skew(self) -> float:
        """Seconds by which this machine's own clock is ahead of Redis'; negative: behind."""
        return self._wall() - self.now()


def too_skewed(skew: float, most: float) -> str:
    """Why a machine with this skew must not serve; "" when it may.

    Args:
        skew: seconds, as ``RedisClock.skew``.
        most: setting ``redis.max_clock_skew``.
    """
    if abs(skew) <= most:
        return ""
    return (
        f"the clock of its machine is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} that of Redis' machine "
        f"(redis.max_clock_skew allows {most:g} s): synchronise both, with chrony or another NTP client"
    )
