"""The same playbooks on the same devices: over stock network_cli, and through the broker."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lab.running_broker import RunningBroker
from tests.lab.simulator import SimulatorLab
from tests.parity.table import Table
from tests.parity.vendor_ansible import Run, VendorAnsible

PLAYBOOKS = Path(__file__).parent / "playbooks"

SHORT = "short" if os.environ.get("NETPULSE_PARITY") == "short" else None
"""The tag of the tasks that the short form compares; None: all are compared."""

STOCK_SSH = os.environ.get("NETPULSE_STOCK_SSH", "libssh")
"""The SSH library of stock network_cli: libssh or paramiko."""


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


def over_stock(variables: dict[str, Any]) -> dict[str, Any]:
    return {
        **variables,
        "ansible_connection": "ansible.netcommon.network_cli",
        "ansible_network_cli_ssh_type": STOCK_SSH,
    }


def over_broker(variables: dict[str, Any], broker: RunningBroker) -> dict[str, Any]:
    return {
        **variables,
        "ansible_connection": "netpulse.broker.network_cli",
        "netpulse_broker_url": broker.url,
        "netpulse_api_key": broker.api_key,
    }


def tasks_of(name: str) -> list[dict[str, Any]]:
    """The compared tasks of a playbook: those with a name, in the short form those with its tag."""
    (play,) = yaml.safe_load((PLAYBOOKS / name).read_text())
    return [task for task in play["tasks"] if "name" in task and (SHORT is None or task.get("tags") == SHORT)]
