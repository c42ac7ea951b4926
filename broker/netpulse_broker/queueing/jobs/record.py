"""A job as it is stored and read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from netpulse_broker.errors import error_from_code
from netpulse_broker.queueing.redis.scripts import text
from netpulse_broker.queueing.redis.sealing import SealBroken, Sealer
from netpulse_broker.queueing.redis.times import parse_time
from netpulse_broker.states import JobStatus, Outcome, ResultType


@dataclass(slots=True, kw_only=True)
class JobRecord:
    """A job's state. Times are UTC; ``result`` is there once the job is final.

    ``shared``: another request was made for it before, and this one only takes its answer.
    ``outcome`` is None before the end.
    """

    id: str
    seq: int
    status: JobStatus
    outcome: Outcome | None
    created_at: datetime
    enqueued_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    queue: str
    worker: str
    node: str
    device: str
    host: str
    driver: str
    operation: str
    owner: str
    priority: str
    idempotent: bool
    timeout: float
    ttl: float
    error: str
    result: dict[str, Any] | None = None
    shared: bool = False

    @property
    def final(self) -> bool:
        return self.status.final

    @classmethod
    def from_hash(cls, job_id: str, fields: Mapping[str, bytes]) -> JobRecord:
        """From the job's hash (without its result).

        Raises:
            KeyError, ValueError: a hash that no submit wrote.
        """

        def get(name: str, default: str = "") -> str:
            return text(fields[name]) if name in fields else default

        created = parse_time(get("created_at")) or datetime.fromtimestamp(0, UTC)
        return cls(
            id=job_id,
            seq=int(fields["seq"]),
            status=JobStatus(text(fields["status"])),
            outcome=Outcome(get("outcome")) if get("outcome") else None,
            created_at=created,
            enqueued_at=parse_time(get("enqueued_at")) or created,
            started_at=parse_time(get("started_at")),
            ended_at=parse_time(get("ended_at")),
            queue=get("origin"),
            worker=get("worker_name"),
            node=get("node"),
            device=get("device"),
            host=get("host"),
            driver=get("driver"),
            operation=get("operation"),
            owner=get("owner"),
            priority=get("priority", "normal"),
            idempotent=get("idempotent") == "1",
            timeout=float(get("timeout", "0") or 0),
            ttl=float(get("ttl", "0") or 0),
            error=get("error"),
        )

    def mark_shared(self) -> JobRecord:
        """Say in the result that it was made for an earlier request, and how long ago its making began (s)."""
        if self.shared and self.result is not None:
            age = (datetime.now(UTC) - (self.started_at or self.created_at)).total_seconds()
            self.result = self.result | {"cached": True, "age": max(round(age, 3), 0.0)}
        return self

    def take_result(self, sealer: Sealer, sealed: bytes) -> None:
        """Open the sealed result, or build the one of a job that no worker could account for."""
        self.result = open_result(sealer, self, sealed)


def open_result(sealer: Sealer, record: JobRecord, sealed: bytes) -> dict[str, Any]:
    """The result of a final job.

    Without a sealed one (lost, expired, canceled) the error follows from the code alone. A sealed result that does not
    open is reported as such rather than passed on or dropped.
    """
    if sealed:
        try:
            opened: dict[str, Any] = sealer.open(
                sealed, job_id=record.id, queue=record.queue, direction="to_caller", kind="result", sequence=record.seq
            )
        except SealBroken:
            return failure_result("job_unreadable")
        return opened
    return failure_result(record.error or "internal_error")


def failure_result(code: str) -> dict[str, Any]:
    """A result object for a job that ended without a worker's own account."""
    kind = ResultType.STOPPED if code in {"job_canceled", "job_stopped"} else ResultType.FAILED
    return {
        "type": kind,
        "retval": None,
        "error": error_from_code(code).to_dict(),
        "outputs": [],
        "duration": 0.0,
        "session_reused": False,
    }
