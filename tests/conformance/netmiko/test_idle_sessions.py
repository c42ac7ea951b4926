"""What happens to a session between two commands: keepalives, cuts, messages, another name."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from netpulse_drivers import CommandTimeout, SessionStale
from netpulse_drivers.ssh.negotiation import IDLE_LOOK
from netpulse_lab import SimulatedDevice, SimulatorLab
from tests.conformance.netmiko.conftest import Client

Login = Callable[..., tuple[SimulatedDevice, Client]]


def eventually(condition: Callable[[], Any], *, within: float = 60.0) -> Any:
    """Wait for a condition; its value."""
    deadline = time.monotonic() + within
    while not (value := condition()):
        assert time.monotonic() < deadline, "condition did not come true"
        time.sleep(0.005)
    return value


@pytest.mark.parametrize("action", ["rst", "close"])
def test_connection_cut_while_idle_is_stale_before_anything_is_written(
    login: Login, lab: SimulatorLab, action: str
) -> None:
    device, client = login()
    client.query("show clock")
    lab.drop(device, action)  # type: ignore[arg-type]
    session = client.session
    assert session is not None
    eventually(lambda: not client.driver.is_alive(session))
    with pytest.raises(SessionStale):
        client.query("show clock")
    client.connect()
    assert client.query("show clock").output
    assert lab.commands(device).count("show clock") == 2


def test_messages_between_commands_are_no_dead_session(login: Login, lab: SimulatorLab) -> None:
    device, client = login()
    wanted = client.query("show ip interface brief").output
    for number in range(5):
        lab.announce(
            device, f"*Mar  1 00:00:0{number}.123: %LINK-3-UPDOWN: Interface Gi0/{number}, changed state to up"
        )
    assert client.session is not None
    stream = client.session.connection.live_stream()
    eventually(stream.channel.recv_ready)  # type: ignore[attr-defined]
    assert client.query("show ip interface brief").output == wanted
    assert client.session.notes
    assert lab.counters(device).logins == 1


def test_unknown_output_between_commands_closes_the_session_unwritten(login: Login, lab: SimulatorLab) -> None:
    device, client = login()
    before = len(lab.log(device))
    lab.announce(device, "Proceed with reload? [confirm]")
    assert client.session is not None
    stream = client.session.connection.live_stream()
    eventually(stream.channel.recv_ready)  # type: ignore[attr-defined]
    try:
        client.query("show clock")
    except SessionStale:
        assert lab.log(device)[before:] == []
    else:  # the simulator drew its prompt again behind the text
        assert lab.commands(device)[-1] == "show clock"


def test_device_renamed_by_somebody_else(login: Login, lab: SimulatorLab) -> None:
    device, client = login()
    client.query("show clock")
    lab.configure(device, "hostname other-name")
    with pytest.raises(CommandTimeout, match="other-name>") as caught:
        client.query("show clock", read_timeout=1.0)
    assert [output.complete for output in caught.value.outputs] == [False]  # it may be a text that looks like one
    assert client.session is not None
    assert not client.driver.is_alive(client.session)
    client.connect()
    assert client.query("show version").output


def test_keepalive_of_a_live_session(login: Login, lab: SimulatorLab) -> None:
    device, client = login()
    assert client.keepalive()
    assert client.session is not None
    assert client.session.answers_keepalive
    assert lab.commands(device)[-1] == ""


def test_keepalive_notices_a_frozen_device(login: Login, lab: SimulatorLab) -> None:
    device, client = login()
    assert client.keepalive()
    lab.drop(device, "freeze")
    assert not client.keepalive(within=1.0)
    assert client.session is not None
    assert not client.driver.is_alive(client.session)


def test_keepalive_notices_a_command_line_that_hangs_behind_a_living_ssh(login: Login, lab: SimulatorLab) -> None:
    device, client = login()
    lab.set_faults(device, commands=[{"match": "^$", "action": "hang"}])
    assert not client.keepalive(within=1.0)
    assert client.session is not None
    assert client.session.answers_keepalive
    assert not client.driver.is_alive(client.session)


def test_keepalive_types_nothing_behind_messages_of_the_device(login: Login, lab: SimulatorLab) -> None:
    device, client = login()
    assert client.session is not None
    client.session.connection._read_buffer = "\r\n*Mar  1 00:00:01.000: %SYS-5-CONFIG_I: Configured from console\r\n"
    before = len(lab.log(device))
    assert client.keepalive()
    assert lab.log(device)[before:] == []
    assert client.query("show clock").output


def test_an_idle_session_sleeps_until_the_device_says_something(login: Login) -> None:
    _device, client = login()
    client.query("show clock")
    assert client.session is not None
    stream = client.session.connection.live_stream()
    transport = stream.channel.get_transport()  # type: ignore[attr-defined]
    assert transport.sock.gettimeout() == IDLE_LOOK
    thread = Path(f"/proc/self/task/{transport.native_id}/status")

    def waits() -> int:
        """How often the kernel has put the thread to sleep (proc(5))."""
        return int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", thread.read_text(), re.MULTILINE)[1])  # type: ignore[index]

    before = waits()
    time.sleep(2)
    assert waits() - before <= 2
    assert client.query("show clock").output
    client.close()
    transport.join(IDLE_LOOK / 2)
    assert not transport.is_alive()
