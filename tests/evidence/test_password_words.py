"""Passwords that are words of what devices say: nothing that a device said is changed, and no message shows them."""

from __future__ import annotations

import base64
import os
import random
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from napalm import get_network_driver
from netmiko import ConnectHandler
from ntc_templates.parse import parse_output

from netpulse_lab import SimulatedDevice, SimulatorLab
from tests.evidence.conftest import LONG
from tests.lab.running_broker import RunningBroker

WORDS = ["admin", "cisco", "Ethernet", "up"]
CONFIG = """\
hostname cisco
username admin privilege 15
interface Loopback0
 description admin up to cisco Ethernet
interface GigabitEthernet0/1
 description Ethernet: admin, cisco and up
 ip address 192.0.2.1 255.255.255.0
"""
COMMANDS = [
    "show running-config",
    "show ip interface brief",
    "show interfaces description",
    "show version | include up",
]

SEED = os.environ.get("NETPULSE_SEED") or secrets.token_hex(4)
SAID = [
    "interface",
    "status",
    "protocol",
    "GigabitEthernet0/1",
    "Loopback0",
    "YES",
    "NVRAM",
    "manual",
    "unassigned",
    "down",
    "OK",
    "Method",
    "Software",
    "Version",
    "IOS",
    "Copyright",
    "uptime",
    "is",
    "System",
    "image",
    "file",
    "memory",
    "bytes",
    "of",
    "processor",
    "Current",
    "configuration",
    "version",
    "service",
    "line",
    "vty",
    "login",
    "local",
    "end",
    "192.0.2.1",
    "255.255.255.0",
    "0/1",
    "a",
    "1",
    "!",
    "#",
    "(",
    "%",
]
"""What devices say: any of it may be a password."""

WORDS += random.Random(SEED).sample(SAID, 16 if LONG else 2)

Known = tuple[SimulatedDevice, dict[str, Any]]


@pytest.fixture(params=range(len(WORDS)))  # all processes of a test run collect the same
def known(lab: SimulatorLab, request: pytest.FixtureRequest) -> Iterator[Known]:
    word = WORDS[request.param]
    print(f"password {word!r}; NETPULSE_SEED={SEED}")
    device = lab.add(
        name=f"word-{request.param}", platform="ios", config=CONFIG, username="oper", password=word, secret=word
    )
    yield device, device.netmiko()
    lab.remove(device)


def said(device: SimulatedDevice, *commands: str) -> list[str]:
    """What the device answers to netmiko itself, privileged."""
    with ConnectHandler(**device.netmiko()) as connection:
        connection.enable()
        return [str(connection.send_command(command)) for command in commands]


def test_outputs_and_what_is_made_of_them(broker: RunningBroker, known: Known) -> None:
    device, login = known
    wanted = dict(zip(COMMANDS, said(device, *COMMANDS), strict=True))
    job = broker.execute(login, command=COMMANDS, enable_mode=True)
    assert job["result"]["retval"] == wanted
    assert [one["output"] for one in job["result"]["outputs"]] == list(wanted.values())
    brief = COMMANDS[1]
    job = broker.execute(login, command=brief, enable_mode=True, parsing={"name": "textfsm"})
    rows = parse_output(platform="cisco_ios", command=brief, data=wanted[brief])
    assert rows
    assert job["result"]["retval"] == {brief: rows}
    assert "********" not in str(job["result"])


def test_getters(broker: RunningBroker, known: Known) -> None:
    device, _ = known
    login = {"host": device.host, "port": device.port, "username": device.username, "password": device.password}
    with get_network_driver("ios")(
        device.host, device.username, device.password, optional_args={"port": device.port, "secret": device.secret}
    ) as stock:
        wanted = {"get_config": stock.get_config(), "get_interfaces_ip": stock.get_interfaces_ip()}
    job = broker.execute(login | {"device_type": "ios", "secret": device.secret}, driver="napalm", command=list(wanted))
    assert job["result"]["retval"] == wanted


def test_backups_and_differences(broker: RunningBroker, known: Known) -> None:
    device, login = known
    (running,) = said(device, "show running-config")
    word = device.password
    lines = ["interface Loopback0", f" description {word} is {word}"]
    job = broker.execute(login, config=lines, ensure={"backup": True}, dry_run=True)
    result = job["result"]
    assert result["backup"] == running
    assert result["applied"] == ["interface Loopback0", f"description {word} is {word}"]
    assert f"+ description {word} is {word}" in result["diff"]
    job = broker.execute(login, config=lines)
    assert job["result"]["applied"] == lines
    assert f" description {word} is {word}" in said(device, "show running-config")[0].splitlines()


def test_the_dialogue_of_network_cli(broker: RunningBroker, known: Known) -> None:
    device, login = known
    (running,) = said(device, "show ip interface brief")
    session = broker.post("/session", {"connection_args": login})["id"]
    try:
        exchange = {
            "seq": 1,
            "command": base64.b64encode(b"show ip interface brief").decode(),
            "stdout_re": [[base64.b64encode(rb"[>#] ?$").decode(), 0]],
            "timeout": 20,
        }
        answer = broker.post(f"/session/{session}/exchange", exchange, expect=200)
    finally:
        broker.client.delete(f"/session/{session}")
    response = base64.b64decode(answer["response"]).decode().replace("\r\n", "\n")
    assert running in response


def test_messages_and_logs_show_none_of_them(broker: RunningBroker, known: Known) -> None:
    device, login = known
    word = device.password
    shown: Callable[[Any], str] = lambda job: f"{job['result']['error']['message']} {job['result']['error']['details']}"  # noqa: E731
    refused = broker.execute(login, command=f"no-such {word} command")
    hidden = len(word) > 1  # to mask a single character would shred texts and hide nothing
    assert (word in shown(refused).split()) is not hidden
    refused = broker.execute(login, config=[f"no-such {word}"])
    assert (f"no-such {word}" in shown(refused)) is not hidden
