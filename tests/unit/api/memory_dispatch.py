"""A queue in memory with the surface of ``Dispatcher``, for tests of what stands in front of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from netpulse_broker.dispatch.health import Health
from netpulse_broker.dispatch.submission import JobSubmission
from netpulse_broker.errors import BrokerError, Conflict, IdempotencyConflict, UnknownJob
from netpulse_broker.queueing.jobs.job_index import JobFilter
from netpulse_broker.queueing.jobs.record import JobRecord
from netpulse_broker.queueing.nodes.worker_index import WorkerFilter, WorkerRecord
from netpulse_broker.states import JobStatus, Outcome

START = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)

Work = Callable[[JobSubmission], dict[str, Any]]


def ok(submission: JobSubmission) -> dict[str, Any]:
    """Every command answers with its own name in capitals."""
    commands = submission.payload.commands
    outputs = [{"command": c, "output": c.upper(), "elapsed": 0.001, "failed": False} for c in commands]
    retval: Any = {entry["command"]: entry["output"] for entry in outputs}
    if submission.payload.operation == "change":
        retval = [entry["output"] for entry in outputs]
    if submission.payload.operation == "probe":
        retval = {"success": True, "connection_time": 0.125, "device_info": {"prompt": "sw1#"}}
    return {
        "type": 1,
        "retval": retval,
        "error": None,
        "outputs": outputs,
        "duration": 0.25,
        "session_reused": True,
        "stages": {"connect": 0.125, "execute": 0.125},
    }


class MemoryDispatch:
    """Jobs end at once with the result of ``work``, or stay ``started`` until ``release`` while ``held`` is set."""

    def __init__(self) -> None:
        self.work: Work = ok
        self.held = False
        self.refuse: BrokerError | None = None
        self.refuse_hosts: dict[str, BrokerError] = {}
        self.submissions: list[JobSubmission] = []
        self.records: dict[str, JobRecord] = {}
        self.worker_records: list[WorkerRecord] = []
        self.state = Health(redis=True, detail="", pinned_nodes=1, fifo_nodes=1, devices=2, capacity=256, waiting=0)
        self.running = False
        self.waiting = 0
        self.someone_waits = asyncio.Event()
        self.nobody_waits = asyncio.Event()
        self._ended = asyncio.Condition()
        self._keys: dict[str, JobSubmission] = {}

    async def start(self) -> None:
        self.running = True

    async def stop(self) -> None:
        self.running = False

    async def submit(self, submission: JobSubmission) -> JobRecord:
        if self.refuse is not None:
            raise self.refuse
        if submission.host in self.refuse_hosts:
            raise self.refuse_hosts[submission.host]
        if submission.idempotency_key:
            known = self._keys.setdefault(submission.idempotency_key, submission)
            if known.digest() != submission.digest():
                raise IdempotencyConflict("idempotency key used before with another request")
            if known is not submission:
                return self.records[known.id]
        self.submissions.append(submission)
        record = JobRecord(
            id=submission.id,
            seq=len(self.submissions),
            status=JobStatus.QUEUED,
            outcome=None,
            created_at=START,
            enqueued_at=START,
            started_at=None,
            ended_at=None,
            queue=submission.queue,
            worker="",
            node="",
            device=submission.device,
            host=submission.host,
            driver=submission.payload.driver,
            operation=submission.payload.operation,
            owner=submission.owner,
            priority=submission.priority,
            idempotent=submission.idempotent,
            timeout=submission.payload.timeout,
            ttl=submission.ttl,
            error="",
        )
        self.records[submission.id] = record
        return record

    async def submit_and_wait(self, submission: JobSubmission, timeout: float) -> JobRecord:
        (record,) = await self.submit_many_and_wait([submission], timeout)
        if isinstance(record, BrokerError):
            raise record
        return record

    async def submit_many(self, submissions: Sequence[JobSubmission]) -> list[JobRecord | BrokerError]:
        made: list[JobRecord | BrokerError] = []
        for submission in submissions:
            try:
                made.append(await self.submit(submission))
            except BrokerError as error:
                made.append(error)
        return made

    async def submit_many_and_wait(
        self, submissions: Sequence[JobSubmission], timeout: float
    ) -> list[JobRecord | BrokerError]:
        made = await self.submit_many(submissions)
        self.waiting += 1
        self.someone_waits.set()
        try:
            for submission, record in zip(submissions, made, strict=True):
                if isinstance(record, JobRecord):
                    await self._end(record, submission, timeout)
        finally:
            self.waiting -= 1
            self.nobody_waits.set()
        return made

    async def _end(self, record: JobRecord, submission: JobSubmission, timeout: float) -> JobRecord:
        record.started_at = START + timedelta(milliseconds=2)
        record.status, record.worker, record.node = JobStatus.STARTED, "worker-1", "node-1"
        if self.held:
            try:
                async with asyncio.timeout(timeout), self._ended:
                    await self._ended.wait_for(lambda: not self.held)
            except TimeoutError:
                return record
        record.result = self.work(submission)
        good = record.result["type"] == 1
        record.status = JobStatus.FINISHED if good else JobStatus.FAILED
        record.outcome = Outcome.OK if good else Outcome.FAILED
        record.ended_at = START + timedelta(milliseconds=252)
        return record

    async def release(self) -> None:
        """End the jobs that are held."""
        async with self._ended:
            self.held = False
            self._ended.notify_all()

    async def get(self, job_id: str) -> JobRecord:
        try:
            return self.records[job_id]
        except KeyError:
            raise UnknownJob(f"no job has the id {job_id!r}, or its result has expired") from None

    async def jobs(
        self, wanted: JobFilter, *, limit: int = 100, cursor: str | None = None
    ) -> tuple[list[JobRecord], str | None]:
        found = [record for record in reversed(self.records.values()) if wanted.matches(record)]
        begin = int(cursor or 0)
        return found[begin : begin + limit], str(begin + limit) if len(found) > begin + limit else None

    async def cancel(self, wanted: JobFilter) -> list[str]:
        if wanted.id is not None:
            record = await self.get(wanted.id)
            if record.final:
                raise Conflict(f"job {record.id} has ended already ({record.status})")
        found = [record for record in self.records.values() if wanted.matches(record) and not record.final]
        for record in found:
            record.status = JobStatus.CANCELED
        return [record.id for record in found]

    async def workers(self, wanted: WorkerFilter) -> list[WorkerRecord]:
        return [worker for worker in self.worker_records if wanted.matches(worker)]

    async def stop_workers(self, wanted: WorkerFilter) -> list[str]:
        return [worker.name for worker in await self.workers(wanted)]

    async def health(self) -> Health:
        return self.state
