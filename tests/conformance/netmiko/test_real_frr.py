"""The driver on real routers: FRRouting's vtysh behind OpenSSH."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from netpulse_drivers import CommandRefused, CommandTimeout, EnsurePolicy, SessionStale
from tests.conformance.netmiko.conftest import Client
from tests.lab.real import Device, FrrLab
from tests.lab.real.waiting import wait_until

pytestmark = pytest.mark.frr


@pytest.fixture
def r1(frr_lab: FrrLab) -> Iterator[Device]:
    yield frr_lab.routers[0]
    frr_lab.thaw("r1")
    frr_lab.reset()


@pytest.fixture
def client(r1: Device, make_client: Callable[..., Client]) -> Client:
    client = make_client(**r1.connection_args())
    client.connect()
    return client


def test_queries(client: Client) -> None:
    assert "FRRouting" in client.query("show version").output
    assert client.query("show bgp summary json").output.strip().startswith("{")
    with pytest.raises(CommandRefused) as caught:
        client.query("show nonsense")
    assert "Unknown command" in caught.value.device_output
    with pytest.raises(CommandRefused):
        client.query("show")
    assert client.query("show running-config").output.strip().endswith("end")


def test_many_different_queries_each_get_their_own_answer(client: Client) -> None:
    for number in range(200):
        assert client.query(f"show nonsense-{number}", check_errors=False).output.strip().endswith(f"nonsense-{number}")


def test_ensure_foretells_applies_and_rests(client: Client, frr_lab: FrrLab) -> None:
    policy = EnsurePolicy(parents=["interface ge0"], save_when="changed")
    before = frr_lab.running_config("r1")
    foretold = client.change("description from the broker", ensure=policy, dry_run=True)
    assert frr_lab.running_config("r1") == before
    done = client.change("description from the broker", ensure=policy)
    assert (done.diff, done.applied) == (foretold.diff, foretold.applied)
    assert done.saved
    assert "description from the broker" in frr_lab.running_config("r1")
    assert "description from the broker" in frr_lab.saved_config("r1")
    rest = client.change("description from the broker", ensure=policy)
    assert (rest.changed, rest.saved) == (False, False)


def test_nested_sections(client: Client, frr_lab: FrrLab) -> None:
    lines = [
        "router bgp 65001",
        " neighbor 10.77.0.9 remote-as 65009",
        " address-family ipv4 unicast",
        "  network 10.77.0.0/24",
        " exit-address-family",
        "ip route 10.78.0.0/24 blackhole",
    ]
    policy = EnsurePolicy()
    assert client.change(*lines, ensure=policy).changed
    shown = frr_lab.running_config("r1")
    assert "neighbor 10.77.0.9 remote-as 65009" in shown
    assert "  network 10.77.0.0/24" in shown
    assert "ip route 10.78.0.0/24 blackhole" in shown
    assert client.change(*lines, ensure=policy).applied == []


def test_refused_line(client: Client, frr_lab: FrrLab) -> None:
    with pytest.raises(CommandRefused) as caught:
        client.change("interface ge1", "description fine", "ip address 300.1.1.1/24", "description never")
    assert caught.value.details[0]["applied"] == ["interface ge1", "description fine"]
    assert caught.value.session_usable
    assert "description never" not in frr_lab.running_config("r1")
    assert client.session is not None
    assert client.session.prompt == client.session.login_prompt
    assert client.query("show version").output


def test_hostname_change(client: Client) -> None:
    client.change("hostname renamed-router")
    assert client.query("show version").output
    assert client.session is not None
    assert client.session.prompt.text == "renamed-router#"


def test_frozen_peer(client: Client, frr_lab: FrrLab) -> None:
    assert client.keepalive()
    frr_lab.freeze("r1")
    assert client.session is not None
    assert client.driver.is_alive(client.session)  # nothing local tells
    assert not client.keepalive(within=1.0)
    assert not client.driver.is_alive(client.session)


def test_frozen_peer_while_asking(client: Client, frr_lab: FrrLab) -> None:
    frr_lab.freeze("r1")
    with pytest.raises(CommandTimeout):
        client.query("show version", read_timeout=0.5)


def test_dropped_while_idle(client: Client, frr_lab: FrrLab) -> None:
    client.query("show version")
    frr_lab.drop_sessions("r1")
    session = client.session
    assert session is not None
    wait_until(lambda: not client.driver.is_alive(session), what="the driver to notice the closed session")
    with pytest.raises(SessionStale):
        client.query("show version")
    client.connect()
    assert client.query("show version").output
