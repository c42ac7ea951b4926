"""What this controller has told Redis lately and need not tell with each job."""

from __future__ import annotations

import time
from collections import OrderedDict

AGAIN = 600.0
"""Seconds after which it is told again: Redis may have lost it, and keeps it for a month only."""

MOST = 20_000
"""Things that are remembered; of more, those that were told longest ago are told again sooner."""


class Announced:
    """When each thing was told."""

    def __init__(self) -> None:
        self._told: OrderedDict[tuple[str, ...], float] = OrderedDict()

    def due(self, thing: tuple[str, ...]) -> bool:
        """Whether it is to be told now."""
        told = self._told.get(thing)
        return told is None or time.monotonic() - told >= AGAIN

    def told(self, thing: tuple[str, ...]) -> None:
        """Redis has taken it."""
        self._told[thing] = time.monotonic()
        self._told.move_to_end(thing)
        if len(self._told) > MOST:
            self._told.popitem(last=False)
