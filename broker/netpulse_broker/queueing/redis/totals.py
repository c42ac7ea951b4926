"""Totals of the whole installation, as ``/metrics`` shows them, and how a worker adds its jobs to them.

One hash holds them all; a name is its parts with ``|`` between. Scripts count what happens once in a while; what every
job adds is added up by its worker and handed over with the end of a job, at most once a second. A worker that is killed
takes the figures of its last second along, never a job.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter

BOUNDS = ("0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "30", "60", "300")
"""Upper bounds (s) of the histograms; the same stand in the scripts' prelude."""

_BOUNDS = tuple(float(bound) for bound in BOUNDS)

EVERY = 1.0
"""Seconds between two times that a worker hands its figures over while it has work."""


class WorkerTotals:
    """What a worker has not handed over yet."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._handed = -EVERY

    def __bool__(self) -> bool:
        return bool(self._counts)

    @property
    def due(self) -> bool:
        """Whether it is time to hand them over."""
        return time.monotonic() - self._handed >= EVERY

    def job_started(self, queued: float) -> None:
        """``queued``: seconds that the job has waited in its queue."""
        self._observe("queue_time", queued)

    def job_ended(self, *, driver: str, operation: str, status: str, outcome: str, error: str, duration: float) -> None:
        """``error``: its code or ''; ``duration``: seconds of execution."""
        self._counts[f"jobs|{driver}|{operation}|{status}|{outcome}"] += 1
        if error:
            self._counts[f"errors|{error}"] += 1
        self._observe(f"duration|{driver}|{operation}", duration)

    def _observe(self, name: str, seconds: float) -> None:
        place = bisect_left(_BOUNDS, seconds)
        self._counts[f"{name}|{BOUNDS[place] if place < len(BOUNDS) else 'inf'}"] += 1
        self._counts[f"{name}|sum"] += int(seconds * 1_000_000)

    def lines(self) -> str:
        """For a script: a line each, name, blank, what is to be added."""
        return "\n".join(f"{name} {count}" for name, count in self._counts.items())

    def handed_over(self) -> None:
        """Redis has them."""
        self._counts.clear()
        self._handed = time.monotonic()
