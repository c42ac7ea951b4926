"""The vendors' Ansible modules, unchanged, over stock ansible.netcommon.network_cli against simulated devices.

The playbooks in `vendor_modules/` say themselves what is right, task by task. Where they run is told in
`tests/parity/vendor_ansible.py`: an environment with the vendors' collections and ansible-pylibssh.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab.simulator import SimulatedDevice, SimulatorLab
from tests.parity.vendor_ansible import VendorAnsible

PLAYBOOKS = Path(__file__).parent / "vendor_modules"
NETWORK_OS = {
    "ios": "cisco.ios.ios",
    "eos": "arista.eos.eos",
    "nxos": "cisco.nxos.nxos",
    "iosxr": "cisco.iosxr.iosxr",
    "junos": "junipernetworks.junos.junos",
}
ENABLES = ("ios", "eos")
"""Platforms on which a login lands below the level that configures."""


@pytest.fixture(scope="module")
def lab() -> Iterator[SimulatorLab]:
    with SimulatorLab(devices=[{"name": f"{one}1", "platform": one} for one in NETWORK_OS]) as running:
        yield running


@pytest.fixture(scope="module")
def vendor(tmp_path_factory: pytest.TempPathFactory) -> VendorAnsible:
    return VendorAnsible(VendorAnsible.required(), tmp_path_factory.mktemp("vendor"))


def over_stock(device: SimulatedDevice) -> dict[str, Any]:
    """Variables of a host that stock network_cli reaches with libssh."""
    enable = {
        "ansible_become": True,
        "ansible_become_method": "ansible.netcommon.enable",
        "ansible_become_password": device.secret,
    }
    return {
        "ansible_host": device.host,
        "ansible_port": device.port,
        "ansible_user": device.username,
        "ansible_password": device.password,
        "ansible_network_os": NETWORK_OS[device.platform],
        "ansible_connection": "ansible.netcommon.network_cli",
        "ansible_network_cli_ssh_type": "libssh",
        **(enable if device.platform in ENABLES else {}),
    }


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
def test_vendor_modules_find_what_they_know(
    lab: SimulatorLab, vendor: VendorAnsible, tmp_path: Path, playbook: str, platform: str
) -> None:
    device = lab.device(f"{platform}1")
    lab.restore(device)
    run = vendor.play(
        PLAYBOOKS / playbook, hosts={device.name: over_stock(device)}, environment={"SCRATCH": str(tmp_path)}
    )
    assert run.returncode == 0, run.output[-8000:]
    assert {one.state for one in run.outcomes} & {"ok"}, run.output
