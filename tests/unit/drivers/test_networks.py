"""Where devices may be."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from netpulse_drivers import ConnectError, Deadline, DestinationRefused, DeviceNetworks, networks
from netpulse_drivers.networks import meant_by
from netpulse_drivers.ssh.tcp import open_tcp

LOOPBACK = DeviceNetworks(denied=("127.0.0.0/8", "::1/128"), jump_names=())


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def answer(*addresses: str) -> Any:
    """A resolver that answers so, once a call: the last answer stays."""
    left = list(addresses)

    def ask(host: str, port: int, **_how: Any) -> Any:
        address = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    return ask


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("192.0.2.1", ["192.0.2.1"]),
        ("::ffff:127.0.0.1", ["127.0.0.1"]),
        ("64:ff9b::7f00:1", ["64:ff9b::7f00:1", "127.0.0.1"]),
        ("64:ff9b:1::a00:1", ["64:ff9b:1::a00:1", "10.0.0.1"]),
        ("::127.0.0.1", ["::7f00:1", "127.0.0.1"]),
        ("2002:7f00:1::1", ["2002:7f00:1::1", "127.0.0.1"]),
        ("::1", ["::1"]),
        ("2001:db8::1", ["2001:db8::1"]),
    ],
)
def test_what_an_address_means(written: str, meant: list[str]) -> None:
    assert [str(one) for one in meant_by(ipaddress.ip_address(written))] == meant


def test_a_name_is_looked_up_once(monkeypatch: pytest.MonkeyPatch, listener: socket.socket) -> None:
    """What was checked is dialled: an answer that changes afterwards leads nowhere."""
    rules = DeviceNetworks(denied=("127.0.0.2/32",))
    monkeypatch.setattr(networks, "_getaddrinfo", answer("127.0.0.1", "127.0.0.2"))
    port = listener.getsockname()[1]
    with open_tcp("r1.example", port, Deadline.after(10), networks=rules) as dialled:
        assert dialled.getpeername() == ("127.0.0.1", port)
    with pytest.raises(DestinationRefused, match=r"r1\.example leads to 127\.0\.0\.2, which is in a network"):
        open_tcp("r1.example", port, Deadline.after(10), networks=rules)


def test_of_several_addresses_the_permitted_ones_are_dialled(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    found = [entry for host in ("127.0.0.2", "127.0.0.1") for entry in socket.getaddrinfo(host, port)]
    left = DeviceNetworks(denied=("127.0.0.2/32",)).permitted("r1", port, found)
    assert {entry[4][0] for entry in left} == {"127.0.0.1"}


def test_exceptions() -> None:
    rules = DeviceNetworks(denied=("127.0.0.0/8",), allowed=("127.0.0.8/29",))
    assert rules.addresses("127.0.0.9", 22)
    with pytest.raises(DestinationRefused):
        rules.addresses("127.0.0.7", 22)


def test_libraries_are_held_to_the_rules(listener: socket.socket) -> None:
    where = listener.getsockname()
    with LOOPBACK.enforced():
        for host in ("127.0.0.1", b"127.0.0.1", "localhost"):
            with pytest.raises(DestinationRefused):
                socket.create_connection((host, where[1]))  # type: ignore[arg-type]
    socket.create_connection(where).close()


@pytest.mark.parametrize("address", ["127.0.0.1", "127.3.4.5", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("service", ["127.0.0.1", "0.0.0.0", "::", "localhost"])
def test_own_services(service: str, address: str, listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    rules = DeviceNetworks(services=((service, port),))
    with pytest.raises(ConnectError, match=rf"{address} port {port} is unreachable: Connection refused") as caught:
        open_tcp(address, port, Deadline.after(10), networks=rules)
    assert caught.type is ConnectError
    with pytest.raises(ConnectError, match=rf"{address} port {port} is unreachable: Connection refused"):
        rules.behind_jump_host(address, port)
    assert rules.addresses(address, port + 1)
    assert rules.addresses("192.0.2.1", port)


def test_behind_a_jump_host() -> None:
    rules = DeviceNetworks(denied=LOOPBACK.denied, jump_names=("*.inner.example",))
    assert rules.behind_jump_host("R1.inner.example.", 22) == ["R1.inner.example."]
    assert rules.behind_jump_host("192.0.2.1", 22) == ["192.0.2.1"]
    for host in ("127.0.0.1", "localhost", "r1.other.invalid"):
        with pytest.raises(DestinationRefused):
            rules.behind_jump_host(host, 22)
