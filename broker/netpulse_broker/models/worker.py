"""The worker object."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from pydantic import BaseModel, Field

from netpulse_broker.states import WorkerState
from netpulse_broker.times import utc
from netpulse_drivers import QueueStrategy


class Worker(BaseModel):
    """A worker process."""

    name: str
    kind: QueueStrategy
    status: WorkerState = Field(description="What it is doing; assigned: it starts.")
    pid: int | None
    node: str | None
    device: str | None = Field(description="The device it serves; null for FIFO workers.")
    queue: str = Field(description="The queue it serves.")
    job: str | None = Field(description="The job it runs.")
    sessions: int = Field(description="Open device sessions.")
    heartbeat: datetime | None = Field(description="Last sign of life.")
    counters: dict[str, int | float]


class StoredWorker(Protocol):
    """A worker as the dispatcher reports it. Texts are "" where there is nothing to say."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> QueueStrategy: ...
    @property
    def status(self) -> WorkerState: ...
    @property
    def pid(self) -> int: ...
    @property
    def node(self) -> str: ...
    @property
    def device(self) -> str: ...
    @property
    def queue(self) -> str: ...
    @property
    def job(self) -> str: ...
    @property
    def sessions(self) -> int: ...
    @property
    def heartbeat(self) -> datetime | None: ...
    @property
    def counters(self) -> Mapping[str, Any]: ...


def worker_object(worker: StoredWorker) -> dict[str, Any]:
    """The JSON-ready object that ``Worker`` describes."""
    return {
        "name": worker.name,
        "kind": worker.kind,
        "status": worker.status,
        "pid": worker.pid or None,
        "node": worker.node or None,
        "device": worker.device or None,
        "queue": worker.queue,
        "job": worker.job or None,
        "sessions": worker.sessions,
        "heartbeat": utc(worker.heartbeat),
        "counters": dict(worker.counters),
    }
