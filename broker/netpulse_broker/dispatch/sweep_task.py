"""The controller's part in sweeping: expired jobs, dead nodes, and devices that lost their worker."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import redis
import structlog

from netpulse_broker.dispatch.placement import Placement
from netpulse_broker.queueing.nodes.sweeper import Sweep, Sweeper
from netpulse_broker.queueing.redis.cancel_task import end_task
from netpulse_broker.queueing.redis.clock import RedisClock
from netpulse_broker.queueing.redis.connection import connect

if TYPE_CHECKING:
    from netpulse_broker.settings import Settings

log = structlog.get_logger(__name__)

SWEEP_INTERVAL = 0.5


class Sweeping:
    """Sweeps again and again, and places devices that nobody serves while work waits for them.

    Args:
        clock: is told Redis' time each time.
    """

    def __init__(self, settings: Settings, placement: Placement, clock: RedisClock) -> None:
        self._settings = settings
        self._placement = placement
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._forever(), name="sweeper")

    async def stop(self) -> None:
        if self._task is not None:
            await end_task(self._task)

    async def _forever(self) -> None:
        client = connect(self._settings.redis)
        sweeper = Sweeper(client, lease_ttl=self._settings.node.lease_ttl, redis_clock=self._clock)
        try:
            while True:
                try:
                    done = await asyncio.to_thread(sweeper.sweep)
                    await self._after(done)
                except redis.RedisError as error:  # also one that refuses to write for a while: a full disk, no replica
                    log.warning("sweep_interrupted", reason=f"{type(error).__name__}: {error}")
                await asyncio.sleep(SWEEP_INTERVAL)
        finally:
            client.close()

    async def _after(self, done: Sweep) -> None:
        for node, devices in done.dead_nodes.items():
            log.warning("node_dead", node=node, devices=len(devices), lost=len(done.lost))
        if done.unplaced:
            refused = await self._placement.place(done.unplaced)
            if refused:
                log.warning("devices_unplaced", devices=len(refused))
