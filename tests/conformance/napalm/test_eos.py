"""NAPALM's eos driver on the kept eAPI connection: getters, candidates, timed commits, liveness."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from netpulse_drivers import (
    CertificateUntrusted,
    CommandRefused,
    EnsurePolicy,
    InvalidArguments,
    NothingPending,
    PrivilegeRefused,
    SessionStale,
    UnsupportedOperation,
)
from netpulse_lab import SimulatedDevice, SimulatorLab
from tests.conformance.napalm.conftest import Client

LINES = ("interface Ethernet1", "description to the core")
Make = Callable[..., Client]
RELEASES = pytest.mark.parametrize("switch", ["4.31.6M", "4.32.2F"], indirect=True)
"""The last release that tells of a commit timer in its session, and one that tells beside the sessions."""


def pending(client: Client) -> list[str]:
    known = client.query("cli", commands=["show configuration sessions"], encoding="json").output
    sessions = known["show configuration sessions"]["sessions"]
    return [name for name, facts in sessions.items() if facts["state"] == "pending"]


def test_getters(eos: Client) -> None:
    facts = eos.query("get_facts").output
    assert (facts["vendor"], facts["hostname"]) == ("Arista", "s1")
    assert "Ethernet1" in eos.query("get_interfaces").output
    assert eos.query("get_lldp_neighbors").output == {}
    configs = eos.query("get_config", retrieve="running").output
    assert "hostname s1" in configs["running"]
    assert configs["startup"] == ""


def test_anything_else_is_a_cli_command(eos: Client) -> None:
    assert "Arista vEOS-lab" in eos.query("show version").output
    assert eos.query("show version", encoding="json").output["modelName"] == "vEOS-lab"
    with pytest.raises(CommandRefused, match="eAPI error 1002") as caught:
        eos.query("show nonsense")
    assert caught.value.device_output == "Invalid input (at token 1: 'nonsense')"
    assert eos.driver.is_alive(eos.session)


def test_getter_that_the_platform_lacks(eos: Client) -> None:
    with pytest.raises(UnsupportedOperation, match="get_firewall_policies"):
        eos.query("get_firewall_policies")
    assert eos.query("get_facts").output["hostname"] == "s1"


@pytest.mark.parametrize("transport", ["http", "https"])
def test_many_getters_take_one_connection(
    make_client: Make, lab: SimulatorLab, switch: SimulatedDevice, transport: str
) -> None:
    client = make_client(
        device_type="arista_eos",
        host=switch.host,
        port=switch.http_port if transport == "http" else switch.https_port,
        username=switch.username,
        password=switch.password,
        secret=switch.secret,
        verify=False,
        optional_args={"transport": transport},
    )
    client.connect()
    for _ in range(300):
        client.query("get_lldp_neighbors")
    counters = lab.counters(switch)
    assert (counters.connections, counters.logins, counters.requests) == (1, 1, 301)


def test_over_ssh(make_client: Make, lab: SimulatorLab, switch: SimulatedDevice) -> None:
    client = make_client(
        device_type="eos",
        host=switch.host,
        port=switch.port,
        username=switch.username,
        password=switch.password,
        secret=switch.secret,
        optional_args={"transport": "ssh"},
    )
    client.connect()
    assert client.query("get_facts").output["hostname"] == "s1"
    assert "Arista vEOS-lab" in client.query("show version").output
    assert client.keepalive()
    assert client.query("get_vlans").output["1"]["name"] == "default"
    assert (lab.counters(switch).logins, lab.counters(switch).requests) == (1, 0)


def test_self_signed_certificate_needs_consent(make_client: Make, switch: SimulatedDevice) -> None:
    client = make_client(
        device_type="eos",
        host=switch.host,
        port=switch.https_port,
        username=switch.username,
        password=switch.password,
    )
    with pytest.raises(CertificateUntrusted, match="verify: false"):
        client.connect()


def test_bad_enable_secret(make_client: Make, switch: SimulatedDevice) -> None:
    client = make_client(
        device_type="eos",
        host=switch.host,
        port=switch.http_port,
        username=switch.username,
        password=switch.password,
        secret="wrong-secret-here",
        optional_args={"transport": "http"},
    )
    with pytest.raises(PrivilegeRefused, match="Bad secret"):
        client.connect()


# -- changes ----------------------------------------------------------------------------------------------------------


def test_merge_shows_the_difference_and_saves(eos: Client, lab: SimulatorLab, switch: SimulatedDevice) -> None:
    result = eos.change(*LINES)
    assert (result.changed, result.saved) == (True, True)
    assert "+   description to the core" in result.diff
    assert "description to the core" in lab.startup_config(switch)
    assert pending(eos) == []


def test_dry_run_and_refusal_leave_no_candidate(eos: Client, lab: SimulatorLab, switch: SimulatedDevice) -> None:
    before = lab.running_config(switch)
    assert "+   description to the core" in eos.change(*LINES, dry_run=True).diff
    assert pending(eos) == []
    with pytest.raises(CommandRefused, match="'nonsense here'"):
        eos.change("interface Ethernet1", "nonsense here")
    assert pending(eos) == []
    assert lab.running_config(switch) == before


@pytest.mark.parametrize("how", [{"replace": True}, {"args": {"replace": True}}])
def test_replace(eos: Client, lab: SimulatorLab, switch: SimulatedDevice, how: dict[str, Any]) -> None:
    lab.configure(switch, "vlan 55")
    whole = lab.running_config(switch).replace("vlan 55\n!\n", "").replace("end\n", "")
    assert "-vlan 55" in eos.change(*whole.splitlines(), **how).diff
    assert "vlan 55" not in lab.running_config(switch)


def test_ensure_is_idempotent_and_keeps_a_backup(eos: Client, lab: SimulatorLab, switch: SimulatedDevice) -> None:
    policy = EnsurePolicy(parents=["interface Ethernet3"], before=["vlan 77"], backup=True)
    first = eos.change("description once", ensure=policy)
    assert first.applied == ["vlan 77", "interface Ethernet3", "description once"]
    assert "hostname s1" in (first.backup or "")
    again = eos.change("description once", ensure=policy)
    assert (again.changed, again.diff, again.applied) == (False, "", [])


def test_save_alone(eos: Client, lab: SimulatorLab, switch: SimulatedDevice) -> None:
    lab.configure(switch, "vlan 9")
    assert eos.change(save=True).saved
    assert "vlan 9" in lab.startup_config(switch)


def test_backup_alone_saves_nothing(eos: Client, lab: SimulatorLab, switch: SimulatedDevice) -> None:
    lab.configure(switch, "vlan 9")
    policy = EnsurePolicy(backup=True)
    for result in (eos.change(ensure=policy), eos.change(ensure=policy, dry_run=True)):
        assert "vlan 9" in (result.backup or "")
        assert (result.changed, result.saved) == (False, False)
    assert "vlan 9" not in lab.startup_config(switch)


def test_commit_message_is_not_ignored(eos: Client, lab: SimulatorLab, switch: SimulatedDevice) -> None:
    before = lab.running_config(switch)
    with pytest.raises(UnsupportedOperation, match="message"):
        eos.change(*LINES, message="why")
    assert lab.running_config(switch) == before
    assert pending(eos) == []


@RELEASES
def test_timed_commit_is_confirmed_by_a_later_session(eos: Client, lab: SimulatorLab, switch: SimulatedDevice) -> None:
    result = eos.change(*LINES, revert_in=600)
    assert (result.changed, result.saved) == (True, False)
    assert result.outputs[0].extra == {"confirm_within": 600}
    eos.close()
    assert "description to the core" in lab.running_config(switch)
    eos.connect()
    assert eos.confirm().saved
    assert "commit confirmed" in lab.event_names(switch)
    assert "description to the core" in lab.startup_config(switch)
    with pytest.raises(NothingPending, match="no change waits"):
        eos.confirm()


@RELEASES
def test_timed_commit_ends_by_itself(eos: Client, lab: SimulatorLab, switch: SimulatedDevice) -> None:
    eos.change(*LINES, revert_in=1)
    assert "description to the core" in lab.running_config(switch)
    end = time.monotonic() + 60
    while "description to the core" in lab.running_config(switch):
        assert time.monotonic() < end, "the device does not go back"
        time.sleep(0.05)


@RELEASES
def test_rollback_of_a_timed_and_of_a_final_commit(eos: Client, lab: SimulatorLab, switch: SimulatedDevice) -> None:
    before = lab.running_config(switch)
    eos.change(*LINES, revert_in=600)
    assert eos.rollback().changed
    assert lab.running_config(switch) == before
    eos.change(*LINES)
    assert "description to the core" in lab.running_config(switch)
    assert eos.rollback().changed
    assert "description to the core" not in lab.running_config(switch)


# -- compliance -------------------------------------------------------------------------------------------------------


def test_compliance_report(eos: Client) -> None:
    rules = [{"get_facts": {"hostname": "s1", "vendor": "Cisco"}}, {"get_lldp_neighbors": {}}]
    report = eos.query("compliance_report", validation_source=rules).output
    assert report["complies"] is False
    assert report["get_facts"]["present"]["hostname"]["complies"] is True
    assert report["get_facts"]["present"]["vendor"]["actual_value"] == "Arista"
    assert report["get_lldp_neighbors"]["complies"] is True


# -- liveness ---------------------------------------------------------------------------------------------------------


def test_cut_connection_is_stale_and_frozen_one_is_dead(
    eos: Client, lab: SimulatorLab, switch: SimulatedDevice
) -> None:
    assert eos.keepalive()
    lab.drop(switch, "close")
    end = time.monotonic() + 60
    while eos.driver.is_alive(eos.session):
        assert time.monotonic() < end
        time.sleep(0.01)
    with pytest.raises(SessionStale):
        eos.query("get_facts")
    eos.connect()
    lab.drop(switch, "freeze")
    assert not eos.keepalive(within=0.3)


def test_unknown_getter_of_the_worker(eos: Client) -> None:
    with pytest.raises(InvalidArguments, match="did you mean get_facts"):
        eos.query("get_fact")
