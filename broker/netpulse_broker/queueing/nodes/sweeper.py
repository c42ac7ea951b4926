"""What nobody's worker does: end expired jobs, take over from dead nodes, place devices whose work was left behind.

Every controller and node runs one; each step is a repeatable script, so any number of them may run at once.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import redis

from netpulse_broker.queueing.nodes.ownership import recover
from netpulse_broker.queueing.redis import keys
from netpulse_broker.queueing.redis.clock import RedisClock
from netpulse_broker.queueing.redis.scripts import Scripts, text

EXPIRE_BATCH = 500


@dataclass(slots=True)
class Sweep:
    """What one round did.

    Attributes:
        now: Redis' time (epoch seconds).
        expired: jobs whose ttl had run out.
        dead_nodes: nodes that were declared dead, with the devices taken from each.
        lost: jobs that ended with outcome unknown.
        unplaced: devices that have waiting work and no worker: somebody has to place them.
    """

    now: float = 0.0
    expired: list[str] = field(default_factory=list)
    dead_nodes: dict[str, list[str]] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    unplaced: list[str] = field(default_factory=list)


class Sweeper:
    """One sweeper.

    A node is dead when its lease is absent. After Redis itself was away all leases may be absent although all nodes
    live, so nobody is declared dead for one TTL after each start of Redis and each outage that this process saw.

    Args:
        lease_ttl: seconds; the longest TTL that nodes use.
        retention: seconds that ended jobs stay in the listing's index.
        redis_clock: is told Redis' time in each round.
        clock: monotonic seconds (for tests).
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        lease_ttl: float,
        retention: float = 7 * 86400.0,
        redis_clock: RedisClock | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._scripts = Scripts(client)
        self._ttl = lease_ttl
        self._retention = retention
        self._redis_clock = redis_clock
        self._clock = clock
        self._trust_from = -math.inf
        self._last = -math.inf

    def sweep(self) -> Sweep:
        """One round; cheap when nothing is due (three commands).

        Raises:
            redis.RedisError: the next round will be careful.
        """
        now = self._clock()
        if self._last > -math.inf and now - self._last > self._ttl:
            self._trust_from = now + self._ttl  # this process, or the machine, was suspended
        try:
            done = self._round(now)
        except redis.RedisError:
            self._trust_from = self._clock() + self._ttl
            raise
        self._last = self._clock()
        return done

    def _round(self, now: float) -> Sweep:
        done = Sweep()
        now_ms, *ended = self._scripts("expire", args=[EXPIRE_BATCH])
        done.now = now_ms / 1000
        if self._redis_clock is not None:
            self._redis_clock.heard(done.now)
        done.expired = [text(job_id) for job_id in ended]
        if now >= self._trust_from and self._uptime() > self._ttl:
            for row in self._scripts("nodes", args=[""]):
                name, kind, alive = text(row[0]), text(row[1]), int(row[5])
                if not alive:
                    self._bury(name, kind, done)
        done.unplaced = sorted(text(device) for device in self._client.smembers(keys.UNPLACED))
        if done.expired or now_ms // 1000 % 60 == 0:
            self._client.zremrangebyscore(keys.JOBS, "-inf", now_ms - int(self._retention * 1000))
        return done

    def _uptime(self) -> float:
        """Seconds since Redis itself was started (INFO, field uptime_in_seconds)."""
        return float(self._client.info("server")["uptime_in_seconds"])

    def _bury(self, node: str, kind: str, done: Sweep) -> None:
        lease = keys.lease(node)
        answer = self._scripts("condemn", keys=[lease, keys.epoch(node), keys.node_devices(node)])
        if text(answer[0]) != "condemned":
            return
        devices = [text(device) for device in answer[1:]]
        for device in devices:
            token, worker = (text(v or b"") for v in self._client.hmget(keys.device(device), ["token", "worker"]))
            recovery = recover(self._scripts, kind, node, device, token=token, worker=worker or "", absent_lease=lease)
            if recovery is None:
                continue
            done.lost += recovery.lost
        if self._client.exists(lease) or self._client.scard(keys.node_devices(node)):
            return
        pipeline = self._client.pipeline()
        pipeline.delete(keys.node(node), keys.orders(node), keys.orders_taken(node))
        pipeline.srem(keys.NODES, node)
        pipeline.execute()
        done.dead_nodes[node] = devices
