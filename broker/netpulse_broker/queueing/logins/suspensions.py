"""Suspended credentials, listed and reset. Asyncio; the controller's side."""

from __future__ import annotations

from typing import Any

import redis.asyncio

from netpulse_broker.queueing.redis import keys
from netpulse_broker.queueing.redis.clock import redis_seconds
from netpulse_broker.queueing.redis.connection import redis_needed
from netpulse_broker.queueing.redis.readable import readable
from netpulse_broker.queueing.redis.scripts import AsyncScripts, text

MOST = 1000
"""Credentials in one listing."""


class Suspensions:
    """The credentials that are not tried at the moment."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._client = client
        self._scripts = AsyncScripts(client)

    async def list(self) -> list[dict[str, Any]]:
        """Those that end last first: credential, everywhere, new_devices, devices; times in epoch seconds.

        Raises:
            QueueUnavailable
        """
        with redis_needed():
            now = redis_seconds(await self._client.time())
            await self._client.zremrangebyscore(keys.SUSPENDED, "-inf", now * 1000)
            digests = [text(one) for one in await self._client.zrevrange(keys.SUSPENDED, 0, MOST - 1)]
            pipeline = self._client.pipeline(transaction=False)
            for digest in digests:
                state, *_, places = keys.credential(digest)
                pipeline.hmget(state, ["all", "new"])
                pipeline.hgetall(places)
            rows = await pipeline.execute()
        stored = zip(digests, zip(rows[::2], rows[1::2], strict=True), strict=True)
        return list(readable("suspension", stored, lambda digest, row: _shown(digest, row, now)))

    async def reset(self, *, credential: str | None = None, device: str | None = None) -> int:
        """Let refused credentials be tried again; how many suspensions have ended.

        Args:
            credential: one of the listing; None: all.
            device: only at this address (with any port, or with the one that is named); None: everywhere.

        Raises:
            QueueUnavailable
        """
        with redis_needed():
            found = [text(one) for one in await self._client.zrange(keys.SUSPENDED, 0, -1)]
            ended = 0
            for digest in found if credential is None else [credential]:
                names = [*keys.credential(digest), keys.SUSPENDED]
                ended += int(await self._scripts("login_reset", keys=names, args=[digest, device or ""]))
        return ended


def _shown(digest: str, row: Any, now: float) -> dict[str, Any]:
    state, places = row
    everywhere, new = (int(value or 0) / 1000 for value in state)
    devices = []
    for place, value in places.items():
        until, times, _ = text(value).split(" ", 2)
        if int(until) / 1000 > now:
            devices.append({"device": text(place), "until": int(until) / 1000, "refusals": int(times)})
    return {
        "credential": digest,
        "everywhere": everywhere if everywhere > now else None,
        "new_devices": new if new > now else None,
        "devices": sorted(devices, key=lambda one: str(one["device"])),
    }
