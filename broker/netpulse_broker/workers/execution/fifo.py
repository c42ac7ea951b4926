"""The FIFO worker: takes jobs of any device from the one FIFO queue, logs in for each of them and logs out after it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Protocol

from netpulse_broker.queueing.jobs.worker_queue import ClaimedJob, WorkerQueue
from netpulse_broker.states import JobStatus
from netpulse_broker.telemetry.redaction import Redactor
from netpulse_broker.workers.execution.job_result import LARGEST_OUTPUT, Account, JobEnd
from netpulse_broker.workers.execution.job_runner import DriverLookup, JobRunner
from netpulse_broker.workers.execution.login_limits import LoginGate
from netpulse_broker.workers.execution.loop import LoopWorker, WorkLoop
from netpulse_broker.workers.execution.running_job import RunningJob, Validity
from netpulse_broker.workers.execution.session_pool import FreshSessions
from netpulse_drivers import NetPulseError, OutputParser, Site, UnsupportedOperation


class Webhooks(Protocol):
    """The part of ``webhooks.deliverer.WebhookDeliverer`` that a worker uses."""

    def deliver(self, job: ClaimedJob) -> NetPulseError | None:
        """Make one attempt and see to what follows from it; the error that it ended with."""
        ...


class FifoWorker(LoopWorker):
    """One of the workers of the FIFO queue. Like ``PinnedWorker`` it knows nothing of its host process.

    Args:
        source: the FIFO queue.
        drivers: by name.
        clock: the node's lease.
        parse: parser for ``parsing``.
        site: what the operator decided for this worker's drivers.
        max_output: bytes of a job's outputs together.
        interrupt_wait: wakes ``source.wait`` up from another thread.
        webhooks: makes the calls of jobs that have ended.
        logins: decides when a login may begin; None: at any time.
    """

    def __init__(
        self,
        *,
        source: WorkerQueue,
        drivers: DriverLookup,
        clock: Validity,
        parse: OutputParser | None = None,
        site: Site | None = None,
        max_output: int = LARGEST_OUTPUT,
        interrupt_wait: Callable[[], None] = lambda: None,
        webhooks: Webhooks | None = None,
        logins: LoginGate | None = None,
    ) -> None:
        self._logins = logins
        self._webhooks = webhooks
        self._sessions = FreshSessions(logins=logins)
        self._runner = JobRunner(
            drivers=drivers,
            sessions=self._sessions,
            parse=parse,
            site=site,
            max_output=max_output,
            memory=source.memory,
        )
        self._loop = WorkLoop(source=source, service=self, clock=clock, interrupt_wait=interrupt_wait)

    # -- Service ----------------------------------------------------------------------------------------------------

    def execute(self, job: ClaimedJob, running: RunningJob) -> JobEnd:
        """Run a job on a session of its own, or make a call."""
        if job.payload.operation == "webhook":
            return self._deliver(job)
        if self._logins is not None:
            self._logins.device = job.place.device
        return self._runner.run(job.payload, running)

    def _deliver(self, job: ClaimedJob) -> JobEnd:
        began = time.monotonic()
        error: NetPulseError | None = UnsupportedOperation("this worker delivers no webhooks")
        if self._webhooks is not None:
            error = self._webhooks.deliver(job)
        status = JobStatus.FINISHED if error is None else JobStatus.FAILED
        return Account().end(
            "webhook", status=status, error=error, duration=time.monotonic() - began, redactor=Redactor(())
        )

    def upkeep(self) -> float:
        """Nothing is ever due, but there is something to clear away."""
        self._sessions.tidy()
        return math.inf

    def wants_to_leave(self) -> bool:
        """A FIFO worker stays until it is told to leave."""
        return False

    def changed(self) -> tuple[int, str] | None:
        """Never news: no session outlives a job."""
        return None

    def close(self) -> None:
        """Nothing is open between jobs."""
