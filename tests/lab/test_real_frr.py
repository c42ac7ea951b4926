"""The FRR lab, seen through stock netmiko: what other tests rely on when they use it."""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Callable, Iterator

import pytest
from netmiko import BaseConnection, ConnectHandler
from netmiko.exceptions import NetmikoAuthenticationException
from paramiko import Transport

from tests.lab.real import Device, FrrLab
from tests.lab.real.waiting import wait_until

pytestmark = pytest.mark.frr


@pytest.fixture
def r1(frr_lab: FrrLab) -> Device:
    return frr_lab.routers[0]


@pytest.fixture
def connect(frr_lab: FrrLab) -> Iterator[Callable[[Device], BaseConnection]]:
    """Opens netmiko sessions that end with the test."""
    opened: list[BaseConnection] = []

    def open_session(device: Device) -> BaseConnection:
        opened.append(ConnectHandler(**device.netmiko()))
        return opened[-1]

    yield open_session
    for device in frr_lab.routers:
        frr_lab.thaw(device.name)
    for connection in opened:
        connection.disconnect()


def shown(session: BaseConnection, command: str) -> str:
    output = session.send_command(command)
    assert isinstance(output, str)
    return output


def transport_of(session: BaseConnection) -> Transport:
    client = session.remote_conn_pre
    assert client is not None
    transport = client.get_transport()
    assert transport is not None
    return transport


def answers_keepalive(session: BaseConnection, *, within: float) -> bool:
    """Whether the peer answers an SSH keepalive within that many seconds; paramiko itself waits for ever."""
    asking = threading.Thread(
        target=transport_of(session).global_request,
        args=("keepalive@openssh.com",),
        kwargs={"wait": True},
        daemon=True,
    )
    asking.start()
    asking.join(within)
    return not asking.is_alive()


def test_each_router_is_a_device_with_its_own_prompt_and_version(
    frr_lab: FrrLab, connect: Callable[[Device], BaseConnection]
) -> None:
    assert [device.name for device in frr_lab.routers] == ["r1", "r2"]
    for device in frr_lab.routers:
        session = connect(device)
        assert session.find_prompt() == f"{device.name}#"
        assert re.match(rf"FRRouting \S+ \({device.name}\) on Linux", shown(session, "show version"))
        assert f"hostname {device.name}" in shown(session, "show running-config")


def test_bgp_comes_up_and_carries_the_loopback_addresses(
    frr_lab: FrrLab, connect: Callable[[Device], BaseConnection]
) -> None:
    session = connect(frr_lab.routers[0])
    wait_until(
        lambda: re.search(r"^B.*10\.255\.0\.2/32", shown(session, "show ip route"), re.MULTILINE),
        what="the BGP route to r2's loopback address",
        timeout=60,
    )
    assert "BGP state = Established" in shown(session, "show bgp neighbors 10.99.0.2")


def test_ospf_comes_up(frr_lab: FrrLab) -> None:
    wait_until(lambda: "Full/" in frr_lab.show("r2", "show ip ospf neighbor"), what="the adjacency", timeout=60)


def test_a_change_takes_effect_and_is_kept_by_write_memory_only(
    frr_lab: FrrLab, r1: Device, connect: Callable[[Device], BaseConnection]
) -> None:
    session = connect(r1)
    text = f"mark-{secrets.token_hex(4)}"
    session.send_config_set(["interface ge1", f"description {text}"], error_pattern="% ")
    assert f"description {text}" in frr_lab.running_config("r1")
    assert text not in frr_lab.running_config("r2")
    assert text not in frr_lab.saved_config("r1")

    output = session.save_config()

    assert "[OK]" in output
    assert "%" not in output
    assert f"description {text}" in frr_lab.saved_config("r1")


def test_an_unknown_command_is_answered_as_a_router_does(
    r1: Device, connect: Callable[[Device], BaseConnection]
) -> None:
    session = connect(r1)
    assert shown(session, "show nonsense").startswith("% Unknown command: show nonsense")
    assert shown(session, "show ip route 10.99.0.1")


def test_logins_are_counted_per_router_by_its_sshd(
    frr_lab: FrrLab, r1: Device, connect: Callable[[Device], BaseConnection]
) -> None:
    before = [frr_lab.logins(device.name) for device in frr_lab.routers]
    refused = frr_lab.refused_logins("r1")
    session = connect(r1)
    shown(session, "show version")
    shown(session, "show ip route")
    assert [frr_lab.logins(device.name) for device in frr_lab.routers] == [before[0] + 1, before[1]]

    with pytest.raises(NetmikoAuthenticationException):
        ConnectHandler(**{**r1.netmiko(), "password": "wrong"})

    assert frr_lab.logins("r1") == before[0] + 1
    assert frr_lab.refused_logins("r1") == refused + 1


def test_a_frozen_session_keeps_its_connection_but_answers_nothing_until_thawed(
    frr_lab: FrrLab, r1: Device, connect: Callable[[Device], BaseConnection]
) -> None:
    session = connect(r1)
    assert answers_keepalive(session, within=10)

    assert frr_lab.freeze("r1") >= 1

    assert not answers_keepalive(session, within=1)
    assert transport_of(session).is_active()
    assert connect(r1).find_prompt() == "r1#", "a router with a frozen session still takes new ones"

    frr_lab.thaw("r1")

    assert answers_keepalive(session, within=10)
    assert session.find_prompt() == "r1#"


@pytest.mark.parametrize("frozen", [False, True], ids=["running", "frozen"])
def test_dropped_sessions_are_seen_by_the_client_and_gone(
    frozen: bool, frr_lab: FrrLab, r1: Device, connect: Callable[[Device], BaseConnection]
) -> None:
    session = connect(r1)
    open_before = frr_lab.sessions("r1")
    assert open_before >= 1
    if frozen:
        frr_lab.freeze("r1")

    assert frr_lab.drop_sessions("r1") == open_before

    transport = transport_of(session)
    wait_until(lambda: not transport.is_active(), what="paramiko to see the closed connection")
    assert frr_lab.sessions("r1") == 0
    assert connect(r1).find_prompt() == "r1#"


def test_reset_brings_back_the_first_configuration_and_zero_counters(
    frr_lab: FrrLab, r1: Device, connect: Callable[[Device], BaseConnection]
) -> None:
    first_device = frr_lab.routers[0]
    session = connect(r1)
    session.send_config_set(["interface ge2", "ip address 192.0.2.1/24"])
    session.save_config()

    frr_lab.reset()

    assert frr_lab.routers[0] == first_device
    assert frr_lab.logins("r1") == 0
    assert frr_lab.sessions("r1") == 0
    assert "192.0.2.1" not in frr_lab.running_config("r1") + frr_lab.saved_config("r1") + frr_lab.show(
        "r1", "show interface ge2"
    )
    assert "10.99.0.1/30" in frr_lab.show("r1", "show interface ge0")


def test_two_labs_run_side_by_side(frr_lab: FrrLab, connect: Callable[[Device], BaseConnection]) -> None:
    with FrrLab() as other:
        passwords = {device.password for device in [*frr_lab.routers, *other.routers]}
        assert len(passwords) == 4
        ports = {device.port for device in [*frr_lab.routers, *other.routers]}
        assert len(ports) == 4
        mine, others = frr_lab.logins("r1"), other.logins("r1")
        with ConnectHandler(**other.routers[0].netmiko()) as session:
            session.send_config_set(["interface ge1", "description other lab"])
        assert "other lab" not in frr_lab.running_config("r1")
        assert (frr_lab.logins("r1"), other.logins("r1")) == (mine, others + 1)
