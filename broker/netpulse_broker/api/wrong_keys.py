"""Who presents wrong API keys: told in the log, and slowed down after a few."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass

import structlog

log = structlog.get_logger(__name__)

FREE = 5
"""Wrong keys of one address within ``WINDOW`` that are answered at once: somebody mistypes, or a key was rotated."""

WINDOW = 60.0
"""Seconds for which a wrong key counts."""

DELAY = 1.0
"""Seconds that each further one waits for its answer."""

MOST_WAITING = 100
"""Answers that wait at a time; beyond that nobody waits, so that waiting itself is no way to fill the controller."""

MOST_ADDRESSES = 10_000
"""Addresses that are remembered."""


@dataclass(slots=True)
class _Tries:
    since: float
    number: int = 0


class WrongKeys:
    """Counts by the address that the connection comes from. A right key is never slowed down."""

    def __init__(self) -> None:
        self._tries: OrderedDict[str, _Tries] = OrderedDict()
        self._waiting = 0

    async def presented(self, address: str) -> None:
        """A wrong key came from there; returns when its answer may be given."""
        now = time.monotonic()
        tries = self._tries.get(address)
        if tries is None or now - tries.since > WINDOW:
            tries = self._tries[address] = _Tries(now)
        self._tries.move_to_end(address)
        if len(self._tries) > MOST_ADDRESSES:
            self._tries.popitem(last=False)
        tries.number += 1
        # Each of the first ones, then 10, 100, 1000, ...: a flood of keys is no flood of lines.
        if tries.number <= FREE or str(tries.number).strip("0") == "1":
            log.warning("api_key_wrong", address=address, tries=tries.number, within=WINDOW)
        if tries.number > FREE and self._waiting < MOST_WAITING:
            self._waiting += 1
            try:
                await asyncio.sleep(DELAY)
            finally:
                self._waiting -= 1
