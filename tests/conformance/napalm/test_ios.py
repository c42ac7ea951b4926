"""NAPALM's ios driver on a session of the netmiko driver."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import paramiko
import pytest

from netpulse_drivers import (
    CommandRefused,
    CommandTimeout,
    EnsurePolicy,
    HostKeyMismatch,
    InvalidArguments,
    NothingPending,
    ParseFailed,
    PrivilegeRefused,
    UnsupportedOperation,
)
from netpulse_lab import SimulatedDevice, SimulatorLab
from tests.conformance.napalm.conftest import Client

Make = Callable[..., Client]
LINES = ("interface GigabitEthernet0/1", " description by napalm")


def arguments(router: SimulatedDevice, **more: Any) -> dict[str, Any]:
    return {
        "device_type": "ios",
        "host": router.host,
        "port": router.port,
        "username": router.username,
        "password": router.password,
        "secret": router.secret,
        **more,
    }


def test_getters_take_one_login(ios: Client, lab: SimulatorLab, router: SimulatedDevice) -> None:
    facts = ios.query("get_facts").output
    assert (facts["vendor"], facts["hostname"]) == ("Cisco", "r1")
    assert "GigabitEthernet0/1" in ios.query("get_interfaces").output
    assert "hostname r1" in ios.query("get_config", retrieve="running").output["running"]
    assert "Cisco IOS Software" in ios.query("show version").output
    assert ios.keepalive()
    assert lab.counters(router).logins == 1


def test_answer_that_napalm_cannot_read(ios: Client, lab: SimulatorLab, router: SimulatedDevice) -> None:
    answer = "Protocol  Address  Age (min)  Hardware Addr\nsomething else entirely\n"
    lab.set_faults(router, commands=[{"match": "show arp", "action": "replace", "text": answer}])
    with pytest.raises(ParseFailed, match="get_arp_table could not read"):
        ios.query("get_arp_table")
    assert ios.query("get_facts").output["hostname"] == "r1"


def test_refused_command(ios: Client) -> None:
    with pytest.raises(CommandRefused) as caught:
        ios.query("show nonsense")
    assert "% Invalid input" in caught.value.device_output
    assert "Cisco IOS Software" in ios.query("show version").output


def test_json_is_not_for_ios(ios: Client) -> None:
    with pytest.raises(UnsupportedOperation, match="json"):
        ios.query("show version", encoding="json")
    assert "Cisco IOS Software" in ios.query("show version").output


def test_merge_over_scp(ios: Client, lab: SimulatorLab, router: SimulatedDevice) -> None:
    foretold = ios.change(*LINES, dry_run=True)
    assert foretold.changed
    assert "by napalm" not in lab.running_config(router)
    result = ios.change(*LINES)
    assert (result.changed, result.saved) == (True, True)
    assert result.diff == foretold.diff == "+interface GigabitEthernet0/1\n+ description by napalm"
    assert "description by napalm" in lab.startup_config(router)
    assert "Cisco IOS Software" in ios.query("show version").output


def test_file_transfer_takes_only_the_sessions_host_key(ios: Client, router: SimulatedDevice) -> None:
    client = ios.session.below.connection._build_ssh_client()
    login = {"username": router.username, "password": router.password, "look_for_keys": False, "allow_agent": False}
    client.connect(router.host, router.port, **login)
    client.close()
    pinned = client.get_host_keys()
    other = paramiko.ECDSAKey.generate()
    for name in list(pinned):
        del pinned[name]
        pinned.add(name, other.get_name(), other)
    with pytest.raises(paramiko.SSHException):
        client.connect(router.host, router.port, **login)


def test_ensure_is_idempotent(ios: Client) -> None:
    policy = EnsurePolicy(parents=[LINES[0]])
    assert ios.change(LINES[1], ensure=policy).changed
    again = ios.change(LINES[1], ensure=policy)
    assert (again.changed, again.diff) == (False, "")


def test_device_that_cannot_compare(make_client: Make, lab: SimulatorLab, router: SimulatedDevice) -> None:
    client = make_client(**arguments(router))
    client.connect()
    lab.set_faults(
        router, commands=[{"match": "incremental-diffs", "action": "refuse", "text": "% Invalid input detected\n"}]
    )
    with pytest.raises(UnsupportedOperation, match="driver netmiko"):
        client.change(LINES[1], ensure=EnsurePolicy(parents=[LINES[0]]))
    assert client.change(*LINES).diff.startswith("! incremental-diff failed")


def test_refused_line_is_rolled_back(ios: Client, lab: SimulatorLab, router: SimulatedDevice) -> None:
    before = lab.running_config(router)
    with pytest.raises(CommandRefused, match="'nonsense here': % Invalid input") as caught:
        ios.change("hostname never", "nonsense here")
    assert "automatic rollback attempted" in caught.value.device_output
    assert lab.running_config(router).partition("version 15.2")[2] == before.partition("version 15.2")[2]
    assert ios.query("get_facts").output["hostname"] == "r1"


def test_replace_and_rollback(ios: Client, lab: SimulatorLab, router: SimulatedDevice) -> None:
    before = lab.running_config(router)
    whole = before.partition(" bytes\n")[2].replace("hostname r1", "hostname replaced")
    result = ios.change(*whole.splitlines(), replace=True)
    assert "+hostname replaced" in result.diff
    assert "hostname replaced" in lab.startup_config(router)
    assert ios.rollback().changed
    assert "hostname r1" in lab.startup_config(router)


def test_timed_commit_is_confirmed_by_a_later_session(ios: Client, lab: SimulatorLab, router: SimulatedDevice) -> None:
    result = ios.change(*LINES, revert_in=120)
    assert (result.changed, result.saved) == (True, False)
    assert "by napalm" not in lab.startup_config(router)
    ios.close()
    ios.connect()
    assert ios.confirm().saved
    assert "commit confirmed" in lab.event_names(router)
    assert "by napalm" in lab.startup_config(router)
    with pytest.raises(NothingPending, match="no change waits"):
        ios.confirm()


def test_timed_commit_is_taken_back(ios: Client, lab: SimulatorLab, router: SimulatedDevice) -> None:
    ios.change(*LINES, revert_in=120)
    assert "by napalm" in lab.running_config(router)
    assert ios.rollback().changed
    assert "by napalm" not in lab.running_config(router)


def test_bad_secret_and_refused_host_key(
    make_client: Make, router: SimulatedDevice, ios: Client, known_hosts: Path
) -> None:
    with pytest.raises(PrivilegeRefused):
        make_client(**arguments(router, secret="wrong-secret-here")).connect()
    assert known_hosts.read_text()
    known_hosts.write_text("")
    with pytest.raises(HostKeyMismatch):
        make_client(**arguments(router, host_key_policy="known")).connect()


def test_option_that_the_session_does_not_take(make_client: Make, router: SimulatedDevice) -> None:
    with pytest.raises(InvalidArguments) as caught:
        make_client(**arguments(router, optional_args={"conn_timeout": -1})).connect()
    assert caught.value.details[0]["loc"] == "optional_args.conn_timeout"


def test_open_question_ends_the_session(ios: Client, lab: SimulatorLab, router: SimulatedDevice) -> None:
    question = {"match": "show clock", "action": "question", "text": "Proceed with reload? [confirm]"}
    lab.set_faults(router, commands=[question])
    with pytest.raises(CommandTimeout) as caught:
        ios.query("show clock", within=1.0)
    assert not caught.value.session_usable
    assert not ios.driver.is_alive(ios.session)
    ios.close()
    assert not {"confirmed", "declined"} & set(lab.event_names(router))


def test_frozen_peer_is_noticed(ios: Client, lab: SimulatorLab, router: SimulatedDevice) -> None:
    assert ios.keepalive()
    lab.drop(router, "freeze")
    assert not ios.keepalive(within=0.5)


def test_rename_is_followed(ios: Client, lab: SimulatorLab, router: SimulatedDevice) -> None:
    ios.change("hostname renamed")
    assert ios.query("get_facts").output["hostname"] == "renamed"


def test_timed_commit_wants_the_archive(ios: Client, lab: SimulatorLab, router: SimulatedDevice) -> None:
    lab.configure(router, "no archive")
    before = lab.running_config(router)
    with pytest.raises(CommandRefused, match="archive"):
        ios.change("hostname never", revert_in=120)
    assert lab.running_config(router) == before
