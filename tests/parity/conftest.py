"""The same playbooks on the same devices: over stock network_cli, and through the broker."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from netpulse_lab import SimulatorLab
from tests.lab.running_broker import RunningBroker
from tests.parity.connections import STOCK_SSH, over_stock
from tests.parity.table import Table
from tests.parity.vendor_ansible import Run, VendorAnsible
from tests.parity.vendor_modules import Stock, play

PLAYBOOKS = Path(__file__).parent / "playbooks"

SHORT = "short" if os.environ.get("NETPULSE_PARITY") == "short" else None
"""The tag of the tasks that the short form compares; None: all are compared."""


@pytest.fixture(scope="session")
def vendor(tmp_path_factory: pytest.TempPathFactory) -> VendorAnsible:
    return VendorAnsible(VendorAnsible.required(), tmp_path_factory.mktemp("vendor"))


@pytest.fixture(scope="session")
def compared_versions(vendor: VendorAnsible) -> str:
    return f"{vendor.versions()}; stock over {STOCK_SSH}"


@pytest.fixture
def table(compared_versions: str, request: pytest.FixtureRequest) -> Table:
    """For the rows of one test."""
    return Table.of(request.node, versions=compared_versions)


@pytest.fixture(scope="session")
def parity_broker() -> Iterator[RunningBroker]:
    with RunningBroker() as running:
        yield running


@pytest.fixture(scope="session")
def parity_lab() -> Iterator[SimulatorLab]:
    with SimulatorLab() as running:
        yield running


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One playbook, run twice."""

    stock: Run
    broker: Run


def tasks_of(name: str) -> list[dict[str, Any]]:
    """The compared tasks of a playbook: those with a name, in the short form those with its tag."""
    (play,) = yaml.safe_load((PLAYBOOKS / name).read_text())
    return [task for task in play["tasks"] if "name" in task and (SHORT is None or task.get("tags") == SHORT)]


@pytest.fixture(scope="module")
def stock(request: pytest.FixtureRequest, vendor: VendorAnsible, parity_lab: SimulatorLab) -> Stock:
    """A playbook's run over stock network_cli; see ``vendor_modules.playbooks``."""
    playbook, platform = request.param
    run = play(playbook, platform, vendor, parity_lab, side="stock", over=over_stock)
    return Stock(playbook=playbook, platform=platform, run=run)
