"""Deadlines go by Redis' time, whatever the clocks of the machines say."""

from __future__ import annotations

import datetime as dt
import time

import pytest
import redis

from netpulse_broker.queueing.nodes.node_lease import NodeLease
from netpulse_broker.queueing.nodes.sweeper import Sweeper
from netpulse_broker.queueing.redis import keys
from netpulse_broker.queueing.redis.clock import RedisClock, redis_seconds, too_skewed
from netpulse_broker.queueing.redis.scripts import source
from netpulse_broker.queueing.redis.sealing import SealBroken, Sealer
from netpulse_broker.states import JobStatus, Outcome
from tests.unit.queueing.conftest import Queue

DAY = 86400.0


def test_before_redis_has_told_its_time_it_is_ours() -> None:
    clock = RedisClock(wall=lambda: 1000.0)
    assert (clock.now(), clock.skew) == (1000.0, 0.0)


def test_it_goes_on_by_a_clock_that_nobody_sets() -> None:
    wall, steady = [5000.0], [10.0]
    clock = RedisClock(wall=lambda: wall[0], steady=lambda: steady[0])
    clock.heard(4100.0)
    assert (clock.now(), clock.skew) == (4100.0, 900.0)
    steady[0] += 2
    wall[0] = 1.0  # somebody sets this machine's clock
    assert (clock.now(), clock.skew) == (4102.0, -4101.0)
    assert clock.now_iso() == "1970-01-01T01:08:22.000000Z"


def test_who_is_too_far_off_is_told_what_to_do() -> None:
    assert too_skewed(-299.0, 300.0) == ""
    ahead, behind = too_skewed(901.0, 300.0), too_skewed(-901.0, 300.0)
    assert "901 s ahead of" in ahead
    assert "901 s behind" in behind
    assert "redis.max_clock_skew" in ahead
    assert "NTP" in ahead


def test_a_sealed_value_expires_by_redis_time() -> None:
    place = {"job_id": "j", "queue": "q", "direction": "to_worker", "kind": "query"}
    here, there = Sealer([b"k" * 32]), Sealer([b"k" * 32])
    here.clock.heard(1_000_000.0)
    there.clock.heard(1_000_000.0)
    sealed = here.seal("x", expires=here.clock.now() + 60, **place)  # type: ignore[arg-type]
    assert there.open(sealed, **place) == "x"  # type: ignore[arg-type]
    there.clock.heard(1_000_061.0)
    with pytest.raises(SealBroken, match="expired"):
        there.open(sealed, **place)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "moment",
    [
        "1970-01-01",
        "1999-12-31",
        "2000-02-29",
        "2023-03-01",
        "2024-02-29",
        "2026-11-30",
        "2100-02-28",
        "2100-03-01",
        "2399-12-31",
    ],
)
def test_the_scripts_write_dates_as_rq_does(redis_client: redis.Redis, moment: str) -> None:
    second = dt.datetime.fromisoformat(f"{moment}T23:59:58+00:00")
    seconds, micro = int(second.timestamp()), 123
    asked = f"local redis = {{ call = function() return {{ '{seconds}', '{micro}' }} end }}\n"
    prelude = source("renew").split("-- What happens is told in")[0]
    ms, iso = redis_client.eval(f"{asked}{prelude}\nlocal a, b = now()\nreturn {{ a, b }}", 0)  # type: ignore[misc]
    assert iso.decode() == f"{moment}T23:59:58.000123Z"
    assert ms == seconds * 1000 + micro // 1000


@pytest.mark.parametrize("skew", [-DAY, -900.0, 900.0, DAY])
@pytest.mark.parametrize("whose", ["controller", "worker"])
def test_a_clock_that_is_wrong_ends_no_job(
    queue: Queue, monkeypatch: pytest.MonkeyPatch, whose: str, skew: float
) -> None:
    """As on a machine whose clock is off: nothing that the scripts are told comes from there."""
    worker = queue.worker()
    real = time.time
    if whose == "controller":
        queue.sealer.clock.heard(redis_seconds(queue.client.time()))
        monkeypatch.setattr(time, "time", lambda: real() + skew)
    job_id, _ = queue.submit()
    if whose == "worker":
        monkeypatch.setattr(time, "time", lambda: real() + skew)
    assert Sweeper(queue.client, lease_ttl=5).sweep().expired == []
    job = worker.claim()
    assert job is not None, "expired, or its seal was found too old"
    assert job.place.id == job_id
    worker.finish(job.place, status=JobStatus.FINISHED, outcome=Outcome.OK, result={"type": 1}, duration=0.0)
    record = queue.job(job_id)
    assert record.status == "finished"
    assert record.started_at is not None
    assert record.ended_at is not None
    now = dt.datetime.fromtimestamp(redis_seconds(queue.client.time()), dt.UTC)
    assert now - dt.timedelta(seconds=60) < record.started_at <= record.ended_at <= now + dt.timedelta(seconds=1)


def test_a_node_measures_how_far_its_clock_is_off(redis_client: redis.Redis) -> None:
    lease = NodeLease(redis_client, node="n1", kind="pinned", capacity=1, ttl=30)
    assert abs(lease.measure_clock()) < 60  # one machine
    lease.acquire()
    lease.clock = RedisClock(wall=lambda: time.time() + 900)
    assert lease.renew() == "held"
    assert 840 < lease.clock.skew < 960
    assert redis_client.hget(keys.node("n1"), "unfit") == b""
