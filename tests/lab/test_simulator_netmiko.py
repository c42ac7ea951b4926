"""Stock netmiko against simulated devices: what the product drives must be able to drive them."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import asyncssh
import pytest
from netmiko import BaseConnection, ConnectHandler
from netmiko.exceptions import NetmikoAuthenticationException, ReadTimeout
from ntc_templates.parse import parse_output

from netpulse_lab import SimulatedDevice, SimulatorLab
from tests.lab.real.waiting import wait_until

Connect = Callable[..., BaseConnection]


@pytest.fixture(scope="module")
def lab() -> Iterator[SimulatorLab]:
    devices: list[dict[str, Any]] = [
        {"name": "r1", "telnet_port": 0},
        {"name": "r2"},
        {"name": "sw1", "platform": "eos"},
        {"name": "old", "ssh_profile": "old_algorithms"},
        {"name": "asks", "auth_methods": ["keyboard-interactive"]},
    ]
    with SimulatorLab(devices=devices) as running:
        yield running


@pytest.fixture
def connect(lab: SimulatorLab) -> Iterator[Connect]:
    """Opens netmiko sessions that end with the test."""
    opened: list[BaseConnection] = []

    def open_session(name: str, *, telnet: bool = False, **more: Any) -> BaseConnection:
        opened.append(ConnectHandler(**lab.device(name).netmiko(telnet=telnet, **more)))
        return opened[-1]

    yield open_session
    for session in opened:
        session.disconnect()
    wait_until(lambda: not any(one.open_sessions for one in lab.all_counters().values()), what="the sessions to end")
    lab.reset()


def shown(session: BaseConnection, command: str, **more: Any) -> str:
    output = session.send_command(command, **more)
    assert isinstance(output, str)
    return output


@pytest.mark.parametrize("name", ["r1", "sw1"])
def test_show_enable_configure_save(lab: SimulatorLab, connect: Connect, name: str) -> None:
    session = connect(name)
    assert session.find_prompt() == f"{name}>"
    session.enable()
    assert session.find_prompt() == f"{name}#"
    assert f"hostname {name}" in shown(session, "show running-config")
    vlan = ["vlan 30", "name users"]
    echoed = session.send_config_set(vlan, error_pattern="% ")
    assert "(config" in echoed
    assert shown(session, "show running-config | section ^vlan 30").split() == ["vlan", "30", "name", "users"]
    assert "vlan 30" not in lab.startup_config(name)
    session.save_config()
    assert "vlan 30" in lab.startup_config(name)
    assert lab.counters(name).logins == 1


def test_a_refused_line_is_seen_by_the_error_pattern(connect: Connect) -> None:
    session = connect("r1")
    session.enable()
    with pytest.raises(Exception, match="Invalid input"):
        session.send_config_set(["interface GigabitEthernet0/2", "ip adress 10.0.0.1 255.0.0.0"], error_pattern="% ")


def test_a_wrong_password_is_an_authentication_error(lab: SimulatorLab, connect: Connect) -> None:
    with pytest.raises(NetmikoAuthenticationException):
        connect("r1", password="wrong")
    assert lab.counters("r1").auth_failures == 1
    assert lab.counters("r1").logins == 0


def test_a_wrong_secret_leaves_the_user_where_he_was(lab: SimulatorLab, connect: Connect) -> None:
    session = connect("r1", secret="wrong", read_timeout_override=1)
    with pytest.raises((ValueError, ReadTimeout)):
        session.enable()
    assert "bad enable secret" in lab.event_names("r1")


def test_a_device_that_asks_for_the_password_by_dialogue(connect: Connect) -> None:
    assert connect("asks").find_prompt() == "asks>"


def test_old_algorithms(lab: SimulatorLab, connect: Connect) -> None:
    session = connect("old")
    assert "IOS" in shown(session, "show version")
    client = session.remote_conn_pre
    assert client is not None
    transport = client.get_transport()
    assert transport is not None
    assert transport.host_key_type == "ssh-rsa"
    assert transport.remote_cipher in ("aes128-cbc", "aes256-cbc")  # type: ignore[attr-defined]
    assert transport.remote_mac == "hmac-sha1"  # type: ignore[attr-defined]


def test_an_old_device_refuses_a_modern_client() -> None:
    """The profile is worth nothing if modern algorithms work as well."""

    async def knock(device: SimulatedDevice) -> None:
        await asyncssh.connect(device.host, device.port, known_hosts=None, config=None, username="x", password="x")

    old = {"name": "old", "ssh_profile": "old_algorithms"}
    with SimulatorLab(devices=[old]) as lab, pytest.raises(asyncssh.KeyExchangeFailed):
        asyncio.run(knock(lab.devices[0]))


def test_telnet(lab: SimulatorLab, connect: Connect) -> None:
    session = connect("r1", telnet=True)
    session.enable()
    assert "hostname r1" in shown(session, "show running-config")
    session.send_config_set(["interface Loopback5", "description über Telnet"])
    assert "description über Telnet" in lab.running_config("r1")
    assert lab.counters("r1").logins == 1


@pytest.mark.usefixtures("connect")
def test_telnet_asks_three_times_and_hangs_up(lab: SimulatorLab) -> None:
    device = lab.device("r1")
    where = (device.host, device.telnet_port or 0)
    with socket.create_connection(where, timeout=10) as connection, connection.makefile("rb") as stream:
        text = b""
        for expected, typed in [(b"Username: ", b"admin\r\0"), (b"Password: ", b"wrong\r\n")] * 3:
            while not text.endswith(expected):
                text += stream.read(1)
            connection.sendall(typed)
        rest = stream.read()
    assert rest.endswith(b"% Login invalid\r\n\r\n"), "and then the end"
    assert b"wrong" not in text + rest, "passwords do not come back"
    assert text.startswith(bytes([255, 251, 1])), "the device says that it echoes"
    assert lab.counters("r1").auth_failures == 3
    assert lab.counters("r1").logins == 0


@pytest.mark.parametrize(
    ("name", "command", "field", "value"),
    [
        ("r1", "show version", "hostname", "r1"),
        ("r1", "show ip interface brief", "interface", "GigabitEthernet0/0"),
        ("r1", "show interfaces", "ip_address", "192.0.2.1"),
        ("r1", "show inventory", "pid", "IOSv"),
        ("r1", "show vlan", "vlan_name", "default"),
        ("r1", "show clock", "timezone", "UTC"),
        ("sw1", "show version", "model", "vEOS-lab"),
        ("sw1", "show ip interface brief", "ip_address", "192.0.2.1/24"),
        ("sw1", "show interfaces", "interface", "Ethernet1"),
        ("sw1", "show interfaces status", "port", "Et1"),
        ("sw1", "show vlan", "vlan_name", "default"),
        ("sw1", "show hostname", "hostname", "sw1"),
    ],
)
def test_outputs_have_the_form_that_parsers_know(
    connect: Connect, name: str, command: str, field: str, value: str
) -> None:
    """ntc-templates refuses a text with a line that it does not know."""
    session = connect(name)
    parse: Callable[..., list[dict[str, str]]] = parse_output
    rows = parse(platform=session.device_type, command=command, data=shown(session, command))
    assert value in [row[field] for row in rows]


@pytest.mark.parametrize("platform", ["ios", "eos"])
def test_a_configuration_is_replayed_on_another_device(lab: SimulatorLab, connect: Connect, platform: str) -> None:
    lines = {
        "ios": "interface GigabitEthernet0/1\n description x\n ip address 10.0.0.1 255.0.0.0\nntp server 10.9.9.9",
        "eos": "interface Ethernet1\n   description x\n   no switchport\n   ip address 10.0.0.1/8",
    }
    one = lab.add(name=f"from-{platform}", platform=platform, privilege=15, config=lines[platform])
    two = lab.add(name=f"to-{platform}", platform=platform, privilege=15)
    session = connect(two.name)
    text = lab.running_config(one)
    wanted = [line for line in text.splitlines() if line.strip() and not line.startswith(("!", "Building", "Current"))]
    session.send_config_set(wanted[:-1], error_pattern="% ")

    def body(name: str) -> list[str]:
        return [line for line in lab.running_config(name).splitlines() if not line.startswith(("!", "Current"))]

    assert body(two.name) == body(one.name)


@pytest.mark.parametrize("name", ["r2", "sw1"])
def test_a_configuration_is_put_back(lab: SimulatorLab, connect: Connect, name: str) -> None:
    before = lab.running_config(name)
    session = connect(name)
    session.enable()
    session.send_config_set(["vlan 55", "name gone"])
    session.save_config()
    assert "vlan 55" in lab.startup_config(name)
    lab.restore(name)
    assert "vlan 55" not in lab.running_config(name) + lab.startup_config(name)
    if name == "r2":
        assert lab.running_config(name) == before
    assert "vlan 55" not in shown(session, "show running-config")


def test_eos_sessions_and_data(lab: SimulatorLab, connect: Connect) -> None:
    session = connect("sw1")
    session.enable()
    assert json.loads(shown(session, "show version | json"))["version"] == "4.29.2F"
    for line in ("configure session planned", "vlan 77"):
        shown(session, line, expect_string=r"\(config-s-planne(-vlan-77)?\)#")
    assert "+vlan 77" in shown(session, "show session-config diffs", expect_string=r"vlan-77\)#")
    assert "vlan 77" not in lab.running_config("sw1")
    shown(session, "commit", expect_string=r"sw1#")
    assert "vlan 77" in lab.running_config("sw1")
    assert "commit" in lab.event_names("sw1")


def test_a_timed_commit_comes_back_unless_it_is_confirmed(lab: SimulatorLab, connect: Connect) -> None:
    session = connect("sw1")
    session.enable()
    for line in ("configure session brief", "vlan 88", "commit timer 00:00:01"):
        shown(session, line, expect_string=r"#")
    assert "vlan 88" in lab.running_config("sw1")
    wait_until(lambda: "commit reverted" in lab.event_names("sw1"), what="the timer to run out")
    assert "vlan 88" not in lab.running_config("sw1")
    for line in ("configure session kept", "vlan 89", "commit timer 00:01:00", "configure session kept commit"):
        shown(session, line, expect_string=r"#")
    assert "commit confirmed" in lab.event_names("sw1")
    assert "vlan 89" in lab.running_config("sw1")
