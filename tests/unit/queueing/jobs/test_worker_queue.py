from __future__ import annotations

import pickle
from typing import Any

import pytest

from netpulse_broker.dispatch.submission import JobSubmission
from netpulse_broker.queueing.jobs.payload import JobPlace
from netpulse_broker.queueing.jobs.worker_queue import Fenced, LeaseAbsent, Stale
from netpulse_broker.queueing.nodes.node_lease import NodeLease
from netpulse_broker.queueing.nodes.sweeper import Sweeper
from netpulse_broker.queueing.redis import keys
from netpulse_broker.states import JobStatus, Outcome
from tests.unit.queueing.conftest import CONTROLLER, PASSWORD, Queue, payload

OK = {"type": 1, "retval": {"show version": "x"}, "error": None, "outputs": [], "duration": 0.1, "session_reused": True}


def finish_ok(source, place: JobPlace) -> None:  # type: ignore[no-untyped-def]
    source.finish(place, status=JobStatus.FINISHED, outcome=Outcome.OK, result=OK, duration=0.1)


def test_a_job_travels_from_submit_to_its_result(queue: Queue) -> None:
    worker = queue.worker()
    job_id, answer = queue.submit()
    assert answer[0] == b"queued"
    assert worker.wait(1)
    job = worker.claim()
    assert job is not None
    assert job.place == JobPlace(job_id, "device:r1", 1, "r1", "r1", "key1")
    assert queue.job(job_id).status == "started"
    assert job.payload.connection_args["password"] == PASSWORD
    finish_ok(worker, job.place)
    ended = queue.job(job_id)
    assert (ended.status, ended.outcome, ended.result) == ("finished", "ok", OK)
    assert [reply["id"] for reply in queue.replies()] == [job_id.encode()]
    assert worker.claim() is None


def test_nothing_in_redis_shows_the_password(queue: Queue) -> None:
    worker = queue.worker()
    queue.submit()
    job = worker.claim()
    assert job is not None
    finish_ok(worker, job.place)
    dump = b"".join(queue.client.dump(key) or b"" for key in queue.client.keys("*"))
    assert len(dump) > 500
    assert PASSWORD.encode() not in dump


def test_a_submit_sent_twice_queues_once(queue: Queue) -> None:
    queue.worker()
    first, _ = queue.submit(id="same")
    again, answer = queue.submit(id="same")
    assert first == again
    assert answer == [b"repeated", b"same"]
    assert queue.client.llen(keys.rq_queue("device:r1")) == 1
    assert queue.client.get(keys.sequence("r1")) == b"1"


def test_a_device_without_owner_is_refused_and_nothing_is_stored(queue: Queue) -> None:
    _, answer = queue.submit("nobody")
    assert answer == [b"unplaced"]
    assert not queue.client.keys("rq:*")


def test_jobs_come_in_their_sequence(queue: Queue) -> None:
    worker = queue.worker()
    submitted = [queue.submit()[0] for _ in range(20)]
    claimed = []
    while job := worker.claim():
        claimed.append(job.place.id)
        finish_ok(worker, job.place)
    assert claimed == submitted


def test_urgent_lanes_first_and_in_order_within_a_lane(queue: Queue) -> None:
    worker = queue.worker()
    wanted = {}
    for number, priority in enumerate(["batch", "normal", "interactive", "batch", "interactive", "normal"]):
        wanted[queue.submit(priority=priority)[0]] = (priority, number)
    order = []
    while job := worker.claim():
        order.append(wanted[job.place.id])
        finish_ok(worker, job.place)
    assert order == [("interactive", 2), ("interactive", 4), ("normal", 1), ("normal", 5), ("batch", 0), ("batch", 3)]


def test_a_lost_claim_answer_gives_the_same_job_again(queue: Queue) -> None:
    worker = queue.worker()
    queue.submit()
    queue.submit()
    first, again = worker.claim(), worker.claim()
    assert first is not None
    assert again is not None
    assert first.place.id == again.place.id


