"""Changes over eAPI: all lines or none, with the device's own difference, saved only when asked, timed commits."""

from __future__ import annotations

import time
from typing import Any

import pytest

from netpulse_drivers import CommandRefused, EnsurePolicy, PrivilegeRefused, UnsupportedOperation
from netpulse_lab import SimulatedDevice, SimulatorLab
from tests.conformance.pyeapi.conftest import Client

LINES = ("interface Ethernet1", "description to the core", "interface Ethernet2", "mtu 9000")
RELEASES = pytest.mark.parametrize("switch", ["4.31.6M", "4.32.2F"], indirect=True)
"""The last release that tells of a commit timer in its session, and one that tells beside the sessions."""


def sessions(client: Client) -> dict[str, str]:
    known = client.query("show configuration sessions").output["sessions"]
    return {name: facts["state"] for name, facts in known.items()}


def test_change_is_committed_as_a_whole_and_not_saved(
    client: Client, lab: SimulatorLab, switch: SimulatedDevice
) -> None:
    result = client.change(*LINES)
    assert result.changed
    assert not result.saved
    assert result.applied == list(LINES)
    assert "+   description to the core" in result.diff
    assert "netpulse-" not in result.diff.replace("session:/netpulse-session-config", "")
    assert "description to the core" in lab.running_config(switch)
    assert "description to the core" not in lab.startup_config(switch)
    assert [output.command for output in result.outputs[:4]] == list(LINES)
    assert not any("write" in line for line in lab.commands(switch))
    assert "pending" not in sessions(client).values()


@pytest.mark.parametrize("how", [{"save": True}, {"args": {"autosave": True}}])
def test_saved_when_asked(client: Client, lab: SimulatorLab, switch: SimulatedDevice, how: dict[str, Any]) -> None:
    assert client.change(*LINES, **how).saved
    assert "description to the core" in lab.startup_config(switch)
    assert client.change(**how).saved


def test_nothing_of_a_refused_change_is_applied(client: Client, lab: SimulatorLab, switch: SimulatedDevice) -> None:
    before = lab.running_config(switch)
    with pytest.raises(CommandRefused) as caught:
        client.change("interface Ethernet1", "description never", "nonsense here", "mtu 9000")
    error = caught.value
    assert "line 3 of 4, 'nonsense here'" in error.message
    assert "were not committed" in error.message
    assert error.device_output == "Invalid input (at token 0: 'nonsense')"
    assert error.details[0]["eapi_code"] == 1002
    assert error.details[0]["applied"] == []
    assert [(output.command, output.failed) for output in error.outputs] == [
        ("interface Ethernet1", False),
        ("description never", False),
        ("nonsense here", True),
    ]
    assert lab.running_config(switch) == before
    assert sessions(client) == {}


def test_dry_run_leaves_no_session_behind(client: Client, lab: SimulatorLab, switch: SimulatedDevice) -> None:
    before = lab.running_config(switch)
    result = client.change(*LINES, dry_run=True)
    assert result.changed
    assert "+   mtu 9000" in result.diff
    assert lab.running_config(switch) == before
    assert sessions(client) == {}


def test_ensure_asks_the_device_what_is_missing(client: Client, lab: SimulatorLab, switch: SimulatedDevice) -> None:
    policy = EnsurePolicy(
        parents=["interface Ethernet3"], before=["vlan 77"], after=["vlan 78"], save_when="changed", backup=True
    )
    first = client.change("description once", ensure=policy)
    assert (first.changed, first.saved) == (True, True)
    assert first.applied == ["vlan 77", "interface Ethernet3", "description once", "vlan 78"]
    assert "hostname" in (first.backup or "")
    assert "description once" not in (first.backup or "")
    second = client.change("description once", ensure=policy)
    assert (second.changed, second.saved, second.diff, second.applied) == (False, False, "", [])
    assert sessions(client)
    assert "pending" not in sessions(client).values()


def test_save_when_modified(client: Client, lab: SimulatorLab, switch: SimulatedDevice) -> None:
    policy = EnsurePolicy(save_when="modified")
    assert not client.change("hostname s1", ensure=policy).saved
    lab.configure(switch, "hostname other")
    assert client.change("hostname other", ensure=policy).saved
    assert "hostname other" in lab.startup_config(switch)


def test_replace_makes_the_lines_the_whole_configuration(
    client: Client, lab: SimulatorLab, switch: SimulatedDevice
) -> None:
    lab.configure(switch, "vlan 55\n")
    whole = lab.running_config(switch).replace("vlan 55\n", "").replace("end\n", "")
    result = client.change(*whole.splitlines(), replace=True)
    assert "-vlan 55" in result.diff
    assert "vlan 55" not in lab.running_config(switch)


