"""The playbooks that hold the simulated devices to the vendors' modules, through the broker as over stock network_cli.

They say themselves what is right; here each of their outcomes must be the same both ways.
"""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.lab.running_broker import RunningBroker
from tests.lab.simulator import SimulatorLab
from tests.lab.test_simulator_vendor_modules import PLAYBOOKS
from tests.parity.comparison import differences
from tests.parity.conftest import Table, over_broker, over_stock
from tests.parity.vendor_ansible import Run, VendorAnsible

KNOWN = {
    "net_put": "with libssh the look for an earlier file ends in a warning, and the copy is reported unchanged",
    "A file that is not there": "each side has its own words for what the device said",
}
"""Tasks whose results cannot be the same, and why."""

NETWORK_OS = {
    "ios": "cisco.ios.ios",
    "eos": "arista.eos.eos",
    "nxos": "cisco.nxos.nxos",
    "iosxr": "cisco.iosxr.iosxr",
    "junos": "junipernetworks.junos.junos",
}
ENABLED = {"ios", "eos"}
"""Platforms with an enable mode; logins to the others land where they may do everything."""


@pytest.mark.timeout(900)  # resource modules have many states, and stock network_cli takes its time for each
@pytest.mark.parametrize(
    ("playbook", "platform"),
    [
        ("ios.yml", "ios"),
        ("ios_config.yml", "ios"),
        ("ios_resources_l2.yml", "ios"),
        ("ios_resources_l3.yml", "ios"),
        ("netcommon.yml", "ios"),
        ("eos.yml", "eos"),
        ("eos_resources.yml", "eos"),
        ("nxos.yml", "nxos"),
        ("iosxr.yml", "iosxr"),
        ("junos.yml", "junos"),
    ],
)
def test_same_outcomes(
    *,
    vendor: VendorAnsible,
    parity_lab: SimulatorLab,
    parity_broker: RunningBroker,
    table: Table,
    playbook: str,
    platform: str,
) -> None:
    runs: dict[str, Run] = {}
    for side in ("stock", "broker"):
        device = parity_lab.add(name=f"{platform}1", platform=platform)
        scratch = vendor.folder / side / playbook
        scratch.mkdir(parents=True)
        variables: dict[str, Any] = {
            "ansible_host": device.host,
            "ansible_port": device.port,
            "ansible_user": device.username,
            "ansible_password": device.password,
            "ansible_network_os": NETWORK_OS[platform],
        }
        if platform in ENABLED:
            variables |= {
                "ansible_become": True,
                "ansible_become_method": "ansible.netcommon.enable",
                "ansible_become_password": device.secret,
            }
        hosts = {device.name: over_stock(variables) if side == "stock" else over_broker(variables, parity_broker)}
        runs[side] = vendor.play(PLAYBOOKS / playbook, hosts=hosts, environment={"SCRATCH": str(scratch)})
        parity_lab.remove(device)
        assert runs[side].returncode == 0, f"{side}: {runs[side].output[-6000:]}"
    stock, broker = runs["stock"].outcomes, runs["broker"].outcomes
    assert [one.task for one in stock] == [one.task for one in broker]
    unexplained = 0
    for task, pairs in itertools.groupby(zip(stock, broker, strict=True), key=lambda pair: pair[0].task):
        found = [line for one, other in pairs for line in differences(one, other)]
        if not found:
            continue
        because = None if any(line.startswith("state:") for line in found) else KNOWN.get(task)
        unexplained += because is None
        table.rows.append((platform, f"{playbook}: {task}", f"differs ({because or '; '.join(found)})"))
    table.rows.append((platform, playbook, f"{len(stock)} outcomes, the same but for what is named above, if anything"))
    assert not unexplained
