"""Devices as the rows of the table need them: simulated ones, a real FRR router, a real Linux host, a TCP device."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from netpulse_lab import SimulatedDevice, SimulatorLab
from tests.evidence.matrix.row import Target
from tests.lab.real import FrrLab, SshdHost
from tests.lab.shouting_device import ShoutingDevice

Up = Callable[[pytest.FixtureRequest], contextlib.AbstractContextManager[Target]]


class Simulated:
    """A simulated device."""

    def __init__(self, lab: SimulatorLab, device: SimulatedDevice, connection_args: dict[str, Any]) -> None:
        self._lab = lab
        self._device = device
        self.connection_args = connection_args

    def logins(self) -> int:
        return self._lab.counters(self._device).logins

    def configuration(self) -> str:
        return self._lab.running_config(self._device)

    def saved(self) -> str:
        return self._lab.startup_config(self._device)

    def configure(self, lines: str) -> None:
        self._lab.configure(self._device, lines)

    def drop(self) -> None:
        self._lab.drop(self._device, "close")

    def freeze(self) -> None:
        self._lab.drop(self._device, "freeze")


def simulated(platform: str, wire: str, *, config: str = "", **more: Any) -> Up:
    """A simulated device that is spoken to over ssh, http or https; its own certificate is trusted.

    Args:
        config: on top of a new device's.
        more: further connection arguments.
    """

    @contextlib.contextmanager
    def up(request: pytest.FixtureRequest) -> Iterator[Simulated]:
        lab: SimulatorLab = request.getfixturevalue("lab")
        ports = {} if wire == "ssh" else {f"{wire}_port": 0}
        device = lab.add(name="matrix", platform=platform, config=config, **ports)
        login = {
            "host": device.host,
            "port": device.port if wire == "ssh" else getattr(device, f"{wire}_port"),
            "username": device.username,
            "password": device.password,
            "secret": device.secret,
            **more,
        }
        if wire == "https":
            login["ca"] = device.certificate
        try:
            yield Simulated(lab, device, login)
        finally:
            lab.remove(device)

    return up


class FrrTarget:
    """A real router."""

    def __init__(self, lab: FrrLab) -> None:
        self._lab = lab
        self.connection_args = dict(lab.routers[0].connection_args())

    def logins(self) -> int:
        return self._lab.logins("r1")

    def configuration(self) -> str:
        return self._lab.running_config("r1")

    def saved(self) -> str:
        return self._lab.saved_config("r1")

    def configure(self, lines: str) -> None:
        raise NotImplementedError("nobody else changes it")

    def drop(self) -> None:
        self._lab.drop_sessions("r1")

    def freeze(self) -> None:
        self._lab.freeze("r1")


@contextlib.contextmanager
def frr(request: pytest.FixtureRequest) -> Iterator[FrrTarget]:
    """The first router of the lab, given back as it was."""
    lab: FrrLab = request.getfixturevalue("frr_lab")
    target = FrrTarget(lab)
    before = target.configuration(), target.saved()
    try:
        yield target
    finally:
        lab.thaw("r1")
        lab.drop_sessions("r1")
        if (target.configuration(), target.saved()) != before:
            lab.reset()  # takes seconds


class HostTarget:
    """A real Linux host. Its "configuration" is a file in the home directory, and a copy of it the saved one."""

    def __init__(self, host: SshdHost, connection_args: dict[str, Any]) -> None:
        self._host = host
        self.connection_args = connection_args

    def logins(self) -> int:
        return self._host.logins()

    def configuration(self) -> str:
        return self._read("settings")

    def saved(self) -> str:
        return self._read("settings.saved")

    def configure(self, lines: str) -> None:
        raise NotImplementedError("nobody else changes it")

    def drop(self) -> None:
        self._host.drop_sessions()

    def freeze(self) -> None:
        self._host.freeze()

    def _read(self, name: str) -> str:
        file = self._host.home / name
        return file.read_text() if file.exists() else ""


def linux_host(arguments: Callable[[SshdHost], dict[str, Any]]) -> Up:
    """The real Linux host.

    Args:
        arguments: how a driver reaches it.
    """

    @contextlib.contextmanager
    def up(request: pytest.FixtureRequest) -> Iterator[HostTarget]:
        host: SshdHost = request.getfixturevalue("sshd_host")
        try:
            yield HostTarget(host, arguments(host))
        finally:
            host.thaw()
            host.drop_sessions()
            for name in ("settings", "settings.saved"):
                Path(host.home / name).unlink(missing_ok=True)

    return up


class Shouting(ShoutingDevice):
    """The device of the custom driver; there is nothing to configure on it."""

    def saved(self) -> str:
        return ""

    def configure(self, lines: str) -> None:
        raise NotImplementedError("nobody changes it")


@contextlib.contextmanager
def shouting(request: pytest.FixtureRequest) -> Iterator[Target]:
    """The device of the custom driver."""
    with Shouting() as device:
        yield device
