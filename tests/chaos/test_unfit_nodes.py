"""Nodes that can make no process, and nodes that start before Redis does."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from pathlib import Path

from netpulse_broker.queueing.redis import keys
from tests.chaos.broker import BrokerUnderTest, await_condition
from tests.chaos.line_device import LineDevice
from tests.lab.redis_server import RedisServer


async def test_a_node_that_can_make_no_process_swallows_no_devices(redis_server: RedisServer, tmp_path: Path) -> None:
    async with BrokerUnderTest(redis_server, tmp_path) as broker:
        with ExitStack() as stack:
            devices = [stack.enter_context(LineDevice()) for _ in range(10)]
            await broker.start(name="n1", fork_server=False)
            # Nobody else is there yet: these are given to the broken one.
            early = [asyncio.create_task(broker.run(device, "show")) for device in devices[:3]]
            await broker.start(name="n2")
            jobs = [*early, *(asyncio.create_task(broker.run(device, "show")) for device in devices[3:])]
            assert {(job.status, job.node) for job in await asyncio.gather(*jobs)} == {("finished", "n2")}
            await asyncio.to_thread(
                await_condition, lambda: broker.client.hget(keys.node("n1"), "unfit"), why="it says that it is unfit"
            )
            health = await broker.dispatcher.health()
            assert (health.condition, health.ready, health.unfit_nodes) == ("degraded", True, 1)
            assert "node n1 takes no devices: its fork server does not start" in health.detail
            await asyncio.to_thread(
                await_condition, lambda: not broker.client.scard(keys.node_devices("n1")), why="it has given them back"
            )


async def test_devices_of_a_node_that_becomes_unfit_wait_for_the_next_one(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async with BrokerUnderTest(redis_server, tmp_path) as broker:
        with LineDevice() as device:
            await broker.start(name="n1", fork_server=False)
            waiting = await broker.dispatcher.submit(broker.job(device, "show"))
            await asyncio.to_thread(
                await_condition, lambda: broker.client.smembers(keys.UNPLACED), why="it has been given back"
            )
            await broker.start(name="n2")
            job = await broker.ended(waiting.id)
            assert (job.status, job.node) == ("finished", "n2")


async def test_a_node_waits_for_redis_at_its_start(private_redis_server: RedisServer, tmp_path: Path) -> None:
    async with BrokerUnderTest(private_redis_server, tmp_path) as broker:

        def waiting(number: int) -> None:
            await_condition(
                lambda: broker.log.read_text().count("redis_awaited") == number, why="they say that they wait"
            )

        with LineDevice() as device:
            private_redis_server.kill()
            node = broker.begin("node", "n1")
            pool = broker.begin("fifo", "n1")
            await asyncio.to_thread(waiting, 2)
            assert node.process.poll() is None
            private_redis_server.start()
            await asyncio.to_thread(await_condition, lambda: broker.client.get(keys.lease("n1")), why="n1 is there")
            for strategy in ("pinned", "fifo"):
                assert (await broker.run(device, "show", strategy=strategy)).status == "finished"
            assert broker.log.read_text().count("redis_awaited") == 2
            assert await asyncio.to_thread(pool.terminate) == 0
            private_redis_server.kill()
            impatient = broker.begin("node", "n2")
            await asyncio.to_thread(waiting, 3)
            assert await asyncio.to_thread(impatient.terminate) == 0
