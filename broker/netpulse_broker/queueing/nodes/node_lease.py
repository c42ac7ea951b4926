"""A node's lease: the one right under which all its workers may act."""

from __future__ import annotations

import os
import socket
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import redis

from netpulse_broker.queueing.redis import keys
from netpulse_broker.queueing.redis.clock import RedisClock, redis_seconds
from netpulse_broker.queueing.redis.scripts import Scripts, text
from netpulse_broker.queueing.redis.times import now_iso
from netpulse_drivers import QueueStrategy

Renewal = Literal["held", "retaken", "lost"]


class NodeNameTaken(Exception):
    """Another live process holds this node name.

    Attributes:
        lease: its lease, ``node|pid|epoch``.
        hostname, boot_id: where it runs, as far as it has said.
    """

    def __init__(self, lease: str, hostname: str, boot_id: str) -> None:
        node, pid, _ = lease.rsplit("|", 2)
        super().__init__(
            f"node name {node!r} is in use by process {pid} on {hostname or 'an unknown machine'}; "
            "give this node another name (NETPULSE_NODE__NAME) or end the other one"
        )
        self.lease = lease
        self.hostname = hostname
        self.boot_id = boot_id

    @property
    def pid(self) -> int:
        return int(self.lease.rsplit("|", 2)[1])


def boot_id() -> str:
    """Where process ids mean something: this boot of this machine, and this PID namespace of it (proc(5)).

    Two containers of one machine share the boot but not their process ids.
    """
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}/{Path('/proc/self/ns/pid').stat().st_ino}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeReport:
    """How a node gets on, as it says itself; see ``NodeRecord``."""

    stalled: float = 0.0
    fork_server_losses: int = 0
    clock_skew: float = 0.0
    unfit: str = ""
    loading: int = 0

    def flat(self) -> list[Any]:
        """Fields of the node's hash: field, value, ..."""
        return [part for pair in asdict(self).items() for part in pair]


READY = NodeReport()


class NodeLease:
    """Acquire, renew and give back the lease of one node.

    Args:
        ttl: seconds that the lease lasts without renewal.
        capacity: devices (kind ``pinned``) or processes (kind ``fifo``) that the node takes.
        make_room_after: seconds after which an idle device may be given up for a new one; 0: never.
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        node: str,
        kind: QueueStrategy,
        capacity: int,
        ttl: float,
        make_room_after: float = 0.0,
    ) -> None:
        self._client = client
        self._scripts = Scripts(client)
        self.node = node
        self.kind = kind
        self.capacity = capacity
        self.ttl = ttl
        self.make_room_after = make_room_after
        self.pid = os.getpid()
        self.epoch = 0
        self.clock = RedisClock()
        self._started_at = now_iso()

    @property
    def value(self) -> str:
        """The lease's value: ``node|pid|epoch``."""
        return f"{self.node}|{self.pid}|{self.epoch}"

    def token(self, incarnation: int) -> str:
        """The token of one worker process of this node."""
        return f"{self.value}|{incarnation}"

    def _description(self) -> list[str | int | float]:
        return [
            "kind",
            self.kind,
            "capacity",
            self.capacity,
            "make_room_after",
            self.make_room_after,
            "hostname",
            socket.gethostname(),
            "boot_id",
            boot_id(),
            "pid",
            self.pid,
            "started_at",
            self._started_at,
        ]

    def acquire(self, state: NodeReport = READY, *, dead_lease: str = "") -> int:
        """Take the lease under a new epoch.

        Args:
            state: how it gets on at the start.
            dead_lease: a lease whose holder is proven dead (its process has ended); it is taken over at once.

        Raises:
            NodeNameTaken: somebody holds it; after at most its TTL a dead holder's lease is gone by itself.
        """
        answer = self._scripts(
            "acquire",
            keys=[keys.lease(self.node), keys.epoch(self.node), keys.node(self.node)],
            args=[self.node, self.pid, int(self.ttl * 1000), dead_lease, *self._description(), *state.flat()],
        )
        if text(answer[0]) == "taken":
            raise NodeNameTaken(text(answer[1]), text(answer[2]), text(answer[3]))
        self.epoch = int(answer[1])
        return self.epoch

    def renew(self) -> Renewal:
        """Renew it. ``retaken``: it had passed and nobody else had taken it, the epoch stays; ``lost``: another has it.

        After ``retaken`` the node's own records in Redis may be gone and have to be written again.
        """
        verdict, *time = self._scripts(
            "renew",
            keys=[keys.lease(self.node), keys.epoch(self.node), keys.node(self.node)],
            args=[self.value, self.epoch, int(self.ttl * 1000), self.node, *self._description()],
        )
        self.clock.heard(redis_seconds(time))
        answer = text(verdict)
        if answer == "held":
            return "held"
        return "retaken" if answer == "retaken" else "lost"

    def measure_clock(self) -> float:
        """Seconds by which this machine's clock is ahead of Redis'; negative: behind."""
        self.clock.heard(redis_seconds(self._client.time()))
        return self.clock.skew

    def report(self, state: NodeReport) -> None:
        """Say how the node gets on."""
        self._client.hset(keys.node(self.node), items=state.flat())

    def drain(self) -> None:
        """Take no further devices."""
        self._client.hset(keys.node(self.node), "draining", "1")

    def release(self) -> None:
        """Give the lease back and forget the node; call it when no worker of it lives any more."""
        if text(self._client.get(keys.lease(self.node)) or b"") != self.value:
            return
        pipeline = self._client.pipeline()
        pipeline.delete(keys.lease(self.node), keys.node(self.node), keys.orders(self.node))
        pipeline.delete(keys.orders_taken(self.node), keys.node_devices(self.node))
        pipeline.srem(keys.NODES, self.node)
        pipeline.execute()
