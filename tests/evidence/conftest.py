"""One running broker and one lab for the scenarios of this folder."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.lab.running_broker import RunningBroker
from tests.lab.simulator import SimulatorLab

LONG = os.environ.get("NETPULSE_EVIDENCE") == "1"
"""`make evidence` runs the long forms."""


@pytest.fixture(scope="session")
def broker() -> Iterator[RunningBroker]:
    """`netpulse up`, with a keepalive and lease short enough for scenarios of loss."""
    with RunningBroker(settings={"NETPULSE_NODE__LEASE_TTL": "3", "NETPULSE_NODE__LEASE_RENEW": "0.5"}) as running:
        yield running


@pytest.fixture(scope="session")
def lab() -> Iterator[SimulatorLab]:
    """An empty lab; each scenario adds the devices it needs."""
    with SimulatorLab() as running:
        yield running
