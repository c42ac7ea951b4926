"""Nodes that are killed, frozen, doubled or told to stop."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import time
from functools import partial
from pathlib import Path

import psutil

from netpulse_broker.queueing.redis import keys
from tests.chaos.broker import BrokerUnderTest, Role, await_condition
from tests.chaos.line_device import LineDevice
from tests.lab.redis_server import RedisServer


def _is_idle(device: LineDevice) -> bool:
    return device.sessions == 0


async def gone(role: Role, *, within: float = 60.0) -> None:
    """All processes that stood below the role have ended."""
    await asyncio.to_thread(
        await_condition,
        lambda: not any(process.is_running() for process in role.descendants),
        within=within,
        why=f"no process left of {role.descendants}",
    )


async def test_killed_and_restarted_a_device_is_never_served_twice(redis_server: RedisServer, tmp_path: Path) -> None:
    # However long the restart takes, it comes within the lease.
    async with BrokerUnderTest(redis_server, tmp_path, node={"lease_ttl": 60.0}) as broker:
        with LineDevice() as idle, LineDevice() as busy:
            node = await broker.start()
            await broker.run(idle, "show")
            await broker.run(busy, "show")
            orphan = broker.worker_pid(busy)
            running = asyncio.create_task(broker.run(busy, "hold"))
            await asyncio.to_thread(busy.wait_for_command, "hold")
            node.kill()
            await broker.start()
            behind = await broker.dispatcher.submit(broker.job(busy, "behind"))
            # The idle device is served at once, the busy one when the left-over process has ended its job.
            assert (await broker.run(idle, "again")).status == "finished"
            assert psutil.pid_exists(orphan)
            assert busy.commands == ["show", "hold"]
            busy.release.set()
            assert (await running).status == "finished"
            assert (await broker.ended(behind.id)).status == "finished"
            assert busy.commands == ["show", "hold", "behind"]
            assert not busy.interleaved()
            assert broker.worker_pid(busy) != orphan
            await gone(node)


async def test_killed_with_a_frozen_worker_the_device_waits_until_it_is_proven_dead(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async with BrokerUnderTest(redis_server, tmp_path) as broker:
        with LineDevice() as device:
            node = await broker.start()
            await broker.run(device, "show")
            frozen = broker.worker_pid(device)
            running = asyncio.create_task(broker.run(device, "hold"))
            await asyncio.to_thread(device.wait_for_command, "hold")
            os.kill(frozen, signal.SIGSTOP)
            device.release.set()
            node.kill()
            await broker.start()
            behind = asyncio.create_task(broker.run(device, "behind"))
            # Longer than the lease: even then nobody else touches the device.
            await asyncio.sleep(4)
            assert device.commands == ["show", "hold"]
            os.kill(frozen, signal.SIGKILL)
            lost = await running
            assert (lost.status, lost.outcome) == ("failed", "unknown")
            assert (await behind).status == "finished"
            await gone(node)


async def test_without_a_restart_another_node_takes_over(redis_server: RedisServer, tmp_path: Path) -> None:
    async with BrokerUnderTest(redis_server, tmp_path) as broker:
        with LineDevice() as device:
            first = await broker.start(name="n1")
            await broker.run(device, "show")
            second = await broker.start(name="n2")
            first.kill()
            began = time.monotonic()
            await gone(first)  # a worker that has not noticed yet would do the job
            job = await broker.run(device, "again")
            assert job.status == "finished"
            assert job.node == "n2" or (await broker.dispatcher.get(job.id)).node == "n2"
            print(f"served elsewhere {time.monotonic() - began:.2f} s after the kill (lease 3 s)")
            assert broker.worker_pid(device) in {process.pid for process in second.remember()}
            assert device.commands == ["show", "again"]


async def test_a_second_node_of_the_same_name_is_refused(redis_server: RedisServer, tmp_path: Path) -> None:
    async with BrokerUnderTest(redis_server, tmp_path) as broker:
        with LineDevice() as device:
            node = await broker.start()
            await broker.run(device, "show")
            twin = Role("node", node.settings, broker.log)
            broker.roles.append(twin)
            assert await asyncio.to_thread(twin.process.wait, 20) == 3
            assert (await broker.run(device, "again")).status == "finished"
            assert device.logins == 1
            assert node.process.poll() is None


async def test_a_node_that_lost_its_lease_ends_its_workers_first(redis_server: RedisServer, tmp_path: Path) -> None:
    async with BrokerUnderTest(redis_server, tmp_path) as broker:
        with LineDevice() as device:
            node = await broker.start()
            await broker.run(device, "show")
            old = broker.worker_pid(device)
            running = asyncio.create_task(broker.run(device, "hang"))
            await asyncio.to_thread(device.wait_for_command, "hang")
            epoch = int(broker.client.get(keys.epoch("n1")) or 0)
            # Declared dead by somebody else while it was suspended: its epoch counts no more.
            node.process.send_signal(signal.SIGSTOP)
            await asyncio.to_thread(await_condition, lambda: broker.client.get(keys.lease("n1")) is None)
            lost = await running
            assert (lost.status, lost.outcome) == ("failed", "unknown")
            node.process.send_signal(signal.SIGCONT)
            await asyncio.to_thread(await_condition, lambda: not psutil.pid_exists(old), why="the worker is ended")
            await asyncio.to_thread(await_condition, lambda: broker.client.get(keys.lease("n1")), why="a new lease")
            assert int(broker.client.get(keys.epoch("n1")) or 0) > epoch
            assert (await broker.run(device, "again")).status == "finished"
            assert node.process.poll() is None


async def test_told_to_stop_it_lets_running_jobs_end_and_leaves_nothing(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async with BrokerUnderTest(redis_server, tmp_path) as broker:
        with LineDevice() as busy, LineDevice() as idle:
            node = await broker.start()
            pool = await broker.start("fifo")
            await broker.run(idle, "show")
            running = asyncio.create_task(broker.run(busy, "sleep 1"))
            quick = asyncio.create_task(broker.run(busy, "sleep 1 ", strategy="fifo", driver="line"))
            await asyncio.to_thread(busy.wait_until, lambda: len(busy.commands) == 2)
            node.remember()
            pool.remember()
            codes = await asyncio.gather(asyncio.to_thread(node.terminate), asyncio.to_thread(pool.terminate))
            assert list(codes) == [0, 0]
            assert (await running).status == "finished"
            assert (await quick).status == "finished"
            await gone(node)
            await gone(pool)
            for device in (busy, idle):
                await asyncio.to_thread(device.wait_until, partial(_is_idle, device))
            assert broker.client.smembers(keys.NODES) == set()
            assert broker.client.smembers(keys.RQ_WORKERS) == set()
            assert list(broker.client.scan_iter("np:device:*")) == []
            assert list(broker.client.scan_iter("np:lease:*")) == []


async def test_told_to_stop_it_stops_jobs_that_take_too_long(redis_server: RedisServer, tmp_path: Path) -> None:
    async with BrokerUnderTest(redis_server, tmp_path, shutdown_grace=2.0) as broker:
        with LineDevice() as device:
            node = await broker.start()
            running = asyncio.create_task(broker.run(device, "hang"))
            await asyncio.to_thread(device.wait_for_command, "hang")
            node.remember()
            assert await asyncio.to_thread(node.terminate) == 0
            job = await running
            assert job.status == "stopped"
            await gone(node)


async def test_killed_everything_ends_after_the_running_job(redis_server: RedisServer, tmp_path: Path) -> None:
    async with BrokerUnderTest(redis_server, tmp_path) as broker:
        with LineDevice() as busy, LineDevice() as idle:
            node = await broker.start()
            await broker.run(idle, "show")
            running = asyncio.create_task(broker.run(busy, "hold"))
            await asyncio.to_thread(busy.wait_for_command, "hold")
            node.kill()
            busy.release.set()
            assert (await running).status == "finished"
            await gone(node)
            for device in (busy, idle):
                await asyncio.to_thread(device.wait_until, partial(_is_idle, device))


async def test_a_node_has_room_for_the_descriptors_of_all_its_workers(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    """Started under the usual soft limit, which a few hundred workers would reach."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with BrokerUnderTest(redis_server, tmp_path, node={"capacity": 1000}) as broker:
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
        try:
            node = await broker.start()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert resource.prlimit(node.pid, resource.RLIMIT_NOFILE)[0] >= 2 * 1000
