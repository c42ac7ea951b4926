"""A vendor module that changes to another context: the next run must not be answered from there.

cisco.asa's modules type ``changeto context X`` for their option ``context`` and do not go back. Over stock network_cli
the connection ends with the run; a kept session has to be at home again.
"""

from __future__ import annotations

from typing import Any

import pytest

from netpulse_lab import SimulatedDevice
from tests.lab.fixtures_dialogues import DialogueDevice, PlayDialogue
from tests.lab.running_broker import RunningBroker
from tests.parity.connections import over_broker, over_stock
from tests.parity.vendor_ansible import VendorAnsible

WHERE = {"name": "where", "cisco.asa.asa_command": {"commands": ["show running-config hostname"]}}
IN_DMZ = {"name": "where", "cisco.asa.asa_command": {"commands": ["show running-config hostname"], "context": "dmz"}}


@pytest.fixture
def asa(vendor: VendorAnsible, play_dialogue: PlayDialogue) -> DialogueDevice:
    vendor.add_older("cisco.asa")
    return play_dialogue("cisco_asa")


def variables(device: SimulatedDevice) -> dict[str, Any]:
    of_netmiko = device.netmiko()
    return {
        "ansible_host": of_netmiko["host"],
        "ansible_port": of_netmiko["port"],
        "ansible_user": of_netmiko["username"],
        "ansible_password": of_netmiko["password"],
        "ansible_network_os": "cisco.asa.asa",
        "ansible_become": True,
        "ansible_become_method": "enable",
        "ansible_become_password": of_netmiko["secret"],
    }


def said(vendor: VendorAnsible, task: dict[str, Any], hosts: dict[str, Any]) -> str:
    run = vendor.tasks(task, hosts=hosts)
    outcome = run.of("where")
    assert outcome.state == "ok", outcome.result
    return str(outcome.result["stdout"][0])


def test_the_next_run_is_answered_from_home(
    vendor: VendorAnsible, asa: DialogueDevice, parity_broker: RunningBroker
) -> None:
    stock, ours = (
        {"fw1": over_stock(variables(asa.device))},
        {"fw1": over_broker(variables(asa.device), parity_broker)},
    )
    for hosts in (stock, ours):
        assert said(vendor, WHERE, hosts) == "hostname admin"
        assert said(vendor, IN_DMZ, hosts) == "hostname dmz"
        assert said(vendor, WHERE, hosts) == "hostname admin"
    assert said(vendor, IN_DMZ, ours) == "hostname dmz"
    answer = parity_broker.client.post(
        f"{parity_broker.url}/device/execute",
        headers={"X-API-KEY": parity_broker.api_key},
        json={
            "driver": "netmiko",
            "connection_args": asa.device.netmiko(),
            "command": "show running-config hostname",
            "wait": 60,
        },
        timeout=90,
    )
    job = answer.json()["data"]
    assert job["status"] == "finished", job
    assert job["result"]["outputs"][0]["output"].strip() == "hostname admin"
