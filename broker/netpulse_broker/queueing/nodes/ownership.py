"""A node's paperwork: orders that it carries out, and which of its processes serves which device."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Any

import redis

from netpulse_broker.queueing.nodes.node_lease import NodeLease
from netpulse_broker.queueing.nodes.orders import Order
from netpulse_broker.queueing.redis import keys
from netpulse_broker.queueing.redis.connection import BLOCK
from netpulse_broker.queueing.redis.scripts import Scripts, text
from netpulse_broker.queueing.redis.times import now_iso


@dataclass(frozen=True, slots=True)
class Held:
    """What the records say about a device (or FIFO process) of this node."""

    device: str
    token: str
    state: str
    pid: int
    started: int
    worker: str


@dataclass(frozen=True, slots=True)
class Recovery:
    """What became of a dead worker's work: ids that ended as unknown, and how many jobs wait in its queue."""

    lost: list[str]
    requeued: list[str]
    pending: int


class NodeOwnership:
    """Orders and device records of one node. Blocking; used by the node process alone."""

    def __init__(self, client: redis.Redis, lease: NodeLease) -> None:
        self._client = client
        self._scripts = Scripts(client)
        self._lease = lease

    # -- orders -----------------------------------------------------------------------------------------------------

    def next_order(self, timeout: float) -> Order | None:
        """The next order, moved to the list of those being carried out; None when the time is over.

        Raises:
            redis.ConnectionError, redis.TimeoutError: afterwards look at ``open_orders()`` first.
        """
        raw = self._client.blmove(
            keys.orders(self._lease.node),
            keys.orders_taken(self._lease.node),
            max(min(timeout, BLOCK), 0.01),  # type: ignore[arg-type]  # Redis takes fractions of a second
            "LEFT",
            "RIGHT",
        )
        return None if raw is None else Order.decode(raw)  # type: ignore[arg-type]  # clients here never decode answers

    def open_orders(self) -> list[Order]:
        """Orders that were taken and never confirmed, oldest first."""
        taken: list[bytes] = self._client.lrange(keys.orders_taken(self._lease.node), 0, -1)  # type: ignore[assignment]
        return [Order.decode(raw) for raw in taken]

    def order_done(self, order: Order) -> None:
        """The order has been carried out, or can never be."""
        self._client.lrem(keys.orders_taken(self._lease.node), 1, order.raw)  # type: ignore[arg-type]

    # -- devices ----------------------------------------------------------------------------------------------------

    def adopt(self, device: str, *, token: str, pid: int, started: int, worker: str) -> bool:
        """Record that the process ``pid`` serves the device from now on.

        Args:
            device: the device, or on a FIFO node the worker's name.
            started: the process's start time in clock ticks since boot (/proc/<pid>/stat, field 22): with the pid it
                names a process for good.

        Returns:
            False when the device is not this node's (another node has it, or the lease is lost): end the process.
        """
        fifo = self._lease.kind == "fifo"
        names = [keys.FIFO] if fifo else [keys.lane(device, priority) for priority in keys.LANES]
        answer = self._scripts(
            "adopt",
            keys=[
                "" if fifo else keys.device(device),
                keys.lease(self._lease.node),
                keys.node_devices(self._lease.node),
                keys.rq_worker(worker),
            ],
            args=[
                self._lease.value,
                token,
                device,
                self._lease.node,
                self._lease.epoch,
                pid,
                started,
                worker,
                now_iso(),
                socket.gethostname(),
                ",".join(names),
            ],
        )
        return text(answer) == "adopted"

    def held(self) -> list[Held]:
        """All devices that the records give to this node, earlier epochs included."""
        return self._records(sorted(text(name) for name in self._client.smembers(keys.node_devices(self._lease.node))))

    def record(self, device: str) -> Held:
        """What the record of one device says, whoever has it; its token is "" when there is none."""
        return self._records([device])[0]

    def _records(self, devices: list[str]) -> list[Held]:
        pipeline = self._client.pipeline(transaction=False)
        for device in devices:
            pipeline.hmget(keys.device(device), ["token", "state", "pid", "started", "worker"])
        return [
            Held(
                device,
                text(row[0] or b""),
                text(row[1] or b""),
                int(row[2] or 0),
                int(row[3] or 0),
                text(row[4] or b""),
            )
            for device, row in zip(devices, pipeline.execute(), strict=True)
        ]

    def abandoned(self) -> list[Held]:
        """Devices of earlier epochs of this node: their processes may still live and must not be shared with."""
        return [held for held in self.held() if not held.token.startswith(self._lease.value + "|")]

    def recover(self, device: str, *, token: str, worker: str) -> Recovery | None:
        """Account for a worker that is proven dead.

        A job that it had started ends as failed with outcome unknown, or goes back to the front of its lane if it was
        flagged idempotent. Repeatable; None when the device belongs to another token by now.
        """
        return recover(self._scripts, self._lease.kind, self._lease.node, device, token=token, worker=worker)

    def place_again(self, device: str) -> bool:
        """Order a new worker for a device of this node with waiting work; False when another node has it by now."""
        answer = self._scripts(
            "assign",
            keys=[
                keys.device(device),
                keys.node(self._lease.node),
                keys.node_devices(self._lease.node),
                keys.lease(self._lease.node),
                keys.orders(self._lease.node),
            ],
            args=[self._lease.node, now_iso(), device, Order.encode("start", device=device)],
        )
        return text(answer) == "assigned"

    def deregister(self, worker: str) -> None:
        """Forget a FIFO worker that ended by itself with nothing claimed."""
        self._scripts("deregister", keys=[keys.rq_worker(worker), keys.node_devices(self._lease.node)], args=[worker])


def recover(
    scripts: Scripts, kind: str, node: str, device: str, *, token: str, worker: str, absent_lease: str = ""
) -> Recovery | None:
    """See ``NodeOwnership.recover``; with ``absent_lease`` only while that lease key does not exist."""
    fifo = kind == "fifo"
    queue = keys.FIFO if fifo else f"device:{device}"
    answer: list[Any] = scripts(
        "recover",
        keys=[
            "" if fifo else keys.device(device),
            keys.claims(f"fifo:{worker or device}" if fifo else queue),
            keys.node_devices(node),
            keys.rq_worker(worker or device) if (worker or fifo) else "",
            absent_lease,
            *keys.lanes(queue),
        ],
        args=[token, device, node],
    )
    if text(answer[0]) != "recovered":
        return None
    lost = int(answer[2])
    ids = [text(value) for value in answer[3:]]
    return Recovery(ids[:lost], ids[lost:], int(answer[1]))
