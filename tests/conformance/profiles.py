"""The drivers that are tried."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from netpulse_drivers.conformance import Profile
from netpulse_drivers.napalm import NapalmDriver
from netpulse_drivers.netmiko import NetmikoDriver
from netpulse_drivers.pyeapi import PyeapiDriver
from netpulse_lab import SimulatedDevice, SimulatorLab
from tests.conformance.profile import Tried

Target = Callable[[Any], contextlib.AbstractContextManager["SimulatedTarget"]]


class SimulatedTarget:
    """A simulated device behind a driver that speaks to its command line."""

    def __init__(self, lab: SimulatorLab, device: SimulatedDevice, **connection_args: Any) -> None:
        self._lab = lab
        self._device = device
        self.connection_args = {
            "host": device.host,
            "port": device.port,
            "username": device.username,
            "password": device.password,
            "secret": device.secret,
            **connection_args,
        }

    def logins(self) -> int:
        return self._lab.counters(self._device).logins

    def received(self) -> list[str]:
        return self._lab.commands(self._device)

    def configuration(self) -> str:
        return self._lab.running_config(self._device)

    def drop(self) -> None:
        self._lab.drop(self._device, "rst")

    def freeze(self) -> None:
        self._lab.drop(self._device, "freeze")


def _simulated(platform: str, device_type: str, *, telnet: bool = False, **fields: Any) -> Target:
    @contextlib.contextmanager
    def target(lab: SimulatorLab) -> Iterator[SimulatedTarget]:
        device = lab.add(name="r1", platform=platform, **({"telnet_port": 0} if telnet else {}), **fields)
        try:
            port = device.telnet_port if telnet else device.port
            yield SimulatedTarget(lab, device, device_type=device_type, port=port)
        finally:
            lab.remove(device)

    return target


def _eapi(served: str, **more: Any) -> Target:
    """A switch that speaks eAPI; its own certificate is the authority that the driver trusts.

    Args:
        served: http or https.
        more: further connection arguments.
    """

    @contextlib.contextmanager
    def target(lab: SimulatorLab) -> Iterator[SimulatedTarget]:
        device = lab.add(name="s1", platform="eos", **{f"{served}_port": 0})
        port = device.https_port if served == "https" else device.http_port
        trusted = {"ca": device.certificate} if served == "https" else {}
        try:
            yield SimulatedTarget(lab, device, port=port, **trusted, **more)
        finally:
            lab.remove(device)

    return target


def _closed_port() -> int:
    """Where nobody listens: below the ports that are given out, to whoever tests something else at this moment."""
    return 1


def _netmiko(name: str, platform: str, device_type: str, interface: str, *, telnet: bool = False) -> Tried:
    return Tried(
        name=f"netmiko-{name}",
        lab=SimulatorLab,
        target=_simulated(platform, device_type, telnet=telnet),
        profile=Profile(
            driver=NetmikoDriver,
            query="show version",
            query_shows={"ios": "Cisco IOS Software", "eos": "Arista"}[platform],
            refused_query="show nonsense",
            change=(f"interface {interface}", "description set by the conformance suite"),
            change_shows="description set by the conformance suite",
            refused_change=(f"interface {interface}", "nonsense line", "description never set"),
            wrong_credentials={"password": "wrong-password-here"},
            unreachable={"port": _closed_port()},
        ),
    )


def _pyeapi(transport: str) -> Tried:
    return Tried(
        name=f"pyeapi-{transport}",
        lab=SimulatorLab,
        target=_eapi(transport, transport=transport),
        profile=Profile(
            driver=PyeapiDriver,
            query="show version",
            query_shows="vEOS-lab",
            refused_query="show nonsense",
            change=("interface Ethernet1", "description set by the conformance suite"),
            change_shows="description set by the conformance suite",
            revert_in=600,
            refused_change=("interface Ethernet1", "nonsense line", "description never set"),
            wrong_credentials={"password": "wrong-password-here"},
            unreachable={"port": _closed_port()},
        ),
    )


def _napalm_eos(transport: str) -> Tried:
    return Tried(
        name=f"napalm-eos-{transport}",
        lab=SimulatorLab,
        target=_eapi(transport, device_type="eos", optional_args={"transport": transport}),
        profile=Profile(
            driver=NapalmDriver,
            query="get_facts",
            query_shows="vEOS-lab",
            refused_query="show nonsense",
            change=("interface Ethernet1", "description set by the conformance suite"),
            change_shows="description set by the conformance suite",
            revert_in=600,
            refused_change=("interface Ethernet1", "nonsense line", "description never set"),
            wrong_credentials={"password": "wrong-password-here"},
            unreachable={"port": _closed_port()},
        ),
    )


def _napalm_ios() -> Tried:
    return Tried(
        name="napalm-ios",
        lab=SimulatorLab,
        target=_simulated(
            "ios", "ios", config="ip scp server enable\nfile prompt quiet\narchive\n path flash0:archive"
        ),
        profile=Profile(
            driver=NapalmDriver,
            query="get_facts",
            query_shows="Cisco",
            refused_query="show nonsense",
            change=("interface GigabitEthernet0/1", " description set by the conformance suite"),
            change_shows="description set by the conformance suite",
            revert_in=600,
            refused_change=("interface GigabitEthernet0/1", "nonsense line", " description never set"),
            wrong_credentials={"password": "wrong-password-here"},
            unreachable={"port": _closed_port()},
        ),
    )


TRIED = [
    _netmiko("ios", "ios", "cisco_ios", "GigabitEthernet0/1"),
    _netmiko("eos", "eos", "arista_eos", "Ethernet1"),
    _netmiko("ios-telnet", "ios", "cisco_ios_telnet", "GigabitEthernet0/1", telnet=True),
    _pyeapi("http"),
    _pyeapi("https"),
    _napalm_eos("http"),
    _napalm_eos("https"),
    _napalm_ios(),
]
