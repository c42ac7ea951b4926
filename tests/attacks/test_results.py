"""Large answers cannot fill Redis, nor keep finished jobs from their callers."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from netpulse_lab import SimulatedDevice, SimulatorLab
from tests.lab.redis_server import RedisServer
from tests.lab.running_broker import RunningBroker

MIB = 1024 * 1024
LIMIT = 2 * MIB


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with RedisServer() as running:
        yield running


@pytest.fixture(scope="module")
def broker(redis: RedisServer) -> Iterator[RunningBroker]:
    settings = {
        "NETPULSE_REDIS__URL": redis.url,
        "NETPULSE_SECURITY__MASTER_KEY": "bW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW0",
        "NETPULSE_JOBS__MAX_OUTPUT": str(LIMIT),
    }
    with RunningBroker(settings=settings) as running:
        yield running


def large(broker: RunningBroker, login: dict[str, Any], command: list[str]) -> dict[str, Any]:
    job: dict[str, Any] = broker.execute(
        login, command=command, driver_args={"read_timeout": 100}, options={"wait": 120, "timeout": 110}
    )
    return job


def test_a_jobs_outputs_have_an_end(
    broker: RunningBroker, lab: SimulatorLab, device: SimulatedDevice, login: dict[str, Any]
) -> None:
    lab.set_faults(device, tech_support_bytes=3 * MIB)
    job = large(broker, login, ["show clock", "show tech-support", "show version"])
    assert job["result"]["error"]["code"] == "output_too_large"
    assert "jobs.max_output" in job["result"]["error"]["message"]
    assert [entry["command"] for entry in job["result"]["outputs"]] == ["show clock", "show tech-support"]
    assert job["result"]["outputs"][1]["complete"] is False
    assert sum(len(entry["output"].encode()) for entry in job["result"]["outputs"]) == LIMIT
    after = large(broker, login, ["show clock"])
    assert (after["status"], after["result"]["session_reused"]) == ("finished", True)


def test_a_large_result_is_kept_once(
    broker: RunningBroker, redis: RedisServer, lab: SimulatorLab, device: SimulatedDevice, login: dict[str, Any]
) -> None:
    """Those who wait for it read it where it is kept; no reply holds it a second time."""
    lab.set_faults(device, tech_support_bytes=MIB)
    with ThreadPoolExecutor(8) as pool:
        jobs = list(pool.map(lambda _: large(broker, login, ["show tech-support"]), range(8)))
    assert [job["status"] for job in jobs] == ["finished"] * 8
    assert all(len(job["result"]["outputs"][0]["output"]) >= MIB - 4096 for job in jobs)
    client = redis.client()
    replies = [key for key in client.keys("np:replies:*") if client.type(key) == b"stream"]
    assert replies
    for key in replies:
        for _, fields in client.xrange(key):
            assert len(fields[b"sealed"]) <= 16384
        assert 0 < client.ttl(key) <= 120
