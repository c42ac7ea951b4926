"""Every fault switch, seen from the client's side of the wire."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator

import paramiko
import pytest

from netpulse_lab import LabError, SimulatedDevice, SimulatorLab
from netpulse_lab.delivery import GARBAGE, PROMPT_LIKE
from tests.lab.raw_shell import RawShell
from tests.lab.real.waiting import wait_until


@pytest.fixture(scope="module")
def lab() -> Iterator[SimulatorLab]:
    device = {"name": "r1", "telnet_port": 0, "config": "interface Loopback1\n description Größe µ → ∞\n"}
    with SimulatorLab(devices=[device]) as running:
        yield running


@pytest.fixture
def r1(lab: SimulatorLab) -> Iterator[SimulatedDevice]:
    device = lab.devices[0]
    yield device
    lab.clear_faults(device)
    lab.drop(device)
    wait_until(lambda: lab.counters(device).open_sessions == 0, what="the sessions to end")
    lab.reset()


@pytest.fixture
def shell(lab: SimulatorLab, r1: SimulatedDevice) -> Iterator[RawShell]:
    """An enabled session that does not page, opened before any fault is set."""
    with RawShell(r1) as session:
        session.read(">$")
        session.enable(r1.secret)
        session.run("terminal length 0")
        yield session


def keepalive_answered(session: RawShell, *, within: float) -> bool:
    """Whether an SSH keepalive is answered; paramiko itself waits for ever."""
    asking = threading.Thread(
        target=session.transport.global_request,
        args=("keepalive@openssh.com",),
        kwargs={"wait": True},
        daemon=True,
    )
    asking.start()
    asking.join(within)
    return not asking.is_alive()


def knock(device: SimulatedDevice, *, timeout: float = 10.0) -> bytes:
    """Connect and return what comes first."""
    with socket.create_connection((device.host, device.port), timeout=timeout) as connection:
        return connection.recv(255)


# -- before and at login ---------------------------------------------------------------------------------------------


def test_the_next_right_passwords_are_refused(lab: SimulatorLab, r1: SimulatedDevice) -> None:
    lab.set_faults(r1, auth_failures=2)
    for _ in range(2):
        with pytest.raises(paramiko.AuthenticationException):
            RawShell(r1)
    with RawShell(r1) as shell:
        shell.read("r1>$")
    counters = lab.counters(r1)
    assert (counters.auth_failures, counters.logins) == (2, 1)


def test_all_passwords_are_refused(lab: SimulatorLab, r1: SimulatedDevice) -> None:
    lab.set_faults(r1, auth_failures=-1)
    for _ in range(3):
        with pytest.raises(paramiko.AuthenticationException):
            RawShell(r1)
    assert lab.counters(r1).logins == 0


def test_slow_authentication(lab: SimulatorLab, r1: SimulatedDevice) -> None:
    lab.set_faults(r1, auth_delay=60)
    transport = paramiko.Transport((r1.host, r1.port))
    transport.auth_timeout = 0.3
    try:
        transport.start_client(timeout=10)
        with pytest.raises(paramiko.AuthenticationException, match="timeout"):
            transport.auth_password(r1.username, r1.password)
    finally:
        transport.close()


def test_slow_banner(lab: SimulatorLab, r1: SimulatedDevice) -> None:
    assert knock(r1).startswith(b"SSH-2.0-Cisco")
    lab.set_faults(r1, banner_delay=0.2)
    with pytest.raises(TimeoutError):
        knock(r1, timeout=0.05)
    assert knock(r1).startswith(b"SSH-2.0-Cisco")


def test_reset_on_connect(lab: SimulatorLab, r1: SimulatedDevice) -> None:
    lab.set_faults(r1, on_connect="rst")
    with pytest.raises(ConnectionResetError):
        knock(r1)


def test_close_on_connect(lab: SimulatorLab, r1: SimulatedDevice) -> None:
    lab.set_faults(r1, on_connect="close")
    assert knock(r1) == b""


def test_hang_on_connect(lab: SimulatorLab, r1: SimulatedDevice) -> None:
    lab.set_faults(r1, on_connect="hang")
    with pytest.raises(TimeoutError):
        knock(r1, timeout=0.3)
    assert lab.counters(r1).connections == 1


@pytest.mark.parametrize(("action", "error"), [("rst", ConnectionResetError), ("close", EOFError)])
def test_cut_where_the_prompt_would_come(
    lab: SimulatorLab, r1: SimulatedDevice, action: str, error: type[Exception]
) -> None:
    lab.set_faults(r1, on_login=action)
    with RawShell(r1) as shell:
        assert isinstance(shell.ended(), error)
        assert shell.received == b""
    assert lab.counters(r1).logins == 1


def test_no_prompt_after_login(lab: SimulatorLab, r1: SimulatedDevice) -> None:
    lab.set_faults(r1, on_login="hang")
    with RawShell(r1) as shell:
        assert shell.silent()
        assert keepalive_answered(shell, within=10)


def test_a_session_too_many_is_closed_after_its_login(lab: SimulatorLab, r1: SimulatedDevice) -> None:
    lab.set_faults(r1, session_limit=1)
    with RawShell(r1) as first:
        first.read("r1>$")
        with pytest.raises((paramiko.SSHException, EOFError, OSError)):
            RawShell(r1)
        counters = lab.counters(r1)
        assert (counters.logins, counters.auth_failures, counters.refused_sessions) == (1, 0, 1)
        assert first.run("show privilege")
    wait_until(lambda: lab.counters(r1).open_sessions == 0, what="the first session to end")
    with RawShell(r1) as second:
        second.read("r1>$")


def test_a_session_too_many_is_closed_before_the_banner(lab: SimulatorLab, r1: SimulatedDevice) -> None:
    lab.set_faults(r1, session_limit=1, session_limit_at="connect")
    with RawShell(r1) as first:
        first.read("r1>$")
        assert knock(r1) == b""


# -- cut sessions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "size", "error"),
    [
        ("rst", 0, ConnectionResetError),
        ("rst", 100, ConnectionResetError),
        ("close", 0, EOFError),
        ("close", 100, EOFError),
    ],
)
def test_cut_in_the_middle_of_an_output(  # noqa: PLR0917 - fixtures and parameters
    lab: SimulatorLab, r1: SimulatedDevice, shell: RawShell, action: str, size: int, error: type[Exception]
) -> None:
    fault = {"match": "^show version", "action": action, "after_bytes": size, "times": 1}
    lab.set_faults(r1, commands=[fault])
    assert "UTC" in shell.run("show clock"), "other commands work"
    shell.send("show version\r")
    with pytest.raises(EOFError):
        shell.read("never$")
    assert isinstance(shell.ended(), error)
    assert len(shell.received) == len(b"show version\r\n") + size
    with RawShell(r1) as other:
        other.read(">$")
        assert "IOSv" in other.run("terminal length 0\rshow version", prompt=r"0x0\n\nr1>$")


def test_cut_after_so_many_bytes_of_a_session(lab: SimulatorLab, r1: SimulatedDevice, shell: RawShell) -> None:
    lab.set_faults(r1, cut_after_bytes=500, cut_action="rst")
    for _ in range(20):
        shell.send("show clock\r")
    with pytest.raises(EOFError):
        shell.read("never$")
    assert len(shell.received) == 500
    assert isinstance(shell.ended(), ConnectionResetError)
    assert {"event": "cut", "action": "rst"}.items() <= lab.events(r1)[-1].items()


def test_idle_sessions_are_closed(lab: SimulatorLab, r1: SimulatedDevice, shell: RawShell) -> None:
    lab.set_faults(r1, idle_seconds=0.1)
    assert isinstance(shell.ended(), EOFError)


def test_sessions_are_dropped_on_request(lab: SimulatorLab, r1: SimulatedDevice, shell: RawShell) -> None:
    assert lab.drop(r1, "rst") == 1
    assert isinstance(shell.ended(), ConnectionResetError)


def test_a_command_that_is_never_answered(lab: SimulatorLab, r1: SimulatedDevice, shell: RawShell) -> None:
    lab.set_faults(r1, commands=[{"match": "^show version", "action": "hang", "after_bytes": 20}])
    shell.send("show version\r")
    assert shell.read_bytes(b"Cisco IOS Software, $")
    shell.send("\r")
    assert shell.silent()
    assert keepalive_answered(shell, within=10), "the device lives, its terminal does not"


def test_a_frozen_device_says_nothing_at_all_and_goes_on_later(
    lab: SimulatorLab, r1: SimulatedDevice, shell: RawShell
) -> None:
    lab.set_faults(r1, frozen=True)
    shell.send("show clock\r")
    assert shell.silent()
    assert not keepalive_answered(shell, within=0.3)
    assert shell.transport.is_active(), "no FIN, no RST"
    with pytest.raises(TimeoutError):
        knock(r1, timeout=0.3)
    lab.set_faults(r1, frozen=False)
    assert "UTC" in shell.read("r1#$")
    assert keepalive_answered(shell, within=10)
    assert knock(r1).startswith(b"SSH-2.0")


def test_one_session_freezes_by_command(lab: SimulatorLab, r1: SimulatedDevice, shell: RawShell) -> None:
    lab.set_faults(r1, commands=[{"match": "^show version", "action": "freeze"}])
    shell.send("show version\r")
    shell.read_bytes(b"show version\r\n$")
    assert shell.silent()
    assert not keepalive_answered(shell, within=0.3)
    with RawShell(r1) as other:
        assert other.read("r1>$")


# -- timing and shape of output --------------------------------------------------------------------------------------


def test_latency_delays_the_response_and_not_the_echo(lab: SimulatorLab, r1: SimulatedDevice, shell: RawShell) -> None:
    lab.set_faults(r1, latency=60)
    shell.send("show clock\r")
    assert shell.read_bytes(b"show clock\r\n$")
    assert shell.silent()
    lab.set_faults(r1, latency=0.01, jitter=0.01)
    with RawShell(r1) as other:
        other.read(">$")
        other.send("show privilege\rshow clock\r")
        text = other.read(r"UTC.*\nr1>$")
        assert text.index("privilege level") < text.index("UTC"), "what is typed ahead waits for its turn"


def test_chunks_split_characters(lab: SimulatorLab, r1: SimulatedDevice, shell: RawShell) -> None:
    lab.set_faults(r1, chunk_size=1)
    del shell.pieces[:]
    output = shell.run("show running-config interface Loopback1")
    assert "description Größe µ → ∞\n" in output

    def broken(piece: bytes) -> bool:
        try:
            piece.decode()
        except UnicodeDecodeError:
            return True
        return False

    assert any(broken(piece) for piece in shell.pieces), "no piece ended inside a character"


def test_a_question_stays_open_until_it_is_answered(lab: SimulatorLab, r1: SimulatedDevice, shell: RawShell) -> None:
    lab.set_faults(r1, commands=[{"match": "^show clock", "action": "question", "text": "Are you sure? [confirm]"}])
    shell.send("show clock\r")
    assert shell.read(r"\[confirm\]$").endswith("Are you sure? [confirm]")
    assert shell.silent()
    assert lab.event_names(r1) == []
    shell.send("\r")
    shell.read("r1#$")
    assert lab.event_names(r1) == ["confirmed"]
    shell.send("show clock\r")
    shell.read("confirm]$")
    shell.send("n")
    shell.read("r1#$")
    assert lab.event_names(r1) == ["confirmed", "declined"]


def test_garbage_in_the_output(lab: SimulatorLab, r1: SimulatedDevice, shell: RawShell) -> None:
    lab.set_faults(r1, garbage=True)
    shell.send("show clock\r")
    text = shell.read_bytes(b"\r\nr1#$")
    assert GARBAGE in text
    with pytest.raises(UnicodeDecodeError):
        text.decode()


def test_syslog_in_the_middle_and_behind_the_prompt(lab: SimulatorLab, r1: SimulatedDevice, shell: RawShell) -> None:
    lab.set_faults(r1, syslog=True)
    shell.send("show ip interface brief\r")
    text = shell.read(r"r1#\n\*.*%SYS-5-CONFIG_I.*\n$")
    assert text.count("%SYS-5-CONFIG_I") == 2


def test_syslog_on_an_idle_session(lab: SimulatorLab, r1: SimulatedDevice, shell: RawShell) -> None:
    lab.set_faults(r1, syslog_interval=0.05)
    assert shell.read("(?s)%SYS-5-CONFIG_I.*%SYS-5-CONFIG_I")
    lab.set_faults(r1, syslog_interval=0)
    lab.announce(r1, "%LINK-3-UPDOWN: now")
    assert shell.read(r"%LINK-3-UPDOWN: now\n")


def test_output_and_banner_that_look_like_prompts(lab: SimulatorLab, r1: SimulatedDevice, shell: RawShell) -> None:
    lab.set_faults(r1, prompt_like_output=True, prompt_like_banner=True)
    shell.send("show clock\r")
    assert shell.read_bytes(b"UTC.*\r\nr1#$").startswith(b"show clock\r\n" + PROMPT_LIKE)
    with RawShell(r1) as other:
        greeting = other.read("r1>$")
        assert re.search(r"^router#$", greeting, re.MULTILINE)
        assert re.search(r"^switch>$", greeting, re.MULTILINE)
        assert b"router#" in (other.transport.get_banner() or b"")


def test_huge_output_comes_complete_and_in_order(lab: SimulatorLab, r1: SimulatedDevice, shell: RawShell) -> None:
    lab.set_faults(r1, tech_support_bytes=3_000_000)
    text = shell.run("show tech-support", prompt=r"\nr1#$")
    numbers = [int(number) for number in re.findall(r"^(\d{9}) [a-z]{52} $", text, re.MULTILINE)]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) == pytest.approx(3_000_000 / 64, rel=0.001)


# -- what others do --------------------------------------------------------------------------------------------------


def test_the_host_name_changes_under_a_session(lab: SimulatorLab, r1: SimulatedDevice, shell: RawShell) -> None:
    lab.configure(r1, "hostname renamed")
    try:
        assert shell.run("show privilege").endswith("renamed#")
    finally:
        lab.configure(r1, "hostname r1")
    assert lab.counters(r1).logins == 1, "nobody logged in for it"


def test_a_configuration_line_is_refused(lab: SimulatorLab, r1: SimulatedDevice, shell: RawShell) -> None:
    lab.set_faults(r1, refuse_config=["^mtu"])
    shell.run("configure terminal")
    shell.run("interface GigabitEthernet0/1")
    assert "% Configuration rejected by policy" in shell.run("mtu 9000")
    assert "mtu" not in lab.running_config(r1)
    assert "%" not in shell.run("description fine")


def test_a_command_is_refused_or_answered_otherwise(lab: SimulatorLab, r1: SimulatedDevice, shell: RawShell) -> None:
    faults = [
        {"match": "^write", "action": "refuse", "text": "% Error opening nvram (Permission denied)", "times": 1},
        {"match": "^show clock", "action": "replace", "text": "half past nine"},
    ]
    lab.set_faults(r1, commands=faults)
    assert "Permission denied" in shell.run("write memory")
    assert "saved" not in lab.event_names(r1)
    assert "[OK]" in shell.run("write memory")
    assert shell.run("show clock") == "show clock\nhalf past nine\nr1#"


def test_telnet_has_the_same_faults(lab: SimulatorLab, r1: SimulatedDevice) -> None:
    where = (r1.host, r1.telnet_port or 0)
    lab.set_faults(r1, on_connect="rst")
    with pytest.raises(ConnectionResetError), socket.create_connection(where, timeout=10) as connection:
        connection.recv(1)
    lab.set_faults(r1, on_connect="", banner_delay=60)
    with socket.create_connection(where, timeout=0.2) as connection, pytest.raises(TimeoutError):
        connection.recv(1)


def test_a_reloading_device_refuses_connections(lab: SimulatorLab, r1: SimulatedDevice) -> None:
    slow = lab.add(name="slow", reload_seconds=60.0)
    try:
        with RawShell(slow) as session:
            session.read(">$")
            session.enable(slow.secret)
            session.send("reload\r")
            session.read("confirm]$")
            session.send("\r")
            session.ended()
        with pytest.raises(ConnectionResetError):
            knock(slow)
    finally:
        lab.remove(slow)


def test_wrong_requests_are_refused_with_a_reason(lab: SimulatorLab, r1: SimulatedDevice) -> None:
    with pytest.raises(LabError, match="unknown fault 'delay'"):
        lab.set_faults(r1, delay=1)
    with pytest.raises(LabError, match="unknown device 'r7'"):
        lab.counters("r7")
    with pytest.raises(LabError, match=r"(?s)refused: .*Invalid input"):
        lab.configure(r1, "nonsense")
    with pytest.raises(LabError, match="already a device"):
        lab.add(name="r1")
    with pytest.raises(LabError, match="unknown platform"):
        lab.add(name="r8", platform="vms")
