"""One running broker and one lab for the scenarios of this folder."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from netpulse_lab import SimulatorLab
from tests.evidence.matrix.table import CELLS, cells_of, printed
from tests.lab.running_broker import RunningBroker

_DONE = ("passed", "failed", "skipped", "error")

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


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Note the cells of the table of drivers before any are deselected."""
    config.stash[CELLS] = cells_of(items)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table of drivers when its tests ran."""
    reports = [one for word in _DONE for one in terminalreporter.stats.get(word, [])]
    table = printed(reports)
    if table:
        terminalreporter.section("driver x operation", sep="-")
        for line in table:
            terminalreporter.write_line(line)
