"""The loop against a real server: outages, repeats and ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import redis

from netpulse_broker.dispatch.submission import JobSubmission
from netpulse_broker.queueing.jobs.payload import JobPayload
from netpulse_broker.queueing.jobs.worker_queue import ClaimedJob, LeaseAbsent, WorkerQueue
from netpulse_broker.queueing.nodes.node_lease import NodeLease
from netpulse_broker.queueing.nodes.ownership import NodeOwnership
from netpulse_broker.queueing.redis import keys
from netpulse_broker.queueing.redis.scripts import Scripts
from netpulse_broker.queueing.redis.sealing import Sealer
from netpulse_broker.workers.execution.loop import Exit
from netpulse_broker.workers.execution.pinned import PinnedWorker
from netpulse_broker.workers.execution.session_pool import SessionLimits
from netpulse_drivers import BaseDriver, Deadline
from tests.lab.redis_server import RedisServer
from tests.unit.workers.scripted_driver import Device, arguments, scripted


class Lease:
    def valid_for(self) -> float:
        return 60.0

    def wait_valid(self, deadline: Deadline) -> bool:
        return True


class Drivers:
    def __init__(self, kind: type[BaseDriver]) -> None:
        self.kind = kind

    def get(self, name: str) -> type[BaseDriver]:
        return self.kind


class FlakySource(WorkerQueue):
    """Loses the answer to a call: the server has done it, the worker does not know."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.lose: list[str] = []
        self.calls: list[str] = []

    def _maybe_lose(self, call: str) -> None:
        self.calls.append(call)
        self._lose(call)

    def _lose(self, call: str) -> None:
        if call in self.lose:
            self.lose.remove(call)
            raise redis.ConnectionError(f"answer to {call} lost")

    def claim(self) -> ClaimedJob | None:
        try:
            job = super().claim()
        except LeaseAbsent:
            self.calls.append("absent")
            raise
        self._maybe_lose("claim")
        return job

    def finish(self, *args: Any, **options: Any) -> None:
        # Noted before it is done: who sees the job's end finds the call in the list.
        self.calls.append("finish")
        super().finish(*args, **options)
        self._lose("finish")

    def wait(self, timeout: float) -> bool:
        woken = super().wait(timeout)
        self._maybe_lose("wait")
        return woken


class Stage:
    """One device, its worker in a thread, and jobs put straight into the queue."""

    def __init__(self, server: RedisServer, *, linger: float = 0.2) -> None:
        self._clients = [server.client() for _ in range(4)]
        self.client, of_lease, of_ownership, of_source = self._clients
        self.sealer = Sealer([b"k" * 32])
        self.lease = NodeLease(of_lease, node="n1", kind="pinned", capacity=5, ttl=30)
        self.lease.acquire()
        self.ownership = NodeOwnership(of_ownership, self.lease)
        assert self.ownership.place_again("r1")
        token = self.lease.token(1)
        assert self.ownership.adopt("r1", token=token, pid=1, started=1, worker="w1")
        self.source = FlakySource(of_source, self.sealer, queue="device:r1", token=token, worker="w1", node="n1")
        self.device = Device()
        self.worker = PinnedWorker(
            device="r1",
            source=self.source,
            drivers=Drivers(scripted(self.device)),
            clock=Lease(),
            limits=SessionLimits(),
            linger=linger,
            interrupt_wait=self._wake,
        )
        self.exit: Exit | None = None
        self._thread = threading.Thread(target=self._run)

    def _wake(self) -> None:
        self.client.rpush(keys.wake("device:r1"), "1")

    def _run(self) -> None:
        self.exit = self.worker.run()

    def submit(self, *commands: str) -> str:
        payload = JobPayload(
            operation="query", driver="scripted", connection_args=arguments(), commands=list(commands), timeout=10
        )
        job = JobSubmission(payload=payload, device="r1", host="r1", owner="t")
        script_keys, args = job.script_call(self.sealer, reply_to="")
        assert Scripts(self.client)("submit", keys=script_keys, args=args)[0] == b"queued"
        return job.id

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        for client in self._clients:
            client.close()

    def join(self) -> Exit | None:
        self._thread.join(60)
        assert not self._thread.is_alive()
        return self.exit

    def status(self, job_id: str) -> tuple[str, str]:
        status, outcome = self.client.hmget(keys.rq_job(job_id), ["status", "outcome"])
        return (status or b"").decode(), (outcome or b"").decode()

    def await_final(self, job_id: str) -> tuple[str, str]:
        end = time.monotonic() + 60
        while self.status(job_id)[0] not in {"finished", "failed", "stopped"}:
            assert time.monotonic() < end
            time.sleep(0.005)
        return self.status(job_id)


