"""The terminal of a simulated device, byte by byte: echo, errors, paging, questions, modes."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import asyncssh
import paramiko
import pytest

from netpulse_lab import DeviceSpec, SimulatedDevice, SimulatorLab
from tests.lab.raw_shell import RawShell
from tests.lab.real.waiting import wait_until

KEY = asyncssh.generate_private_key("ssh-ed25519")


@pytest.fixture(scope="module")
def lab() -> Iterator[SimulatorLab]:
    specs: list[dict[str, Any]] = [
        {"name": "r1"},
        {"name": "sw1", "platform": "eos"},
        {"name": "open", "privilege": 15, "secret": "", "banner": "keep out", "motd": "Grüße\nan alle"},
        {"name": "users", "logins": [{"username": "root", "password": "toor", "privilege": 15}]},
        {
            "name": "keys",
            "auth_methods": ["publickey"],
            "authorized_keys": [KEY.export_public_key().decode()],
        },
        {"name": "asks", "auth_methods": ["keyboard-interactive"]},
    ]
    with SimulatorLab(devices=[DeviceSpec.from_mapping(one) for one in specs]) as running:
        yield running


@pytest.fixture(autouse=True)
def _fresh(lab: SimulatorLab) -> Iterator[None]:
    yield
    for device in lab.devices:
        lab.drop(device)
    wait_until(lambda: not any(one.open_sessions for one in lab.all_counters().values()), what="the sessions to end")
    lab.reset()


@pytest.fixture
def r1(lab: SimulatorLab) -> Iterator[RawShell]:
    """An enabled session that does not page."""
    with RawShell(lab.device("r1")) as shell:
        shell.read(">$")
        shell.enable(lab.device("r1").secret)
        shell.run("terminal length 0")
        yield shell


def test_typed_characters_come_back_and_return_ends_the_line(lab: SimulatorLab) -> None:
    with RawShell(lab.device("r1")) as shell:
        assert shell.read_bytes(b">$") == b"\r\nr1>"
        shell.send("show clo")
        assert shell.read_bytes(b"clo$") == b"show clo"
        shell.send("ck\r")
        assert shell.read_bytes(b"r1>$").startswith(b"ck\r\n*")


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_every_line_end_is_one_return(lab: SimulatorLab, end: str) -> None:
    with RawShell(lab.device("r1")) as shell:
        shell.read(">$")
        shell.send(f"show privilege{end}{end}")
        assert shell.read(r"r1>\nr1>$").count("r1>") == 2
        assert lab.commands("r1") == ["show privilege", ""]


def test_corrections_on_the_line(lab: SimulatorLab, r1: RawShell) -> None:
    r1.send("show cloü\x7f\x08ock")
    assert r1.read_bytes(b"ock$").endswith("cloü".encode() + b"\b \b" * 2 + b"ock")
    r1.send("\r")
    assert "UTC" in r1.read("#$")
    r1.send("nonsense\x15show clock\r")
    assert "UTC" in r1.read("#$")
    r1.send("half a comm\x03")
    assert r1.read("#$").endswith("^C\nr1#")
    assert lab.commands("r1")[-2:] == ["show clock", "show clock"]


def test_the_caret_stands_below_what_is_wrong(r1: RawShell) -> None:
    for line, column in (("foo", 0), ("show verx", 8), ("ping", None), ("show zoo bar", 5)):
        answer = r1.run(line).splitlines()
        if column is None:
            assert answer[1] == "% Incomplete command."
        else:
            assert answer[1:3] == [" " * (len("r1#") + column) + "^", "% Invalid input detected at '^' marker."]
    assert r1.run("sh i").splitlines()[1] == '% Ambiguous command:  "sh i"'


def test_the_caret_in_configuration_mode_and_behind_do_and_no(r1: RawShell) -> None:
    r1.run("configure terminal")
    width = len("r1(config)#")
    for line, column in (("hostnam r2 x", 11), ("no zoo", 3), ("do show zoo", 8)):
        assert r1.run(line).splitlines()[1] == " " * (width + column) + "^"


def test_user_mode_does_not_know_privileged_commands(lab: SimulatorLab) -> None:
    with RawShell(lab.device("r1")) as shell:
        shell.read(">$")
        assert "Invalid input" in shell.run("show running-config")
        assert "Invalid input" in shell.run("configure terminal")


def test_wrong_secrets_are_asked_for_again_and_then_refused(lab: SimulatorLab) -> None:
    with RawShell(lab.device("r1")) as shell:
        shell.read(">$")
        shell.send("enable\r")
        for _ in range(3):
            assert shell.read("Password: $")
            shell.send("wrong\r")
        assert shell.read(">$") == "\n% Bad secrets\n\nr1>"
    assert lab.event_names("r1") == ["bad enable secret"] * 3
    assert [one.line for one in lab.log("r1") if one.kind == "secret"] == ["", "", ""], "secrets are not kept"


def test_logins_land_where_their_privilege_is(lab: SimulatorLab) -> None:
    device = lab.device("users")
    with RawShell(device) as plain, RawShell(device, username="root", password="toor") as root:
        assert plain.read("users.$") == "\nusers>"
        assert root.read("users.$") == "\nusers#"
        assert "privilege level is 15" in root.run("show privilege")


def test_a_device_without_a_secret(lab: SimulatorLab) -> None:
    with RawShell(lab.device("open")) as shell:
        assert shell.read("#$") == "\nGrüße\nan alle\nopen#"
        assert shell.transport.get_banner() == b"keep out\n"
        shell.run("disable")
        assert shell.run("enable") == "enable\n% No password set\nopen>"


def test_long_output_stops_page_by_page(lab: SimulatorLab) -> None:
    with RawShell(lab.device("r1")) as shell:
        shell.read(">$")
        shell.enable(lab.device("r1").secret)
        shell.send("show running-config\r")
        first = shell.read(" --More-- $")
        assert first.count("\n") == 24, "the echo, and 23 lines of a page of 24"
        shell.send(" ")
        assert shell.read_bytes(b" --More-- $").startswith(b"\b" * 9 + b" " * 8 + b"\b" * 9)
        shell.send("\r")
        assert shell.read(" --More-- $").count("\n") == 1
        shell.send("q")
        assert shell.read("r1#$").count("\n") == 0
        assert [one.line for one in lab.log("r1") if one.kind == "key"] == [" ", "RETURN", "q"]
        assert "--More--" not in shell.run("terminal length 0") + shell.run("show running-config")


def test_all_pages_together_are_the_whole_text(lab: SimulatorLab) -> None:
    with RawShell(lab.device("r1")) as shell:
        shell.read(">$")
        shell.enable(lab.device("r1").secret)
        shell.send("show running-config\r")
        text = b""
        while True:
            text += shell.read_bytes(rb" --More-- $|r1#$")
            if text.endswith(b"r1#"):
                break
            text = text.removesuffix(b" --More-- ")
            shell.send(" ")
        plain = text.replace(b"\b" * 9 + b" " * 8 + b"\b" * 9, b"").decode().replace("\r\n", "\n")
        assert plain == f"show running-config\n{lab.running_config('r1')}r1#"


def test_a_copy_asks_for_the_file_name(lab: SimulatorLab, r1: RawShell) -> None:
    r1.send("copy running-config startup-config\r")
    assert r1.read(r"\? $").endswith("Destination filename [startup-config]? ")
    r1.send("\r")
    assert "[OK]" in r1.read("#$")
    assert lab.event_names("r1") == ["saved"]


def test_a_reload_asks_and_return_takes_the_device_down(lab: SimulatorLab, r1: RawShell) -> None:
    r1.run("configure terminal")
    r1.run("interface Loopback3")
    r1.send("end\rreload\r")
    r1.read(r"Save\? \[yes/no\]: $")
    r1.send("no\r")
    r1.read(r"Proceed with reload\? \[confirm\]$")
    r1.send("n")
    assert r1.read("#$") == "n\nr1#"
    assert lab.event_names("r1") == ["reload declined"]
    r1.send("reload\r")
    r1.read("no]: $")
    r1.send("no\r")
    r1.read("confirm]$")
    assert lab.event_names("r1") == ["reload declined"], "an open question changes nothing"
    r1.send("\r")
    assert isinstance(r1.ended(), EOFError)
    assert lab.event_names("r1")[-1] == "reload"
    assert "Loopback3" not in lab.running_config("r1"), "what was not saved is gone"


def test_a_banner_is_entered_line_by_line(lab: SimulatorLab, r1: RawShell) -> None:
    r1.run("configure terminal")
    r1.send("banner motd #\r")
    assert r1.read(r"'#'\.\n$")
    r1.send("no prompt here: r1(config)\rsecond\r")
    r1.send("#\r")
    r1.read(r"r1\(config\)#$")
    assert "banner motd ^C\nno prompt here: r1(config)\nsecond\n^C\n" in lab.running_config("r1")
    assert [one.line for one in lab.log("r1") if one.kind == "text"] == ["no prompt here: r1(config)", "second", "#"]
    r1.run("no banner motd")
    assert "banner" not in lab.running_config("r1")


def test_modes_and_the_ways_out_of_them(lab: SimulatorLab, r1: RawShell) -> None:
    steps = [
        ("conf t", "r1(config)#"),
        ("int gi0/1", "r1(config-if)#"),
        ("exit", "r1(config)#"),
        ("router bgp 65000", "r1(config-router)#"),
        ("address-family ipv4", "r1(config-router-af)#"),
        ("exit-address-family", "r1(config-router)#"),
        ("vlan 10", "r1(config-vlan)#"),
        ("line vty 0 4", "r1(config-line)#"),
        ("do show privilege", "r1(config-line)#"),
        ("end", "r1#"),
        ("conf t", "r1(config)#"),
        ("hostname other", "other(config)#"),
        ("hostname r1\x1a", "r1#"),
        ("disable", "r1>"),
    ]
    for line, prompt in steps:
        r1.send(line if line.endswith("\x1a") else line + "\r")
        assert r1.read(r"\n(other|r1)(\([\w-]+\))?[#>]$").splitlines()[-1] == prompt
    modes = [one.mode for one in lab.log("r1") if one.line in ("int gi0/1", "address-family ipv4", "disable")]
    assert modes == ["config", "config-router-bgp", "enable"]
    lab.configure("r1", "no vlan 10\nno router bgp 65000")


def test_an_exec_request_runs_one_command(lab: SimulatorLab) -> None:
    device = lab.device("users")
    transport = paramiko.Transport((device.host, device.port))
    with contextlib.closing(transport):
        transport.start_client(timeout=10)
        transport.auth_password("root", "toor")
        for command, expected in (("show clock", b"UTC"), ("show run | include ^hostname", b"hostname users\r\n")):
            channel = transport.open_session()
            channel.exec_command(command)
            output = channel.makefile("rb").read()
            assert expected in output
            assert b"users#" not in output
            assert channel.recv_exit_status() == 0
    assert [one.kind for one in lab.log("users")] == ["exec", "exec"]


def test_exit_hangs_up(lab: SimulatorLab, r1: RawShell) -> None:
    r1.send("exit\r")
    assert isinstance(r1.ended(), EOFError)
    wait_until(lambda: lab.counters("r1").open_sessions == 0, what="the session to be counted out")


async def test_a_key_opens_the_device_that_knows_it(lab: SimulatorLab) -> None:
    device = lab.device("keys")
    where = {"host": device.host, "port": device.port, "username": device.username, "known_hosts": None}
    async with asyncssh.connect(**where, client_keys=[KEY], config=None) as connection:
        result = await connection.run("show clock")
        assert "UTC" in str(result.stdout)
    stranger = asyncssh.generate_private_key("ssh-ed25519")
    with pytest.raises(asyncssh.PermissionDenied):
        await asyncssh.connect(**where, client_keys=[stranger], password=device.password, config=None)
    assert lab.counters(device).logins == 1


def test_a_device_that_asks_for_the_password_by_dialogue(lab: SimulatorLab) -> None:
    device = lab.device("asks")
    transport = paramiko.Transport((device.host, device.port))
    with contextlib.closing(transport):
        transport.start_client(timeout=10)
        with pytest.raises(paramiko.BadAuthenticationType):
            transport.auth_password(device.username, device.password, fallback=False)
        transport.auth_interactive(device.username, lambda *asked: [device.password for _ in asked[2]])
        assert transport.is_authenticated()


def test_what_was_typed_is_logged_in_order_over_all_sessions(lab: SimulatorLab) -> None:
    device = lab.device("r1")
    with RawShell(device) as one, RawShell(device) as two:
        for shell, line in ((one, "show clock"), (two, "show privilege"), (one, ""), (two, "show users")):
            if not shell.pieces:
                shell.read(">$")
            shell.run(line, prompt="r1>$")
        log = lab.log(device)
    assert [(entry.session, entry.line) for entry in log] == [
        (log[0].session, "show clock"),
        (log[1].session, "show privilege"),
        (log[0].session, ""),
        (log[1].session, "show users"),
    ]
    assert log[0].session != log[1].session
    assert [entry.time for entry in log] == sorted(entry.time for entry in log)
    assert [entry.seq for entry in log] == sorted(entry.seq for entry in log)
    assert lab.commands(device, since=log[2].seq) == ["show users"]


def test_counters_count(lab: SimulatorLab) -> None:
    device = lab.device("sw1")
    with pytest.raises(paramiko.AuthenticationException):
        RawShell(device, password="wrong")
    with RawShell(device) as shell:
        shell.read(">$")
        shell.run("show clock")
        counters = lab.counters(device)
    assert (counters.connections, counters.logins, counters.auth_failures) == (2, 1, 1)
    assert (counters.open_sessions, counters.commands) == (1, 1)
    assert counters.bytes_in == len("show clock\r")
    assert counters.bytes_out == sum(map(len, shell.pieces))


def test_a_device_can_be_added_and_removed(lab: SimulatorLab) -> None:
    device: SimulatedDevice = lab.add(name="late", platform="eos", port=0)
    with RawShell(device) as shell:
        shell.read("late>$")
        lab.remove(device)
        assert isinstance(shell.ended(), ConnectionResetError)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((device.host, device.port), timeout=5)
