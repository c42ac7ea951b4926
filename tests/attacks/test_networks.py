"""A broker is no way into networks where no devices are: its own machine, link-local addresses, its own services."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from netpulse_lab import SimulatorLab
from tests.lab.fixtures_real import require
from tests.lab.real import SshdHost
from tests.lab.running_broker import RunningBroker


class Trap:
    """Listens on every address of this machine, IPv4 and IPv6, and counts who comes."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        self.port: int = self._listener.getsockname()[1]
        self.visits: list[str] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                peer, where = self._listener.accept()
            except OSError:
                return
            self.visits.append(str(where[0]))
            peer.close()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)


@pytest.fixture
def trap() -> Iterator[Trap]:
    made = Trap()
    yield made
    made.close()


@pytest.fixture(scope="module")
def closed_broker() -> Iterator[RunningBroker]:
    """As it is installed, without the lab's exception."""
    with RunningBroker(settings={"NETPULSE_DEVICES__ALLOWED_NETWORKS": ""}) as running:
        yield running


HERE = [
    *("127.0.0.1", "127.9.8.7", "localhost", "LocalHost", "0.0.0.0", "::", "::1", "[::1]", "::ffff:127.0.0.1"),
    *("::ffff:7f00:1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::7f00:1", "2002:7f00:1::1", "0:0:0:0:0:0:0:1"),
]
"""This machine, in the spellings that its kernel, a translator or a tunnel knows."""

ELSEWHERE = [
    *("169.254.169.254", "::ffff:169.254.169.254", "169.254.1.1", "fe80::1%lo", "fd00:ec2::254", "100.100.100.200"),
    *("224.0.0.5", "ff02::1", "240.0.0.1", "255.255.255.255", "0.1.2.3"),
]

WAYS: list[tuple[str, dict[str, Any]]] = [
    ("netmiko", {"device_type": "cisco_ios"}),
    ("netmiko", {"device_type": "cisco_ios_telnet"}),
    ("netmiko", {"device_type": "linux"}),
    ("pyeapi", {"transport": "http"}),
    ("pyeapi", {"transport": "https"}),
    ("napalm", {"device_type": "ios"}),
    ("napalm", {"device_type": "eos", "optional_args": {"transport": "http"}}),
    ("napalm", {"device_type": "eos", "optional_args": {"transport": "ssh"}}),
    ("napalm", {"device_type": "nxos", "optional_args": {"transport": "http"}}),
    ("napalm", {"device_type": "nxos_ssh"}),
    ("napalm", {"device_type": "junos"}),
    ("napalm", {"device_type": "iosxr"}),
    ("napalm", {"device_type": "iosxr_netconf"}),
    ("napalm", {"device_type": "linux"}),
]


def asked(driver: str, host: str, port: int, **more: Any) -> dict[str, Any]:
    login = {"host": host, "port": port, "username": "u", "password": "p", "timeout": 10}
    return {
        "driver": driver,
        "connection_args": login | more,
        "command": "get_facts" if driver == "napalm" else "show x",
    }


def error_of(broker: RunningBroker, body: dict[str, Any], strategy: str = "fifo") -> dict[str, Any]:
    job = broker.post("/device/execute", body | {"options": {"wait": 60, "queue_strategy": strategy}})
    assert job["status"] == "failed", job
    found: dict[str, Any] = job["result"]["error"]
    return found


@pytest.mark.parametrize("host", HERE + ELSEWHERE)
def test_no_spelling_leads_to_where_no_devices_are(closed_broker: RunningBroker, trap: Trap, host: str) -> None:
    for strategy in ("fifo", "pinned"):
        error = error_of(closed_broker, asked("netmiko", host, trap.port, device_type="cisco_ios"), strategy)
        assert error["code"] == "destination_refused", error
        assert "NETPULSE_DEVICES__ALLOWED_NETWORKS" in error["message"]
        assert not error["retryable"]
    assert trap.visits == []


@pytest.mark.parametrize(("driver", "more"), WAYS, ids=[f"{way[0]}-{number}" for number, way in enumerate(WAYS)])
def test_no_driver_goes_where_no_devices_are(
    closed_broker: RunningBroker, trap: Trap, driver: str, more: dict[str, Any]
) -> None:
    for host in ("127.0.0.1", "localhost", "::ffff:127.0.0.1"):
        error = error_of(closed_broker, asked(driver, host, trap.port, **more))
        assert error["code"] == "destination_refused", error
    assert trap.visits == []


def test_a_jump_host_is_where_devices_are(closed_broker: RunningBroker, trap: Trap) -> None:
    for host in ("127.0.0.1", "localhost", "::1"):
        hop = {"host": host, "port": trap.port, "username": "u", "password": "p"}
        error = error_of(closed_broker, asked("netmiko", "192.0.2.1", 22, device_type="linux", proxy_jump=hop))
        assert error["code"] == "destination_refused", error
    assert trap.visits == []


def test_a_test_and_a_session_go_nowhere_else(closed_broker: RunningBroker, trap: Trap) -> None:
    body = asked("netmiko", "127.0.0.1", trap.port, device_type="cisco_ios")
    del body["command"]
    tested = closed_broker.client.post("/device/test-connection", json=body).json()["data"]
    assert tested["error"]["code"] == "destination_refused"
    opened = closed_broker.client.post("/session", json=body)
    assert "destination_refused" in opened.text
    assert trap.visits == []


@pytest.mark.sshd
def test_what_lies_behind_a_jump_host_is_checked_too(trap: Trap) -> None:
    """Its own services, and what it would look up, are out of reach unless a rule says otherwise."""
    require(SshdHost.available(password=True))
    with ExitStack() as stack:
        jump = stack.enter_context(SshdHost(name="gate", allow_tcp_forwarding=True, password=True)).device
        lab = stack.enter_context(SimulatorLab())
        device = lab.add(name="inner", platform="ios", host="127.0.8.9", privilege=15)
        hop = {"host": jump.host, "port": jump.port, "username": jump.username, "password": jump.password}
        allowed = {"NETPULSE_DEVICES__ALLOWED_NETWORKS": f"{jump.host}/32, 127.0.8.9/32"}
        broker = stack.enter_context(RunningBroker(settings=allowed))
        for host in ("127.0.8.10", "::1", "::ffff:127.0.8.10", "169.254.169.254", "only-there.invalid"):
            error = error_of(broker, asked("netmiko", host, trap.port, device_type="linux", proxy_jump=hop))
            assert error["code"] == "destination_refused", error
        second = [hop, {"host": "127.0.8.10", "port": trap.port, "username": "u", "password": "p"}]
        error = error_of(broker, asked("netmiko", "192.0.2.1", 22, device_type="linux", proxy_jump=second))
        assert error["code"] == "destination_refused", error
        assert trap.visits == []
        job = broker.execute(device.netmiko(proxy_jump=hop), command="show version")
        assert job["status"] == "finished", job


def test_the_brokers_own_services_are_no_devices(broker: RunningBroker) -> None:
    """Where this machine's addresses are allowed. The refusal tells no more than a closed port does."""
    port = int(broker.url.rpartition(":")[2])
    for host in ("127.0.0.1", "127.1.2.3", "localhost"):
        for driver, more in WAYS:
            closed, own = (error_of(broker, asked(driver, host, number, **more)) for number in (1, port))
            assert own["code"] == closed["code"] == "device_unreachable"
            assert own["message"].replace(str(port), "1") == closed["message"]
            assert (own["phase"], own["retryable"], own["details"]) == (
                closed["phase"], closed["retryable"], closed["details"]
            )  # fmt: skip