@pytest.fixture
def stage(redis_server: RedisServer) -> Iterator[Stage]:
    with closing(Stage(redis_server)) as stage:
        yield stage


@pytest.mark.parametrize("lost", ["claim", "finish", "wait"])
def test_a_lost_answer_loses_and_repeats_nothing(stage: Stage, lost: str) -> None:
    runs: list[int] = []

    def execute(driver: BaseDriver, session: int) -> str:
        runs.append(session)
        return "done"

    stage.device.answers["x"] = execute
    stage.source.lose = [lost]
    stage.start()
    job = stage.submit("x")
    assert stage.await_final(job) == ("finished", "ok")
    second = stage.submit("x")
    assert stage.await_final(second) == ("finished", "ok")
    stage.worker.request_exit()
    assert stage.join() is Exit.REQUESTED
    assert runs == [1, 1]
    results = stage.client.xlen(keys.rq_results(job))
    assert results == 1


def test_redis_with_an_older_state_does_not_make_a_job_run_twice(stage: Stage) -> None:
    runs: list[int] = []

    def execute(driver: BaseDriver, session: int) -> str:
        runs.append(session)
        return "done"

    stage.device.answers["x"] = execute
    stage.start()
    job = stage.submit("x")
    assert stage.await_final(job) == ("finished", "ok")
    # As if an append-only file had lost its last second: started again, in the claim list.
    stage.client.hset(keys.rq_job(job), mapping={"status": "started", "outcome": ""})
    stage.client.rpush(keys.claims("device:r1"), job)
    stage.client.rpush(keys.wake("device:r1"), "1")
    assert stage.await_final(job) == ("finished", "ok")
    stage.worker.request_exit()
    stage.join()
    assert runs == [1]


def test_without_a_session_it_gives_the_device_back_after_a_while(stage: Stage) -> None:
    stage.device.on_connect = lambda: (_ for _ in ()).throw(ConnectionRefusedError("no"))
    stage.start()
    job = stage.submit("x")
    assert stage.await_final(job) == ("failed", "failed")
    assert stage.join() is Exit.RELEASED
    assert not stage.client.exists(keys.device("r1"))


def test_a_row_of_failing_logins_is_one_worker(redis_server: RedisServer) -> None:
    with closing(Stage(redis_server, linger=30)) as stage:
        stage.device.on_connect = lambda: (_ for _ in ()).throw(ConnectionRefusedError("no"))
        stage.start()
        for _ in range(3):
            assert stage.await_final(stage.submit("x")) == ("failed", "failed")
        stage.worker.request_exit()
        assert stage.join() is Exit.REQUESTED


def test_a_token_that_counts_no_more_ends_the_worker(stage: Stage) -> None:
    stage.start()
    stage.await_final(stage.submit("x"))
    stage.client.hset(keys.device("r1"), "token", "n2|7|1|1")
    stage.client.rpush(keys.wake("device:r1"), "1")
    assert stage.join() is Exit.FENCED
    assert stage.device.closed == [1]


def test_while_the_lease_is_absent_it_waits_and_keeps_its_session(stage: Stage) -> None:
    stage.start()
    stage.await_final(stage.submit("a"))
    lease = stage.client.getdel(keys.lease("n1"))
    assert lease is not None
    job = stage.submit("b")
    calls = stage.source.calls.count("absent")
    end = time.monotonic() + 60
    while stage.source.calls.count("absent") < calls + 3:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert stage.status(job) == ("queued", "")
    stage.client.set(keys.lease("n1"), lease, px=30000)
    assert stage.await_final(job) == ("finished", "ok")
    assert stage.device.logins == 1
    stage.worker.request_exit()
    stage.join()


def test_stop_job_is_for_the_running_one_only(stage: Stage) -> None:
    started = threading.Event()

    def block(driver: BaseDriver, session: int) -> str:
        driver.call.before_write()
        started.set()
        assert stage.device.blocked.wait(60)
        raise ConnectionResetError("closed")

    stage.device.answers["x"] = block
    stage.start()
    job = stage.submit("x")
    assert started.wait(60)
    assert stage.worker.stop_job("another") is False
    assert stage.worker.stop_job(job) is True
    assert stage.await_final(job) == ("stopped", "failed")
    stage.worker.request_exit()
    stage.join()
    assert stage.worker.stop_job(job) is False
