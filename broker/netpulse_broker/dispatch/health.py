"""State of what a controller depends on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from netpulse_broker.queueing.nodes.worker_index import NodeRecord
from netpulse_broker.states import HealthStatus

LIVELOCKED_AFTER = 30.0
"""Seconds for which a node has orders, or anything else to do, and does not come forward."""

MANY_LOSSES = 3
"""Fork servers that a node loses within five minutes, from which on that is no chance any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """State of what a controller depends on.

    Attributes:
        detail: what is wrong, in words; "" when nothing is.
        full: no node that serves devices has room for another one.
        livelocked: names of nodes that hold their lease and do not come forward.
        degraded: something is missing that was there, or keeps failing.
        unfit_nodes: of ``pinned_nodes``, those that take no devices at the moment and say why.
        clock_skew: seconds by which this controller's clock is ahead of Redis'; negative: behind.
        nodes_clock_skew: the same of the node whose clock is furthest off.
        unfit: why this controller must not serve; "" when it may.
    """

    redis: bool
    detail: str
    pinned_nodes: int
    fifo_nodes: int
    devices: int
    capacity: int
    waiting: int
    full: bool = False
    livelocked: tuple[str, ...] = ()
    degraded: bool = False
    unfit_nodes: int = 0
    clock_skew: float = 0.0
    nodes_clock_skew: float = 0.0
    unfit: str = ""

    @property
    def ready(self) -> bool:
        """Whether work can be accepted: Redis answers, and at least one node serves devices and may."""
        return self.redis and self.pinned_nodes > self.unfit_nodes and not self.unfit

    @property
    def condition(self) -> HealthStatus:
        """The worst that is the case."""
        if not self.redis:
            return HealthStatus.DOWN
        if self.livelocked:
            return HealthStatus.LIVELOCKED
        if self.degraded or not self.ready:
            return HealthStatus.DEGRADED
        return HealthStatus.FULL if self.full else HealthStatus.OK


def without_redis(reason: str, *, waiting: int) -> Health:
    """When nothing is known but that Redis cannot be reached."""
    return Health(redis=False, detail=reason, pinned_nodes=0, fifo_nodes=0, devices=0, capacity=0, waiting=waiting)


def judge(nodes: Sequence[NodeRecord], *, waiting: int, clock_skew: float = 0.0, unfit: str = "") -> Health:
    """The state of a broker with these registered nodes.

    Args:
        waiting: jobs whose end requests to this controller wait for.
        clock_skew, unfit: of this controller; see ``Health``.
    """
    living = [node for node in nodes if node.alive]
    pinned = [node for node in living if node.kind != "fifo"]
    serving = [node for node in pinned if node.serves]
    full = bool(serving) and all(node.load >= node.capacity for node in serving)
    livelocked = [node for node in living if node.stalled >= LIVELOCKED_AFTER]
    dead = [node for node in nodes if not node.alive]
    failing = [node for node in living if node.fork_server_losses >= MANY_LOSSES]
    kept_out = [node for node in living if node.unfit]
    details = [f"this controller is not ready: {unfit}"] if unfit else []
    details += [] if pinned else ["no node runs"]
    details += [f"node {node.name} takes no devices: {node.unfit}" for node in kept_out]
    details += [f"node {node.name} has not come forward for {node.stalled:.0f} s: restart it" for node in livelocked]
    details += [f"node {node.name} has lost its lease; its devices are taken over" for node in dead]
    details += [
        f"node {node.name} has lost {node.fork_server_losses} fork servers within five minutes: see its log"
        for node in failing
    ]
    if full:
        load, capacity = sum(node.load for node in serving), sum(node.capacity for node in serving)
        details.append(
            f"all nodes are full ({load} of {capacity} devices): raise NETPULSE_NODE__CAPACITY or add a node"
        )
    return Health(
        redis=True,
        detail="; ".join(details),
        pinned_nodes=len(pinned),
        fifo_nodes=len(living) - len(pinned),
        devices=sum(node.load for node in pinned),
        capacity=sum(node.capacity for node in pinned),
        waiting=waiting,
        full=full,
        livelocked=tuple(node.name for node in livelocked),
        degraded=bool(dead or failing or kept_out or unfit),
        unfit_nodes=sum(bool(node.unfit) for node in pinned),
        clock_skew=clock_skew,
        nodes_clock_skew=max((node.clock_skew for node in living), key=abs, default=0.0),
        unfit=unfit,
    )