def test_a_finish_sent_twice_answers_once(queue: Queue) -> None:
    worker = queue.worker()
    queue.submit()
    job = worker.claim()
    assert job is not None
    finish_ok(worker, job.place)
    finish_ok(worker, job.place)
    assert len(queue.replies()) == 1
    assert queue.client.xlen(keys.rq_results(job.place.id)) == 1


def test_an_executed_id_is_not_executed_again(queue: Queue) -> None:
    """Whoever can write to Redis puts a finished job back into the queue."""
    worker = queue.worker()
    job_id, _ = queue.submit()
    job = worker.claim()
    assert job is not None
    finish_ok(worker, job.place)
    queue.client.hset(keys.rq_job(job_id), "status", "queued")
    queue.client.rpush(keys.rq_queue("device:r1"), job_id)
    assert worker.claim() is None
    assert queue.job(job_id).status == "failed"


@pytest.mark.parametrize(
    "data", [pickle.dumps(("os.system", None, ("true",), {})), b'["os.system", null, ["true"], {}]', b"", b"NP1junk"]
)
def test_a_forged_job_is_ended_and_the_next_one_taken(queue: Queue, data: bytes) -> None:
    worker = queue.worker()
    forged, _ = queue.submit()
    queue.client.hset(
        keys.rq_job(forged), mapping={"data": data, "success_callback_name": "os.system", "func_name": "os.system"}
    )
    good, _ = queue.submit()
    job = worker.claim()
    assert job is not None
    assert job.place.id == good
    ended = queue.job(forged)
    assert (ended.status, ended.error) == ("failed", "job_unreadable")


def test_a_sealed_job_moved_to_another_device_does_not_open(queue: Queue) -> None:
    worker = queue.worker("r1")
    queue.worker("r2")
    moved, _ = queue.submit("r2")
    queue.client.lrem(keys.rq_queue("device:r2"), 0, moved)
    queue.client.hset(keys.rq_job(moved), "origin", "device:r1")
    queue.client.rpush(keys.rq_queue("device:r1"), moved)
    assert worker.claim() is None
    assert queue.job(moved).error == "job_unreadable"


def test_a_job_whose_ttl_ran_out_is_ended_unexecuted(queue: Queue) -> None:
    worker = queue.worker()
    job_id, _ = queue.submit(ttl=0)
    queue.wait_until_ms_passes()
    assert worker.claim() is None
    ended = queue.job(job_id)
    assert (ended.status, ended.error) == ("failed", "job_expired")
    assert ended.result is not None
    assert ended.result["error"]["phase"] == "queue"
    assert len(queue.replies()) == 1


def test_the_sweeper_ends_expired_jobs_that_nobody_serves(queue: Queue) -> None:
    queue.worker()
    job_id, _ = queue.submit(ttl=0)
    queue.wait_until_ms_passes()
    assert Sweeper(queue.client, lease_ttl=10).sweep().expired == [job_id]
    assert queue.job(job_id).error == "job_expired"
    assert queue.client.llen(keys.rq_queue("device:r1")) == 0


def test_without_a_lease_nothing_is_claimed(queue: Queue) -> None:
    worker = queue.worker()
    job_id, _ = queue.submit()
    queue.client.delete(keys.lease("n1"))
    with pytest.raises(LeaseAbsent):
        worker.claim()
    assert queue.lease.renew() == "retaken"
    job = worker.claim()
    assert job is not None
    assert job.place.id == job_id


def test_a_worker_of_an_older_epoch_is_fenced(queue: Queue) -> None:
    worker = queue.worker()
    queue.submit()
    queue.client.delete(keys.lease("n1"))
    NodeLease(queue.client, node="n1", kind="pinned", capacity=10, ttl=10).acquire()
    with pytest.raises(Fenced):
        worker.claim()
    assert queue.lease.renew() == "lost"


def test_two_workers_never_share_a_device(queue: Queue) -> None:
    old = queue.worker()
    new = queue.worker()
    queue.submit()
    with pytest.raises(Fenced):
        old.claim()
    assert new.claim() is not None


