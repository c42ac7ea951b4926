"""The same playbooks on the same devices: over stock network_cli, and through the broker."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lab.running_broker import RunningBroker
from tests.lab.simulator import SimulatorLab
from tests.parity.vendor_ansible import Run, VendorAnsible

PLAYBOOKS = Path(__file__).parent / "playbooks"

SHORT = "short" if os.environ.get("NETPULSE_PARITY") == "short" else None
"""The tag of the tasks that the short form compares; None: all are compared."""

STOCK_SSH = os.environ.get("NETPULSE_STOCK_SSH", "libssh")
"""The SSH library of stock network_cli: libssh or paramiko."""


@dataclass
class Table:
    """What was compared, for people."""

    versions: str = ""
    rows: list[tuple[str, str, str]] = field(default_factory=list)


TABLE = pytest.StashKey[Table]()


@pytest.fixture(scope="session")
def table(request: pytest.FixtureRequest) -> Table:
    return request.config.stash.setdefault(TABLE, Table())


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    table = config.stash.get(TABLE, None)
    if table is None or not table.rows:
        return
    terminalreporter.section("stock network_cli and the broker's, field by field")
    terminalreporter.write_line(table.versions)
    width = max(len(task) for _platform, task, _verdict in table.rows)
    for platform, task, verdict in table.rows:
        terminalreporter.write_line(f"{platform:4} {task:{width}}  {verdict}")


@pytest.fixture(scope="session")
def vendor(tmp_path_factory: pytest.TempPathFactory, table: Table) -> VendorAnsible:
    vendor = VendorAnsible(VendorAnsible.required(), tmp_path_factory.mktemp("vendor"))
    table.versions = f"{vendor.versions()}; stock over {STOCK_SSH}"
    return vendor


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
