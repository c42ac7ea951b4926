"""What a worker keeps on record of changes with a timer, with a device that answers as the test wants."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import Any

import pytest
import redis

from netpulse_broker.queueing.jobs.commit_ledger import CommitLedger, CommitRecord, check_id, read_records
from netpulse_broker.queueing.jobs.payload import JobPayload, JobPlace
from netpulse_broker.queueing.redis import keys
from netpulse_broker.queueing.redis.sealing import Sealer
from netpulse_broker.states import CommitStatus
from netpulse_broker.workers.execution.job_result import JobEnd
from netpulse_broker.workers.execution.job_runner import JobRunner
from netpulse_broker.workers.execution.running_job import RunningJob
from netpulse_broker.workers.execution.session_pool import SessionLimits, SessionPool
from netpulse_broker.workers.execution.timed_commits import TimedCommits
from netpulse_drivers import (
    BaseDriver,
    ChangeRequest,
    ChangeResult,
    CommandRefused,
    CommandTimeout,
    CommitState,
    Deadline,
    NetPulseError,
    NothingPending,
    PendingCommit,
    UnsupportedOperation,
)
from tests.lab.redis_time import sweep_after

BEFORE, AFTER = "fingerprint before", "fingerprint after"
PASSWORD = "s3cr3t-device-password"


class Switch:
    """A device with commits by name, in memory."""

    def __init__(self) -> None:
        self.waiting: dict[str, float] = {}
        self.configuration = BEFORE
        self.failure: BaseException | None = None
        self.tells = True
        self.mute = False
        self.lost_while_confirming = False
        self.back_to = BEFORE
        self.asked = 0

    def driver(self) -> type[BaseDriver]:
        switch = self

        class Timed(BaseDriver):
            driver_name = "timed"

            def connect(self) -> str:
                return "session"

            def send(self, session: Any, command: str) -> str:
                return command

            def disconnect(self, session: Any) -> None: ...

            def config(self, session: Any, change: ChangeRequest) -> ChangeResult:
                if switch.failure is not None:
                    raise switch.failure
                if change.revert_in is None or change.dry_run:
                    return ChangeResult(outputs=[], changed=True)
                name = f"commit-{len(switch.waiting) + 1}"
                switch.waiting[name] = change.revert_in
                switch.configuration = AFTER
                waits = PendingCommit(name=name, seconds=change.revert_in, since=time.time())
                return ChangeResult(outputs=[], changed=True, pending=waits)

            def confirm(self, session: Any) -> ChangeResult:
                wanted = self.call.commit or next(iter(switch.waiting), None)
                if wanted not in switch.waiting:
                    raise NothingPending("no change waits: nothing to confirm")
                if len(switch.waiting) > 1 and self.call.commit is None:
                    raise CommandRefused("2 changes wait", details=[{"commit": name} for name in switch.waiting])
                del switch.waiting[wanted]
                if switch.lost_while_confirming:
                    raise ConnectionResetError("gone")
                return ChangeResult(outputs=[], changed=False, saved=True, settled=wanted, certain=switch.tells)

            def rollback(self, session: Any) -> ChangeResult:
                if not switch.waiting:
                    if self.call.pending_only:
                        raise NothingPending("no change waits: nothing to roll back")
                    return ChangeResult(outputs=[], changed=True)
                switch.waiting.clear()
                switch.configuration = switch.back_to
                return ChangeResult(outputs=[], changed=True)

            def commit_state(self, session: Any) -> CommitState:
                switch.asked += 1
                if switch.mute:
                    raise CommandTimeout("no answer")
                if not switch.tells:
                    return CommitState(pending=None, fingerprint=switch.configuration)
                return CommitState(pending=tuple(switch.waiting), fingerprint=switch.configuration)

        return Timed


class Lease:
    def valid_for(self) -> float:
        return 60.0

    def wait_valid(self, deadline: Deadline) -> bool:
        return True


class Bench:
    """The worker of one device, its records in a real server."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client
        self.switch = Switch()
        self.kind = self.switch.driver()
        self.ledger = CommitLedger(client, Sealer([os.urandom(32)]), device="r1")
        self.runner = JobRunner(drivers=self, sessions=SessionPool(SessionLimits()), commits=TimedCommits(self.ledger))
        self._jobs = 0

    def get(self, _name: str) -> type[BaseDriver]:
        return self.kind

    def run(self, operation: str, *, job: str | None = None, **change: Any) -> tuple[str, JobEnd]:
        """A job's id and its end, put on record as the work loop does."""
        self._jobs += 1
        job_id = f"job-{self._jobs}"
        payload = JobPayload(
            operation=operation,  # type: ignore[arg-type]
            driver="timed",
            connection_args={"host": "r1", "password": PASSWORD},
            commands=["line"] if operation == "change" else [],
            driver_args={} if job is None else {"job": job},
            change=change or None,
            timeout=10,
        )
        place = JobPlace(job_id, "device:r1", 1, "r1", "r1", "key1")
        running = RunningJob(id=job_id, place=place, deadline=Deadline.after(10), clock=Lease())
        end = self.runner.run(payload, running)
        if end.commits:
            self.ledger.write(end.commits)
        return job_id, end

    def timed(self, seconds: float = 600) -> str:
        job_id, end = self.run("change", revert_in=seconds)
        assert end.status == "finished", end.result
        return job_id

    def time_is_up(self) -> None:
        self.switch.waiting.clear()
        self.switch.configuration = BEFORE

    def states(self) -> dict[str, str]:
        return {record.job: record.shown()["state"] for record in self.ledger.all()}

    def due(self) -> list[str]:
        return [name.decode() for name in self.client.zrange(keys.COMMITS_DUE, 0, -1)]


