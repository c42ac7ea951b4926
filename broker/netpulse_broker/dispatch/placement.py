"""Giving a device that nobody serves to a node."""

from __future__ import annotations

from collections.abc import Mapping

import redis.asyncio
import structlog

from netpulse_broker.dispatch.schedulers import NodeLoad, Scheduler
from netpulse_broker.errors import NoWorker
from netpulse_broker.queueing.nodes.orders import Order
from netpulse_broker.queueing.nodes.worker_index import WorkerIndex
from netpulse_broker.queueing.redis import keys
from netpulse_broker.queueing.redis.scripts import AsyncScripts, text
from netpulse_broker.queueing.redis.times import now_iso

log = structlog.get_logger(__name__)


class Placement:
    """Places devices with a scheduler. The choice is a hint; the assign script decides."""

    def __init__(self, client: redis.asyncio.Redis, *, workers: WorkerIndex, scheduler: Scheduler) -> None:
        self._client = client
        self._scripts = AsyncScripts(client)
        self._workers = workers
        self._scheduler = scheduler

    async def place(self, devices: list[str]) -> Mapping[str, NoWorker]:
        """Give each device an owner; one read of the nodes for all of them, loads counted up as devices are given out.

        Returns:
            device -> why it could not be placed; empty when all are.
        """
        nodes = {
            node.name: NodeLoad(node.name, node.capacity, node.load)
            for node in await self._workers.nodes(kind="pinned")
            if node.alive and not node.draining
        }
        refused: dict[str, NoWorker] = {}
        for device in devices:
            while True:
                room = [node for node in nodes.values() if node.free > 0]
                if not room:
                    if await self._client.hexists(keys.device(device), "token"):
                        break  # another request has placed it meanwhile
                    refused[device] = NoWorker(
                        "no node runs: start one with `netpulse node`"
                        if not nodes
                        else f"all {len(nodes)} nodes are full: raise NETPULSE_NODE__CAPACITY or add a node"
                    )
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
        return refused

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
