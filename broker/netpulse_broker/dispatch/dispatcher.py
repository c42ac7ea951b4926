"""Submit, wait, look up, cancel: everything that the API asks of the queue, and nothing of HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import redis.asyncio
import structlog

from netpulse_broker.dispatch.announced import Announced
from netpulse_broker.dispatch.cancellation import Ending
from netpulse_broker.dispatch.health import Health, judge, without_redis
from netpulse_broker.dispatch.placement import Placement
from netpulse_broker.dispatch.schedulers import Scheduler
from netpulse_broker.dispatch.submission import JobSubmission
from netpulse_broker.dispatch.sweep_task import Sweeping
from netpulse_broker.errors import (
    BrokerError,
    IdempotencyConflict,
    NoWorker,
    QueueUnavailable,
    UnknownJob,
)
from netpulse_broker.queueing.jobs.job_index import JobFilter, JobIndex
from netpulse_broker.queueing.jobs.record import JobRecord
from netpulse_broker.queueing.jobs.replies import Reply, ReplyReader
from netpulse_broker.queueing.nodes.worker_index import WorkerFilter, WorkerIndex, WorkerRecord
from netpulse_broker.queueing.redis import keys
from netpulse_broker.queueing.redis.clock import too_skewed
from netpulse_broker.queueing.redis.connection import (
    BLOCK,
    Lost,
    Unusable,
    WritesRefused,
    connect_async,
    redis_needed,
    unusable,
)
from netpulse_broker.queueing.redis.scripts import AsyncScripts, text
from netpulse_broker.queueing.redis.sealing import Sealer
from netpulse_broker.queueing.redis.shared_connection import AsyncLine, AsyncLineScripts
from netpulse_broker.queueing.redis.times import parse_time
from netpulse_broker.states import JobStatus, Outcome

if TYPE_CHECKING:
    from netpulse_broker.settings import Settings

log = structlog.get_logger(__name__)

HEALTH_WITHIN = 2.0
"""Seconds that Redis may take to say which nodes there are, for a probe."""

LOOK_INTERVAL = 0.1
"""Seconds between two looks at a job whose reply may go to somebody else."""


class Dispatcher:
    """The controller's way to the queue. One per process; asyncio; started and stopped by the app.

    Args:
        controller: name of this controller, unique per process.
    """

    def __init__(self, settings: Settings, sealer: Sealer, scheduler: Scheduler, *, controller: str) -> None:
        self._settings = settings
        self._sealer = sealer
        self._controller = controller
        self._client: redis.asyncio.Redis = connect_async(settings.redis)
        self._scripts = AsyncScripts(self._client)
        self._index = JobIndex(self._client, sealer)
        self._workers = WorkerIndex(self._client)
        self._placement = Placement(self._client, workers=self._workers, scheduler=scheduler)
        patience = settings.redis.socket_timeout
        self._line = AsyncLine(self._client, timeout=patience, loading_timeout=settings.redis.loading_timeout)
        self._submit_script = AsyncLineScripts(self._line)
        self._replies = ReplyReader(
            AsyncLine(self._client, timeout=patience + BLOCK), controller=controller, reconcile=self._final_ones
        )
        self._announced = Announced()
        self._ending = Ending(self._client, self._scripts, self._index)
        self._sweeping = Sweeping(settings, self._placement, sealer.clock)

    @property
    def client(self) -> redis.asyncio.Redis:
        """The controller's connections, for the parts beside this one."""
        return self._client

    @property
    def placement(self) -> Placement:
        """What gives devices to nodes."""
        return self._placement

    @property
    def replies(self) -> ReplyReader:
        """What workers tell this controller."""
        return self._replies

    @property
    def controller(self) -> str:
        """Name of this controller."""
        return self._controller

    async def start(self) -> None:
        await self._replies.start()
        self._sweeping.start()

    async def stop(self) -> None:
        await self._sweeping.stop()
        await self._replies.stop()
        self._line.close()
        await self._client.aclose()

    # -- submitting -------------------------------------------------------------------------------------------------

    async def submit(self, submission: JobSubmission) -> JobRecord:
        """Queue one job.

        Raises:
            NoWorker, QueueUnavailable, IdempotencyConflict: nothing was accepted.
        """
        record = (await self.submit_many([submission]))[0]
        if isinstance(record, BrokerError):
            raise record
        return record

    async def submit_many(self, submissions: Sequence[JobSubmission]) -> list[JobRecord | BrokerError]:
        """Queue many jobs in a few round trips; each is accepted or refused on its own, in the order given."""
        if self._sweeping.refused:
            return [QueueUnavailable(self._sweeping.refused) for _ in submissions]
        made_at = self._sealer.clock.now_iso()
        for submission in submissions:
            submission.created_at = made_at
        results: list[JobRecord | BrokerError | None] = [None] * len(submissions)
        pending = list(range(len(submissions)))
        try:
            for _ in range(3):
                answers = await self._send([submissions[i] for i in pending])
                unplaced = []
                for index, answer in zip(pending, answers, strict=True):
                    if isinstance(answer, WritesRefused):
                        results[index] = QueueUnavailable(f"{unusable(answer)}; try again")
                    elif isinstance(answer, Exception):
                        raise answer
                    elif text(answer[0]) == "unplaced":
                        unplaced.append(index)
                    else:
                        results[index] = await self._accepted(submissions[index], answer)
                pending = unplaced
                if not pending:
                    break
                refused = await self._placement.place(list(dict.fromkeys(submissions[i].device for i in pending)))
                for index in pending:
                    results[index] = refused.get(submissions[index].device)
                pending = [index for index in pending if results[index] is None]
        except Unusable as error:
            refused_for = unusable(error)
            certain = isinstance(error, WritesRefused)
            results = [
                QueueUnavailable(
                    f"{refused_for}; try again"
                    if certain
                    else f"{refused_for}; whether job {submission.id} was accepted is not known: ask for it before "
                    "repeating"
                )
                if result is None
                else result
                for submission, result in zip(submissions, results, strict=True)
            ]
        return [
            NoWorker("the device's worker ended several times while the job was being queued; try again")
            if result is None
            else result
            for result in results
        ]

    async def _send(self, submissions: list[JobSubmission]) -> list[Any]:
        """The submit script's answers; of many, some may be redis' errors."""
        calls = [
            submission.script_call(
                self._sealer,
                reply_to=self._controller,
                announce=self._announced.due(submission.announces),
            )
            for submission in submissions
        ]
        if len(calls) == 1:
            return [await self._submit_script("submit", keys=calls[0][0], args=calls[0][1])]
        pipeline = self._client.pipeline(transaction=False)
        for script_keys, args in calls:
            await self._scripts("submit", keys=script_keys, args=args, on=pipeline)
        return list(await pipeline.execute(raise_on_error=False))

    async def _accepted(self, submission: JobSubmission, answer: list[Any]) -> JobRecord | BrokerError:
        verdict = text(answer[0])
        if verdict == "conflict":
            return IdempotencyConflict(
                f"idempotency key used before with another request (job {text(answer[1])}); use a new key"
            )
        if verdict in ("repeated", "shared"):
            try:
                record = await self._index.get(text(answer[1]))
            except UnknownJob as error:
                if verdict == "repeated" and submission.idempotency_key:
                    return IdempotencyConflict(
                        f"this request was made before with this idempotency key (job {text(answer[1])}, whose result "
                        "has expired) and is not carried out again; use a new key to repeat it"
                    )
                return error
            record.shared = verdict == "shared"
            return record.mark_shared()
        if self._announced.due(submission.announces):
            self._announced.told(submission.announces)
        return _queued_record(submission, seq=int(answer[1]))

    # -- waiting ----------------------------------------------------------------------------------------------------

    async def submit_and_wait(self, submission: JobSubmission, timeout: float) -> JobRecord:
        """Queue one job and wait at most ``timeout`` seconds for its end; the current record when time ran out."""
        submission.wait = True
        future = self._replies.expect(submission.id)
        try:
            record = await self.submit(submission)
            if record.id != submission.id:
                return await self._other(record, timeout)
            reminder = asyncio.get_running_loop().call_later(timeout, _nothing_came, future)
            try:
                return await self._after(record, await future)
            finally:
                reminder.cancel()
        finally:
            self._replies.forget(submission.id, future)

    async def _other(self, record: JobRecord, timeout: float) -> JobRecord:
        """The end of a job that an earlier request made; its reply may go to another controller."""
        if record.final:
            return record
        ended = await self.wait(record.id, timeout)
        ended.shared = record.shared
        return ended.mark_shared()

    async def submit_many_and_wait(
        self, submissions: Sequence[JobSubmission], timeout: float
    ) -> list[JobRecord | BrokerError]:
        """Queue many jobs and wait for all of them, at most ``timeout`` seconds together.

        Each stands for itself: one that cannot be looked up after the wait is given as it was accepted.
        """
        futures = {}
        for submission in submissions:
            submission.wait = True
            futures[submission.id] = self._replies.expect(submission.id)
        try:
            end = asyncio.get_running_loop().time() + timeout
            records = await self.submit_many(submissions)
            accepted = [
                futures[record.id] for record in records if isinstance(record, JobRecord) and record.id in futures
            ]
            if accepted:
                await asyncio.wait(accepted, timeout=timeout)
            ended: list[JobRecord | BrokerError] = []
            away = False
            for record in records:
                if isinstance(record, JobRecord):
                    future = futures.get(record.id)
                    try:
                        if future is None:
                            left = max(end - asyncio.get_running_loop().time(), 0.0)
                            ended.append(await self._other(record, left))
                        elif away and not future.done():
                            ended.append(record)
                        else:
                            ended.append(await self._await(record, future, 0.0))
                    except QueueUnavailable:
                        away = True
                        ended.append(record)
                    except UnknownJob as error:
                        ended.append(error)
                else:
                    ended.append(record)
            return ended
        finally:
            for job_id, future in futures.items():
                self._replies.forget(job_id, future)

    async def wait(self, job_id: str, timeout: float) -> JobRecord:
        """Wait for any job's end, at most ``timeout`` seconds; the current record when time ran out.

        The reply of a job that was submitted without waiting, or through another controller, does not come here, so
        the job itself is looked at as well.

        Raises:
            UnknownJob, QueueUnavailable
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout
        future = self._replies.expect(job_id)
        try:
            while True:
                record = await self.get(job_id)
                left = end - loop.time()
                if record.final or left <= 0:
                    return record
                record = await self._await(record, future, min(left, LOOK_INTERVAL))
                if record.final:
                    return record
        finally:
            self._replies.forget(job_id, future)

    async def _await(self, record: JobRecord, future: asyncio.Future[Reply | None] | None, timeout: float) -> JobRecord:
        """The final record if the end comes in time, else the current one."""
        if record.final:
            return record
        reply: Reply | None = None
        if future is not None:
            if not future.done():
                await asyncio.wait((future,), timeout=timeout)
            reply = future.result() if future.done() else None
        return await self._after(record, reply)

    async def _after(self, record: JobRecord, reply: Reply | None) -> JobRecord:
        """The final record by the reply, or the current one when none came."""
        if reply is None:
            with redis_needed(f"job {record.id} was accepted, ask for it later"):
                return await self._index.get(record.id)
        return self._ended(record, reply)

    def _ended(self, record: JobRecord, reply: Reply) -> JobRecord:
        record.status = JobStatus(text(reply["status"]))
        record.outcome = Outcome(text(reply["outcome"]))
        record.error = text(reply["error"])
        record.started_at = parse_time(text(reply["started_at"]))
        record.ended_at = parse_time(text(reply["ended_at"]))
        record.worker = text(reply["worker_name"])
        record.node = text(reply["node"])
        record.take_result(self._sealer, reply["sealed"])
        return record

    async def _final_ones(self, job_ids: list[str]) -> list[str]:
        return [job.id for job in await self._index.fetch(job_ids, results=False) if job.final]

    # -- looking up -------------------------------------------------------------------------------------------------

    async def get(self, job_id: str) -> JobRecord:
        """One job.

        Raises:
            UnknownJob, QueueUnavailable
        """
        with redis_needed():
            return await self._index.get(job_id)

    async def jobs(
        self, wanted: JobFilter, *, limit: int = 100, cursor: str | None = None
    ) -> tuple[list[JobRecord], str | None]:
        """A page of jobs, newest first, and the cursor of the next.

        Raises:
            BadRequest, QueueUnavailable
        """
        with redis_needed():
            return await self._index.page(wanted, limit=limit, cursor=cursor)

    async def workers(self, wanted: WorkerFilter) -> list[WorkerRecord]:
        """The workers that match.

        Raises:
            QueueUnavailable
        """
        with redis_needed():
            return await self._workers.workers(wanted)

    async def health(self) -> Health:
        """State of Redis and of the nodes; never raises for an unreachable Redis."""
        try:
            async with asyncio.timeout(HEALTH_WITHIN):
                nodes = await self._workers.nodes()
                refused = await self._test_write()
        except Lost as error:
            return without_redis(f"Redis cannot be reached: {type(error).__name__}", waiting=self._replies.waiting)
        except TimeoutError:
            return without_redis("Redis is slow, or loads its data", waiting=self._replies.waiting)
        skew = self._sealer.clock.skew
        return judge(
            nodes,
            waiting=self._replies.waiting,
            clock_skew=round(skew, 1),
            unfit=refused or self._sweeping.refused or too_skewed(skew, self._settings.redis.max_clock_skew),
        )

    async def _test_write(self) -> str:
        """Why Redis takes no writes; "" when it takes them."""
        try:
            await self._client.set(keys.TEST_WRITE, self._controller, ex=60)
        except WritesRefused as error:
            return f"Redis takes no writes ({error}): give it memory or disk, or the replicas that it waits for"
        return ""

    # -- ending -----------------------------------------------------------------------------------------------------

    async def cancel(self, wanted: JobFilter) -> list[str]:
        """Cancel queued jobs and stop running ones; the ids that were ended.

        Raises:
            UnknownJob: an id that nobody knows.
            Conflict: the one job asked for has ended already.
            QueueUnavailable
        """
        with redis_needed():
            return await self._ending.cancel(wanted)

    async def stop_workers(self, wanted: WorkerFilter) -> list[str]:
        """Order the workers that match to end gracefully (their running jobs end first); their names.

        Raises:
            QueueUnavailable
        """
        workers = await self.workers(wanted)
        with redis_needed():
            await self._ending.stop_workers(workers)
        return [worker.name for worker in workers]


def _nothing_came(future: asyncio.Future[Reply | None]) -> None:
    if not future.done():
        future.set_result(None)


def _queued_record(submission: JobSubmission, *, seq: int) -> JobRecord:
    created = datetime.fromisoformat(submission.created_at)
    return JobRecord(
        id=submission.id,
        seq=seq,
        status=JobStatus.QUEUED,
        outcome=None,
        created_at=created,
        enqueued_at=created,
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
        ttl=float(submission.ttl),
        error="",
    )
