"""Nodes on machines whose clock is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from netpulse_broker.errors import NoWorker
from netpulse_broker.queueing.jobs.job_index import JobFilter
from tests.chaos.broker import BrokerUnderTest
from tests.chaos.line_device import LineDevice
from tests.lab.redis_server import RedisServer


@pytest.mark.parametrize("ahead", [900.0, -900.0], ids=["ahead", "behind"])
async def test_jobs_end_by_the_time_of_redis(redis_server: RedisServer, tmp_path: Path, ahead: float) -> None:
    allowed = {"max_clock_skew": 1000.0}
    async with BrokerUnderTest(redis_server, tmp_path, redis=allowed) as broker:
        with LineDevice() as device:
            await broker.start(clock_ahead=ahead)
            await broker.start("fifo", clock_ahead=ahead)
            for strategy in ("pinned", "fifo"):
                job = await broker.run(device, "show", strategy=strategy, ttl=60)
                assert (job.status, job.error) == ("finished", "")
                assert job.started_at is not None
                assert job.ended_at is not None
                assert job.created_at <= job.started_at <= job.ended_at
                assert (job.ended_at - job.created_at).total_seconds() < 600
            health = await broker.dispatcher.health()
            assert health.condition == "ok"
            assert abs(health.nodes_clock_skew - ahead) < 60
            assert abs(health.clock_skew) < 60


async def test_a_node_that_is_too_far_off_takes_no_devices_and_says_why(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async with BrokerUnderTest(redis_server, tmp_path) as broker:
        with LineDevice() as device:
            await broker.start(clock_ahead=900.0)
            health = await broker.dispatcher.health()
            assert (health.condition, health.ready) == ("degraded", False)
            assert "node n1 takes no devices: the clock of its machine is 900 s ahead" in health.detail
            with pytest.raises(NoWorker):
                await broker.run(device, "show")
            await broker.start(name="n2")
            assert (await broker.run(device, "show")).status == "finished"
            (node,) = {job.node for job in (await broker.dispatcher.jobs(JobFilter()))[0]}
            assert node == "n2"
