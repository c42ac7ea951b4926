"""Redis is killed and comes back: every job ends in exactly one final state, and no session is dropped."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from netpulse_broker.errors import BrokerError, QueueUnavailable
from netpulse_broker.queueing.jobs.job_index import JobFilter
from netpulse_broker.queueing.jobs.record import JobRecord
from netpulse_broker.queueing.jobs.worker_queue import WorkerQueue
from netpulse_broker.queueing.redis import keys
from tests.chaos.broker import BrokerUnderTest, await_condition
from tests.chaos.line_device import LineDevice
from tests.lab.redis_server import RedisServer


async def test_a_job_that_ends_while_redis_is_away_is_not_lost(
    private_redis_server: RedisServer, tmp_path: Path
) -> None:
    async with BrokerUnderTest(private_redis_server, tmp_path) as broker:
        with LineDevice() as device, LineDevice() as other:
            await broker.start()
            await broker.run(other, "show")
            first = await broker.dispatcher.submit(broker.job(device, "hold"))
            behind = await broker.dispatcher.submit(broker.job(device, "behind"))
            await asyncio.to_thread(device.wait_for_command, "hold")
            private_redis_server.kill()
            device.release.set()
            await asyncio.to_thread(
                device.wait_until, lambda: any(entry[1:] == ("end", "hold") for entry in device.journal)
            )
            private_redis_server.start()
            assert (await broker.ended(first.id)).status == "finished"
            assert (await broker.ended(behind.id)).status == "finished"
            assert device.commands == ["hold", "behind"]
            again = await broker.run(other, "again")
            assert again.result is not None
            assert again.result["session_reused"] is True
            assert device.logins == other.logins == 1


async def test_away_for_longer_than_the_lease_workers_wait_before_they_write(
    private_redis_server: RedisServer, tmp_path: Path
) -> None:
    async with BrokerUnderTest(private_redis_server, tmp_path) as broker:
        with LineDevice() as device:
            node = await broker.start()
            commands = [f"sleep 0.5 part {number}" for number in range(12)]
            job = await broker.dispatcher.submit(broker.job(device, *commands))
            await asyncio.to_thread(device.wait_for_command, commands[0])
            epoch = broker.client.get(keys.epoch("n1"))
            private_redis_server.kill()
            # Under the lease that is left (3 s) it goes on, then it stands still.
            await asyncio.sleep(5)
            reached = len(device.commands)
            assert reached < 12
            await asyncio.sleep(1)
            assert len(device.commands) == reached
            private_redis_server.start()
            ended = await broker.ended(job.id)
            assert ended.status == "finished", ended.result
            assert device.commands == commands
            assert device.logins == 1
            assert node.process.poll() is None
            assert broker.client.get(keys.epoch("n1")) == epoch


async def test_killed_again_and_again_under_load(private_redis_server: RedisServer, tmp_path: Path) -> None:
    async with BrokerUnderTest(private_redis_server, tmp_path) as broker:
        with LineDevice() as one, LineDevice() as two:
            await broker.start()
            await asyncio.gather(broker.run(one, "warm"), broker.run(two, "warm"))
            accepted: list[str] = []
            over = asyncio.Event()

            async def submit(device: LineDevice, client: int) -> None:
                number = 0
                while not over.is_set():
                    number += 1
                    job = broker.job(device, f"sleep 0.003 client {client} number {number}")
                    try:
                        accepted.append((await broker.dispatcher.submit(job)).id)
                    except BrokerError:
                        await asyncio.sleep(0.05)
                    await asyncio.sleep(0.004)

            clients = [asyncio.create_task(submit(device, client)) for client in range(3) for device in (one, two)]
            for _ in range(3):
                await asyncio.sleep(0.7)
                private_redis_server.kill()
                await asyncio.sleep(0.3)
                await asyncio.to_thread(private_redis_server.start)
            await asyncio.to_thread(await_condition, lambda: len(accepted) > 100, why="more than 100 jobs accepted")
            over.set()
            await asyncio.gather(*clients)
            jobs = [await broker.ended(job_id) for job_id in accepted]
            states = {(job.status, job.outcome) for job in jobs}
            assert states == {("finished", "ok")}
            for device in (one, two):
                # Never twice, and on the one session.
                assert len(device.commands) == len(set(device.commands))
                assert device.logins == 1
                assert not device.interleaved()


async def test_a_lost_claim_answer_is_found_in_the_claim_list(redis_server: RedisServer, tmp_path: Path) -> None:
    """The server carries the claim out and the answer never arrives: the next claim brings the same job."""
    async with BrokerUnderTest(redis_server, tmp_path) as broker:
        with LineDevice() as device:
            await broker.start()
            await broker.run(device, "show")
            device_key = keys.device(f"127.0.0.1:{device.port}")
            token, worker = (value.decode() for value in broker.client.hmget(device_key, ["token", "worker"]))
            busy = asyncio.create_task(broker.run(device, "hold"))
            await asyncio.to_thread(device.wait_for_command, "hold")
            source = WorkerQueue(
                broker.client, broker.sealer, queue=f"device:127.0.0.1:{device.port}", token=token, worker=worker,
                node="n1",
            )  # fmt: skip
            claimed = source.claim()
            assert claimed is not None
            assert claimed.payload.commands == ["hold"]
            device.release.set()
            assert (await busy).status == "finished"
            assert device.commands == ["show", "hold"]


async def test_redis_comes_back_empty_and_the_node_registers_again(redis_server: RedisServer, tmp_path: Path) -> None:
    async with BrokerUnderTest(redis_server, tmp_path) as broker:
        with LineDevice() as device:
            await broker.start()
            await broker.run(device, "show")
            broker.client.flushall()
            await asyncio.to_thread(
                await_condition, lambda: broker.client.sismember(keys.NODES, "n1"), why="the node is registered"
            )
            assert (await broker.run(device, "again")).status == "finished"


@pytest.mark.parametrize("known", ["an earlier worker, with a job", "the assignment alone"])
async def test_redis_comes_back_with_a_record_older_than_the_worker(
    private_redis_server: RedisServer, tmp_path: Path, known: str
) -> None:
    """The last moment before the outage is lost, and with it who serves the device."""
    async with BrokerUnderTest(private_redis_server, tmp_path) as broker:
        with LineDevice() as device:
            await broker.start()
            lost = await broker.dispatcher.submit(broker.job(device, "hold"))
            await asyncio.to_thread(device.wait_for_command, "hold")
            key, job = keys.device(lost.device), keys.rq_job(lost.id)
            before: dict[Any, Any] = broker.client.hgetall(key)
            claim: dict[Any, Any] = broker.client.hgetall(job)
            broker.kill_worker(device)
            device.release.set()
            assert (await broker.ended(lost.id)).error == "worker_lost"
            assert (await broker.run(device, "show")).status == "finished"
            if known == "the assignment alone":
                lease = before[b"token"].rpartition(b"|")[0]
                broker.client.hset(key, mapping={"token": lease + b"|0", "state": "assigned"})
            else:
                broker.client.hset(key, mapping=before)
                broker.client.delete(job)
                broker.client.hset(job, mapping=claim)
                broker.client.rpush(keys.claims(f"device:{lost.device}"), lost.id)
            await asyncio.to_thread(private_redis_server.kill)
            await asyncio.to_thread(private_redis_server.start)
            assert (await broker.run(device, "again")).status == "finished"
            assert (await broker.ended(lost.id)).error == "worker_lost"
            assert device.commands == ["hold", "show", "again"]


async def test_while_redis_loads_its_data_requests_wait(private_redis_server: RedisServer, tmp_path: Path) -> None:
    async with BrokerUnderTest(private_redis_server, tmp_path) as broker:
        with ExitStack() as stack:
            known, other, new = (stack.enter_context(LineDevice()) for _ in range(3))
            await broker.start()
            first = await broker.run(known, "show")
            await broker.run(other, "show")
            private_redis_server.fill(3000)
            await asyncio.to_thread(private_redis_server.kill)
            # Three seconds or more: longer than the node's lease.
            await asyncio.to_thread(private_redis_server.start, load_delay=1000)
            assert broker.client.info("persistence")["loading"] == 1
            many = [broker.job(device, f"{number}") for number in range(100) for device in (known, other)]
            ended, one, fresh, again, listed = await asyncio.gather(
                broker.dispatcher.submit_many_and_wait(many, 60.0),
                broker.run(known, "again"),
                broker.run(new, "show"),
                broker.dispatcher.get(first.id),
                broker.dispatcher.jobs(JobFilter()),
            )
            assert {record.status for record in ended if isinstance(record, JobRecord)} == {"finished"}
            assert [record for record in ended if not isinstance(record, JobRecord)] == []
            assert (one.status, fresh.status, again.status) == ("finished", "finished", "finished")
            assert listed[0]
            assert known.logins == other.logins == new.logins == 1
            assert sorted(known.commands) == sorted(["show", "again", *map(str, range(100))])


async def test_loading_that_takes_too_long_is_said(private_redis_server: RedisServer, tmp_path: Path) -> None:
    async with BrokerUnderTest(private_redis_server, tmp_path, redis={"loading_timeout": 0.3}) as broker:
        private_redis_server.fill(10_000)
        private_redis_server.kill()
        private_redis_server.start(load_delay=1000)
        with LineDevice() as device, pytest.raises(QueueUnavailable, match="loading_timeout"):
            await broker.run(device, "show")
        with pytest.raises(QueueUnavailable, match="loading_timeout"):
            await broker.dispatcher.jobs(JobFilter())
        assert (await broker.dispatcher.health()).condition == "down"