def test_banner_goes_beside_its_command(client: Client, lab: SimulatorLab, switch: SimulatedDevice) -> None:
    result = client.change("banner motd", "hello", "  there", "EOF", "! a comment", "vlan 9")
    assert "hello\n  there\nEOF" in lab.running_config(switch)
    assert [output.command for output in result.outputs[:2]] == ["banner motd\nhello\n  there", "vlan 9"]


@RELEASES
def test_timed_commit_is_reverted_by_the_device(client: Client, lab: SimulatorLab, switch: SimulatedDevice) -> None:
    result = client.change(*LINES, revert_in=1)
    assert result.changed
    assert "description to the core" in lab.running_config(switch)
    end = time.monotonic() + 60
    while "description to the core" in lab.running_config(switch):
        assert time.monotonic() < end, "the device does not go back"
        time.sleep(0.05)
    with pytest.raises(CommandRefused, match="nothing to confirm"):
        client.confirm()


@RELEASES
def test_timed_commit_is_confirmed_by_another_session(
    client: Client, lab: SimulatorLab, switch: SimulatedDevice
) -> None:
    client.change(*LINES, revert_in=600)
    client.close()
    client.connect()
    assert client.confirm().saved
    assert "commit confirmed" in lab.event_names(switch)
    assert "description to the core" in lab.startup_config(switch)


@RELEASES
def test_timed_commit_is_taken_back(client: Client, lab: SimulatorLab, switch: SimulatedDevice) -> None:
    before = lab.running_config(switch)
    client.change(*LINES, revert_in=600)
    assert client.rollback().changed
    assert lab.running_config(switch) == before
    with pytest.raises(CommandRefused, match="nothing to confirm or to roll back"):
        client.rollback()


@RELEASES
def test_timed_commit_of_somebody_else_is_left_alone(client: Client, switch: SimulatedDevice) -> None:
    client.query("configure session theirs")
    client.query("configure session theirs commit timer 0:10:00")
    with pytest.raises(CommandRefused, match="somebody else"):
        client.confirm()


def test_line_by_line_without_session(client: Client, lab: SimulatorLab, switch: SimulatedDevice) -> None:
    assert client.change(*LINES, args={"session": False}).applied == list(LINES)
    with pytest.raises(CommandRefused, match="1 lines before it had been applied") as caught:
        client.change("vlan 8", "nonsense here", args={"session": False})
    assert caught.value.details[0]["applied"] == ["vlan 8"]
    assert "vlan 8" in lab.running_config(switch)
    with pytest.raises(UnsupportedOperation, match="dry_run"):
        client.change("vlan 8", args={"session": False}, dry_run=True)


@pytest.mark.parametrize(
    ("request_parts", "says"),
    [
        ({"message": "why"}, "no commit comment"),
        ({"revert_in": 90_000}, "at most"),
        ({"revert_in": 60, "save": True}, "exclude each other"),
        ({"ensure": EnsurePolicy(match="exact")}, "netmiko compares"),
        ({"ensure": EnsurePolicy(replace="block")}, "netmiko compares"),
        ({"ensure": EnsurePolicy(running_config="x")}, "netmiko"),
    ],
)
def test_what_eapi_cannot_do_is_said_before_anything_is_sent(
    client: Client, lab: SimulatorLab, switch: SimulatedDevice, request_parts: dict[str, Any], says: str
) -> None:
    before = lab.counters(switch).requests
    with pytest.raises(UnsupportedOperation, match=says):
        client.change("vlan 3", **request_parts)
    assert lab.counters(switch).requests == before


def test_change_that_may_not_be_made(client: Client, lab: SimulatorLab, switch: SimulatedDevice) -> None:
    lab.set_faults(switch, deny_commands=["^configure"])
    with pytest.raises(PrivilegeRefused) as caught:
        client.change(*LINES)
    assert caught.value.details[0]["eapi_code"] == 1005
    assert caught.value.session_usable


def test_refused_commit_leaves_no_session(client: Client, lab: SimulatorLab, switch: SimulatedDevice) -> None:
    lab.set_faults(
        switch, commands=[{"match": " commit$", "action": "refuse", "text": "% Commit not allowed", "times": 1}]
    )
    with pytest.raises(CommandRefused, match="Commit not allowed"):
        client.change(*LINES)
    assert sessions(client) == {}
    assert client.change(*LINES).changed
