"""Vendor modules on simulated IOS and EOS devices, each connection on a device as it comes out of the box."""

from __future__ import annotations

from typing import Any

import pytest

from netpulse_lab import SimulatorLab
from tests.lab.running_broker import RunningBroker
from tests.parity.comparison import differences
from tests.parity.conftest import PLAYBOOKS, SHORT, Pair, tasks_of
from tests.parity.connections import over_broker, over_stock
from tests.parity.table import Table
from tests.parity.vendor_ansible import Run, VendorAnsible

PLATFORMS = {"ios": "cisco.ios.ios", "eos": "arista.eos.eos"}
CASES = [(platform, task) for platform in PLATFORMS for task in tasks_of(f"{platform}.yml")]


@pytest.fixture(scope="module")
def pairs(vendor: VendorAnsible, parity_lab: SimulatorLab, parity_broker: RunningBroker) -> dict[str, Pair]:
    made: dict[str, Pair] = {}
    for platform, network_os in PLATFORMS.items():
        runs: dict[str, Run] = {}
        for side in ("stock", "broker"):
            # The same name and so the same device, new each time: what one side configures the other does not see.
            device = parity_lab.add(name="r1", platform=platform)
            variables = {
                "ansible_host": device.host,
                "ansible_port": device.port,
                "ansible_user": device.username,
                "ansible_password": device.password,
                "ansible_network_os": network_os,
                "ansible_become": True,
                "ansible_become_method": "enable",
                "ansible_become_password": device.secret,
                "folder": f"{vendor.folder}/{side}/",
            }
            hosts = {"r1": over_stock(variables) if side == "stock" else over_broker(variables, parity_broker)}
            runs[side] = vendor.play(PLAYBOOKS / f"{platform}.yml", hosts=hosts, tags=SHORT)
            parity_lab.remove(device)
        made[platform] = Pair(stock=runs["stock"], broker=runs["broker"])
    return made


@pytest.mark.timeout(1800)  # the first one runs all playbooks
@pytest.mark.parametrize(("platform", "task"), CASES, ids=[f"{platform}-{task['name']}" for platform, task in CASES])
def test_same_result(platform: str, task: dict[str, Any], pairs: dict[str, Pair], table: Table) -> None:
    pair, name = pairs[platform], task["name"]
    stock, broker = pair.stock.of(name), pair.broker.of(name)
    assert stock.state == task.get("vars", {}).get("ends", "ok"), f"no comparison: {stock.result.get('msg')}"
    found = differences(stock, broker)
    because = task.get("vars", {}).get("differs")
    table.add(broker, device=platform, because=(because or "; ".join(found)) if found else None)
    if not found:
        assert because is None, f"said to differ ({because}), but is the same"
        return
    assert because is not None, "\n".join(found)
    assert stock.state == broker.state


@pytest.mark.skipif(SHORT is not None, reason="the short form writes no files")
@pytest.mark.parametrize("name", ["r1.cfg", "cli.cfg", "got.yaml"])
def test_same_file(name: str, pairs: dict[str, Pair], vendor: VendorAnsible) -> None:
    stock, broker = ((vendor.folder / side / name).read_text().splitlines() for side in ("stock", "broker"))
    assert [line for line in stock if not line.startswith("!")] == [line for line in broker if not line.startswith("!")]
