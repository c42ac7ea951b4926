"""What ``/health`` tells."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from netpulse_broker.states import HealthStatus


class PluginProblem(BaseModel):
    """A driver plug-in that could not be loaded; the rest works without it."""

    source: str
    message: str


class DriverHealth(BaseModel):
    """Drivers this controller knows."""

    known: list[str]
    failed: list[PluginProblem]


class NodeHealth(BaseModel):
    """Nodes that are alive, and the devices they serve."""

    pinned: int = Field(description="Nodes that serve devices.")
    fifo: int = Field(description="FIFO pools.")
    devices: int = Field(description="Devices assigned to nodes.")
    capacity: int = Field(description="Devices that the nodes take at most.")
    clock_skew: float = Field(
        description="Seconds by which the clock of the node that is furthest off is ahead of Redis'; negative: behind."
    )


class Health(BaseModel):
    """The state of the whole broker as this controller sees it."""

    status: HealthStatus = Field(
        description="The worst that is the case; `detail` says what. `full`: no node has room for another device. "
        "`degraded`: no node, one that has lost its lease, takes no devices or keeps losing its fork server, a clock "
        "that is too far off, or a plug-in that failed to load. `livelocked`: a node holds its lease and does nothing. "
        "`down`: Redis cannot be reached."
    )
    version: str
    redis: bool = Field(description="Redis answers.")
    detail: str = Field(description="What is wrong, or empty.")
    nodes: NodeHealth
    clock_skew: float = Field(
        description="Seconds by which this controller's clock is ahead of Redis'; negative: behind."
    )
    waiting: int = Field(description="Jobs whose end requests to this controller wait for.")
    drivers: DriverHealth


class Probe(BaseModel):
    """What a liveness or readiness probe reads."""

    status: Literal["live", "ready"]
