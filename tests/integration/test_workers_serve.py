"""Workers as real processes, doing their daily work."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psutil
import pytest

from netpulse_broker.errors import NoWorker
from netpulse_broker.queueing.nodes.worker_index import WorkerFilter
from netpulse_broker.queueing.redis import keys
from tests.chaos.broker import BrokerUnderTest, await_condition
from tests.chaos.line_device import PASSWORD, LineDevice
from tests.lab.redis_server import RedisServer


async def test_a_second_job_runs_on_the_session_of_the_first(redis_server: RedisServer, tmp_path: Path) -> None:
    async with BrokerUnderTest(redis_server, tmp_path) as broker:
        with LineDevice() as device:
            await broker.start()
            first = await broker.run(device, "one", "two")
            second = await broker.run(device, "three")
            assert (first.status, first.outcome) == ("finished", "ok"), first.result
            assert first.result is not None
            assert first.result["retval"] == {"one": "did one", "two": "did two"}
            assert first.result["session_reused"] is False
            assert second.result is not None
            assert second.result["session_reused"] is True
            assert device.logins == 1
            assert first.worker == second.worker


async def test_each_failure_names_its_phase_and_leaves_the_worker_usable(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async with BrokerUnderTest(redis_server, tmp_path) as broker:
        with LineDevice() as device:
            await broker.start()
            await broker.run(device, "show")
            pid = broker.worker_pid(device)
            wrong = device.connection_args | {"password": "not-this-one"}
            cases = {
                "authentication_failed": broker.job(device, "show", connection_args=wrong),
                "unknown_driver": broker.job(device, "show", driver="nonesuch"),
                "command_refused": broker.job(device, "one", "refuse", "two"),
                "internal_error": broker.job(device, "defect"),
                "command_timeout": broker.job(device, "hang", timeout=0.3),
                "invalid_arguments": broker.job(device, "show", connection_args={"host": "", "port": device.port}),
                "unsupported_operation": broker.job(device, "show", parsing={"name": "textfsm"}),
            }
            for code, submission in cases.items():
                job = await broker.dispatcher.submit_and_wait(submission, 15)
                assert (job.status, job.outcome, job.error) == ("failed", "failed", code), job.result
                assert job.result is not None
                assert job.result["error"]["phase"] in {"validate", "auth", "execute"}
                if code == "command_refused":
                    assert job.result["retval"] == {"one": "did one"}
                    assert job.result["error"]["device_output"] == "% Invalid input"
                    assert [output["failed"] for output in job.result["outputs"]] == [False, True]
                good = await broker.run(device, "show")
                assert good.status == "finished"
            assert broker.worker_pid(device) == pid
            # The wrong password never touched the good session; a defect and a timeout each cost it.
            assert device.refused == 1
            assert device.logins == 3
        log = broker.log.read_text()
        assert "ZeroDivisionError" in log
        assert PASSWORD not in log
        assert "not-this-one" not in log


async def test_a_password_in_an_output_is_the_callers(redis_server: RedisServer, tmp_path: Path) -> None:
    async with BrokerUnderTest(redis_server, tmp_path) as broker:
        with LineDevice() as device:
            await broker.start()
            job = await broker.run(device, "password", driver="line")
            assert job.result is not None
            assert job.result["retval"] == {"password": f"password {PASSWORD}"}
        assert PASSWORD not in broker.log.read_text()


async def test_a_change_and_a_probe(redis_server: RedisServer, tmp_path: Path) -> None:
    async with BrokerUnderTest(redis_server, tmp_path) as broker:
        with LineDevice() as device:
            await broker.start()
            probe = await broker.run(device, operation="probe")
            assert probe.result is not None
            assert probe.result["retval"]["success"] is True
            assert probe.result["retval"]["device_info"] == {"prompt": "line>"}
            change = await broker.run(device, "line 1", "line 2", operation="change", change={"save": False})
            assert change.result is not None
            assert change.result["retval"] == ["did line 1", "did line 2"]
            assert change.result["changed"] is True
            assert change.result["applied"] == ["line 1", "line 2"]
            again = await broker.run(device, operation="probe")
            assert again.result is not None
            assert again.result["session_reused"] is True
            assert device.logins == 1
            # The kept session answered a round trip before it was called good.
            assert device.pings == 1


async def test_a_session_dropped_while_idle_costs_one_reconnect(redis_server: RedisServer, tmp_path: Path) -> None:
    async with BrokerUnderTest(redis_server, tmp_path) as broker:
        with LineDevice() as device:
            await broker.start()
            await broker.run(device, "show")
            device.drop_sessions()
            await asyncio.to_thread(device.wait_until, lambda: device.sessions == 0)
            job = await broker.run(device, "again")
            assert job.status == "finished"
            assert job.result is not None
            assert job.result["session_reused"] is False
            assert device.logins == 2


async def test_the_worker_leaves_when_its_last_session_died(redis_server: RedisServer, tmp_path: Path) -> None:
    async with BrokerUnderTest(redis_server, tmp_path) as broker:
        with LineDevice() as device:
            await broker.start()
            arguments = device.connection_args | {"keepalive": 0.3}
            await broker.run(device, "show", connection_args=arguments)
            await asyncio.to_thread(device.wait_until, lambda: device.pings >= 2)
            pid = broker.worker_pid(device)
            device.drop_sessions()
            await asyncio.to_thread(await_condition, lambda: not psutil.pid_exists(pid), why="the worker has left")
            assert not broker.client.exists(keys.device(f"127.0.0.1:{device.port}"))
            assert broker.client.smembers(keys.node_devices("n1")) == set()
            assert (await broker.run(device, "again")).status == "finished"


async def test_an_unused_session_is_closed(redis_server: RedisServer, tmp_path: Path) -> None:
    async with BrokerUnderTest(redis_server, tmp_path, worker={"idle_limit": 0.5}) as broker:
        with LineDevice() as device:
            await broker.start()
            await broker.run(device, "show")
            await asyncio.to_thread(device.wait_until, lambda: device.sessions == 0)


async def test_capacity_is_kept(redis_server: RedisServer, tmp_path: Path) -> None:
    async with BrokerUnderTest(redis_server, tmp_path, node={"capacity": 1}) as broker:
        with LineDevice() as first, LineDevice() as second:
            await broker.start()
            await broker.run(first, "show")
            with pytest.raises(NoWorker, match="full"):
                await broker.run(second, "show")
            assert (await broker.run(first, "again")).status == "finished"


async def test_a_full_node_gives_up_its_longest_idle_device(redis_server: RedisServer, tmp_path: Path) -> None:
    node = {"capacity": 2, "make_room_after": 0.001}
    async with BrokerUnderTest(redis_server, tmp_path, node=node) as broker:
        with LineDevice() as first, LineDevice() as second, LineDevice() as third, LineDevice() as fourth:
            await broker.start()
            await broker.run(first, "show")
            await broker.run(second, "show")
            await broker.run(first, "again")
            assert (await broker.run(third, "show")).status == "finished"
            await asyncio.to_thread(second.wait_until, lambda: second.sessions == 0)
            assert (first.sessions, third.sessions) == (1, 1)
            # Two at once: each finds a room of its own.
            both = await asyncio.gather(broker.run(second, "again"), broker.run(fourth, "show"))
            assert [job.status for job in both] == ["finished", "finished"]
            await asyncio.to_thread(first.wait_until, lambda: first.sessions == third.sessions == 0)
            assert (first.logins, second.logins, third.logins, fourth.logins) == (1, 2, 1, 1)
            assert broker.client.scard(keys.node_devices("n1")) == 2


async def test_a_busy_device_makes_no_room(redis_server: RedisServer, tmp_path: Path) -> None:
    node = {"capacity": 1, "make_room_after": 0.001}
    async with BrokerUnderTest(redis_server, tmp_path, node=node) as broker:
        with LineDevice() as busy, LineDevice() as other:
            await broker.start()
            running = asyncio.create_task(broker.run(busy, "hold"))
            await asyncio.to_thread(busy.wait_for_command, "hold")
            with pytest.raises(NoWorker, match=r"idle for 0\.001 s"):
                await broker.run(other, "show")
            busy.release.set()
            assert (await running).status == "finished"
            assert (await broker.run(other, "show")).status == "finished"


async def test_many_clients_of_one_device_keep_the_order(redis_server: RedisServer, tmp_path: Path) -> None:
    async with BrokerUnderTest(redis_server, tmp_path) as broker:
        with LineDevice() as device:
            await broker.start()

            async def client(number: int) -> list[tuple[int, str]]:
                done = []
                for step in range(20):
                    command = f"client {number} step {step}"
                    job = await broker.run(device, command)
                    assert job.status == "finished"
                    done.append((job.seq, command))
                return done

            results = await asyncio.gather(*(client(number) for number in range(10)))
            in_order = [command for _, command in sorted(entry for done in results for entry in done)]
            assert device.commands == in_order
            assert len(set(in_order)) == 200
            assert device.logins == 1


async def test_the_pool_serves_queries_and_replaces_its_dead(redis_server: RedisServer, tmp_path: Path) -> None:
    async with BrokerUnderTest(redis_server, tmp_path) as broker:
        with LineDevice() as device:
            await broker.start("fifo")
            jobs = await asyncio.gather(*(broker.run(device, f"show {n}", strategy="fifo") for n in range(6)))
            assert {job.status for job in jobs} == {"finished"}
            assert device.logins == 6
            await asyncio.to_thread(device.wait_until, lambda: device.sessions == 0)
            deadly = await broker.run(device, "kill worker", strategy="fifo")
            assert (deadly.status, deadly.outcome, deadly.error) == ("failed", "unknown", "worker_lost")
            await asyncio.to_thread(await_condition, lambda: broker.client.scard(keys.RQ_WORKERS) == 2, why="replaced")
            assert (await broker.run(device, "show", strategy="fifo")).status == "finished"


async def test_a_worker_is_told_to_stop_and_its_queue_goes_on(redis_server: RedisServer, tmp_path: Path) -> None:
    async with BrokerUnderTest(redis_server, tmp_path) as broker:
        with LineDevice() as device:
            await broker.start()
            running = asyncio.create_task(broker.run(device, "sleep 0.5"))
            await asyncio.to_thread(device.wait_for_command, "sleep 0.5")
            behind = await broker.dispatcher.submit(broker.job(device, "behind"))
            old = broker.worker_pid(device)
            (name,) = [worker.name for worker in await broker.dispatcher.workers(WorkerFilter())]
            assert await broker.dispatcher.stop_workers(WorkerFilter(name=name)) == [name]
            assert (await running).status == "finished"
            assert (await broker.ended(behind.id)).status == "finished"
            assert broker.worker_pid(device) != old
            assert device.commands == ["sleep 0.5", "behind"]