def test_a_started_job_of_a_dead_worker_ends_as_unknown(queue: Queue) -> None:
    worker = queue.worker()
    running, _ = queue.submit()
    waiting, _ = queue.submit()
    job = worker.claim()
    assert job is not None
    recovery = queue.ownership.recover("r1", token=worker.token, worker=worker.worker)
    assert recovery is not None
    assert (recovery.lost, recovery.requeued, recovery.pending) == ([running], [], 1)
    lost = queue.job(running)
    assert (lost.status, lost.outcome, lost.error) == ("failed", "unknown", "worker_lost")
    with pytest.raises(Stale):
        finish_ok(worker, job.place)
    assert queue.job(running).outcome == "unknown"
    successor = queue.worker()
    after = successor.claim()
    assert after is not None
    assert after.place.id == waiting


def test_an_idempotent_job_of_a_dead_worker_runs_again_first(queue: Queue) -> None:
    worker = queue.worker()
    running, _ = queue.submit(idempotent=True)
    waiting, _ = queue.submit()
    assert worker.claim() is not None
    recovery = queue.ownership.recover("r1", token=worker.token, worker=worker.worker)
    assert recovery is not None
    assert (recovery.lost, recovery.requeued, recovery.pending) == ([], [running], 2)
    successor = queue.worker()
    order = []
    while job := successor.claim():
        order.append(job.place.id)
        finish_ok(successor, job.place)
    assert order == [running, waiting]


def test_an_idempotent_job_that_kills_every_worker_ends_as_unknown(queue: Queue) -> None:
    worker = queue.worker()
    job_id, _ = queue.submit(idempotent=True)
    losses = 0
    while worker.claim() is not None:
        assert queue.ownership.recover("r1", token=worker.token, worker=worker.worker) is not None
        losses += 1
        assert losses < 10
        worker = queue.worker()
    assert losses == 3
    assert (queue.job(job_id).outcome, queue.job(job_id).error) == ("unknown", "worker_lost")


def test_finish_tells_whether_more_waits(queue: Queue) -> None:
    worker = queue.worker()
    queue.submit()
    queue.submit(priority="batch")
    more = []
    while job := worker.claim():
        more.append(worker.finish(job.place, status=JobStatus.FINISHED, outcome=Outcome.OK, result=OK, duration=0.1))
    assert more == [True, False]


def test_recovery_is_repeatable_and_spares_a_successor(queue: Queue) -> None:
    worker = queue.worker()
    queue.submit()
    assert worker.claim() is not None
    assert queue.ownership.recover("r1", token=worker.token, worker=worker.worker) is not None
    successor = queue.worker()
    assert queue.ownership.recover("r1", token=worker.token, worker=worker.worker) is None
    assert successor.claim() is None


def test_release_gives_the_device_back_unless_work_arrived(queue: Queue) -> None:
    worker = queue.worker()
    queue.submit()
    assert worker.release() is False
    job = worker.claim()
    assert job is not None
    finish_ok(worker, job.place)
    assert worker.release() is True
    _, answer = queue.submit()
    assert answer == [b"unplaced"]


def test_cancel_ends_a_queued_job_and_leaves_a_started_one(queue: Queue) -> None:
    worker = queue.worker()
    first, _ = queue.submit()
    second, _ = queue.submit()
    assert worker.claim() is not None
    assert queue.scripts("cancel", keys=[keys.rq_job(second)], args=[second, "2026-01-01T00:00:00.000000Z"]) == [
        b"canceled"
    ]
    assert queue.job(second).status == "canceled"
    answer = queue.scripts("cancel", keys=[keys.rq_job(first)], args=[first, "2026-01-01T00:00:00.000000Z"])
    assert answer[0] == b"started"
    assert queue.scripts("cancel", keys=[keys.rq_job("none")], args=["none", ""]) == [b"missing"]


def test_an_idempotency_key_gives_the_same_job_or_a_conflict(queue: Queue) -> None:
    queue.worker()
    first, _ = queue.submit(idempotency_key="k")
    _, repeated = queue.submit(idempotency_key="k")
    assert repeated == [b"repeated", first.encode()]
    _, conflict = queue.submit(idempotency_key="k", commands=["show clock"])
    assert conflict == [b"conflict", first.encode()]
    _, other_owner = queue.submit(idempotency_key="k", owner="key2")
    assert other_owner[0] == b"queued"