@pytest.fixture
def bench(redis_client: redis.Redis) -> Bench:
    return Bench(redis_client)


def message(end: JobEnd) -> str:
    assert end.status == "failed", end.result
    return str(end.result["error"]["message"])


def test_the_device_is_to_be_asked_until_the_commit_is_settled(bench: Bench) -> None:
    job = bench.timed()
    checks = [check_id(job, number) for number in (1, 2, 3)]
    assert bench.due() == checks
    assert bench.states() == {job: "pending"}
    (due, *_), latest = bench.client.zmscore(keys.COMMITS_DUE, checks), bench.ledger.all()[0].latest
    assert due == pytest.approx((latest + 5) * 1000)
    bench.run("confirm")
    assert bench.states() == {job: "confirmed"}
    assert bench.due() == []
    assert bench.client.exists(*[keys.rq_job(check) for check in checks]) == 0


def test_no_password_stands_in_redis(bench: Bench) -> None:
    bench.timed()
    for key in bench.client.keys("*"):
        assert PASSWORD.encode() not in (bench.client.dump(key) or b"")


def test_the_record_outlives_what_the_job_left(bench: Bench) -> None:
    bench.timed()
    assert bench.client.ttl(keys.commits("r1")) > 7 * 86400


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (CommandRefused("the device refused line 1"), None),
        (UnsupportedOperation("no such thing"), None),
        (CommandTimeout("no prompt"), "unknown"),
    ],
)
def test_after_a_failure(bench: Bench, error: NetPulseError, state: str | None) -> None:
    bench.switch.failure = error
    job, _ = bench.run("change", revert_in=60)
    assert bench.states() == ({} if state is None else {job: state})
    assert len(bench.due()) == (0 if state is None else 3)


def test_a_job_that_does_not_run_any_more_and_has_not_written_its_end_was_lost() -> None:
    begun = CommitRecord(job="j", driver="timed", host="r1", owner="k", state=CommitStatus.COMMITTING, revert_in=60)
    assert begun.shown(running="j")["state"] == "committing"
    assert begun.shown(running="another")["state"] == "unknown"
    assert begun.shown(running="")["state"] == "unknown"


def test_a_record_is_made_before_anything_is_sent(bench: Bench) -> None:
    class WorkerKilled(BaseException): ...

    bench.switch.failure = WorkerKilled()
    with pytest.raises(WorkerKilled):
        bench.run("change", revert_in=60)
    (record,) = bench.ledger.all()
    assert (record.state, record.before) == ("committing", BEFORE)
    assert len(bench.due()) == 3


