"""Stock RQ reads what our scripts write: a contract with its key space, checked in each final state."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import redis
from rq import Queue as RqQueue
from rq.exceptions import DeserializationError
from rq.job import Job
from rq.results import Result
from rq.worker import SimpleWorker

from netpulse_broker.queueing.redis import keys
from netpulse_broker.states import Outcome
from tests.unit.queueing.conftest import Queue

STATES = ["queued", "started", "finished", "failed", "stopped", "canceled", "expired", "lost"]


def bring_to(queue: Queue, state: str) -> str:
    worker = queue.worker()
    job_id, _ = queue.submit(ttl=0 if state == "expired" else 300)
    if state == "queued":
        return job_id
    if state == "canceled":
        queue.scripts("cancel", keys=[keys.rq_job(job_id)], args=[job_id, "2026-01-01T00:00:00.000000Z"])
        return job_id
    if state == "expired":
        queue.wait_until_ms_passes()
    job = worker.claim()
    if state in ("started", "expired"):
        return job_id
    assert job is not None
    if state == "lost":
        queue.ownership.recover("r1", token=worker.token, worker=worker.worker)
        return job_id
    status: Any = state
    worker.finish(
        job.place,
        status=status,
        outcome=Outcome.OK if state == "finished" else Outcome.FAILED,
        result={"type": 1},
        error_code="" if state == "finished" else "command_refused",
        duration=0.25,
    )
    return job_id


@pytest.mark.parametrize("state", STATES)
def test_job_fetch(queue: Queue, state: str) -> None:
    job = Job.fetch(bring_to(queue, state), connection=queue.client)
    expected = {"expired": "failed", "lost": "failed"}.get(state, state)
    assert job.get_status().value == expected
    assert job.origin == "device:r1"
    assert job.created_at is not None
    assert job.timeout == 60
    if state in ("queued", "started"):
        assert job.latest_result() is None
        return
    result = job.latest_result()
    assert result is not None
    wanted = {"finished": Result.Type.SUCCESSFUL, "stopped": Result.Type.STOPPED, "canceled": Result.Type.STOPPED}
    assert result.type == wanted.get(state, Result.Type.FAILED)
    assert result.return_value is None
    assert job.ended_at is not None
    if state == "failed":
        assert "command_refused" in (result.exc_string or "")


def test_queues_and_workers_are_seen(queue: Queue) -> None:
    worker = queue.worker()
    queue.submit()
    queues = {q.name: q.count for q in RqQueue.all(connection=queue.client)}
    assert queues == {"device:r1": 1}
    workers = SimpleWorker.all(connection=queue.client)
    assert [(w.name, w.get_state()) for w in workers] == [(worker.worker, "idle")]
    assert worker.claim() is not None
    assert SimpleWorker.all(connection=queue.client)[0].get_state() == "busy"


def test_rq_info_runs(queue: Queue, redis_server: Any) -> None:
    queue.worker()
    queue.submit()
    shown = subprocess.run(
        [sys.executable, "-m", "rq.cli", "info", "--url", redis_server.url],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert shown.returncode == 0, shown.stderr
    assert "device:r1" in shown.stdout
    assert "1 workers, 1 queues" in shown.stdout


def test_a_stock_worker_executes_nothing_of_ours(queue: Queue, redis_client: redis.Redis) -> None:
    """Should somebody point `rq worker` at our queues, a sealed job is no pickle and no function."""
    queue.worker()
    job_id, _ = queue.submit()
    job = Job.fetch(job_id, connection=redis_client)
    with pytest.raises(DeserializationError):
        _ = job.func_name
