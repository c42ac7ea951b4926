"""Wait for a condition until a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from tests.lab.real.errors import LabError

T = TypeVar("T")

POLL_INTERVAL = 0.01
"""Seconds between two looks at a condition that the kernel does not announce (a log line, a BGP state)."""


def wait_until(condition: Callable[[], T], *, what: str, timeout: float = 60.0) -> T:
    """Return the first truthy value of `condition`; raise `LabError` naming `what` after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        if value := condition():
            return value
        if time.monotonic() >= deadline:
            raise LabError(f"waited {timeout:g} s for {what}, in vain")
        time.sleep(POLL_INTERVAL)
