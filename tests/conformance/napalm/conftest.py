"""Simulated devices and the NAPALM driver, with the calls that a worker makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from netpulse_drivers import Call, ChangeRequest, ChangeResult, Deadline, NamedFiles, Output, Site
from netpulse_drivers.napalm import NapalmDriver
from netpulse_lab import SimulatedDevice, SimulatorLab

PATIENCE = 60.0
"""Seconds that an operation may take before the test fails; nothing here comes near it unless it hangs."""


@pytest.fixture(autouse=True)
def known_hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ports come round again: no test may remember another's host keys."""
    path = tmp_path / "known_hosts"
    monkeypatch.setenv("NETPULSE_KNOWN_HOSTS", str(path))
    return path


@pytest.fixture(scope="module")
def lab() -> Iterator[SimulatorLab]:
    with SimulatorLab() as running:
        yield running


@pytest.fixture
def switch(lab: SimulatorLab, request: pytest.FixtureRequest) -> Iterator[SimulatedDevice]:
    """A switch with eAPI over both transports, and SSH; of another release where a test asks for it."""
    device = lab.add(name="s1", platform="eos", http_port=0, https_port=0, release=getattr(request, "param", ""))
    yield device
    lab.remove(device)


@pytest.fixture
def router(lab: SimulatorLab) -> Iterator[SimulatedDevice]:
    """An IOS router that takes files over SCP and can compare and revert, as NAPALM wants it."""
    config = "ip scp server enable\nfile prompt quiet\narchive\n path flash0:archive"
    device = lab.add(name="r1", platform="ios", config=config)
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
    """One device's driver."""

    def __init__(self, driver: NapalmDriver, site: Site) -> None:
        self.driver = driver
        self.site = site
        self.session: Any = None

    def call(self, operation: str, *, within: float = PATIENCE, **args: Any) -> None:
        self.driver.call = Call(
            deadline=Deadline.after(within),
            site=self.site,
            args=self.driver.validate_operation_args(operation, args),  # type: ignore[arg-type]
        )

    def connect(self, *, within: float = PATIENCE) -> Any:
        self.call("query", within=within)
        self.session = self.driver.connect()
        return self.session

    def query(self, command: str, **how: Any) -> Output:
        self.call("query", **how)
        return self.driver.send(self.session, command)

    def change(self, *lines: str, args: dict[str, Any] | None = None, **request: Any) -> ChangeResult:
        self.call("change", **(args or {}))
        return self.driver.config(self.session, ChangeRequest(lines=list(lines), **request))

    def confirm(self) -> ChangeResult:
        self.call("change")
        return self.driver.confirm(self.session)

    def rollback(self) -> ChangeResult:
        self.call("change")
        return self.driver.rollback(self.session)

    def keepalive(self, *, within: float = PATIENCE) -> bool:
        self.call("query", within=within)
        return self.driver.keepalive(self.session)

    def close(self) -> None:
        if self.session is not None:
            self.driver.disconnect(self.session)


@pytest.fixture
def make_client(site: Site) -> Iterator[Callable[..., Client]]:
    clients: list[Client] = []

    def make(**connection_args: Any) -> Client:
        driver = NapalmDriver.from_request(connection_args)
        assert isinstance(driver, NapalmDriver)
        clients.append(Client(driver, site))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def eos(make_client: Callable[..., Client], switch: SimulatedDevice) -> Client:
    """Logged in to the switch, eAPI over HTTP."""
    client = make_client(
        device_type="eos",
        host=switch.host,
        port=switch.http_port,
        username=switch.username,
        password=switch.password,
        optional_args={"transport": "http", "enable_password": switch.secret},
    )
    client.connect()
    return client


@pytest.fixture
def ios(make_client: Callable[..., Client], router: SimulatedDevice) -> Client:
    """Logged in to the router over SSH."""
    client = make_client(
        device_type="cisco_ios",
        hostname=router.host,
        port=router.port,
        username=router.username,
        password=router.password,
        secret=router.secret,
    )
    client.connect()
    return client
