"""Reading nodes and workers. Asyncio; the controller's side."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import redis.asyncio

from netpulse_broker.queueing.redis import keys
from netpulse_broker.queueing.redis.readable import readable
from netpulse_broker.queueing.redis.scripts import AsyncScripts, text
from netpulse_broker.queueing.redis.times import parse_time
from netpulse_broker.states import NodeState, WorkerState
from netpulse_drivers import QueueStrategy


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRecord:
    """A registered node.

    Attributes:
        alive: its lease stands.
        make_room_after: seconds after which an idle device may be given up for a new one; 0: never.
        stalled: seconds for which it has not come forward although it had something to do; 0: it does.
        fork_server_losses: fork servers that it has lost of late.
        clock_skew: seconds by which its machine's clock is ahead of Redis'; negative: behind.
        unfit: why it takes no devices although it is alive; "" when it does.
        loading: it can make no process yet: others are preferred.
    """

    name: str
    kind: QueueStrategy
    capacity: int
    load: int
    draining: bool
    alive: bool
    hostname: str
    pid: int
    epoch: int
    started_at: datetime | None
    make_room_after: float
    stalled: float
    fork_server_losses: int
    clock_skew: float
    unfit: str
    loading: bool

    @property
    def state(self) -> NodeState:
        """What matters most of it."""
        if not self.alive:
            return NodeState.DEAD
        if self.draining:
            return NodeState.DRAINING
        return NodeState.UNFIT if self.unfit else NodeState.READY

    @property
    def serves(self) -> bool:
        """Whether it takes devices."""
        return self.state == NodeState.READY


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRecord:
    """A worker process."""

    name: str
    kind: QueueStrategy
    status: WorkerState
    pid: int
    node: str
    device: str
    queue: str
    sessions: int
    job: str
    heartbeat: datetime | None
    counters: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerFilter:
    """Which workers; None: any."""

    name: str | None = None
    queue: str | None = None
    node: str | None = None
    host: str | None = None

    def matches(self, worker: WorkerRecord) -> bool:
        return (
            (self.name is None or worker.name == self.name)
            and (self.queue is None or worker.queue == self.queue)
            and (self.node is None or worker.node == self.node)
            and (self.host is None or worker.device == self.host)
        )


class WorkerIndex:
    """Nodes and workers in Redis: one pass over the nodes, then one pipeline, never a scan of keys."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._client = client
        self._scripts = AsyncScripts(client)

    async def nodes(self, *, kind: str = "") -> list[NodeRecord]:
        """All registered nodes (of one kind), by name."""
        rows = await self._scripts("nodes", args=[kind])
        return sorted(readable("node", ((row[0], row) for row in rows), _node), key=lambda node: node.name)

    async def workers(self, wanted: WorkerFilter) -> list[WorkerRecord]:
        """The workers that match, by node and name."""
        nodes = [node for node in await self.nodes() if wanted.node in (None, node.name)]
        pipeline = self._client.pipeline(transaction=False)
        for node in nodes:
            pipeline.smembers(keys.node_devices(node.name))
        members = await pipeline.execute()
        pinned = [(n, text(d)) for n, names in zip(nodes, members, strict=True) if n.kind != "fifo" for d in names]
        fifo = [(n, text(w)) for n, names in zip(nodes, members, strict=True) if n.kind == "fifo" for w in names]
        if wanted.host is not None:
            pinned = [(node, device) for node, device in pinned if device == wanted.host]
            fifo = []
        for _, device in pinned:
            pipeline.hgetall(keys.device(device))
        devices = [_decoded(fields) for fields in await pipeline.execute()]
        names = [fields.get("worker", "") for fields in devices] + [worker for _, worker in fifo]
        for name in names:
            pipeline.hgetall(keys.rq_worker(name))
        hashes = [_decoded(fields) for fields in await pipeline.execute()]
        stored: list[tuple[str, tuple[str, QueueStrategy, dict[str, str], dict[str, str]]]] = [
            (device, (node.name, "pinned", fields, worker))
            for (node, device), fields, worker in zip(pinned, devices, hashes[: len(pinned)], strict=True)
            if fields
        ]
        stored += [
            (name, (node.name, "fifo", {"worker": name, "state": worker.get("state", "")}, worker))
            for (node, name), worker in zip(fifo, hashes[len(pinned) :], strict=True)
            if worker
        ]
        found = readable("worker", stored, lambda name, of: _record(name if of[1] == "pinned" else "", *of))
        return sorted((w for w in found if wanted.matches(w)), key=lambda worker: (worker.node, worker.name))


def _node(_name: bytes, row: list[Any]) -> NodeRecord:
    return NodeRecord(
        name=text(row[0]),
        kind="fifo" if row[1] == b"fifo" else "pinned",
        capacity=int(row[2]),
        load=int(row[3]),
        draining=text(row[4]) == "1",
        alive=bool(int(row[5])),
        hostname=text(row[6]),
        pid=int(row[7]),
        epoch=int(row[8]),
        started_at=parse_time(text(row[9])),
        make_room_after=float(row[10]),
        stalled=float(row[11]),
        fork_server_losses=int(row[12]),
        clock_skew=float(row[13]),
        unfit=text(row[14]),
        loading=text(row[15]) == "1",
    )


def _decoded(fields: dict[bytes, bytes]) -> dict[str, str]:
    return {text(name): text(value) for name, value in fields.items()}


def _record(
    device: str, node: str, kind: QueueStrategy, fields: dict[str, str], worker: dict[str, str]
) -> WorkerRecord:
    counters: dict[str, Any] = {
        "successful": int(worker.get("successful_job_count", 0)),
        "failed": int(worker.get("failed_job_count", 0)),
        "busy_seconds": round(float(worker.get("total_working_time", 0.0)), 6),
    }
    return WorkerRecord(
        name=fields.get("worker", "") or device,
        kind=kind,
        status=WorkerState(fields.get("state") or WorkerState.ASSIGNED),
        pid=int(worker.get("pid", 0) or 0),
        node=node,
        device=device,
        queue=keys.FIFO if kind == "fifo" else keys.lane(device),
        sessions=int(fields.get("sessions", 0) or 0),
        job=fields.get("job", "") or worker.get("current_job", ""),
        heartbeat=parse_time(worker.get("last_heartbeat", "")),
        counters=counters,
    )
