"""A worker's side of a queue: wait, claim, finish, release. Blocking; one per worker."""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass
from typing import Any

import redis
import structlog
from pydantic import ValidationError

from netpulse_broker.queueing.jobs.commit_ledger import CommitLedger
from netpulse_broker.queueing.jobs.device_memory import RedisDeviceMemory
from netpulse_broker.queueing.jobs.payload import JobPayload, JobPlace
from netpulse_broker.queueing.jobs.record import failure_result
from netpulse_broker.queueing.logins.ledger import LoginLedger
from netpulse_broker.queueing.redis import keys
from netpulse_broker.queueing.redis.connection import BLOCK
from netpulse_broker.queueing.redis.scripts import text
from netpulse_broker.queueing.redis.sealing import SealBroken, Sealer
from netpulse_broker.queueing.redis.totals import EVERY, WorkerTotals
from netpulse_broker.queueing.redis.worker_connection import Line, LineScripts
from netpulse_broker.states import JobStatus, Outcome

log = structlog.get_logger(__name__)


class Fenced(Exception):
    """The worker's token does not count any more: it must end without touching the device again."""


class Stale(Exception):
    """A result came for a job that is not this worker's any more; it has another final state already."""


class LeaseAbsent(Exception):
    """The node has no lease at the moment (Redis was away); ask again when it has been renewed."""


@dataclass(frozen=True, slots=True)
class ClaimedJob:
    """A job that this worker, and nobody else, now has to end."""

    place: JobPlace
    payload: JobPayload


@dataclass(frozen=True, slots=True)
class _Counted:
    """What the figures say of the claimed job."""

    id: str = ""
    driver: str = ""
    operation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerCounters:
    """What a worker has done so far, as RQ shows it of its workers. ``busy`` in seconds."""

    ended_well: int = 0
    failed: int = 0
    busy: float = 0.0

    def after(self, *, ended_well: bool, duration: float) -> WorkerCounters:
        """With one more job."""
        return WorkerCounters(
            ended_well=self.ended_well + ended_well, failed=self.failed + (not ended_well), busy=self.busy + duration
        )


def lease_of(token: str) -> str:
    """The node's lease value (``node|pid|epoch``) inside a worker's token (``node|pid|epoch|incarnation``)."""
    return token.rsplit("|", 1)[0]