def test_what_the_device_says_after_the_timer(bench: Bench) -> None:
    job = bench.timed()
    bench.time_is_up()
    _, end = bench.run("check", job=job)
    assert end.result["commit"]["state"] == "reverted"
    assert bench.states() == {job: "reverted"}
    assert bench.due() == []


def test_a_device_that_still_waits_is_asked_again(bench: Bench) -> None:
    job = bench.timed()
    bench.client.zrem(keys.COMMITS_DUE, check_id(job, 1))  # the one that runs
    _, end = bench.run("check", job=job)
    assert end.result["commit"]["state"] == "pending"
    assert "still waited" in end.result["commit"]["message"]
    assert bench.due() == [check_id(job, 2), check_id(job, 3)]


def test_confirmed_past_the_broker(bench: Bench) -> None:
    job = bench.timed()
    bench.switch.waiting.clear()
    assert f"the commit of job {job} has ended as 'kept'" in message(bench.run("confirm")[1])
    assert bench.states() == {job: "kept"}


def test_without_a_configuration_from_before_nothing_is_claimed(bench: Bench) -> None:
    job = bench.timed()
    (record,) = bench.ledger.all()
    bench.ledger.write([replace(record, before="")])
    bench.time_is_up()
    bench.run("check", job=job)
    assert bench.states() == {job: "unclear"}


def test_the_timer_is_over_and_nobody_has_asked() -> None:
    record = CommitRecord(
        job="j",
        driver="timed",
        host="r1",
        owner="k",
        state=CommitStatus.PENDING,
        revert_in=5,
        until=100.0,
        latest=101.0,
    )
    assert record.shown(now=100.5)["state"] == "pending"
    late = record.shown(now=101.5)
    assert late["state"] == "expired"
    assert "has not been asked" in late["message"]
    assert late["asked_at"] is None


def test_a_platform_that_does_not_tell_is_asked_after_the_timer_all_the_same(bench: Bench) -> None:
    bench.switch.tells = False
    held, lost = bench.timed(), ""
    bench.run("confirm")
    assert (bench.states(), len(bench.due())) == ({held: "confirmed"}, 3)
    bench.run("check", job=held)
    assert (bench.states(), bench.due()) == ({held: "confirmed"}, [])
    bench.switch.configuration = BEFORE
    lost = bench.timed()
    bench.run("confirm")
    bench.time_is_up()  # the confirmation did not hold
    bench.run("check", job=lost)
    assert bench.states() == {held: "confirmed", lost: "reverted"}


def test_several_wait_and_one_is_named_by_its_job(bench: Bench) -> None:
    first = bench.timed()
    name = bench.ledger.all()[0].name
    bench.switch.waiting["commit-2"] = 60  # past the rule that there is one at a time
    assert f"{name} of job {first}" in message(bench.run("confirm")[1])
    assert bench.run("confirm", job=first)[1].status == "finished"
    assert list(bench.switch.waiting) == ["commit-2"]


def test_a_settled_commit_is_not_asked_for_again(bench: Bench) -> None:
    job = bench.timed()
    confirming, _ = bench.run("confirm")
    asked = bench.switch.asked
    for how in ("confirm", "rollback"):
        said = message(bench.run(how, job=job)[1])
        assert f"has ended as 'confirmed' by job {confirming}" in said
    assert bench.run("check", job=job)[1].result["retval"] == {"state": "confirmed"}
    assert bench.switch.asked == asked


def test_rollback_goes_behind_a_final_commit_only_when_nothing_is_on_record(bench: Bench) -> None:
    bench.timed()
    bench.time_is_up()
    assert "has ended as 'reverted'" in message(bench.run("rollback")[1])
    assert bench.run("rollback")[1].status == "finished"


def test_one_timer_at_a_time(bench: Bench) -> None:
    first = bench.timed()
    said = message(bench.run("change", revert_in=60)[1])
    assert f"(of job {first}) waits for its confirmation already" in said
    assert bench.states() == {first: "pending"}


