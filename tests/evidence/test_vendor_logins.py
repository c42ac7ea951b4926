"""Playbook after playbook of a vendor's module on ten devices: each device sees one login."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from netpulse_lab import SimulatedDevice, SimulatorLab
from tests.evidence.conftest import LONG
from tests.lab.running_broker import RunningBroker
from tests.parity.vendor_ansible import VendorAnsible

DEVICES = 10
RUNS = 100 if LONG else 5


@pytest.fixture
def vendor() -> Iterator[VendorAnsible]:
    with tempfile.TemporaryDirectory(prefix="np-logins-") as folder:
        yield VendorAnsible(VendorAnsible.required(), Path(folder))


def variables(device: SimulatedDevice, broker: RunningBroker) -> dict[str, Any]:
    return {
        "ansible_host": device.host,
        "ansible_port": device.port,
        "ansible_user": device.username,
        "ansible_password": device.password,
        "ansible_network_os": "cisco.ios.ios",
        "ansible_connection": "netpulse.broker.network_cli",
        "netpulse_broker_url": broker.url,
        "netpulse_api_key": broker.api_key,
    }


@pytest.mark.timeout(1800 if LONG else 300)
def test_ten_devices_see_one_login_each(broker: RunningBroker, lab: SimulatorLab, vendor: VendorAnsible) -> None:
    devices = [lab.add(name=f"login{number}", platform="ios") for number in range(DEVICES)]
    hosts = {device.name: variables(device, broker) for device in devices}
    task = {"name": "asks", "cisco.ios.ios_command": {"commands": ["show inventory"]}}
    for _ in range(RUNS):
        run = vendor.tasks(task, hosts=hosts, environment={"ANSIBLE_FORKS": str(DEVICES)})
        assert [one.state for one in run.outcomes] == ["ok"] * DEVICES, run.output
    asked = {device.name: lab.commands(device).count("show inventory") for device in devices}
    assert asked == dict.fromkeys(hosts, RUNS), "each run asks each device"
    logins = {device.name: lab.counters(device).logins for device in devices}
    print(f"\n{RUNS} playbook runs x {DEVICES} devices: {sum(logins.values())} logins counted on the devices")
    assert logins == dict.fromkeys(hosts, 1)
    for device in devices:
        lab.remove(device)
