"""The job object."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

from netpulse_broker.models.commits import Commit
from netpulse_broker.states import JobStatus, Outcome, ResultType
from netpulse_broker.times import utc
from netpulse_drivers.errors import Phase


class ErrorObject(BaseModel):
    """An error inside a result."""

    type: str = Field(description="Class of the error, e.g. AuthenticationFailed.")
    code: str
    phase: Phase
    retryable: bool
    message: str
    device_output: str = Field(description="The device's own text, or empty.")
    details: list[dict[str, Any]]


class OutputEntry(BaseModel):
    """One command or configuration step. Drivers may add keys."""

    model_config = ConfigDict(extra="allow")

    command: str
    output: Any = Field(description="The device's text, or structured data where the driver speaks such a protocol.")
    elapsed: float = Field(description="Seconds.")
    failed: bool
    parsed: Any = Field(default=None, description="Only there when parsing was asked for.")
    changed: bool | None = Field(default=None, description="Only there for steps of a change.")


class JobResult(BaseModel):
    """What came of a job. The keys from ``changed`` on are there for changes only."""

    type: ResultType = Field(description="1 ok, 2 failed, 3 stopped, 4 retried.")
    retval: Any = Field(
        description="As v0.2 had it: for a query an object command: text (or parsed data), for a change a list of the "
        "device's answers. On failure, what had been completed."
    )
    error: ErrorObject | None
    outputs: list[OutputEntry]
    duration: float = Field(description="Seconds of execution, login included.")
    session_reused: bool = Field(description="It ran on a session that was open before it.")
    stages: dict[str, float] | None = Field(default=None, description="Seconds by stage (connect, execute, ...).")
    cached: bool | None = Field(default=None, description="true: made for an earlier request (`max_age`).")
    age: float | None = Field(default=None, description="Seconds since its making began, when `cached`.")
    changed: bool | None = None
    diff: str | None = None
    applied: list[str] | None = Field(default=None, description="Configuration lines sent and taken, in order.")
    saved: bool | None = None
    backup: str | None = Field(default=None, description="Running configuration before the change, if asked for.")
    commit: Commit | None = Field(
        default=None, description="The change with a timer that this job made, confirmed, took back or asked for."
    )


class Job(BaseModel):
    """A job. Times are UTC."""

    id: str
    seq: int = Field(description="Position among the device's jobs; those of its own queue run in this order.")
    status: JobStatus = Field(
        description="RQ's words. `scheduled`: an attempt to deliver a webhook that is not due yet."
    )
    outcome: Outcome | None = Field(
        description="null until the job has ended. `unknown`: the worker was lost while it ran, so nobody knows what "
        "the device did."
    )
    operation: str = Field(
        description="query, change, confirm, rollback, check (what became of a change with a timer), probe, lease, or "
        "webhook (an attempt to deliver one)."
    )
    driver: str
    device: str = Field(description="Identity under which the device's work is ordered.")
    host: str
    queue: str
    priority: str
    worker: str | None
    node: str | None
    created_at: datetime
    enqueued_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    queue_time: float | None = Field(description="Seconds from enqueueing to the start.")
    duration: float | None = Field(description="Seconds from the start to the end.")
    session_reused: bool | None
    result: JobResult | None = Field(description="null until the job has ended.")


class StoredJob(Protocol):
    """A job as the queue keeps it (``queueing.jobs.record.JobRecord``). Texts are "" where there is nothing to say."""

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
    priority: str
    result: dict[str, Any] | None


def job_object(job: StoredJob) -> dict[str, Any]:
    """The JSON-ready object that ``Job`` describes, built by hand: it stands in every answer and was checked before."""
    result = job.result
    return {
        "id": job.id,
        "seq": job.seq,
        "status": job.status,
        "outcome": job.outcome,
        "operation": job.operation,
        "driver": job.driver,
        "device": job.device,
        "host": job.host,
        "queue": job.queue,
        "priority": job.priority,
        "worker": job.worker or None,
        "node": job.node or None,
        "created_at": utc(job.created_at),
        "enqueued_at": utc(job.enqueued_at),
        "started_at": utc(job.started_at),
        "ended_at": utc(job.ended_at),
        "queue_time": _seconds(job.enqueued_at, job.started_at),
        "duration": _seconds(job.started_at, job.ended_at),
        "session_reused": result["session_reused"] if result is not None else None,
        "result": result,
    }


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    if start is None or end is None:
        return None
    # Stamped by different machines: their clocks may disagree by more than the job took.
    return max(round((end - start).total_seconds(), 6), 0.0)
