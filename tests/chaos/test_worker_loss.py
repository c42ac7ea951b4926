"""Workers that are killed, frozen or deadly: the caller knows, the order is kept, nothing runs twice."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import psutil
import pytest

from netpulse_broker.errors import InternalError
from netpulse_broker.queueing.jobs.job_index import JobFilter
from netpulse_broker.queueing.redis import keys
from tests.chaos.broker import BrokerUnderTest, await_condition
from tests.chaos.line_device import LineDevice
from tests.lab.redis_server import RedisServer


async def test_killed_while_busy_the_caller_knows_and_the_queue_goes_on(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async with BrokerUnderTest(redis_server, tmp_path) as broker:
        with LineDevice() as device:
            await broker.start()
            for attempt in range(5):
                busy = asyncio.create_task(broker.run(device, f"hang {attempt}"))
                await asyncio.to_thread(device.wait_for_command, f"hang {attempt}")
                behind = [
                    await broker.dispatcher.submit(broker.job(device, f"behind {attempt}.{number}"))
                    for number in range(3)
                ]
                old = broker.kill_worker(device)
                lost = await busy
                assert (lost.status, lost.outcome, lost.error) == ("failed", "unknown", "worker_lost")
                assert lost.result is not None
                assert lost.result["error"]["code"] == "worker_lost"
                done = [await broker.ended(job.id) for job in behind]
                assert [job.status for job in done] == ["finished"] * 3
                assert broker.worker_pid(device) != old
                assert [job.seq for job in done] == sorted(job.seq for job in done)
                assert device.commands[-3:] == [f"behind {attempt}.{number}" for number in range(3)]
            # Each command reached the device once.
            assert len(device.commands) == len(set(device.commands)) == 20


async def test_a_job_that_kills_its_worker_is_not_run_again(redis_server: RedisServer, tmp_path: Path) -> None:
    async with BrokerUnderTest(redis_server, tmp_path) as broker:
        with LineDevice() as device:
            await broker.start()
            deadly = [await broker.run(device, "kill worker") for _ in range(3)]
            assert {(job.status, job.outcome) for job in deadly} == {("failed", "unknown")}
            after = await broker.run(device, "show")
            assert after.status == "finished"


async def test_an_idempotent_job_runs_again_after_the_loss(redis_server: RedisServer, tmp_path: Path) -> None:
    async with BrokerUnderTest(redis_server, tmp_path) as broker:
        with LineDevice() as device:
            await broker.start()
            running = asyncio.create_task(broker.run(device, "hold", idempotent=True))
            await asyncio.to_thread(device.wait_for_command, "hold")
            broker.kill_worker(device)
            await asyncio.to_thread(device.wait_until, lambda: len(device.commands) == 2)
            device.release.set()
            job = await running
            assert (job.status, job.outcome) == ("finished", "ok")
            assert device.commands == ["hold", "hold"]


async def test_a_frozen_worker_is_ended_and_replaced(redis_server: RedisServer, tmp_path: Path) -> None:
    async with BrokerUnderTest(redis_server, tmp_path) as broker:
        with LineDevice() as device:
            await broker.start(ping_every=0.2, silent_after=3)
            busy = asyncio.create_task(broker.run(device, "hold"))
            await asyncio.to_thread(device.wait_for_command, "hold")
            frozen = broker.worker_pid(device)
            os.kill(frozen, signal.SIGSTOP)
            device.release.set()
            lost = await busy
            assert (lost.status, lost.outcome) == ("failed", "unknown")
            await asyncio.to_thread(await_condition, lambda: not psutil.pid_exists(frozen), why="it is gone")
            assert (await broker.run(device, "show")).status == "finished"


async def test_a_driver_that_ignores_its_deadline_ends_as_a_timeout(redis_server: RedisServer, tmp_path: Path) -> None:
    async with BrokerUnderTest(redis_server, tmp_path) as broker:
        with LineDevice() as device:
            await broker.start(ping_every=0.2)
            await broker.run(device, "log in")  # which the short time of the next job need not hold
            job = await broker.run(device, "ignore deadline", timeout=0.3)
            assert (job.status, job.error) == ("failed", "command_timeout")
            again = await broker.run(device, "show")
            assert again.status == "finished"
            assert device.logins == 2


async def test_a_running_job_is_stopped_and_its_session_closed(redis_server: RedisServer, tmp_path: Path) -> None:
    async with BrokerUnderTest(redis_server, tmp_path) as broker:
        with LineDevice() as device:
            await broker.start()
            running = asyncio.create_task(broker.run(device, "one", "hang"))
            await asyncio.to_thread(device.wait_for_command, "hang")
            pid = broker.worker_pid(device)
            (job_id,) = (job.id for job in (await broker.dispatcher.jobs(JobFilter()))[0])
            assert await broker.dispatcher.cancel(JobFilter(id=job_id)) == [job_id]
            job = await running
            assert (job.status, job.error) == ("stopped", "job_stopped")
            assert job.result is not None
            assert job.result["type"] == 3
            assert job.result["retval"] == {"one": "did one"}
            assert (await broker.run(device, "show")).status == "finished"
            assert device.logins == 2
            assert broker.worker_pid(device) == pid


async def test_a_stop_that_a_driver_without_abort_does_not_heed_costs_the_worker(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async with BrokerUnderTest(redis_server, tmp_path) as broker:
        with LineDevice() as device:
            await broker.start(ping_every=0.2)
            running = asyncio.create_task(
                broker.run(device, "one", "ignore everything", driver="old_line", timeout=600)
            )
            await asyncio.to_thread(device.wait_for_command, "one")
            pid = broker.worker_pid(device)
            (job_id,) = (job.id for job in (await broker.dispatcher.jobs(JobFilter()))[0])
            with pytest.raises(InternalError, match="writes nothing more"):
                await broker.dispatcher.cancel(JobFilter(id=job_id))
            lost = await running
            assert (lost.status, lost.outcome, lost.error) == ("failed", "unknown", "worker_lost")
            assert (await broker.run(device, "show")).status == "finished"
            assert broker.worker_pid(device) != pid


async def test_the_fork_server_is_killed(redis_server: RedisServer, tmp_path: Path) -> None:
    async with BrokerUnderTest(redis_server, tmp_path) as broker:
        with LineDevice() as old, LineDevice() as new:
            node = await broker.start()
            await broker.run(old, "first")
            pid = broker.worker_pid(old)
            busy = asyncio.create_task(broker.run(old, "hold"))
            await asyncio.to_thread(old.wait_for_command, "hold")
            node.fork_server().kill()
            old.release.set()
            # Its children live on, with their sessions; new ones come from a new fork server.
            assert (await busy).status == "finished"
            assert (await broker.run(new, "show")).status == "finished"
            assert (await broker.run(old, "second")).status == "finished"
            assert broker.worker_pid(old) == pid
            assert old.logins == 1
            broker.kill_worker(old)
            assert (await broker.run(old, "third")).status == "finished"


async def test_a_node_whose_fork_server_makes_nothing_says_so(redis_server: RedisServer, tmp_path: Path) -> None:
    async with BrokerUnderTest(redis_server, tmp_path) as broker:
        with LineDevice() as device:
            node = await broker.start()
            server = node.fork_server()
            await broker.run(device, "show")
            server.suspend()
            with LineDevice() as new:
                running = asyncio.create_task(broker.run(new, "show"))

                def stalled() -> float:
                    return float(broker.client.hget(keys.node("n1"), "stalled") or 0)

                await asyncio.to_thread(await_condition, lambda: stalled() > 0, why="the node says that it stalls")
                server.resume()
                assert (await running).status == "finished"
                await asyncio.to_thread(await_condition, lambda: stalled() == 0, why="it comes forward again")
            assert (await broker.dispatcher.health()).condition == "ok"


async def test_a_frozen_fork_server_is_replaced(redis_server: RedisServer, tmp_path: Path) -> None:
    async with BrokerUnderTest(redis_server, tmp_path) as broker:
        with LineDevice() as first, LineDevice() as second:
            node = await broker.start(ping_every=0.5)
            await broker.run(first, "show")
            frozen = node.fork_server()
            frozen.suspend()
            job = await broker.run(second, "show")
            assert job.status == "finished"
            assert node.fork_server().pid != frozen.pid
            assert first.logins == 1
