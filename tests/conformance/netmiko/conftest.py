"""A lab without devices; each test adds its own and logs in through the driver."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from netpulse_drivers import Call, ChangeRequest, ChangeResult, Deadline, NamedFiles, Output, Site
from netpulse_drivers.netmiko import NetmikoDriver
from netpulse_drivers.netmiko.session import NetmikoSession
from netpulse_lab import SimulatedDevice, SimulatorLab

PATIENCE = 60.0
"""Seconds that an operation may take before the test fails; nothing here comes near it unless it hangs."""

DEVICE_TYPES = {"ios": "cisco_ios", "eos": "arista_eos"}


@pytest.fixture(scope="session")
def lab() -> Iterator[SimulatorLab]:
    with SimulatorLab() as running:
        yield running


@pytest.fixture(autouse=True)
def known_hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ports come round again: no test may remember another's host keys."""
    path = tmp_path / "known_hosts"
    monkeypatch.setenv("NETPULSE_KNOWN_HOSTS", str(path))
    return path


@pytest.fixture(autouse=True)
def site(tmp_path: Path) -> Site:
    """Directories of files that requests may name."""
    names = {"keys": "keys", "certificates": "pem", "ssh_configs": "ssh", "known_hosts": "known"}
    for name in names.values():
        (tmp_path / name).mkdir()
    return Site(files=NamedFiles(**{kind: tmp_path / name for kind, name in names.items()}))


class Client:
    """One device's driver, with the calls that a worker makes."""

    def __init__(self, driver: NetmikoDriver, site: Site) -> None:
        self.driver = driver
        self.site = site
        self.session: NetmikoSession | None = None
        self.writes = 0

    def call(self, operation: str, *, within: float = PATIENCE, enable: bool | None = None, **args: Any) -> None:
        """The next job: a worker ends the one before."""
        self.end_job()
        self.driver.call = Call(
            deadline=Deadline.after(within),
            site=self.site,
            enable=enable,
            args=self.driver.validate_operation_args(operation, args),  # type: ignore[arg-type]
            before_write=self._count,
        )

    def end_job(self) -> bool:
        """Whether the session may be kept."""
        return self.session is not None and self.driver.end_job(self.session)

    def _count(self) -> None:
        self.writes += 1

    def connect(self, *, within: float = PATIENCE) -> NetmikoSession:
        self.call("query", within=within)
        self.session = self.driver.connect()
        return self.session

    def query(self, command: str, **how: Any) -> Output:
        self.call("query", **how)
        assert self.session is not None
        return self.driver.send(self.session, command)

    def again(self, command: str) -> Output:
        """Another command of the same job."""
        assert self.session is not None
        return self.driver.send(self.session, command)

    def change(
        self, *lines: str, args: dict[str, Any] | None = None, within: float = PATIENCE, **request: Any
    ) -> ChangeResult:
        self.call("change", within=within, **(args or {}))
        assert self.session is not None
        return self.driver.config(self.session, ChangeRequest(lines=list(lines), **request))

    def keepalive(self, *, within: float = PATIENCE) -> bool:
        self.call("query", within=within)
        assert self.session is not None
        return self.driver.keepalive(self.session)

    def close(self) -> None:
        if self.session is not None:
            self.driver.disconnect(self.session)
            self.session = None


Login = Callable[..., Client]


@pytest.fixture
def make_client(site: Site) -> Iterator[Callable[..., Client]]:
    """A client for connection arguments, not logged in yet."""
    clients: list[Client] = []

    def make(**connection_args: Any) -> Client:
        driver = NetmikoDriver.from_request(connection_args)
        assert isinstance(driver, NetmikoDriver)
        clients.append(Client(driver, site))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client_of(make_client: Callable[..., Client]) -> Callable[..., Client]:
    """A client for a simulated device, not logged in yet."""

    def make(device: SimulatedDevice, **more: Any) -> Client:
        arguments: dict[str, Any] = {
            "device_type": DEVICE_TYPES[device.platform],
            "host": device.host,
            "port": device.port,
            "username": device.username,
            "password": device.password,
            "secret": device.secret,
        }
        return make_client(**{**arguments, **more})

    return make


@pytest.fixture
def new_device(lab: SimulatorLab, request: pytest.FixtureRequest) -> Iterator[Callable[..., SimulatedDevice]]:
    """Adds devices to the lab for one test."""
    added: list[SimulatedDevice] = []

    def add(platform: str = "ios", **fields: Any) -> SimulatedDevice:
        name = fields.pop("name", f"r{len(added) + 1}")
        added.append(lab.add(name=f"{name}", platform=platform, **fields))
        return added[-1]

    yield add
    for device in added:
        lab.remove(device)


@pytest.fixture
def login(
    new_device: Callable[..., SimulatedDevice], client_of: Callable[..., Client]
) -> Callable[..., tuple[SimulatedDevice, Client]]:
    """A new device and a client that is logged in."""

    def make(
        platform: str = "ios", *, args: dict[str, Any] | None = None, **fields: Any
    ) -> tuple[SimulatedDevice, Client]:
        device = new_device(platform, **fields)
        client = client_of(device, **(args or {}))
        client.connect()
        return device, client

    return make
