"""Giving a device that nobody serves to a node."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import redis.asyncio
import structlog

from netpulse_broker.dispatch.schedulers import NodeLoad, Scheduler
from netpulse_broker.errors import NoWorker
from netpulse_broker.queueing.nodes.orders import Order
from netpulse_broker.queueing.nodes.worker_index import NodeRecord, WorkerIndex
from netpulse_broker.queueing.redis import keys
from netpulse_broker.queueing.redis.scripts import AsyncScripts, text
from netpulse_broker.queueing.redis.times import now_iso, time_iso

log = structlog.get_logger(__name__)

ROOM_WITHIN = 5.0
"""Seconds that a new device waits for those that make room for it."""

NODE_WITHIN = 3.0
"""Seconds that a new device waits for a node to hold its lease again: after a restart of Redis all may have passed."""

LOOK_AGAIN = 0.02
"""Seconds between two looks whether there is room now."""

ASK_AGAIN = 30.0
"""Seconds after which a worker that was told to make room, and is still there, may be told again."""


class Placement:
    """Places devices with a scheduler. The choice is a hint; the assign script decides."""

    def __init__(self, client: redis.asyncio.Redis, *, workers: WorkerIndex, scheduler: Scheduler) -> None:
        self._client = client
        self._scripts = AsyncScripts(client)
        self._workers = workers
        self._scheduler = scheduler

    async def place(self, devices: list[str]) -> Mapping[str, NoWorker]:
        """Give each device an owner; where all nodes are full, long idle devices make room first.

        Returns:
            device -> why it could not be placed; empty when all are.
        """
        nodes = await self._some_serving_nodes()
        left = await self._assign_all(devices, [node for node in nodes if not node.loading])
        if left:  # a node that still loads serves a little later, but it serves
            left = await self._assign_all(left, [node for node in nodes if node.loading])
        if left and nodes:
            left = await self._after_making_room(left, nodes)
        if not left:
            return {}
        reason = await self._why()
        return {device: NoWorker(reason) for device in left}

    async def _some_serving_nodes(self) -> list[NodeRecord]:
        end = asyncio.get_running_loop().time() + NODE_WITHIN
        while True:
            known = await self._workers.nodes(kind="pinned")
            serving = [node for node in known if node.serves]
            if serving or all(node.alive for node in known) or asyncio.get_running_loop().time() >= end:
                return serving
            await asyncio.sleep(LOOK_AGAIN)

    async def _serving_nodes(self) -> list[NodeRecord]:
        return [node for node in await self._workers.nodes(kind="pinned") if node.serves]

    async def _assign_all(self, devices: Sequence[str], records: Sequence[NodeRecord]) -> list[str]:
        """Assign devices, loads counted up as they are given out; those that found no room."""
        nodes = {node.name: NodeLoad(node.name, node.capacity, node.load) for node in records}
        left: list[str] = []
        for device in devices:
            while True:
                room = [node for node in nodes.values() if node.free > 0]
                if not room:
                    if not await self._client.hexists(keys.device(device), "token"):
                        left.append(device)  # else another request has placed it meanwhile
                    break
                node = self._scheduler(room)
                verdict = await self._assign(device, node.name)
                if verdict == "assigned":
                    log.info("device_assigned", device=device, node=node.name)
                    nodes[node.name] = NodeLoad(node.name, node.capacity, node.load + 1)
                if verdict in ("assigned", "owned"):
                    break
                nodes[node.name] = NodeLoad(node.name, node.capacity, node.capacity)
                if verdict == "gone":
                    del nodes[node.name]
        return left

    async def _assign(self, device: str, node: str) -> str:
        return text(
            await self._scripts(
                "assign",
                keys=[
                    keys.device(device),
                    keys.node(node),
                    keys.node_devices(node),
                    keys.lease(node),
                    keys.orders(node),
                ],
                args=[node, now_iso(), device, Order.encode("start", device=device)],
            )
        )

    async def _after_making_room(self, devices: list[str], nodes: Sequence[NodeRecord]) -> list[str]:
        """Have as many idle devices given up as there are new ones, and assign these; those that found no room."""
        leaving = 0
        for node in nodes:
            if leaving < len(devices):
                leaving += await self._make_room(node, len(devices) - leaving)
        waiting, refused = devices[:leaving], devices[leaving:]
        end = asyncio.get_running_loop().time() + ROOM_WITHIN
        while waiting and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(LOOK_AGAIN)
            waiting = await self._assign_all(waiting, await self._serving_nodes())
        return waiting + refused

    async def _make_room(self, node: NodeRecord, wanted: int) -> int:
        """Tell the workers of long idle devices to leave; how many were told."""
        if not node.make_room_after:
            return 0
        now = datetime.now(UTC)
        told = int(
            await self._scripts(
                "make_room",
                keys=[keys.node_devices(node.name), keys.lease(node.name), keys.orders(node.name)],
                args=[
                    wanted,
                    time_iso(now - timedelta(seconds=node.make_room_after)),
                    time_iso(now),
                    time_iso(now - timedelta(seconds=ASK_AGAIN)),
                ],
            )
        )
        if told:
            log.info("devices_make_room", node=node.name, devices=told)
        return told

    async def _why(self) -> str:
        nodes = await self._serving_nodes()
        if not nodes:
            return "no node runs: start one with `netpulse node`"
        idle = [node.make_room_after for node in nodes if node.make_room_after]
        busy = f", and no device of theirs has been idle for {min(idle):g} s" if idle else ""
        return (
            f"all {len(nodes)} nodes are full{busy}: raise NETPULSE_NODE__CAPACITY or add a node"
            f"{' (or lower NETPULSE_NODE__MAKE_ROOM_AFTER)' if idle else ''}"
        )
