"""Redis' time cannot be set; what is due at a time can be moved."""

from __future__ import annotations

from typing import Any

from netpulse_broker.queueing.redis import keys
from netpulse_broker.queueing.redis.scripts import Scripts


def sweep_after(client: Any, seconds: float) -> list[str]:
    """A sweep as if so many seconds had passed; ids of the jobs that it ended."""
    for key in (keys.EXPIRY, keys.WEBHOOKS_DUE, keys.COMMITS_DUE):
        for member in client.zrange(key, 0, -1):
            client.zincrby(key, -seconds * 1000, member)
    return [job.decode() for job in Scripts(client)("expire", args=[100])[1:]]
