"""The playbooks of vendors' unchanged Ansible modules, on simulated devices over either connection.

The playbooks in `tests/lab/vendor_modules/` say themselves what is right, task by task. Over stock network_cli they
hold the simulated devices to what the modules know; through the broker each of their outcomes must be the same. Their
tests are in several files, for they take long and a file's tests run in one process.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from netpulse_lab import SimulatorLab
from tests.lab.running_broker import RunningBroker
from tests.parity.comparison import differences
from tests.parity.connections import over_broker
from tests.parity.table import Table
from tests.parity.vendor_ansible import REPOSITORY, Run, VendorAnsible

PLAYBOOKS = REPOSITORY / "tests" / "lab" / "vendor_modules"

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
OF_ANSIBLE = ("ansible.builtin.assert", "ansible.builtin.command", "ansible.builtin.include_tasks")
"""Compared as well, but not shown: what has nothing to do with a device."""

ENABLED = {"ios", "eos"}
"""Platforms with an enable mode; logins to the others land where they may do everything."""

Over = Callable[[dict[str, Any]], dict[str, Any]]
"""Adds what makes a host's variables those of one connection."""


@dataclass(frozen=True, kw_only=True)
class Stock:
    """What a playbook came to over stock network_cli."""

    playbook: str
    platform: str
    run: Run


def play(
    playbook: str,
    platform: str,
    vendor: VendorAnsible,
    lab: SimulatorLab,
    *,
    side: str,
    over: Over,
) -> Run:
    """Run it on a device of the platform as it comes out of the box."""
    device = lab.add(name=f"{platform}1", platform=platform)
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
    run = vendor.play(PLAYBOOKS / playbook, hosts={device.name: over(variables)}, environment={"SCRATCH": str(scratch)})
    lab.remove(device)
    return run


def playbooks(platform: str, *names: str) -> pytest.MarkDecorator:
    """Marks a class: its tests run once for each of these playbooks."""
    cases = [pytest.param((name, platform), id=f"{name}-{platform}") for name in names]
    return pytest.mark.parametrize("stock", cases, indirect=True, scope="module")


class VendorModules:
    """The tests of some playbooks; a subclass names them with ``playbooks``."""

    def test_vendor_modules_find_what_they_know(self, stock: Stock) -> None:
        assert stock.run.returncode == 0, stock.run.output[-8000:]
        assert {one.state for one in stock.run.outcomes} & {"ok"}, stock.run.output

    def test_same_outcomes(
        self, stock: Stock, vendor: VendorAnsible, parity_lab: SimulatorLab, parity_broker: RunningBroker, table: Table
    ) -> None:
        def over(variables: dict[str, Any]) -> dict[str, Any]:
            return over_broker(variables, parity_broker)

        broker = play(stock.playbook, stock.platform, vendor, parity_lab, side="broker", over=over)
        assert broker.returncode == 0, broker.output[-8000:]
        assert [one.task for one in stock.run.outcomes] == [one.task for one in broker.outcomes]
        unexplained = []
        for one, other in zip(stock.run.outcomes, broker.outcomes, strict=True):
            found = differences(one, other)
            because = None if any(line.startswith("state:") for line in found) else KNOWN.get(one.task)
            if found and because is None:
                unexplained += [f"{one.task}: {line}" for line in found]
            if other.action not in OF_ANSIBLE:
                table.add(other, device=stock.platform, because=(because or "; ".join(found)) if found else None)
        assert not unexplained, "\n".join(unexplained)
