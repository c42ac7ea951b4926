"""A lab without devices; each test adds its own switch and speaks eAPI to it through the driver."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from netpulse_drivers import Call, ChangeRequest, ChangeResult, Deadline, NamedFiles, Output, Site
from netpulse_drivers.pyeapi import PyeapiDriver
from netpulse_lab import SimulatedDevice, SimulatorLab

PATIENCE = 60.0
"""Seconds that an operation may take before the test fails; nothing here comes near it unless it hangs."""


@pytest.fixture(scope="module")
def lab() -> Iterator[SimulatorLab]:
    with SimulatorLab() as running:
        yield running


@pytest.fixture
def switch(lab: SimulatorLab, request: pytest.FixtureRequest) -> Iterator[SimulatedDevice]:
    """A switch with eAPI over both transports; of another release where a test asks for it."""
    device = lab.add(name="s1", platform="eos", http_port=0, https_port=0, release=getattr(request, "param", ""))
    yield device
    lab.remove(device)


@pytest.fixture(autouse=True)
def site(tmp_path: Path) -> Site:
    """Directories of files that requests may name."""
    names = {"keys": "keys", "certificates": "pem", "ssh_configs": "ssh", "known_hosts": "known"}
    for name in names.values():
        (tmp_path / name).mkdir()
    return Site(files=NamedFiles(**{kind: tmp_path / name for kind, name in names.items()}))


class Client:
    """One switch's driver, with the calls that a worker makes."""

    def __init__(self, driver: PyeapiDriver, site: Site) -> None:
        self.driver = driver
        self.site = site
        self.session: Any = None

    def call(self, operation: str, *, within: float = PATIENCE, enable: bool | None = None, **args: Any) -> None:
        self.driver.call = Call(
            deadline=Deadline.after(within),
            site=self.site,
            enable=enable,
            args=self.driver.validate_operation_args(operation, args),  # type: ignore[arg-type]
        )

    def connect(self, *, within: float = PATIENCE) -> Any:
        self.call("query", within=within)
        self.session = self.driver.connect()
        return self.session

    def query(self, command: str, **how: Any) -> Output:
        self.call("query", **how)
        return self.driver.send(self.session, command)

    def again(self, command: str) -> Output:
        """Another command of the same job."""
        return self.driver.send(self.session, command)

    def change(
        self, *lines: str, args: dict[str, Any] | None = None, within: float = PATIENCE, **request: Any
    ) -> ChangeResult:
        self.call("change", within=within, **(args or {}))
        return self.driver.config(self.session, ChangeRequest(lines=list(lines), **request))

    def confirm(self) -> ChangeResult:
        self.call("change")
        return self.driver.confirm(self.session)

    def rollback(self) -> ChangeResult:
        self.call("change")
        return self.driver.rollback(self.session)

    def close(self) -> None:
        if self.session is not None:
            self.driver.disconnect(self.session)


@pytest.fixture
def make_client(site: Site) -> Iterator[Callable[..., Client]]:
    clients: list[Client] = []

    def make(device: SimulatedDevice, *, transport: str = "http", **more: Any) -> Client:
        arguments = {
            "transport": transport,
            "host": device.host,
            "port": device.http_port if transport == "http" else device.https_port,
            "username": device.username,
            "password": device.password,
            "enable_password": device.secret,
        }
        driver = PyeapiDriver.from_request({key: value for key, value in {**arguments, **more}.items() if value != ""})
        assert isinstance(driver, PyeapiDriver)
        clients.append(Client(driver, site))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(make_client: Callable[..., Client], switch: SimulatedDevice) -> Client:
    """Logged in over HTTP."""
    made = make_client(switch)
    made.connect()
    return made


@pytest.fixture
def certificate(switch: SimulatedDevice, site: Site, tmp_path: Path) -> str:
    """Name of a file with the switch's certificate that the operator offers."""
    (tmp_path / "pem" / "switch.pem").write_text(switch.certificate)
    return "switch.pem"
