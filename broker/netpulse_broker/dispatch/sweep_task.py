"""The controller's part in sweeping: expired jobs, dead nodes, and devices that lost their worker."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import redis
import structlog

from netpulse_broker.dispatch.placement import Placement
from netpulse_broker.errors import QueueUnavailable
from netpulse_broker.queueing.nodes.sweeper import Sweep, Sweeper
from netpulse_broker.queueing.redis.cancel_task import end_task
from netpulse_broker.queueing.redis.clock import RedisClock
from netpulse_broker.queueing.redis.connection import check_server, connect

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
        self._away = False
        self._unplaced = 0
        self.refused = ""
        """Why this controller must not use this Redis; "" when it may, and before that is known."""

    def start(self) -> None:
        self._task = asyncio.create_task(self._forever(), name="sweeper")

    async def stop(self) -> None:
        if self._task is not None:
            await end_task(self._task)

    async def _forever(self) -> None:
        client = connect(self._settings.redis)
        sweeper = Sweeper(client, lease_ttl=self._settings.node.lease_ttl, redis_clock=self._clock)
        known = False
        try:
            while True:
                try:
                    known = known or await self._is_ours(client)
                    if known:
                        await self._after(await asyncio.to_thread(sweeper.sweep))
                    self._away = False
                except redis.RedisError as error:  # also one that refuses to write for a while: a full disk, no replica
                    if not self._away:  # once: it is tried twice a second
                        log.warning("sweep_interrupted", reason=f"{type(error).__name__}: {error}")
                    self._away = True
                await asyncio.sleep(SWEEP_INTERVAL)
        finally:
            client.close()

    async def _is_ours(self, client: redis.Redis) -> bool:
        try:
            await asyncio.to_thread(check_server, client)
        except QueueUnavailable as error:
            if not self.refused:
                log.critical("redis_refused", reason=error.message)
            self.refused = error.message
            return False
        self.refused = ""
        return True

    async def _after(self, done: Sweep) -> None:
        for node, devices in done.dead_nodes.items():
            log.warning("node_dead", node=node, devices=len(devices), lost=len(done.lost))
        if done.unplaced:
            refused = await self._placement.place(done.unplaced)
            if len(refused) > self._unplaced:
                log.warning("devices_unplaced", devices=len(refused))
            self._unplaced = len(refused)
