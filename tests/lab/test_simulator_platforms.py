"""NX-OS, IOS-XR and Junos as stock netmiko meets them, and files over SCP and SFTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from netmiko import BaseConnection, ConnectHandler
from ntc_templates.parse import parse_output

from netpulse_lab import SimulatedDevice, SimulatorLab
from tests.lab.real.waiting import wait_until

Connect = Callable[[str], BaseConnection]
PLATFORMS = {"nx": "nxos", "xr": "iosxr", "mx": "junos", "sw": "eos", "r": "ios"}


@pytest.fixture(scope="module")
def lab() -> Iterator[SimulatorLab]:
    with SimulatorLab(devices=[{"name": name, "platform": one} for name, one in PLATFORMS.items()]) as running:
        yield running


@pytest.fixture
def connect(lab: SimulatorLab) -> Iterator[Connect]:
    opened: list[BaseConnection] = []

    def open_session(name: str) -> BaseConnection:
        opened.append(ConnectHandler(**lab.device(name).netmiko()))
        return opened[-1]

    yield open_session
    for session in opened:
        session.disconnect()
    wait_until(lambda: not any(one.open_sessions for one in lab.all_counters().values()), what="the sessions to end")
    lab.reset()


def shown(session: BaseConnection, command: str) -> str:
    output = session.send_command(command)
    assert isinstance(output, str)
    return output


@pytest.mark.parametrize(
    ("name", "prompt", "lines", "expected"),
    [
        ("nx", "nx#", ["interface Ethernet1/1", "description up"], "interface Ethernet1/1\n  description up\n"),
        (
            "xr",
            "RP/0/RP0/CPU0:xr#",
            ["interface Loopback7", "description up"],
            "interface Loopback7\n description up\n",
        ),
        ("mx", "admin@mx>", ["set interfaces ge-0/0/1 description up"], "ge-0/0/1 description up\n"),
    ],
)
def test_a_change_is_made_and_kept(
    lab: SimulatorLab, connect: Connect, *, name: str, prompt: str, lines: list[str], expected: str
) -> None:
    session = connect(name)
    assert session.find_prompt() == prompt
    session.send_config_set(lines, exit_config_mode=False)
    if name == "nx":
        session.exit_config_mode()
        session.save_config()
    else:
        assert expected not in lab.running_config(name), "nothing is in force before the commit"
        session.commit()
        session.exit_config_mode()
        assert "commit" in lab.event_names(name)
    assert session.find_prompt() == prompt
    assert expected in lab.running_config(name)
    assert expected in lab.startup_config(name)
    assert lab.counters(name).logins == 1


@pytest.mark.parametrize(("name", "line"), [("xr", "hostname gone"), ("mx", "set system host-name gone")])
def test_leaving_without_a_commit_is_asked_about_and_changes_nothing(
    lab: SimulatorLab, connect: Connect, name: str, line: str
) -> None:
    session = connect(name)
    session.send_config_set([line], exit_config_mode=False)
    asked = session.exit_config_mode()
    assert "ncommitted changes" in asked
    assert "gone" not in lab.running_config(name)


def test_xr_asks_before_it_commits_over_another_commit(lab: SimulatorLab, connect: Connect) -> None:
    first = connect("xr")
    first.config_mode()
    first.send_command("domain name first.example", expect_string=r"\(config\)#")
    lab.configure("xr", "logging console debugging")
    asked = first.send_command("commit", expect_string=r"\[no\]:")
    assert "One or more commits have occurred" in str(asked)
    first.send_command("yes", expect_string=r"\(config\)#")
    text = lab.running_config("xr")
    assert "domain name first.example" in text
    assert "logging console debugging" in text, "what the other one committed stays"


def test_xr_asks_for_control_z_too(lab: SimulatorLab, connect: Connect) -> None:
    session = connect("xr")
    session.config_mode()
    session.send_command("hostname gone", expect_string=r"\(config\)#")
    session.write_channel("\x1a")
    session.read_until_pattern(r"Uncommitted changes found.*\[cancel\]:")
    session.send_command("no", expect_string=r"xr#")
    assert "hostname gone" not in lab.running_config("xr")


def test_xr_shows_what_is_not_committed(connect: Connect) -> None:
    session = connect("xr")
    session.config_mode()
    for line in ("interface Loopback8", "description new", "root", "no domain name"):
        session.send_command(line, expect_string=r"\(config.*\)#")
    changes = str(session.send_command("show configuration", expect_string=r"\(config\)#"))
    assert "no domain name" in changes
    assert "interface Loopback8\n description new\n" in changes
    session.send_command("abort", expect_string=r"xr#")


def test_junos_compares_refuses_and_rolls_back(lab: SimulatorLab, connect: Connect) -> None:
    session: Any = connect("mx")
    session.config_mode()
    assert "syntax error" in str(session.send_command("set system nonsense x", expect_string=r"# $"))
    session.send_command("set system host-name other", expect_string=r"# $")
    compared = str(session.send_command("show | compare", expect_string=r"# $"))
    assert "[edit system]" in compared
    assert "-  host-name mx;" in compared
    assert "+  host-name other;" in compared
    session.send_command("rollback 0", expect_string=r"# $")
    assert str(session.send_command("show | compare", expect_string=r"# $")).strip() == ""
    assert "configuration check succeeds" in session.commit(check=True)
    session.exit_config_mode()
    assert "host-name mx" in lab.running_config("mx")


def test_junos_shows_its_configuration_in_every_form(connect: Connect) -> None:
    session = connect("mx")
    assert "set system host-name mx" in shown(session, "show configuration | display set")
    assert "    host-name mx;" in shown(session, "show configuration")
    assert '"host-name": "mx"' in shown(session, "show configuration | display json")
    assert "<host-name>mx</host-name>" in shown(session, "show configuration | display xml | no-more")
    assert shown(session, "show configuration system | match host-name").strip() == "host-name mx;"


@pytest.mark.parametrize(
    ("name", "command", "field", "value"),
    [
        ("nx", "show version", "hostname", "nx"),
        ("nx", "show vlan", "vlan_name", "default"),
        ("nx", "show interface", "ip_address", "192.0.2.1"),
        ("nx", "show inventory", "pid", "N9K-C9300v"),
        ("xr", "show version", "version", "7.3.2"),
        ("xr", "show inventory", "pid", "R-IOSXRV9000-RP-C"),
        ("mx", "show version", "hostname", "mx"),
    ],
)
def test_outputs_have_the_form_that_parsers_know(
    connect: Connect, name: str, command: str, field: str, value: str
) -> None:
    session = connect(name)
    parse: Callable[..., list[dict[str, str]]] = parse_output
    rows = parse(platform=session.device_type, command=command, data=shown(session, command))
    assert value in [row[field] for row in rows]


@pytest.mark.parametrize(
    ("name", "protocol", "path"),
    [
        ("r", "scp", "flash:/one.txt"),
        ("sw", "scp", "/mnt/flash/one.txt"),
        ("sw", "sftp", "/mnt/flash/one.txt"),
        ("nx", "sftp", "bootflash:one.txt"),
        ("mx", "scp", "/var/tmp/one.txt"),
    ],
)
def test_a_file_goes_there_and_comes_back(
    lab: SimulatorLab, tmp_path: Path, name: str, protocol: str, path: str
) -> None:
    device = lab.device(name)
    if name == "r":
        lab.configure("r", "ip scp server enable")
    there, back = tmp_path / "there", tmp_path / "back"
    there.write_bytes(bytes(range(256)) * 1000)
    asyncio.run(_both_ways(device, protocol, there=there, back=back, path=path))
    assert back.read_bytes() == there.read_bytes()
    events = [(one["event"], one["size"]) for one in lab.events(name) if one["event"].startswith("file ")]
    assert events == [("file received", 256_000), ("file sent", 256_000)]
    lab.reset()


async def _both_ways(device: SimulatedDevice, protocol: str, *, there: Path, back: Path, path: str) -> None:
    async with asyncssh.connect(
        device.host,
        device.port,
        username=device.username,
        password=device.password,
        known_hosts=None,
        config=None,
    ) as connection:
        if protocol == "scp":
            await asyncssh.scp(there, (connection, path))
            await asyncssh.scp((connection, path), back)
            return
        async with connection.start_sftp_client() as client:
            await client.put(there, path)
            await client.get(path, back)


def test_ios_refuses_copies_until_it_is_told_to_serve_them(lab: SimulatorLab, tmp_path: Path) -> None:
    device = lab.add(name="closed", platform="ios")
    (tmp_path / "there").write_text("x")
    with pytest.raises((asyncssh.Error, OSError)):
        asyncio.run(_both_ways(device, "scp", there=tmp_path / "there", back=tmp_path / "back", path="flash:/one.txt"))
    assert "file received" not in lab.event_names("closed")
