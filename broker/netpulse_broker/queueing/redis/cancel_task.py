"""Ending asyncio tasks that speak to Redis."""

from __future__ import annotations

import asyncio
from typing import Any

HEARD_WITHIN = 0.5
"""Seconds after which a task that goes on is told again."""


async def end_task(task: asyncio.Task[Any]) -> None:
    """Cancel a task until it has ended; what it ended with is nobody's business any more.

    Once is not enough: redis-py sends each command inside ``asyncio.wait_for``, and that of Python 3.11 swallows a
    cancellation which comes when the command has just been sent. A task that loops would then loop for ever.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait((task,), timeout=HEARD_WITHIN)
    if not task.cancelled():
        task.exception()  # taken note of
