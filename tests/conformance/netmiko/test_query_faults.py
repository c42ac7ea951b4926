"""Every way in which a query can go wrong on a session that stands, as the driver must report it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from netpulse_drivers import (
    CommandRefused,
    CommandTimeout,
    PrivilegeRefused,
    SessionLost,
    SessionStale,
)
from netpulse_lab import SimulatedDevice, SimulatorLab
from tests.conformance.netmiko.conftest import Client

Login = Callable[..., tuple[SimulatedDevice, Client]]
NewDevice = Callable[..., SimulatedDevice]
ClientOf = Callable[..., Client]


@pytest.mark.parametrize(
    "faults",
    [
        {"chunk_size": 1, "chunk_gap": 0.0},
        {"chunk_size": 3, "chunk_gap": 0.001},
        {"chunk_size": 7, "chunk_gap": 0.004},
        {"prompt_like_output": True},
        {"prompt_like_output": True, "chunk_size": 5, "chunk_gap": 0.002},
        {"latency": 0.03, "jitter": 0.02},
        {"garbage": True},
        {"syslog": True},
        {"syslog": True, "chunk_size": 9},
        {"prompt_like_output": True, "syslog": True, "latency": 0.01},
    ],
    ids="-".join,
)
def test_output_is_whole_whatever_the_delivery(login: Login, lab: SimulatorLab, faults: dict[str, Any]) -> None:
    device, client = login()
    client.query("terminal length 0")
    wanted = client.query("show version").output
    lab.set_faults(device, **faults)
    clean = not {"garbage", "syslog", "prompt_like_output"} & set(faults)
    for _ in range(4):
        got = client.query("show version").output
        if clean:
            assert got == wanted
        elif "garbage" not in faults:
            assert [line for line in wanted.splitlines() if line not in got.splitlines()] == []
    lab.clear_faults(device)
    assert client.query("show version").output == wanted
    assert lab.counters(device).logins == 1


def test_huge_output(login: Login, lab: SimulatorLab) -> None:
    _device, client = login(privilege=15, faults={"tech_support_bytes": 5_000_000})
    output = client.query("show tech-support", read_timeout=60, within=60).output
    assert len(output) > 4_900_000
    assert client.query("show clock").output


def test_pager_that_shows_up_anyway(login: Login, lab: SimulatorLab) -> None:
    device, client = login(privilege=15)
    wanted = client.query("show running-config").output
    client.query("terminal length 10")
    assert client.query("show running-config").output.rstrip() == wanted.rstrip()
    assert [line.kind for line in lab.log(device)].count("key") > 2


def test_command_that_is_refused_is_a_failure_with_the_devices_text(login: Login) -> None:
    _, client = login()
    with pytest.raises(CommandRefused) as caught:
        client.query("show nonsense")
    assert "% Invalid input" in caught.value.device_output
    assert caught.value.outputs[0].failed
    assert caught.value.session_usable
    assert client.query("show clock").output


def test_refusal_texts_in_the_middle_of_an_output_are_no_refusal(login: Login, lab: SimulatorLab) -> None:
    device, client = login()
    text = "logged: % Invalid input detected at '^' marker.\n  % Incomplete command.\nthe end: Error: x"
    lab.set_faults(device, commands=[{"match": "show logging", "action": "replace", "text": text}])
    assert "the end" in client.query("show logging").output


def test_check_errors_off_returns_the_refusal_as_output(login: Login) -> None:
    _, client = login()
    assert "% Invalid input" in client.query("show nonsense", check_errors=False).output


def test_open_question_is_never_answered(login: Login, lab: SimulatorLab) -> None:
    device, client = login(privilege=15)
    before = len(lab.log(device))
    with pytest.raises(CommandTimeout) as caught:
        client.query("reload", read_timeout=0.5)
    assert "confirm" in caught.value.device_output.lower() or "Save?" in caught.value.device_output
    assert not caught.value.session_usable
    assert client.session is not None
    assert not client.driver.is_alive(client.session)
    assert not client.keepalive()
    with pytest.raises(SessionStale):
        client.query("show clock")
    client.close()
    assert [line.line for line in lab.log(device)[before:]] == ["reload"]
    assert "reload" not in lab.event_names(device)
    client.connect()
    assert client.query("show clock").output


def test_a_dialogue_led_by_expect_string_goes_on_within_the_job_only(login: Login, lab: SimulatorLab) -> None:
    device, client = login(privilege=15)
    lab.set_faults(device, commands=[{"match": "clear counters", "action": "question", "text": "Clear? [confirm]"}])
    client.query("clear counters", expect_string=r"\[confirm\]|#\s*$")
    assert client.session is not None
    assert client.driver.is_alive(client.session)
    client.again("")
    assert client.query("show clock").output  # at the prompt again: any job may go on

    client.query("clear counters", expect_string=r"\[confirm\]")
    before = len(lab.log(device))
    assert not client.keepalive()  # nobody will answer: the session is given up, and nothing is typed
    with pytest.raises(SessionStale):
        client.query("show clock")
    assert lab.log(device)[before:] == []


@pytest.mark.parametrize("action", ["hang", "freeze"])
def test_command_without_end_times_out_and_keeps_what_came(login: Login, lab: SimulatorLab, action: str) -> None:
    device, client = login()
    lab.set_faults(device, commands=[{"match": "show version", "action": action, "after_bytes": 100}])
    with pytest.raises(CommandTimeout) as caught:
        client.query("show version", read_timeout=0.5)
    assert "Cisco IOS" in caught.value.device_output
    assert not caught.value.session_usable


@pytest.mark.parametrize("action", ["rst", "close"])
def test_connection_cut_in_mid_output_is_a_lost_session(login: Login, lab: SimulatorLab, action: str) -> None:
    device, client = login()
    lab.set_faults(device, commands=[{"match": "show version", "action": action, "after_bytes": 100}])
    with pytest.raises(SessionLost) as caught:
        client.query("show version")
    assert "Cisco IOS" in caught.value.device_output
    assert client.session is not None
    assert not client.driver.is_alive(client.session)


def test_write_guard_is_asked_before_every_write_and_may_refuse(login: Login, lab: SimulatorLab) -> None:
    class LeaseLost(Exception):
        pass

    device, client = login()
    before = len(lab.log(device))
    client.call("query")

    def refuse() -> None:
        raise LeaseLost

    client.driver.call.before_write = refuse
    assert client.session is not None
    with pytest.raises(LeaseLost):
        client.driver.send(client.session, "show clock")
    assert lab.log(device)[before:] == []
    assert client.query("show clock").output
    client.writes = 0
    client.change("interface Loopback1", "description x", save=True)
    typed = [line for line in lab.log(device)[before:] if line.line != "show clock"]
    assert client.writes == len(typed)


# -- privilege -------------------------------------------------------------------------------------------------------


def test_enable_for_one_query_does_not_leak_into_the_next_job(login: Login) -> None:
    _, client = login()
    assert "hostname" in client.query("show running-config", enable=True).output
    with pytest.raises(CommandRefused):
        client.query("show running-config")
    assert "hostname" in client.query("show running-config", enable=True).output


@pytest.mark.parametrize("platform", ["ios", "eos"])
@pytest.mark.parametrize("attempts", [1, 3])
def test_wrong_secret_is_refused_at_once_and_typed_once(
    new_device: NewDevice, client_of: ClientOf, lab: SimulatorLab, attempts: int, platform: str
) -> None:
    device = new_device(platform, enable_attempts=attempts)
    client = client_of(device, secret="wrong-secret")
    client.connect()
    with pytest.raises(PrivilegeRefused) as caught:
        client.query("show running-config", enable=True)
    assert caught.value.phase == "privilege"
    assert "wrong-secret" not in str(caught.value.to_dict())
    assert [line.kind for line in lab.log(device)].count("secret") == 1
    assert client.session is not None
    assert client.driver.is_alive(client.session) == caught.value.session_usable
    if caught.value.session_usable:
        assert client.query("show clock").output


def test_missing_secret_says_what_to_give(new_device: NewDevice, client_of: ClientOf, lab: SimulatorLab) -> None:
    device = new_device()
    client = client_of(device, secret=None)
    client.connect()
    with pytest.raises(PrivilegeRefused, match=r"connection_args\.secret"):
        client.query("show running-config", enable=True)
    assert "secret" not in [line.kind for line in lab.log(device)]
