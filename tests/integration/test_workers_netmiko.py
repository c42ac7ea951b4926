"""Workers with real SSH sessions of the netmiko driver, on simulated devices."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from netpulse_broker.dispatch.submission import JobSubmission
from netpulse_broker.queueing.jobs.job_index import JobFilter
from netpulse_broker.queueing.jobs.payload import JobPayload
from netpulse_broker.queueing.jobs.record import JobRecord
from netpulse_lab import SimulatedDevice, SimulatorLab
from tests.chaos.broker import BrokerUnderTest
from tests.lab.redis_server import RedisServer


@pytest.fixture(scope="module")
def lab() -> Iterator[SimulatorLab]:
    with SimulatorLab(count=2, platforms=["ios", "eos"]) as running:
        yield running


def job(device: SimulatedDevice, *commands: str, **payload: Any) -> JobSubmission:
    values = {
        "operation": "query",
        "driver": "netmiko",
        "connection_args": device.netmiko(),
        "commands": list(commands),
        "timeout": 20.0,
    } | payload
    return JobSubmission(payload=JobPayload(**values), device=device.name, host=device.host, owner="tester")


async def run(broker: BrokerUnderTest, device: SimulatedDevice, *commands: str, **payload: Any) -> JobRecord:
    record = await broker.dispatcher.submit_and_wait(job(device, *commands, **payload), 30)
    assert record.final
    return record


async def started(broker: BrokerUnderTest, job_id: str) -> None:
    """Wait until a worker executes the job."""
    end = time.monotonic() + 60
    while (await broker.dispatcher.get(job_id)).status != "started":
        assert time.monotonic() < end, "the job was not started"
        await asyncio.sleep(0.02)


async def test_one_login_for_many_jobs_and_one_more_after_a_drop(
    redis_server: RedisServer, tmp_path: Path, lab: SimulatorLab
) -> None:
    async with BrokerUnderTest(redis_server, tmp_path) as broker:
        await broker.start()
        for device in lab.devices:
            before = lab.counters(device).logins
            jobs = [await run(broker, device, "show version") for _ in range(5)]
            assert {record.status for record in jobs} == {"finished"}, jobs[0].result
            assert lab.counters(device).logins == before + 1
            lab.drop(device, "close")
            again = await run(broker, device, "show version")
            assert again.status == "finished", again.result
            assert lab.counters(device).logins == before + 2
    log = broker.log.read_text()
    assert "warm_up_failed" not in log
    assert lab.devices[0].password not in log


async def test_a_platform_is_found_out_once_for_all_workers(
    redis_server: RedisServer, tmp_path: Path, lab: SimulatorLab
) -> None:
    async with BrokerUnderTest(redis_server, tmp_path) as broker:
        await broker.start()
        eos = lab.devices[1]
        arguments = eos.netmiko() | {"device_type": "autodetect"}
        before = lab.counters(eos).logins
        first = await run(broker, eos, "show version", connection_args=arguments)
        assert first.status == "finished", first.result
        assert first.result is not None
        assert first.result["device_type"] == "arista_eos"
        assert lab.counters(eos).logins == before + 2
        again = await run(broker, eos, "show version", connection_args=arguments)
        assert again.result is not None
        assert (again.result["session_reused"], again.result["device_type"]) == (True, "arista_eos")
        lab.drop(eos, "close")
        anew = await run(broker, eos, "show version", connection_args=arguments)
        assert anew.result is not None
        assert anew.result["device_type"] == "arista_eos"
        assert lab.counters(eos).logins == before + 3, "what was found out is kept"
        change = {"operation": "change", "change": {"replace": True}, "commands": ["hostname x"]}
        refused = await run(
            broker, lab.devices[0], connection_args=lab.devices[0].netmiko() | {"device_type": "autodetect"}, **change
        )
        assert refused.error == "unsupported_operation", refused.result
        plain = await run(broker, eos, "show version")
        assert plain.result is not None
        assert "device_type" not in plain.result


async def test_a_running_command_is_stopped(redis_server: RedisServer, tmp_path: Path, lab: SimulatorLab) -> None:
    async with BrokerUnderTest(redis_server, tmp_path) as broker:
        await broker.start()
        device = lab.devices[0]
        await run(broker, device, "show version")
        lab.set_faults(device, latency=30.0)
        try:
            submission = job(device, "show clock")
            await broker.dispatcher.submit(submission)
            await started(broker, submission.id)
            assert await broker.dispatcher.cancel(JobFilter(id=submission.id)) == [submission.id]
            record = await broker.ended(submission.id)
            assert (record.status, record.error) == ("stopped", "job_stopped"), record.result
        finally:
            lab.clear_faults(device)
        assert (await run(broker, device, "show version")).status == "finished"


async def test_a_wrong_password_leaves_the_kept_session_alone(
    redis_server: RedisServer, tmp_path: Path, lab: SimulatorLab
) -> None:
    async with BrokerUnderTest(redis_server, tmp_path) as broker:
        await broker.start()
        device = lab.devices[1]
        before = lab.counters(device).logins
        await run(broker, device, "show version")
        wrong = await run(broker, device, "show version", connection_args=device.netmiko(password="Wrong-one-9"))
        assert (wrong.status, wrong.error) == ("failed", "authentication_failed"), wrong.result
        good = await run(broker, device, "show version")
        assert good.result is not None
        assert good.result["session_reused"] is True
        assert lab.counters(device).logins == before + 1


async def test_workers_share_what_the_fork_server_has_loaded(
    redis_server: RedisServer, tmp_path: Path, lab: SimulatorLab
) -> None:
    async with BrokerUnderTest(redis_server, tmp_path, log={"level": "info"}) as broker:
        node = await broker.start()
        for device in lab.devices:
            await run(broker, device, "show version")
        workers = [process for process in node.remember() if process.name().startswith("np:")]
        assert len(workers) == 2
        for process in workers:
            memory = process.memory_full_info()
            print(f"USS {memory.uss / 1e6:.1f} MB of RSS {memory.rss / 1e6:.1f} MB")
            # A process of its own would hold all of it alone.
            assert memory.uss < memory.rss / 2
            assert psutil.Process(process.pid).num_threads() <= 3
