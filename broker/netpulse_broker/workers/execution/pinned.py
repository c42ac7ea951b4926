"""The pinned worker: serves one device, serially, and keeps its sessions open between jobs.

It knows nothing of its host process: no signals, no exits, no process globals. One process may hold one or many.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from netpulse_broker.queueing.jobs.worker_queue import ClaimedJob, WorkerQueue
from netpulse_broker.workers.execution.interactive import InteractiveJobs
from netpulse_broker.workers.execution.job_result import LARGEST_OUTPUT, JobEnd
from netpulse_broker.workers.execution.job_runner import DriverLookup, JobRunner
from netpulse_broker.workers.execution.loop import LoopWorker, WorkLoop
from netpulse_broker.workers.execution.running_job import RunningJob, Validity
from netpulse_broker.workers.execution.session_pool import Logins, SessionLimits, SessionPool
from netpulse_broker.workers.execution.timed_commits import TimedCommits
from netpulse_drivers import OutputParser, Site

LINGER = 5.0
"""Seconds that a worker without sessions waits for the next job: a row of failing logins costs no process each."""


class PinnedWorker(LoopWorker):
    """Serves one device.

    Args:
        device: the device's identity.
        source: its queue.
        drivers: by name.
        clock: the node's lease.
        limits: of the session table.
        parse: parser for ``parsing``.
        site: what the operator decided for this worker's drivers.
        max_output: bytes of a job's outputs together.
        linger: seconds to wait for work without any session before leaving.
        interrupt_wait: wakes ``source.wait`` up from another thread.
        interactive: serves interactive sessions.
        logins: decides when a login may begin; None: at any time.
    """

    def __init__(
        self,
        *,
        device: str,
        source: WorkerQueue,
        drivers: DriverLookup,
        clock: Validity,
        limits: SessionLimits,
        parse: OutputParser | None = None,
        site: Site | None = None,
        max_output: int = LARGEST_OUTPUT,
        linger: float = LINGER,
        interrupt_wait: Callable[[], None] = lambda: None,
        interactive: InteractiveJobs | None = None,
        logins: Logins | None = None,
    ) -> None:
        self.device = device
        self._sessions = SessionPool(limits, logins=logins)
        self._runner = JobRunner(
            drivers=drivers,
            sessions=self._sessions,
            parse=parse,
            site=site,
            max_output=max_output,
            interactive=interactive,
            commits=TimedCommits(source.commits),
            memory=source.memory,
        )
        self._linger = linger
        self._last_job = time.monotonic()
        self._published: tuple[int, str] = (0, "")
        self._loop = WorkLoop(source=source, service=self, clock=clock, interrupt_wait=interrupt_wait)

    # -- Service ----------------------------------------------------------------------------------------------------

    def execute(self, job: ClaimedJob, running: RunningJob) -> JobEnd:
        """Run a job on a kept session, or on a new one that is kept."""
        try:
            return self._runner.run(job.payload, running)
        finally:
            self._last_job = time.monotonic()

    def upkeep(self) -> float:
        """Keepalives and limits of the sessions; seconds until something is due."""
        if self._sessions.next_due() <= 0:
            self._sessions.upkeep()
        self._sessions.tidy()
        if not len(self._sessions):
            return max(self._last_job + self._linger - time.monotonic(), 0.0)
        return self._sessions.next_due()

    def wants_to_leave(self) -> bool:
        """The last session has died, or none ever came up, and nobody has asked again since."""
        return not len(self._sessions) and time.monotonic() - self._last_job >= self._linger

    def changed(self) -> tuple[int, str] | None:
        """Sessions and their drivers, if that has changed."""
        now = (len(self._sessions), ",".join(self._sessions.drivers))
        if now == self._published:
            return None
        self._published = now
        return now

    def close(self) -> None:
        """Close all sessions."""
        self._sessions.close()
