"""Connection variables plain, templated and vaulted, from each place they may come from: the same over either."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret

from netpulse_lab import SimulatedDevice, SimulatorLab
from tests.lab.running_broker import RunningBroker
from tests.parity.comparison import differences
from tests.parity.conftest import PLAYBOOKS, Pair
from tests.parity.connections import over_broker, over_stock
from tests.parity.vendor_ansible import Run, VendorAnsible

VAULT_PASSWORD = "of the vault"

IN_THE_INVENTORY: dict[str, dict[str, Any]] = {
    "plain": {},
    "templated_host": {"ansible_host": "{{ management }}"},
    "templated_port": {"ansible_port": "{{ management_port }}"},
    "templated_user": {"ansible_user": "{{ login }}"},
    "templated_password": {"ansible_password": "{{ login_password }}"},
    "templated_platform": {"ansible_network_os": "{{ platform }}"},
    "templated_secret": {"ansible_become_password": "{{ enable_secret }}"},
    "templated_become": {"ansible_become": "{{ wanted }}", "wanted": False},
    "templated_twice": {"ansible_host": "{{ outer }}", "outer": "{{ management }}"},
    "looked_up": {"ansible_become_password": "{{ lookup('ansible.builtin.vars', 'enable_secret') }}"},
    "templated_all": {
        "ansible_host": "{{ management }}",
        "ansible_port": "{{ management_port }}",
        "ansible_user": "{{ login }}",
        "ansible_password": "{{ login_password }}",
        "ansible_network_os": "{{ platform }}",
        "ansible_become_password": "{{ enable_secret }}",
    },
    "older_names": {
        "ansible_host": "192.0.2.1",
        "ansible_ssh_host": "{{ management }}",
        "ansible_ssh_port": "{{ management_port }}",
        "ansible_ssh_user": "{{ login }}",
        "ansible_ssh_pass": "{{ login_password }}",
    },
    "vaulted_secret": {},
    "vaulted_pass": {},
    "vaulted_password": {},
}
"""Host: what it has in place of, or beside, the plain variables. The vaulted ones have files of their own."""

VAULTED = {
    "vaulted_secret": ("ansible_become_password", "secret"),
    "vaulted_pass": ("ansible_become_pass", "secret"),
    "vaulted_password": ("ansible_password", "password"),
}
"""Host: its vaulted variable, and which attribute of the device it holds."""

OF_PLAIN = ("delegated", "delegated by a loop", "the item is the secret")
IN_THE_PLAYBOOK = ("as the inventory has it", "from the task's own variables", "from facts")
CASES = [
    *((host, task) for host in IN_THE_INVENTORY for task in IN_THE_PLAYBOOK),
    *(("plain", task) for task in OF_PLAIN),
    ("added", "of an added host"),
]


@dataclass(frozen=True, kw_only=True)
class Sides:
    """Both runs, with and without extra variables, and what stood on the device's terminal."""

    inventory: Pair
    extra: Pair
    typed: list[str]


def _variables(device: SimulatedDevice) -> dict[str, Any]:
    return {
        "ansible_host": device.host,
        "ansible_port": device.port,
        "ansible_user": device.username,
        "ansible_password": device.password,
        "ansible_network_os": "cisco.ios.ios",
        "ansible_become": True,
        "ansible_become_method": "enable",
        "ansible_become_password": device.secret,
        "ansible_command_timeout": 20,
    }


def _leave_out(host: str) -> set[str]:
    """What the plain variables must not say where another variable is to."""
    if host == "vaulted_pass":
        return {"ansible_become_password"}
    if host == "older_names":
        return {"ansible_port", "ansible_user", "ansible_password"}
    return {VAULTED[host][0]} if host in VAULTED else set()


@pytest.fixture(scope="module")
def sides(vendor: VendorAnsible, parity_lab: SimulatorLab, parity_broker: RunningBroker) -> Iterator[Sides]:
    device = parity_lab.add(name="sources", platform="ios")
    # Stock network_cli has one helper for all names of an address, so one without privilege needs another device.
    unprivileged = parity_lab.add(name="unprivileged", platform="ios")
    groups, own = vendor.folder / "group_vars", vendor.folder / "host_vars"
    groups.mkdir()
    own.mkdir()
    groups.joinpath("all.yml").write_text(
        f"management: {device.host}\nmanagement_port: {device.port}\nlogin: {device.username}\n"
        f"login_password: {device.password}\nenable_secret: {device.secret}\nplatform: cisco.ios.ios\n"
    )
    vault = VaultLib([("default", VaultSecret(VAULT_PASSWORD.encode()))])
    for host, (name, attribute) in VAULTED.items():
        text = vault.encrypt(getattr(device, attribute)).decode().replace("\n", "\n  ")
        own.joinpath(f"{host}.yml").write_text(f"{name}: !vault |\n  {text.rstrip()}\n")
    password_file = vendor.folder / "vault-password"
    password_file.write_text(VAULT_PASSWORD)

    def run(side: str, extra: dict[str, Any] | None = None) -> Run:
        hosts = {}
        for host, special in IN_THE_INVENTORY.items():
            known = _variables(unprivileged if host == "templated_become" else device)
            plain = {name: value for name, value in known.items() if name not in _leave_out(host)}
            hosts[host] = over(side, plain) | special | {"management_port": known["ansible_port"]}
        added = over(side, {name: value for name, value in _variables(device).items() if name != "ansible_host"})
        for name in ("ansible_port", "ansible_become_password"):
            del added[name]
        groups.joinpath("new.yml").write_text("".join(f"{name}: {value}\n" for name, value in added.items()))
        return vendor.play(
            PLAYBOOKS / "sources.yml",
            hosts=hosts,
            extra=extra,
            environment={"ANSIBLE_VAULT_PASSWORD_FILE": str(password_file)},
        )

    def over(side: str, variables: dict[str, Any]) -> dict[str, Any]:
        return over_stock(variables) if side == "stock" else over_broker(variables, parity_broker)

    extra = {"ansible_host": "{{ management }}", "ansible_become_password": "{{ enable_secret }}"}
    yield Sides(
        inventory=Pair(stock=run("stock"), broker=run("broker")),
        extra=Pair(stock=run("stock", extra), broker=run("broker", extra)),
        typed=[line.line for line in parity_lab.log(device)],
    )
    for folder in (groups, own):
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
    parity_lab.remove(device)
    parity_lab.remove(unprivileged)


@pytest.mark.timeout(900)  # the first one runs the playbook four times
@pytest.mark.parametrize("extra", [False, True], ids=["", "extra"])
@pytest.mark.parametrize(("host", "task"), CASES, ids=[f"{host}-{task}" for host, task in CASES])
def test_same_result(host: str, task: str, extra: bool, sides: Sides) -> None:
    pair = sides.extra if extra else sides.inventory
    stock, broker = (
        [one for one in run.outcomes if (one.host, one.task) == (host, task)] for run in (pair.stock, pair.broker)
    )
    assert len(stock) == 1, pair.stock.output[-8000:]
    assert len(broker) == 1, pair.broker.output[-8000:]
    assert stock[0].state == "ok", f"no comparison: {stock[0].result.get('msg')}"
    assert differences(stock[0], broker[0]) == [], broker[0].result.get("msg")


@pytest.mark.timeout(900)
def test_no_template_reaches_the_device(sides: Sides) -> None:
    assert sides.typed
    assert [line for line in sides.typed if "{{" in line] == []