def test_an_idempotency_key_does_not_let_passwords_be_guessed(queue: Queue) -> None:
    """The request's digest covers credentials: without the master key nobody can compute it for a guess."""
    queue.worker()
    values: dict[str, Any] = {"device": "r1", "host": "r1", "owner": "key1", "idempotency_key": "k"}
    queue.submit(**values)
    stored = queue.client.get(keys.idempotency("key1", "k"))
    assert stored is not None
    guessed = JobSubmission(payload=payload(), **values).digest()
    assert guessed.encode() not in stored


# -- wake-up tokens ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", [b"1", b"", b"a\nb\nc\nd", b"\xff\n\xfe\n\n\n", b"{id}\ndevice:r1\nquery\nforged"])
def test_a_token_that_says_nothing_true_changes_nothing(queue: Queue, token: bytes) -> None:
    worker = queue.worker()
    job_id, _ = queue.submit()
    queue.client.delete(keys.wake("device:r1"))
    queue.client.rpush(keys.wake("device:r1"), token.replace(b"{id}", job_id.encode()))
    assert worker.wait(1)
    job = worker.claim()
    assert job is not None
    assert job.place.id == job_id
    finish_ok(worker, job.place)
    assert queue.job(job_id).status == "finished"


def test_a_token_carries_nothing_of_its_job(queue: Queue) -> None:
    queue.worker()
    queue.submit()
    assert queue.client.lrange(keys.wake("device:r1"), 0, -1) == [b"1"]


def test_a_reply_says_whether_there_is_a_result_to_look_up(queue: Queue) -> None:
    worker = queue.worker()
    for outputs in ([], ["x" * 20_000]):
        queue.submit()
        job = worker.claim()
        assert job is not None
        result = OK | {"outputs": outputs}
        worker.finish(job.place, status=JobStatus.FINISHED, outcome=Outcome.OK, result=result, duration=0.1)
    queue.submit()
    assert worker.claim() is not None
    queue.ownership.recover("r1", token=worker.token, worker=worker.worker)
    small, large, lost = queue.replies()
    assert (bool(small["sealed"]), small["look"]) == (True, b"")
    assert (large["sealed"], large["look"]) == (b"", b"1")
    assert (lost["sealed"], lost["look"], lost["error"]) == (b"", b"", b"worker_lost")


def test_nothing_is_kept_for_a_controller_that_has_gone(queue: Queue) -> None:
    queue.client.delete(keys.replies(CONTROLLER))
    worker = queue.worker()
    job_id, _ = queue.submit()
    job = worker.claim()
    assert job is not None
    finish_ok(worker, job.place)
    assert queue.job(job_id).status == "finished"
    assert not queue.client.exists(keys.replies(CONTROLLER))


def test_what_exists_is_written_down_now_and_then(queue: Queue) -> None:
    queue.worker()
    queue.submit(host="r1.example.net")
    queue.client.delete("rq:queues", keys.host_devices("r1.example.net"))
    queue.submit(host="r1.example.net", announce=False)
    assert not queue.client.exists("rq:queues", keys.host_devices("r1.example.net"))
    queue.submit(host="r1.example.net")
    assert queue.client.exists("rq:queues", keys.host_devices("r1.example.net")) == 2


def test_totals_of_a_worker_as_rq_shows_them(queue: Queue) -> None:
    worker = queue.worker()
    for status in ("finished", "failed", "finished"):
        queue.submit()
        job = worker.claim()
        assert job is not None
        ended: Any = status
        worker.finish(job.place, status=ended, outcome=Outcome.OK, result=OK, duration=0.5)
        worker.finish(job.place, status=ended, outcome=Outcome.OK, result=OK, duration=0.5)  # its answer was lost
    shown = queue.client.hgetall(keys.rq_worker(worker.worker))
    totals = {name: float(shown[name.encode()]) for name in ("successful_job_count", "failed_job_count")}
    assert totals == {"successful_job_count": 2, "failed_job_count": 1}
    assert float(shown[b"total_working_time"]) == 1.5
