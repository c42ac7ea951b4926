"""The figures that ``/metrics`` shows: totals that the scripts count in Redis, and the state of things now.

Totals belong to the whole installation: every controller shows the same ones, and they survive a restart of any role.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import redis.asyncio

from netpulse_broker.queueing.nodes.worker_index import NodeRecord, WorkerIndex
from netpulse_broker.queueing.redis import keys, totals
from netpulse_broker.queueing.redis.clock import RedisClock, redis_seconds
from netpulse_broker.queueing.redis.scripts import text

BOUNDS = totals.BOUNDS
"""Upper bounds (s) of the histograms."""


@dataclass(slots=True)
class Histogram:
    """Counts by upper bound (not cumulated; ``inf`` for the rest), and the sum in seconds."""

    counts: dict[str, int] = field(default_factory=dict)
    sum: float = 0.0


@dataclass(slots=True, kw_only=True)
class Figures:
    """What was found at one time."""

    counters: dict[tuple[str, ...], int] = field(default_factory=dict)
    histograms: dict[tuple[str, ...], Histogram] = field(default_factory=dict)
    nodes: list[NodeRecord] = field(default_factory=list)
    workers: Counter[tuple[str, str]] = field(default_factory=Counter)
    sessions: Counter[str] = field(default_factory=Counter)
    interactive_sessions: Counter[str] = field(default_factory=Counter)
    queued: dict[str, int] = field(default_factory=dict)
    paused: int = 0
    unplaced: int = 0
    clock_skew: float = 0.0
    """Seconds by which this process's clock is ahead of Redis'."""


HISTOGRAMS = frozenset({"queue_time", "duration", "login_wait"})


class MetricsReader:
    """Reads the figures: a handful of round trips, and one HMGET per device that has a worker."""

    def __init__(self, client: redis.asyncio.Redis, workers: WorkerIndex) -> None:
        self._client = client
        self._workers = workers

    async def figures(self) -> Figures:
        """The figures.

        Raises:
            redis.ConnectionError, redis.TimeoutError
        """
        found = Figures(nodes=await self._workers.nodes())
        clock = RedisClock()
        clock.heard(redis_seconds(await self._client.time()))
        found.clock_skew = clock.skew
        pipeline = self._client.pipeline(transaction=False)
        pipeline.hgetall(keys.TOTALS)
        pipeline.zcard(keys.EXPIRY)
        pipeline.llen(keys.rq_queue(keys.FIFO))
        pipeline.hlen(keys.PAUSED)
        pipeline.scard(keys.UNPLACED)
        pipeline.zrange(keys.SESSIONS, 0, -1)
        for node in found.nodes:
            pipeline.smembers(keys.node_devices(node.name))
        totals, queued, fifo, found.paused, found.unplaced, interactive, *members = await pipeline.execute()
        _sort(totals, found)
        found.queued = {"fifo": fifo, "device": max(queued - fifo, 0)}
        for session in interactive:
            pipeline.hget(keys.session(text(session)), "state")
        for node, names in zip(found.nodes, members, strict=True):
            for name in names:
                if node.kind == "fifo":
                    pipeline.hmget(keys.rq_worker(text(name)), ["state"])
                else:
                    pipeline.hmget(keys.device(text(name)), ["state", "sessions", "driver"])
        answers = iter(await pipeline.execute())
        for _ in interactive:
            state = next(answers)
            if state:
                found.interactive_sessions[text(state)] += 1
        for node, names in zip(found.nodes, members, strict=True):
            for _ in names:
                self._count(node, next(answers), found)
        return found

    @staticmethod
    def _count(node: NodeRecord, row: list[bytes | None], found: Figures) -> None:
        if row[0] is None:
            return
        found.workers[(node.kind, text(row[0]))] += 1
        if len(row) > 1 and row[1]:
            found.sessions[text(row[2] or b"")] += int(row[1])


def _sort(totals: dict[bytes, bytes], found: Figures) -> None:
    for name, value in totals.items():
        parts = tuple(text(name).split("|"))
        if parts[0] not in HISTOGRAMS:
            found.counters[parts] = int(value)
            continue
        histogram = found.histograms.setdefault(parts[:-1], Histogram())
        if parts[-1] == "sum":
            histogram.sum = int(value) / 1e6
        else:
            histogram.counts[parts[-1]] = int(value)
