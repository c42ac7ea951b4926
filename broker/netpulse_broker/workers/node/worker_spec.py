"""What passes between a node and its fork server, and what a forked worker knows at its birth."""

from __future__ import annotations

import os
from dataclasses import dataclass

from netpulse_broker.queueing.nodes.lease_clock import LeaseClock
from netpulse_broker.settings import Settings
from netpulse_broker.workers.execution.job_runner import DriverLookup
from netpulse_drivers import OutputParser, QueueStrategy

LIFELINE = "NETPULSE_LIFELINE_FD"
"""Environment variable with a descriptor that every process of ours keeps open: whoever holds its other end sees end
of file when the last of them is gone."""


def lifeline() -> int | None:
    """The inherited lifeline descriptor, if there is one."""
    value = os.environ.get(LIFELINE, "")
    return int(value) if value.isdigit() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Boot:
    """The first message to a fork server.

    Attributes:
        settings: of the node.
        kind: what its children are.
        node: the node's name.
        preload_plugins: import plug-in drivers before forking; False after they were found to leave threads behind.
    """

    settings: Settings
    kind: QueueStrategy
    node: str
    preload_plugins: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Birth:
    """What a child knows.

    Attributes:
        device: the device it serves, "" for FIFO.
        boot: as the fork server got it.
        drivers: loaded before the fork (plug-ins only if the boot message says so).
        clock: the lease, in memory shared with the node.
        parse: makes data of outputs; None: this node has no template process.
        login_slots: file whose record locks are the node's login slots (``login_gate.LoginSlots``); None: no cap.
    """

    device: str
    boot: Boot
    drivers: DriverLookup
    clock: LeaseClock
    parse: OutputParser | None = None
    login_slots: int | None = None