class WorkerQueue:
    """The queue of one device, or the FIFO queue, as its worker sees it.

    Args:
        client: blocking Redis client of this worker alone.
        queue: ``device:<device>`` or ``fifo``.
        token: ``node|pid|epoch|incarnation``.
        worker: RQ worker name, unique per incarnation.
        node: name of the node.
    """

    def __init__(self, client: redis.Redis, sealer: Sealer, *, queue: str, token: str, worker: str, node: str) -> None:
        self._client = client
        self._line = Line(client)
        self._scripts = LineScripts(self._line)
        self._sealer = sealer
        self._clock = sealer.clock
        self.queue = queue
        self.token = token
        self.worker = worker
        self.node = node
        self._fifo = queue == keys.FIFO
        self._device = "" if self._fifo else queue.removeprefix("device:")
        self._device_key = "" if self._fifo else keys.device(self._device)
        self._claims = keys.claims(f"fifo:{worker}" if self._fifo else queue)
        self._lanes = keys.lanes(queue)
        self._wake = keys.wake(queue)
        self._lease_key, self._lease = keys.lease(node), lease_of(token)
        self._worker_key = keys.rq_worker(worker)
        self._counters = WorkerCounters()
        self._totals = WorkerTotals()
        self._claimed = self._counted = _Counted()
        self.logins = LoginLedger(self._scripts, sealer)
        self.commits = CommitLedger(client, sealer, device=self._device)

    def wait(self, timeout: float) -> bool:
        """Block until there may be work, at most ``timeout`` and ``BLOCK`` seconds; hand figures over that are left.

        Returns:
            True when woken, False when the time is over.

        Raises:
            redis.ConnectionError, redis.TimeoutError: look at ``claim()`` first when the connection is back: a token
                may have been lost on its way.
        """
        most = min(timeout, EVERY if self._totals else BLOCK)
        if self._line.call("BLPOP", self._wake, max(most, 0.01)) is not None:
            return True
        self.hand_over_totals()
        return False

    def hand_over_totals(self) -> None:
        """Add the figures that are left to those of the installation: a worker does so when it rests, and when it ends.

        Raises:
            redis.ConnectionError, redis.TimeoutError: they are kept.
        """
        if self._totals:
            self._scripts("totals", args=[self._totals.lines()])
            self._totals.handed_over()

    def close(self) -> None:
        """Hand over what figures are left, and close the connection: the worker ends."""
        try:
            self.hand_over_totals()
        except redis.RedisError as error:
            log.warning("totals_lost", worker=self.worker, reason=f"{type(error).__name__}: {error}")
        self._line.close()

    def claim(self) -> ClaimedJob | None:
        """Take the next job; None when there is none. Call it only while executing nothing.

        A job that does not open (tampered with, other master key) is ended as failed, and the next one is taken.

        Raises:
            Fenced: another worker owns the device, or the node's lease has another holder.
            LeaseAbsent: the node's lease has passed; not renewed yet.
            redis.ConnectionError, redis.TimeoutError
        """
        while True:
            answer = self._scripts(
                "claim",
                keys=[self._device_key, self._lease_key, self._claims, self._worker_key, *self._lanes],
                args=[self.token, self._lease, self.worker, self.node],
            )
            verdict = text(answer[0])
            if verdict == "empty":
                return None
            if verdict == "no-lease":
                raise LeaseAbsent
            if verdict == "fenced":
                raise Fenced
            job_id, queue, operation, seq, device, host, owner = (text(value) for value in answer[1:8])
            place = JobPlace(job_id, queue, int(seq), device, host, owner)
            self._clock.heard(answer[9] / 1_000_000)
            self._begin_to_count(_Counted(job_id, text(answer[10]), operation), answer[11], answer[9])
            job = self._open(place, operation, answer[8])
            if job is not None:
                return job

    def _begin_to_count(self, job: _Counted, queued_ms: bytes, now_us: int) -> None:
        if job.id != self._claimed.id:  # else the claim's answer was lost, and this is the same claim again
            self._claimed = job
            if queued_ms:
                self._totals.job_started(max(now_us / 1e6 - int(queued_ms) / 1e3, 0.0))

    def _open(self, record: JobPlace, operation: str, sealed: bytes) -> ClaimedJob | None:
        try:
            value = self._sealer.open(
                sealed, job_id=record.id, queue=record.queue, direction="to_worker", kind=operation
            )
            payload = JobPayload.model_validate(value)
        except (SealBroken, ValidationError) as error:
            log.warning("job_unreadable", job=record.id, queue=record.queue, reason=str(error))
            self.finish(
                record,
                status=JobStatus.FAILED,
                outcome=Outcome.FAILED,
                result=failure_result("job_unreadable"),
                error_code="job_unreadable",
                duration=0.0,
            )
            return None
        return ClaimedJob(record, payload)

    def finish(
        self,
        record: JobPlace,
        *,
        status: JobStatus,
        outcome: Outcome,
        result: dict[str, Any],
        error_code: str = "",
        duration: float,
    ) -> bool:
        """Record the end of a job: status, result and reply in one step. May be repeated until it gets through.

        Args:
            result: the result object (see docs/rest.md); sealed here.
            duration: seconds of execution.

        Returns:
            Whether more work may be waiting; False saves the look for it.

        Raises:
            Stale: the job has been ended by a recovery; this result is not recorded.
            redis.ConnectionError, redis.TimeoutError: call it again when the connection is back.
        """
        sealed = self._sealer.seal(
            result,
            job_id=record.id,
            queue=record.queue,
            direction="to_caller",
            kind="result",
            sequence=record.seq,
            expires=self._clock.now() + 30 * 86400,
        )
        if self._claimed != self._counted:  # a repetition counts no second time
            self._counted = self._claimed
            self._counters = self._counters.after(ended_well=status == JobStatus.FINISHED, duration=duration)
            self._totals.job_ended(
                driver=self._claimed.driver,
                operation=self._claimed.operation,
                status=status,
                outcome=outcome,
                error=error_code,
                duration=duration,
            )
        handed = self._totals.lines() if self._totals.due else ""
        ended = self._clock.now()
        extra: list[Any] = ["execution_started_at", ended - duration, "execution_ended_at", ended]
        if status != JobStatus.FINISHED:
            summary = f"{error_code or status}: the account of it is sealed, read it through the broker's API"
            extra += ["exc_string", base64.b64encode(zlib.compress(summary.encode())).decode()]
        answer = text(
            self._scripts(
                "finish",
                keys=[
                    keys.rq_job(record.id),
                    self._claims,
                    self._device_key,
                    self._worker_key,
                    *self._lanes,
                ],
                args=[
                    record.id,
                    self.token,
                    status,
                    outcome,
                    error_code,
                    self._clock.now_iso(),
                    sealed,
                    self._counters.ended_well,
                    self._counters.failed,
                    f"{self._counters.busy:.6f}",
                    handed,
                    *extra,
                ],
            )
        )
        if answer == "stale":
            raise Stale(record.id)
        if handed:
            self._totals.handed_over()
        return answer != "done"

    def release(self) -> bool:
        """Give the device back because the worker wants to end.

        Returns:
            True: the worker may end. False: work has arrived meanwhile, go on.

        Raises:
            Fenced: it was not ours any more.
        """
        if self._fifo:
            return True
        answer = text(
            self._scripts(
                "release",
                keys=[
                    self._device_key,
                    self._claims,
                    keys.node_devices(self.node),
                    keys.rq_worker(self.worker),
                    self._wake,
                    *self._lanes,
                ],
                args=[self.token, self._device],
            )
        )
        if answer == "fenced":
            raise Fenced
        return answer == "released"

    def login_delay(self, device: str, *, interval: float, burst: int) -> float:
        """Whether a login to the device may begin, by the rate that all workers share.

        Args:
            interval: seconds per login in the long run.
            burst: logins that may come at once after a pause.

        Returns:
            0 when it may (it counts as begun then), else seconds to wait before asking again.
        """
        args = [round(interval * 1000), burst]
        return int(self._scripts("login", keys=[keys.logins(device)], args=args)) / 1000

    def login_ended(self, *, driver: str, phase: str, waited: float) -> None:
        """Count a login; ``phase`` says where it failed, "" that it did not; ``waited``: seconds for its turn."""
        self._scripts("login_ended", args=[driver, phase, f"{waited:.6f}"])

    def memory(self, device: str) -> RedisDeviceMemory:
        """What is kept about a device."""
        return RedisDeviceMemory(self._client, device)

    def publish(self, *, sessions: int, driver: str = "") -> None:
        """Show how many sessions the worker holds (for the listing; no other part relies on it)."""
        if not self._fifo:
            pipeline = self._client.pipeline(transaction=False)
            pipeline.hset(self._device_key, mapping={"sessions": sessions, "driver": driver})
            said: dict[Any, Any] = {"kind": "worker", "id": self.worker, "state": "sessions", "sessions": sessions}
            pipeline.xadd(keys.EVENTS, said | {"device": self._device, "node": self.node}, maxlen=10000)
            pipeline.execute()
