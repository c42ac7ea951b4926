"""The loop of a worker: wait, claim, execute, finish; through outages of Redis without losing a result or a session."""

from __future__ import annotations

import math
import random
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from enum import Enum
from typing import Protocol

import redis
import structlog

from netpulse_broker.queueing.jobs.worker_queue import ClaimedJob, Fenced, LeaseAbsent, Stale, WorkerQueue
from netpulse_broker.workers.execution.job_result import JobEnd
from netpulse_broker.workers.execution.running_job import RunningJob, Validity
from netpulse_drivers import Deadline

log = structlog.get_logger(__name__)

LONGEST_PAUSE = 1.0
"""Seconds between two attempts to reach Redis."""

LEAVE_WITHIN = 60.0
"""Seconds that a worker that has been told to leave goes on trying to hand in its last result without Redis."""

REMEMBERED = 1024
"""Ids of executed jobs that a worker remembers, and never runs again, whatever Redis says."""


class Exit(Enum):
    """Why a worker's loop ended."""

    RELEASED = "released"
    """It held no session any more and has given its device back."""

    REQUESTED = "requested"
    """It was told to leave."""

    FENCED = "fenced"
    """Its token does not count any more."""


class Service(Protocol):
    """What a kind of worker does with jobs, and between them."""

    def execute(self, job: ClaimedJob, running: RunningJob) -> JobEnd:
        """Carry the job out. Raises nothing."""
        ...

    def upkeep(self) -> float:
        """Do what is due between two jobs; seconds until something is due again."""
        ...

    def wants_to_leave(self) -> bool:
        """Nothing is left to keep: the worker may end if there is no work."""
        ...

    def changed(self) -> tuple[int, str] | None:
        """Number of sessions and their drivers, if that is news since the last call."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...


class WorkLoop:
    """Serves one queue, one job at a time.

    Redis may be away at any point: a finished job's result is handed in until Redis has taken it, sessions are kept
    alive meanwhile, and after each connection error the claim script looks at the claim list first.

    Args:
        source: the queue.
        clock: the node's lease, asked before each write to a device.
        interrupt_wait: wakes ``source.wait`` up from another thread; may raise redis errors.
    """

    def __init__(
        self,
        *,
        source: WorkerQueue,
        service: Service,
        clock: Validity,
        interrupt_wait: Callable[[], None] = lambda: None,
    ) -> None:
        self._source = source
        self._service = service
        self._clock = clock
        self._interrupt_wait = interrupt_wait
        self._log = log.bind(worker=source.worker)  # bound once: a filtered line then costs nothing
        self._lock = threading.Lock()
        self._running: RunningJob | None = None
        self._leave = threading.Event()
        self._leave_at = math.inf
        self._orphaned = False
        self._outage = 0
        self._look = True
        self._executed: OrderedDict[str, None] = OrderedDict()
        self._latest: tuple[str, JobEnd] = ("", JobEnd.forgotten())

    # -- from other threads -----------------------------------------------------------------------------------------

    def request_exit(self, *, orphaned: bool = False) -> None:
        """Let the running job end, take no further one, then leave.

        Args:
            orphaned: the node is gone, so nobody renews the lease: a job that must wait for it ends at once.
        """
        self._orphaned = self._orphaned or orphaned
        if not self._leave.is_set():
            self._leave_at = time.monotonic() + LEAVE_WITHIN
            self._leave.set()
        try:
            self._interrupt_wait()
        except redis.RedisError as error:
            log.debug("wait_not_interrupted", error=str(error))  # it ends by itself within seconds

    def stop_job(self, job_id: str) -> bool:
        """Stop that job if it is the one that runs; it ends as ``stopped`` and its session is closed. Does not wait."""
        with self._lock:
            running = self._running
        if running is None or running.id != job_id:
            return False
        running.stop()
        return True

    def stop_running(self) -> bool:
        """Stop whatever runs; False when nothing does."""
        with self._lock:
            running = self._running
        if running is not None:
            running.stop()
        return running is not None

    def expire_running(self, grace: float) -> float:
        """Abort a job that has passed its deadline by ``grace`` seconds. Does not wait.

        A driver is expected to keep the deadline by itself; this is for one that does not.

        Returns:
            Seconds since the running job had to end, by its deadline or because it was aborted; negative while it need
            not, -inf when none runs.
        """
        with self._lock:
            running = self._running
        if running is None:
            return -math.inf
        over = running.overdue
        if over >= grace and not running.aborted:
            log.warning("job_overdue", job=running.id, over=round(over, 3))
            running.expire()
        return over

    # -- the loop ---------------------------------------------------------------------------------------------------

    def run(self) -> Exit:
        """Serve the queue until there is a reason to end. Sessions are closed when it returns."""
        try:
            return self._serve_until_the_end()
        except Fenced:
            log.warning("worker_fenced", queue=self._source.queue, worker=self._source.worker)
            return Exit.FENCED
        finally:
            self._service.close()
            self._source.close()

    def _serve_until_the_end(self) -> Exit:
        while not self._leave.is_set():
            done = self._round()
            if done is not None:
                return done
        self._service.close()
        self._give_back()
        return Exit.REQUESTED

    def _round(self) -> Exit | None:
        try:
            job = self._source.claim() if self._look else None
        except LeaseAbsent:
            self._service.upkeep()
            self._leave.wait(0.1)
            return None
        except redis.RedisError as error:
            self._endure(error)
            return None
        self._outage = 0
        if job is not None:
            self._look = self._serve(job)
            return None
        self._look = True
        due = self._service.upkeep()
        try:
            self._publish()
            if self._service.wants_to_leave():
                return Exit.RELEASED if self._source.release() else None
            self._source.wait(due)
        except redis.RedisError as error:
            self._endure(error)
        return None

    def _serve(self, job: ClaimedJob) -> bool:
        """Execute a job, unless that is done, and hand its result in; whether more work may be waiting."""
        job_id = job.place.id
        if job_id in self._executed:
            # Redis came back with an older state, in which this job was not over yet. It must not run twice.
            log.error("job_repeated", job=job_id)
            known, end = self._latest
            if known != job_id:
                end = JobEnd.forgotten()
        else:
            running = RunningJob(
                id=job_id,
                place=job.place,
                deadline=Deadline.after(job.payload.timeout),
                clock=self._clock,
                orphaned=lambda: self._orphaned,
                leaving=self._leave.is_set,
            )
            with self._lock:
                self._running = running
            try:
                end = self._service.execute(job, running)
            finally:
                with self._lock:
                    self._running = None
            self._remember(job_id, end)
        self._log.debug(
            "job_ended", job=job_id, status=end.status, error=end.error_code or None, duration=round(end.duration, 4)
        )
        return self._finish(job, end)

    def _remember(self, job_id: str, end: JobEnd) -> None:
        # Of the results only the latest: an outage can swallow the confirmation of no more than that one.
        self._latest = (job_id, end)
        self._executed[job_id] = None
        while len(self._executed) > REMEMBERED:
            self._executed.popitem(last=False)

    def _finish(self, job: ClaimedJob, end: JobEnd) -> bool:
        """Hand the result in until Redis has taken it; whether more work may be waiting."""
        while True:
            try:
                if end.commits:
                    self._source.commits.write(end.commits)  # first: who sees the result finds the record
                more = self._source.finish(
                    job.place,
                    status=end.status,
                    outcome=end.outcome,
                    result=end.result,
                    error_code=end.error_code,
                    duration=end.duration,
                )
            except Stale:
                log.warning("result_stale", job=job.place.id, status=end.status)
                return True
            except redis.RedisError as error:
                if time.monotonic() >= self._leave_at:
                    log.error("result_not_delivered", job=job.place.id, status=end.status)  # noqa: TRY400 - no defect
                    return True
                self._endure(error)
            else:
                self._outage = 0
                return more

    def _give_back(self) -> None:
        while True:
            try:
                self._source.release()  # False: work is waiting; the node finds it when it accounts for this process
            except redis.RedisError as error:
                if time.monotonic() >= self._leave_at:
                    return
                self._endure(error)
            else:
                return

    def _publish(self) -> None:
        news = self._service.changed()
        if news is not None:
            self._source.publish(sessions=news[0], driver=news[1])

    def _endure(self, error: redis.RedisError) -> None:
        """Redis is away: keep the sessions alive and pause a little, longer each time."""
        if self._outage == 0:
            log.warning("redis_away", worker=self._source.worker, error=f"{type(error).__name__}: {error}")
        self._outage += 1
        self._service.upkeep()
        pause = min(0.02 * 2 ** min(self._outage, 10), LONGEST_PAUSE) * random.uniform(0.5, 1.0)  # noqa: S311
        if self._leave.is_set():
            time.sleep(pause)
        else:
            self._leave.wait(pause)


class LoopWorker:
    """What a node tells a worker, handed on to its loop; the base of pinned and FIFO workers."""

    _loop: WorkLoop

    def run(self) -> Exit:
        """Serve the queue until there is a reason to end."""
        return self._loop.run()

    def request_exit(self, *, orphaned: bool = False) -> None:
        """Let the running job end, then leave. ``orphaned``: nobody renews the lease any more."""
        self._loop.request_exit(orphaned=orphaned)

    def stop_job(self, job_id: str) -> bool:
        """Stop that job if it runs: its session is closed, it ends as ``stopped``."""
        return self._loop.stop_job(job_id)

    def stop_running(self) -> bool:
        """Stop whatever runs."""
        return self._loop.stop_running()

    def expire_running(self, grace: float) -> float:
        """Abort a job that has passed its deadline by ``grace`` seconds; seconds since the running job had to end."""
        return self._loop.expire_running(grace)
