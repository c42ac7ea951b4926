"""Devices that can take a change with a timer, each in the ways in which drivers reach it, and a broker that does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netpulse_lab import LabError, SimulatedDevice, SimulatorLab
from tests.lab.running_broker import RunningBroker

ARCHIVE = "ip scp server enable\nfile prompt quiet\narchive\n path flash0:archive"
MARK = "made with a timer"


@dataclass(frozen=True)
class Way:
    """A driver, a platform, and how they are reached; ``revert_in`` is what the platform can say."""

    name: str
    platform: str
    driver: str
    login: Callable[[SimulatedDevice], dict[str, Any]]
    lines: tuple[str, ...]
    revert_in: int = 3600
    names_commits: bool = False


def _common(device: SimulatedDevice, **more: Any) -> dict[str, Any]:
    return {"host": device.host, "port": device.port, "username": device.username, "password": device.password} | more


def pyeapi_login(device: SimulatedDevice) -> dict[str, Any]:
    return _common(device, port=device.https_port, enable_password=device.secret, verify=False)


def napalm_login(platform: str, transport: str = "", **more: Any) -> Callable[[SimulatedDevice], dict[str, Any]]:
    def login(device: SimulatedDevice) -> dict[str, Any]:
        own = {"optional_args": {"transport": transport}} if transport else {}
        eapi = {"port": device.https_port, "verify": False} if transport == "https" else {}
        return _common(device, device_type=platform, secret=device.secret, **own, **more) | eapi

    return login


def netmiko_login(device: SimulatedDevice) -> dict[str, Any]:
    return device.netmiko()


EOS = ("interface Ethernet1", f"description {MARK}")
IOS = ("interface GigabitEthernet0/1", f" description {MARK}")
JUNOS = (f'set interfaces ge-0/0/1 description "{MARK}"',)
PYEAPI = Way("pyeapi-https", "eos", "pyeapi", pyeapi_login, EOS, names_commits=True)
XR = Way(
    "netmiko-iosxr", "iosxr", "netmiko", netmiko_login, ("interface GigabitEthernet0/0/0/1", f"description {MARK}")
)
WAYS = [
    PYEAPI,
    Way("napalm-eos-https", "eos", "napalm", napalm_login("eos", "https"), EOS, names_commits=True),
    Way("napalm-eos-ssh", "eos", "napalm", napalm_login("arista_eos", "ssh"), EOS, names_commits=True),
    Way("napalm-ios", "ios", "napalm", napalm_login("ios"), IOS),
    Way("netmiko-junos", "junos", "netmiko", netmiko_login, JUNOS),
]


class Stage:
    """One device, reached in one way, and a broker."""

    def __init__(self, broker: RunningBroker, lab: SimulatorLab, device: SimulatedDevice, way: Way) -> None:
        self.broker, self.lab, self.device, self.way = broker, lab, device, way
        self.login = way.login(device)
        self.name = f"{self.login['host']}:{self.login['port']}"

    @property
    def changed(self) -> bool:
        return MARK in self.lab.running_config(self.device)

    @property
    def commits(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.broker.get(f"/device/{self.name}")["commits"]
        return found

    def request(self, **more: Any) -> dict[str, Any]:
        return {"driver": self.way.driver, "connection_args": self.login, "options": {"wait": 60}} | more

    def change(self, *, lines: tuple[str, ...] = (), **options: Any) -> dict[str, Any]:
        job: dict[str, Any] = self.broker.post(
            "/device/execute", self.request(config=list(lines or self.way.lines), options={"wait": 60} | options)
        )
        return job

    def change_for(self, seconds: float | None = None, **how: Any) -> dict[str, Any]:
        """A change with a timer that went well."""
        job = self.change(revert_in=seconds or self.way.revert_in, **how)
        assert job["status"] == "finished", job
        return job

    def settle(self, how: str, **more: Any) -> dict[str, Any]:
        job: dict[str, Any] = self.broker.post(f"/device/{how}", self.request(**more))
        assert job["operation"] == how
        return job

    def timer_runs(self) -> bool:
        try:
            self.lab.time_is_up(self.device)
        except LabError:
            return False
        return True


@contextmanager
def stage_of(broker: RunningBroker, lab: SimulatorLab, way: Way, *, name: str = "d1") -> Iterator[Stage]:
    fields: dict[str, Any] = {"config": ARCHIVE} if way.platform == "ios" else {}
    if way.platform == "eos":
        fields = {"https_port": 0}
    device = lab.add(name=name, platform=way.platform, **fields)
    try:
        yield Stage(broker, lab, device, way)
    finally:
        lab.remove(device)


def error_of(job: dict[str, Any], code: str) -> dict[str, Any]:
    assert job["status"] == "failed", job
    error: dict[str, Any] = job["result"]["error"]
    assert error["code"] == code, error
    return error


@contextmanager
def restarted(state_dir: Path) -> Iterator[Callable[..., RunningBroker]]:
    """A broker in a directory that outlives it; each call ends the one that runs and starts another one there.

    ``while_away`` is called in between."""
    running: list[RunningBroker] = []

    def start(while_away: Callable[[], object] = lambda: None) -> RunningBroker:
        while running:
            ended(running.pop())
        while_away()
        broker = RunningBroker(state_dir=state_dir)
        running.append(broker)
        return broker.__enter__()

    try:
        yield start
    finally:
        while running:
            ended(running.pop())


def ended(broker: RunningBroker) -> None:
    broker.__exit__(None, None, None)
