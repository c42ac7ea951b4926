"""One total deadline per operation, on the monotonic clock, handed down through all phases."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point on the monotonic clock, in seconds."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """The point ``seconds`` from now."""
        return cls(time.monotonic() + seconds)

    @classmethod
    def never(cls) -> Deadline:
        """A deadline that does not pass."""
        return cls(math.inf)

    def remaining(self, *, at_most: float = math.inf) -> float:
        """Seconds left, never negative, at most ``at_most``."""
        return min(max(self.at - time.monotonic(), 0.0), at_most)

    @property
    def passed(self) -> bool:
        return time.monotonic() >= self.at

    def sooner(self, seconds: float) -> Deadline:
        """The earlier of this deadline and ``seconds`` from now: a phase's own share of the whole."""
        return Deadline(min(self.at, time.monotonic() + seconds))