def test_one_timer_at_a_time_on_a_platform_that_does_not_tell(bench: Bench) -> None:
    bench.switch.tells = False
    first = bench.timed()
    assert f"(of job {first}) waits" in message(bench.run("change", revert_in=60)[1])


def test_a_failed_confirmation_forgets_nothing(bench: Bench) -> None:
    bench.switch.failure = CommandTimeout("no prompt")
    job, _ = bench.run("change", revert_in=60)
    bench.ledger.write([replace(record, state=CommitStatus.COMMITTING) for record in bench.ledger.all()])
    bench.switch.waiting = {"one": 60, "other": 60}
    message(bench.run("confirm")[1])
    assert list(bench.states()) == [job]
    assert len(bench.due()) == 3


def test_a_confirmation_that_came_too_late_does_not_count(bench: Bench) -> None:
    job = bench.timed()
    bench.switch.configuration = BEFORE  # the timer ended between the question and the confirmation
    assert "did not hold: the device has gone back" in message(bench.run("confirm")[1])
    assert bench.states() == {job: "reverted"}


def test_a_confirmation_that_could_not_be_verified_is_asked_for_later(bench: Bench) -> None:
    job = bench.timed()
    bench.switch.mute = True
    assert bench.run("confirm")[1].status == "finished"
    assert "could not be asked" in bench.ledger.all()[0].shown()["message"]
    assert (bench.states(), len(bench.due())) == ({job: "confirmed"}, 3)
    bench.switch.mute = False
    bench.time_is_up()
    bench.run("check", job=job)
    assert bench.states() == {job: "reverted"}


def test_a_session_lost_while_confirming_is_said_and_settled_by_asking(bench: Bench) -> None:
    job = bench.timed()
    bench.switch.lost_while_confirming = True
    confirming, end = bench.run("confirm")
    assert end.error_code == "session_lost"
    (shown,) = [record.shown() for record in bench.ledger.all()]
    assert (shown["state"], len(bench.due())) == ("pending", 3)
    assert f"job {confirming} was confirming it when its session was lost" in shown["message"]
    bench.run("check", job=job)
    assert bench.states() == {job: "kept"}


def test_taken_back_while_something_else_has_changed(bench: Bench) -> None:
    bench.timed()
    bench.switch.back_to = "something else"
    _, end = bench.run("rollback")
    assert end.result["commit"]["state"] == "rolled_back"
    assert "not the one from before" in end.result["commit"]["message"]


def test_without_a_record_no_timer_is_started(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_args: Any, **_options: Any) -> None:
        raise redis.ConnectionError("gone")

    monkeypatch.setattr(bench.ledger, "begin", away)
    _, end = bench.run("change", revert_in=60)
    assert end.error_code == "queue_unavailable"
    assert bench.switch.waiting == {}


def test_old_records_make_room(bench: Bench) -> None:
    jobs = []
    for _ in range(25):
        jobs.append(bench.timed())
        bench.run("confirm")
        bench.switch.configuration = BEFORE
    assert [record.job for record in bench.ledger.all()] == list(reversed(jobs))[:20]


def test_records_of_a_later_version_can_be_read() -> None:
    stored = {
        b"j": b'{"job": "j", "driver": "d", "host": "h", "owner": "k", "state": "pending", "revert_in": 1, "x": 2}'
    }
    assert [record.job for record in read_records(stored)] == ["j"]


def test_a_check_that_is_due_is_queued_in_the_device_s_order(bench: Bench) -> None:
    job = bench.timed(1)
    sweep_after(bench.client, 0)
    assert bench.client.llen(keys.rq_queue("device:r1")) == 0
    sweep_after(bench.client, 7)
    assert bench.client.lrange(keys.rq_queue("device:r1"), 0, -1) == [check_id(job, 1).encode()]
    assert bench.client.smembers(keys.UNPLACED) == {b"r1"}  # no worker has it: a controller places it
    assert bench.due() == [check_id(job, 2), check_id(job, 3)]
    bench.run("confirm")  # what is queued already finds nothing to ask
    assert bench.client.hget(keys.rq_job(check_id(job, 1)), "status") == b"queued"
