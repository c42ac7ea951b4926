"""Each NAPALM getter of ios and eos through REST, against devices that are known completely (tests/lab/modelled)."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest
from napalm import get_network_driver
from napalm.base.base import NetworkDriver

from netpulse_lab import SimulatedDevice, SimulatorLab
from tests.lab.modelled import eos_getters, ios_getters
from tests.lab.modelled.case import Case
from tests.lab.modelled.devices import eos_device, ios_device
from tests.lab.modelled.network import ModelledDevice, eos_config, ios_config
from tests.lab.running_broker import RunningBroker

PLATFORMS: dict[str, ModuleType] = {"ios": ios_getters, "eos": eos_getters}
WIRES = {"ios": "ssh", "eos": "http", "eos-ssh": "ssh"}
"""How the devices are asked."""

BESIDE = ("get_config",)
"""Getters with a test of their own below."""

BASE = sorted(name for name in dir(NetworkDriver) if name.startswith("get_") or name in ("ping", "traceroute"))
"""What NAPALM's base class declares."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """A device that is up, and the model it was made from."""

    model: ModelledDevice
    device: SimulatedDevice
    added_after: float
    """Monotonic time before it was started."""
    connection_args: dict[str, Any]


@pytest.fixture(scope="module")
def known(lab: SimulatorLab) -> Iterator[Callable[[str], Known]]:
    """The modelled device of a wire, brought up when first asked for."""
    running: dict[str, Known] = {}

    def of(wire: str) -> Known:
        if wire not in running:
            running[wire] = _started(lab, wire)
        return running[wire]

    yield of
    for one in running.values():
        lab.remove(one.device)


def _started(lab: SimulatorLab, wire: str) -> Known:
    before = time.monotonic()
    name, platform = f"modelled-{wire}", wire.partition("-")[0]
    model = ios_device(name) if platform == "ios" else eos_device(name)
    config = ios_config(model) if platform == "ios" else eos_config(model)
    more = {"http_port": 0} if platform == "eos" else {}
    device = lab.add(name=name, platform=platform, config=config, surroundings=model.surroundings, **more)
    login: dict[str, Any] = {
        "device_type": platform,
        "host": device.host,
        "port": device.port,
        "username": device.username,
        "password": device.password,
        "secret": device.secret,
    }
    if platform == "eos":
        port = device.http_port if WIRES[wire] == "http" else device.port
        login |= {"port": port, "optional_args": {"transport": WIRES[wire]}}
    return Known(model=model, device=device, added_after=before, connection_args=login)


def asked(broker: RunningBroker, target: Known, getter: str, args: dict[str, Any]) -> Any:
    """The getter's answer, as a client of REST reads it."""
    job = broker.execute(target.connection_args, driver="napalm", command=getter, driver_args=args)
    assert job["status"] == "finished", job["result"]
    return job["result"]["retval"][getter]


def plain(value: Any) -> Any:
    """As JSON carries it: numbers that are keys become texts."""
    return json.loads(json.dumps(value))


@pytest.mark.parametrize("platform", sorted(PLATFORMS))
def test_every_getter_is_covered_or_named_as_missing(platform: str) -> None:
    """A getter that NAPALM adds, or that a driver implements now, must get its case here."""
    driver = get_network_driver(platform)
    implemented = {name for name in BASE if getattr(driver, name) is not getattr(NetworkDriver, name)}
    covered = {case.getter for case in PLATFORMS[platform].CASES} | set(BESIDE)
    assert covered == implemented
    assert set(PLATFORMS[platform].UNSUPPORTED) == set(BASE) - implemented
    print(f"{platform}: {len(covered)} getters answer, {', '.join(PLATFORMS[platform].UNSUPPORTED)} are unsupported")


def of_platform(wire: str) -> ModuleType:
    return PLATFORMS[wire.partition("-")[0]]


@pytest.mark.parametrize(
    ("wire", "case"),
    [pytest.param(wire, case, id=f"{wire}-{case.name}") for wire in WIRES for case in of_platform(wire).CASES],
)
def test_getter(broker: RunningBroker, known: Callable[[str], Known], wire: str, case: Case) -> None:
    target = known(wire)
    answer = asked(broker, target, case.getter, case.args)
    if case.getter == "get_facts":
        up = answer.pop("uptime")
        least = target.model.surroundings.uptime
        assert least - 60 < up <= least + (time.monotonic() - target.added_after) + 1  # IOS shows whole minutes
    assert answer == plain(case.expected(target.model))


@pytest.mark.parametrize(
    ("wire", "getter"), [(wire, getter) for wire in WIRES for getter in of_platform(wire).UNSUPPORTED]
)
def test_getter_that_the_platform_has_not_implemented(
    broker: RunningBroker, known: Callable[[str], Known], wire: str, getter: str
) -> None:
    target = known(wire)
    job = broker.execute(target.connection_args, driver="napalm", command=getter)
    assert job["status"] == "failed"
    error = job["result"]["error"]
    assert error["code"] == "unsupported_operation"
    assert getter in error["message"]
    assert asked(broker, target, "get_facts", {})["hostname"] == target.model.name


_HEAD = re.compile(
    r"^(Building configuration.*|Current configuration :.*|! Last configuration change at.*)$", re.MULTILINE
)


@pytest.mark.parametrize("retrieve", ["all", "running", "startup"])
@pytest.mark.parametrize("wire", sorted(WIRES))
def test_get_config(
    broker: RunningBroker, known: Callable[[str], Known], lab: SimulatorLab, wire: str, retrieve: str
) -> None:
    """The device's own configuration, without the lines that IOS puts around it."""
    target, platform = known(wire), wire.partition("-")[0]
    answer = asked(broker, target, "get_config", {"retrieve": retrieve})
    assert answer.pop("candidate") == ""
    wanted = {"running": lab.running_config(target.device), "startup": lab.startup_config(target.device)}
    for kind, text in wanted.items():
        body = text if platform == "eos" else _HEAD.sub("", text).strip()
        if retrieve not in ("all", kind):
            assert answer[kind] == ""
        elif platform == "ios" and kind == "startup":
            first, _, rest = answer[kind].partition("\n")
            assert first.startswith("Using ")
            assert rest == body
        else:
            assert answer[kind].strip() == body.strip().replace("show running-config", f"show {kind}-config")
