"""The node's threads: one keeps the lease, one waits for orders, one sweeps. Each has a Redis client of its own."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable

import redis
import structlog

from netpulse_broker.queueing.nodes.lease_clock import LeaseClock
from netpulse_broker.queueing.nodes.node_lease import NodeLease, NodeReport
from netpulse_broker.queueing.nodes.ownership import NodeOwnership
from netpulse_broker.queueing.nodes.sweeper import Sweeper
from netpulse_broker.queueing.redis.clock import boottime, too_skewed
from netpulse_broker.workers.node.inbox import Inbox, LeaseLost, LeaseRetaken, Ordered, Withdrawn
from netpulse_broker.workers.node.progress import Progress

log = structlog.get_logger(__name__)

RETRY = 0.25
"""Seconds between two attempts while Redis is away."""


class NodeThread(threading.Thread):
    """A thread that repeats one step until told to stop.

    Args:
        every: seconds between two steps.
    """

    def __init__(self, name: str, step: Callable[[], None], *, every: float) -> None:
        super().__init__(name=name, daemon=True)
        self._step = step
        self._every = every
        self._stop_requested = threading.Event()
        self._poked = threading.Event()
        self._away = False

    def run(self) -> None:
        """Step, pause, step; Redis being away is said once and endured."""
        while not self._stop_requested.is_set():
            pause = self._every
            try:
                self._step()
            except redis.RedisError as error:
                if not self._away:
                    log.warning("redis_away", thread=self.name, error=f"{type(error).__name__}: {error}")
                self._away = True
                pause = min(RETRY, self._every) if self._every else RETRY
            except StopIteration:
                return
            else:
                if self._away:
                    log.info("redis_back", thread=self.name)
                self._away = False
            self._poked.wait(pause)
            self._poked.clear()

    def poke(self) -> None:
        """Let the next step be now."""
        self._poked.set()

    def stop(self) -> None:
        """Ask it to end after its present step."""
        self._stop_requested.set()
        self._poked.set()


def lease_keeper(
    lease: NodeLease,
    clock: LeaseClock,
    inbox: Inbox,
    *,
    every: float,
    progress: Progress,
    max_clock_skew: float = math.inf,
) -> NodeThread:
    """Renews the lease, tells workers through the clock until when they may write, and says how the node gets on."""
    said = NodeReport()

    def renew() -> None:
        nonlocal said
        sent = boottime()
        renewal = lease.renew()
        if renewal == "lost":
            clock.revoke()
            inbox.put(LeaseLost())
            raise StopIteration
        clock.extend(sent + lease.ttl)
        if renewal == "retaken":
            inbox.put(LeaseRetaken())
        state = NodeReport(
            stalled=round(progress.stalled(), 1),
            fork_server_losses=progress.losses(),
            clock_skew=round(lease.clock.skew, 1),
            unfit=too_skewed(lease.clock.skew, max_clock_skew) or progress.unfit(),
            loading=int(progress.loading),
        )
        if state != said or renewal == "retaken":
            lease.report(state)
        if bool(state.unfit) != bool(said.unfit):
            log.error("node_unfit", reason=state.unfit) if state.unfit else log.info("node_fit_again")
        said = state
        if progress.unfit():
            inbox.put(Withdrawn())  # again and again: an order may have been on its way

    keeper = NodeThread("lease", renew, every=every)
    progress.on_ready = keeper.poke
    return keeper


def order_reader(ownership: NodeOwnership, inbox: Inbox) -> NodeThread:
    """Takes the node's orders. After a connection error the orders that may have got lost on their way come first."""
    unsure = False

    def read() -> None:
        nonlocal unsure
        if unsure:
            for missed in ownership.open_orders():
                inbox.put(Ordered(missed))
        unsure = True
        order = ownership.next_order(1.0)
        unsure = False
        if order is not None:
            inbox.put(Ordered(order))

    return NodeThread("orders", read, every=0)


def sweeping(sweeper: Sweeper) -> NodeThread:
    """Sweeps once a second."""

    def sweep() -> None:
        done = sweeper.sweep()
        if done.expired or done.dead_nodes or done.lost:
            log.info("swept", expired=len(done.expired), dead_nodes=sorted(done.dead_nodes), lost=done.lost)

    return NodeThread("sweeper", sweep, every=1.0)
