from __future__ import annotations

from typing import Any

import pytest

from netpulse_broker.api.auth import Principal
from netpulse_broker.api.requests.connections import CheckedConnections
from netpulse_broker.api.requests.jobs import JobFactory
from netpulse_broker.api.requests.options import merged_options
from netpulse_broker.errors import BadRequest, InvalidRequest
from netpulse_broker.models.device import ExecuteRequest
from netpulse_broker.settings import JobSettings, WebhookSettings
from netpulse_drivers import BaseDriver
from netpulse_drivers.netmiko import NetmikoDriver
from tests.unit.api.sample_drivers import SampleDrivers

LOGIN = {
    "device_type": "cisco_ios",
    "host": "R1.example.net.",
    "username": "admin",
    "password": "s3cr3t-device-password",
}


class Counting(NetmikoDriver):
    """Counts how often it is asked."""

    asked = 0

    @classmethod
    def validate_connection_args(cls, values: Any) -> Any:
        Counting.asked += 1
        return super().validate_connection_args(values)


@pytest.fixture(autouse=True)
def _from_zero() -> None:
    Counting.asked = 0


def test_the_same_arguments_are_checked_once() -> None:
    connections = CheckedConnections()
    found = [connections.check(Counting, dict(LOGIN), named=False) for _ in range(3)]
    assert Counting.asked == 1
    assert {one.identity for one in found} == {"r1.example.net"}


def test_other_arguments_are_checked_by_themselves() -> None:
    connections = CheckedConnections()
    for changes in ({}, {"password": "another"}, {"port": 2222}, {"host": "r2"}):
        connections.check(Counting, LOGIN | changes, named=False)
    assert Counting.asked == 4


def test_what_is_wrong_is_never_remembered() -> None:
    connections = CheckedConnections()
    for _ in range(2):
        with pytest.raises(InvalidRequest):
            connections.check(Counting, {"host": "r1"}, named=False)
    assert Counting.asked == 2


def test_a_host_is_a_host_whatever_the_device_is_called() -> None:
    connections = CheckedConnections()
    arguments = LOGIN | {"host": "no name/of a host"}
    for named in (False, True):
        with pytest.raises(InvalidRequest, match=r"connection_args\.host"):
            connections.check(NetmikoDriver, arguments, named=named)
    assert connections.check(NetmikoDriver, LOGIN, named=True).device("r1") == "r1"
    with pytest.raises(BadRequest):
        connections.check(NetmikoDriver, LOGIN, named=True).device("r 1")


def test_no_password_is_kept() -> None:
    connections = CheckedConnections()
    connections.check(NetmikoDriver, LOGIN, named=False)
    assert LOGIN["password"] not in repr(connections._known)


def test_the_oldest_is_forgotten() -> None:
    connections = CheckedConnections(remembered=2)
    for host in ("r1", "r2", "r1", "r3", "r1", "r2"):
        connections.check(Counting, LOGIN | {"host": host}, named=False)
    assert Counting.asked == 4  # r1, r2, r3, and r2 again


class OnlyCounting(SampleDrivers):
    def get(self, name: str) -> type[BaseDriver]:
        return Counting


def test_a_change_validates_its_arguments_once() -> None:
    factory = JobFactory(drivers=OnlyCounting(), jobs=JobSettings(), webhooks=WebhookSettings())
    request = ExecuteRequest.model_validate({"driver": "netmiko", "connection_args": LOGIN, "config": ["hostname r1"]})
    for asked in (1, 2):
        factory.execute(request, merged_options(request), Principal(key_id="key", role="operator"))
        assert Counting.asked == asked
