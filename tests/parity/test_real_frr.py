"""Vendor modules on a real router: what one connection configures is taken back before the other begins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab.real import FrrLab
from tests.lab.running_broker import RunningBroker
from tests.parity.comparison import differences
from tests.parity.conftest import PLAYBOOKS, Pair, tasks_of
from tests.parity.connections import over_broker, over_stock
from tests.parity.table import Table
from tests.parity.vendor_ansible import Run, VendorAnsible

pytestmark = pytest.mark.frr


@pytest.fixture(scope="module")
def pair(vendor: VendorAnsible, frr_lab: FrrLab, parity_broker: RunningBroker) -> Iterator[Pair]:
    router = frr_lab.routers[0].connection_args()
    variables = {
        "ansible_host": router["host"],
        "ansible_port": router["port"],
        "ansible_user": router["username"],
        "ansible_password": router["password"],
        "ansible_network_os": "cisco.ios.ios",
        # vtysh has no terminal width.
        "ansible_network_terminal_errors": "ignore",
    }
    runs: dict[str, Run] = {}
    for side, hosts in (("stock", over_stock(variables)), ("broker", over_broker(variables, parity_broker))):
        runs[side] = vendor.play(PLAYBOOKS / "frr.yml", hosts={"r1": hosts})
    yield Pair(stock=runs["stock"], broker=runs["broker"])
    frr_lab.reset()


@pytest.mark.timeout(1300)
@pytest.mark.parametrize("task", tasks_of("frr.yml"), ids=lambda task: task["name"])
def test_same_result(task: dict[str, Any], pair: Pair, table: Table) -> None:
    name = task["name"]
    stock, broker = pair.stock.of(name), pair.broker.of(name)
    assert stock.state == task.get("vars", {}).get("ends", "ok"), f"no comparison: {stock.result.get('msg')}"
    found = differences(stock, broker)
    table.add(broker, device="frr", because="; ".join(found) or None)
    assert not found, "\n".join(found)
