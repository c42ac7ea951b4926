"""Two playbooks of a vendor's module and a REST client change one device at the same time: each change stays whole."""

from __future__ import annotations

import itertools
import re
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from netpulse_lab import SimulatedDevice, SimulatorLab
from tests.evidence.conftest import LONG
from tests.lab.running_broker import RunningBroker
from tests.parity.vendor_ansible import VendorAnsible

CHANGES = {"one": 70, "two": 70, "rest": 60} if LONG else {"one": 4, "two": 4, "rest": 4}
"""By who makes them."""

LIMIT = 1500 if LONG else 150
"""Seconds after which a playbook has hung."""


@pytest.fixture
def vendor() -> Iterator[VendorAnsible]:
    with tempfile.TemporaryDirectory(prefix="np-shared-") as folder:
        yield VendorAnsible(VendorAnsible.required(), Path(folder))


def lines(who: str, number: int) -> list[str]:
    """One change: three lines that mean nothing without each other."""
    return [f"description {who} {number} {part}" for part in ("begins", "goes on", "ends")]


def start(vendor: VendorAnsible, who: str, device: SimulatedDevice, broker: RunningBroker) -> subprocess.Popen[str]:
    """A playbook with a task for each change; each task takes its turn at the device."""
    # Modules that have nothing to do with a device run here: both playbooks begin when both are there.
    tasks: list[dict[str, Any]] = [
        {"ansible.builtin.copy": {"dest": str(vendor.folder / f"{who}-is-here"), "content": ""}},
        *({"ansible.builtin.wait_for": {"path": str(vendor.folder / f"{one}-is-here")}} for one in ("one", "two")),
    ]
    for number in range(CHANGES[who]):
        # From a file: given as `lines`, the module sends all of them once for each of them (cisco.ios 11.1.1).
        source = vendor.folder / f"{who}-{number}.cfg"
        source.write_text("\n ".join(["interface GigabitEthernet0/1", *lines(who, number)]))
        change = {"cisco.ios.ios_config": {"src": str(source), "match": "none"}}
        tasks.append({"name": f"{who} {number}", **change, "become": True})
    playbook = vendor.folder / f"{who}.yml"
    playbook.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    variables: dict[str, Any] = {
        "ansible_host": device.host,
        "ansible_port": device.port,
        "ansible_user": device.username,
        "ansible_password": device.password,
        "ansible_become_method": "enable",
        "ansible_become_password": device.secret,
        "ansible_network_os": "cisco.ios.ios",
        "ansible_connection": "netpulse.broker.network_cli",
        "netpulse_broker_url": broker.url,
        "netpulse_api_key": broker.api_key,
    }
    return vendor.start(playbook, hosts={who: variables})


def changed(lab: SimulatorLab, device: SimulatedDevice) -> list[tuple[str, ...]]:
    """The lines of changes in the order in which the device got them: who, number, part."""
    found = [re.fullmatch(r"description (\w+) (\d+) (.+)", line) for line in lab.commands(device)]
    return [match.groups() for match in found if match]


@pytest.mark.timeout(LIMIT + 120)
def test_changes_of_three_stay_whole(broker: RunningBroker, lab: SimulatorLab, vendor: VendorAnsible) -> None:
    device = lab.add(name="shared-by-three", platform="ios")
    playbooks = {who: start(vendor, who, device, broker) for who in ("one", "two")}
    try:
        # The client joins when they are at it.
        deadline = time.monotonic() + LIMIT
        while not changed(lab, device):
            assert time.monotonic() < deadline, "no playbook changed anything"
            assert all(playbook.poll() is None for playbook in playbooks.values()), "a playbook ended without a change"
            time.sleep(0.05)
        for number in range(CHANGES["rest"]):
            config = ["interface GigabitEthernet0/1", *lines("rest", number)]
            job = broker.execute(device.netmiko(), config=config)
            assert job["status"] == "finished", job
        outputs = {who: playbook.communicate(timeout=LIMIT)[0] for who, playbook in playbooks.items()}
    finally:
        for playbook in playbooks.values():
            playbook.kill()
            playbook.wait()
    assert [playbook.returncode for playbook in playbooks.values()] == [0, 0], "\n".join(outputs.values())
    seen = changed(lab, device)
    whole = [[(who, number, part) for part in ("begins", "goes on", "ends")] for who, number, _part in seen[::3]]
    assert seen == [line for change in whole for line in change], "a line of another's change came in between"
    parties = [change[0][0] for change in whole]
    assert Counter(parties) == CHANGES
    turns = sum(one != other for one, other in itertools.pairwise(parties))
    assert turns > len(CHANGES) - 1, "they took turns, one was not done before the next began"
    print(f"\n{len(whole)} changes of {len(CHANGES)} at the same time, each whole; another one's turn {turns} times")
    lab.remove(device)
