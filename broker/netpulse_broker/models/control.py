"""Operators' requests to devices and nodes, and what they answer."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from netpulse_broker.models.commits import Commit
from netpulse_broker.states import DeviceState, NodeState
from netpulse_drivers import QueueStrategy


class DeviceSelection(BaseModel):
    """Which device: by its name, or by host (and port)."""

    model_config = ConfigDict(
        extra="forbid", hide_input_in_errors=True, json_schema_extra={"examples": [{"device": "r1"}]}
    )

    device: str | None = Field(
        default=None, min_length=1, max_length=255, description="Its name, as job objects show it."
    )
    host: str | None = Field(default=None, min_length=1, max_length=255)
    port: int | None = Field(default=None, ge=1, le=65535)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.device is None) == (self.host is None):
            raise ValueError("give device, or host (and port when it is not a standard one)")
        return self


class ReleaseRequest(DeviceSelection):
    """Close the sessions that the broker keeps open to the device."""

    wait: float = Field(
        default=30.0, gt=0, le=600, description="Seconds to wait for the running job's end; then it is a 504."
    )


class Paused(BaseModel):
    """A queue that is held."""

    since: datetime
    by: str = Field(description="Id of the API key.")


class RunningWork(BaseModel):
    """What a device is busy with."""

    id: str
    operation: str
    driver: str
    started_at: datetime | None
    session: str | None = Field(description="State of the interactive session, when it is one (its id is the job's).")


class Device(BaseModel):
    """What is going on at a device."""

    device: str
    state: DeviceState = Field(
        description="none: no worker serves it. assigned: its worker starts. A busy device may be paused as well."
    )
    paused: Paused | None
    node: str | None
    worker: str | None
    since: datetime | None = Field(description="Since when it is in this state.")
    sessions: int = Field(description="Sessions kept open to it.")
    drivers: list[str] = Field(description="Drivers of these sessions.")
    running: RunningWork | None
    queued: dict[str, int] = Field(description="Waiting jobs by priority; `control` holds releases.")
    waiting: list[str] = Field(description="Ids of the first 100 of them, in the order in which they run.")
    commits: list[Commit] = Field(
        description="Changes with a timer of the last days, newest first: whether they wait, and what became of them."
    )


class PauseAnswer(BaseModel):
    """The pause that holds now."""

    device: str
    paused: Paused


class ResumeAnswer(BaseModel):
    """The queue goes on."""

    device: str
    queued: int = Field(description="Jobs that wait in it.")


class ReleaseAnswer(BaseModel):
    """What was closed."""

    device: str
    closed: int


class Node(BaseModel):
    """A registered node."""

    name: str
    kind: QueueStrategy
    state: NodeState
    unfit: str = Field(description="Why it takes no devices although it is alive, or empty.")
    clock_skew: float = Field(description="Seconds by which its machine's clock is ahead of Redis'; negative: behind.")
    load: int = Field(description="Devices that it serves; processes of a FIFO pool.")
    capacity: int
    hostname: str
    pid: int
    epoch: int = Field(description="How many times the name was taken.")
    started_at: datetime | None
