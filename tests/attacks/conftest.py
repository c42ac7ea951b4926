"""One broker and one lab for the attacks of a process, and the devices that they aim at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from netpulse_broker.embedded.paths import ServerPaths
from netpulse_lab import SimulatedDevice, SimulatorLab
from tests.lab.running_broker import RunningBroker


@pytest.fixture(scope="session")
def broker() -> Iterator[RunningBroker]:
    with RunningBroker() as running:
        yield running


@pytest.fixture(scope="session")
def store(broker: RunningBroker) -> Iterator[redis.Redis]:
    """For who has come to write to Redis."""
    paths = ServerPaths(broker.state_dir)
    with redis.Redis(unix_socket_path=str(paths.socket), password=paths.password.read_text().strip()) as client:
        yield client


@pytest.fixture(scope="session")
def lab() -> Iterator[SimulatorLab]:
    with SimulatorLab() as running:
        yield running


@pytest.fixture
def device(lab: SimulatorLab, request: pytest.FixtureRequest) -> Iterator[SimulatedDevice]:
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[-40:]
    added = lab.add(name=name, platform="ios", privilege=15)
    yield added
    lab.remove(added)


@pytest.fixture
def login(device: SimulatedDevice) -> dict[str, Any]:
    """connection_args of the device."""
    return {
        "device_type": "cisco_ios",
        "host": device.host,
        "port": device.port,
        "username": device.username,
        "password": device.password,
    }
