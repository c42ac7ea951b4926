"""What drivers found out about a device (``netpulse_drivers.DeviceMemory``), kept in Redis for all nodes."""

from __future__ import annotations

import redis
import structlog

from netpulse_broker.queueing.redis import keys
from netpulse_broker.queueing.redis.scripts import text

log = structlog.get_logger(__name__)

KEPT = 30 * 86400
"""Seconds after which what was not kept again is forgotten."""

LONGEST = 500
"""Characters of a text."""


class RedisDeviceMemory:
    """One device's. Redis that is away costs what was kept, nothing more."""

    def __init__(self, client: redis.Redis, device: str) -> None:
        self._client = client
        self._key = keys.device_memory(device)

    def recall(self, name: str) -> str:
        """The text kept under this name, or ''."""
        try:
            return text(self._client.hget(self._key, name) or b"")
        except (redis.RedisError, UnicodeDecodeError) as error:
            log.warning("device_memory_unread", key=self._key, reason=f"{type(error).__name__}: {error}")
            return ""

    def keep(self, name: str, value: str) -> None:
        """Keep a text; '' forgets the one that is kept."""
        try:
            if value:
                self._client.hset(self._key, name, value[:LONGEST])
                self._client.expire(self._key, KEPT)
            else:
                self._client.hdel(self._key, name)
        except redis.RedisError as error:
            log.warning("device_memory_unwritten", key=self._key, reason=f"{type(error).__name__}: {error}")
