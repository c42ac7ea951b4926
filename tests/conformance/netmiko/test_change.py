"""Changes on simulated devices: line by line, idempotent, saved, refused, and the state that they leave behind."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from netpulse_drivers import (
    CommandRefused,
    CommandTimeout,
    EnsurePolicy,
    InvalidArguments,
    PrivilegeRefused,
    SessionLost,
    UnsupportedOperation,
)
from netpulse_lab import SimulatedDevice, SimulatorLab
from tests.conformance.netmiko.conftest import Client

Login = Callable[..., tuple[SimulatedDevice, Client]]
both = pytest.mark.parametrize("platform", ["ios", "eos"])
INTERFACE = {"ios": "interface GigabitEthernet0/1", "eos": "interface Ethernet1"}


def at_home(client: Client) -> bool:
    assert client.session is not None
    return (
        client.end_job()
        and client.session.prompt == client.session.login_prompt
        and not client.session.unusable_reason
        and client.session.at_prompt
    )


@both
def test_plain_change_takes_one_round_trip_a_line_and_comes_back(
    login: Login, lab: SimulatorLab, platform: str
) -> None:
    device, client = login(platform)
    before = len(lab.log(device))
    result = client.change(INTERFACE[platform], "description to the core")
    assert result.changed
    assert result.applied == [INTERFACE[platform], "description to the core"]
    assert [output.command for output in result.outputs] == result.applied
    assert "description to the core" in lab.running_config(device)
    assert at_home(client)
    typed = [line.line for line in lab.log(device)[before:] if line.kind != "secret"]
    assert typed == ["enable", "configure terminal", INTERFACE[platform], "description to the core", "end", "disable"]
    assert "description to the core" not in lab.startup_config(device)


@both
def test_privilege_from_login_is_kept(login: Login, lab: SimulatorLab, platform: str) -> None:
    device, client = login(platform, privilege=15)
    before = len(lab.log(device))
    client.change("hostname same")
    assert [line.line for line in lab.log(device)[before:]] == ["configure terminal", "hostname same", "end"]
    assert at_home(client)
    assert client.query("show clock").output


@both
def test_save(login: Login, lab: SimulatorLab, platform: str) -> None:
    device, client = login(platform)
    result = client.change(INTERFACE[platform], "description saved", save=True)
    assert result.saved
    assert "description saved" in lab.startup_config(device)
    assert client.change(save=True).saved
    assert at_home(client)


@both
def test_refused_line_stops_the_change_and_says_what_had_been_applied(
    login: Login, lab: SimulatorLab, platform: str
) -> None:
    device, client = login(platform)
    with pytest.raises(CommandRefused) as caught:
        client.change(INTERFACE[platform], "description kept", "nonsense here", "description never")
    error = caught.value
    assert "nonsense here" in error.message
    assert "% Invalid input" in error.device_output
    assert [(output.command, output.failed) for output in error.outputs] == [
        (INTERFACE[platform], False),
        ("description kept", False),
        ("nonsense here", True),
    ]
    assert error.details[0]["applied"] == [INTERFACE[platform], "description kept"]
    assert error.session_usable
    assert at_home(client)
    assert "description never" not in lab.running_config(device)
    assert client.query("show clock").output


def test_policy_refusal_of_the_device(login: Login, lab: SimulatorLab) -> None:
    _device, client = login(faults={"refuse_config": ["^ntp server"]})
    with pytest.raises(CommandRefused, match="Configuration rejected by policy"):
        client.change("ntp server 192.0.2.1")
    assert at_home(client)


def test_own_error_pattern(login: Login, lab: SimulatorLab) -> None:
    device, client = login()
    lab.set_faults(device, commands=[{"match": "^ntp", "action": "refuse", "text": "NOTE: not today"}])
    assert client.change("ntp server 192.0.2.1").changed
    with pytest.raises(CommandRefused, match="not today"):
        client.change("ntp server 192.0.2.1", args={"error_pattern": "^NOTE: .*"})


def test_informational_answers_are_no_refusal(login: Login, lab: SimulatorLab) -> None:
    device, client = login()
    text = (
        "% Interface Gi0/1 IPv4 disabled and address(es) removed due to enabling VRF x\n%SYS-5-X: hello\n% Warning: y"
    )
    lab.set_faults(device, commands=[{"match": "^vrf", "action": "refuse", "text": text}])
    assert client.change("interface GigabitEthernet0/1", "vrf forwarding x").changed
    assert client.change("vrf forwarding x", args={"check_errors": False}).changed


def test_question_in_a_change_is_not_answered(login: Login, lab: SimulatorLab) -> None:
    device, client = login()
    lab.set_faults(device, commands=[{"match": "^no username", "action": "question", "text": "Sure? [confirm]"}])
    before = len(lab.log(device))
    with pytest.raises(CommandTimeout) as caught:
        client.change("hostname r1", "no username admin", "hostname r2", args={"read_timeout": 0.5})
    assert [(output.command, output.complete) for output in caught.value.outputs] == [
        ("hostname r1", True),
        ("no username admin", False),
    ]
    assert "Sure? [confirm]" in caught.value.device_output
    assert lab.commands(device)[-1] == "no username admin"
    client.close()
    assert lab.log(device)[before:][-1].line == "no username admin"


def test_connection_cut_in_the_middle_keeps_what_was_done(login: Login, lab: SimulatorLab) -> None:
    device, client = login()
    lab.set_faults(device, commands=[{"match": "^ntp", "action": "rst"}])
    with pytest.raises(SessionLost) as caught:
        client.change("hostname r1", "ntp server 192.0.2.1", "hostname r2")
    assert [output.command for output in caught.value.outputs] == ["hostname r1"]


def test_wrong_secret_leaves_the_configuration_alone(login: Login, lab: SimulatorLab) -> None:
    device, client = login(args={"secret": "wrong"})
    before = lab.running_config(device)
    with pytest.raises(PrivilegeRefused):
        client.change("hostname never")
    assert lab.running_config(device) == before


@both
def test_hostname_change(login: Login, lab: SimulatorLab, platform: str) -> None:
    device, client = login(platform)
    assert client.change("hostname a-much-longer-name-than-twenty-characters", save=True).saved
    assert client.session is not None
    assert client.session.prompt.text.startswith("a-much-longer-name")
    assert at_home(client)
    assert client.query("show clock").output
    client.change("hostname x")
    assert at_home(client)
    assert client.session.prompt.text == "x>"
    assert lab.counters(device).logins == 1


@pytest.mark.parametrize(
    ("platform", "lines"),
    [
        ("ios", ["banner motd ^C", "first # line", "second r1> line", "^C", "hostname after"]),
        ("ios", ["banner motd @one line@", "hostname after"]),
        ("ios", ["banner login #\ntext\n#", "hostname after"]),
        ("eos", ["banner motd", "first # line", "EOF", "hostname after"]),
    ],
)
def test_multiline_input(login: Login, lab: SimulatorLab, platform: str, lines: list[str]) -> None:
    device, client = login(platform)
    client.change(*lines)
    assert "hostname after" in lab.running_config(device)
    assert at_home(client)


def test_line_that_leaves_configuration_mode_stops_the_change(login: Login, lab: SimulatorLab) -> None:
    device, client = login()
    with pytest.raises(CommandRefused, match="left configuration mode"):
        client.change("hostname r1", "exit", "reload")
    assert "reload" not in lab.commands(device)
    assert at_home(client)


def test_end_and_comments_are_not_typed(login: Login, lab: SimulatorLab) -> None:
    _device, client = login()
    assert client.change("! a comment", "hostname r1", "", "end", "hostname r2").applied == [
        "hostname r1",
        "hostname r2",
    ]


def test_unsupported_parts_are_refused_before_anything_is_typed(login: Login, lab: SimulatorLab) -> None:
    device, client = login()
    before = len(lab.log(device))
    for request in ({"replace": True}, {"revert_in": 60.0}, {"message": "why"}):
        with pytest.raises(UnsupportedOperation):
            client.change("hostname r1", **request)
    assert lab.log(device)[before:] == []


def test_plain_dry_run_types_nothing(login: Login, lab: SimulatorLab) -> None:
    device, client = login()
    before = len(lab.log(device))
    result = client.change("interface Loopback1", " description x", dry_run=True)
    assert result.applied == ["interface Loopback1", " description x"]
    assert result.diff == "+interface Loopback1\n+ description x\n"
    assert lab.log(device)[before:] == []


@pytest.mark.parametrize(
    "faults", [{"chunk_size": 2}, {"latency": 0.01}, {"syslog": True}], ids=lambda f: next(iter(f))
)
def test_change_under_bad_delivery(login: Login, lab: SimulatorLab, faults: dict[str, float]) -> None:
    device, client = login(faults=faults)
    client.change("interface Loopback1", "description one", "exit", "interface Loopback2", "description two")
    assert "description one" in lab.running_config(device)
    assert "description two" in lab.running_config(device)
    assert at_home(client)


# -- idempotent changes -----------------------------------------------------------------------------------------------


@both
def test_ensure_sends_only_what_is_missing_and_then_nothing(login: Login, lab: SimulatorLab, platform: str) -> None:
    device, client = login(platform)
    policy = EnsurePolicy(parents=[INTERFACE[platform]], save_when="changed", backup=True)
    before = lab.running_config(device)
    foretold = client.change("description wanted", ensure=policy, dry_run=True)
    assert lab.running_config(device) == before
    assert foretold.changed
    done = client.change("description wanted", ensure=policy)
    assert done.applied == foretold.applied == [INTERFACE[platform], "description wanted"]
    assert done.diff == foretold.diff == f" {INTERFACE[platform]}\n+ description wanted\n"
    assert done.saved
    assert done.backup is not None
    assert "description wanted" not in done.backup
    assert "description wanted" in lab.startup_config(device)
    again = client.change("description wanted", ensure=policy)
    assert (again.changed, again.applied, again.diff, again.saved) == (False, [], "", False)
    assert at_home(client)


def test_ensure_with_given_running_config_does_not_read_it(login: Login, lab: SimulatorLab) -> None:
    device, client = login()
    before = len(lab.log(device))
    result = client.change("hostname r1", ensure=EnsurePolicy(running_config="hostname r1\n"))
    assert not result.changed
    assert "show running-config" not in [line.line for line in lab.log(device)[before:]]


def test_save_when_modified(login: Login, lab: SimulatorLab) -> None:
    device, client = login()
    policy = EnsurePolicy(save_when="modified")
    client.change(save=True)
    assert not client.change(ensure=policy).saved
    lab.configure(device, "ntp server 192.0.2.7")
    result = client.change(ensure=policy)
    assert (result.saved, result.changed) == (True, False)
    assert "192.0.2.7" in lab.startup_config(device)
    assert not client.change(ensure=policy, dry_run=True).saved


def test_ensure_before_and_after_only_when_something_is_missing(login: Login, lab: SimulatorLab) -> None:
    _device, client = login()
    policy = EnsurePolicy(
        parents=["ip access-list extended edge"],
        before=["no ip access-list extended edge"],
        after=["exit"],
        match="exact",
    )
    lines = ["permit ip host 192.0.2.1 any", "permit ip host 192.0.2.2 any"]
    result = client.change(*lines, ensure=policy)
    assert result.applied == ["no ip access-list extended edge", "ip access-list extended edge", *lines, "exit"]


def test_bad_expression_in_policy(login: Login) -> None:
    _, client = login()
    with pytest.raises(InvalidArguments, match="diff_ignore_lines"):
        client.change("hostname r1", ensure=EnsurePolicy(diff_ignore_lines=["("]))


# -- other platforms on the same command line -------------------------------------------------------------------------


@pytest.mark.parametrize("device_type", ["cisco_xe", "cisco_nxos", "cisco_asa", "dell_os9", "hp_procurve"])
def test_other_device_types(login: Login, lab: SimulatorLab, device_type: str) -> None:
    """Netmiko's classes of other vendors, with and without data of ours, where IOS understands their commands."""
    device, client = login(args={"device_type": device_type})
    assert client.query("show clock").output.startswith("*")
    assert client.change("interface GigabitEthernet0/1", f"description {device_type}").changed
    assert f"description {device_type}" in lab.running_config(device)
    assert client.query("show clock").output.startswith("*")
    assert lab.counters(device).logins == 1


@pytest.mark.parametrize("device_type", ["generic", "generic_termserver"])
def test_no_line_is_typed_as_a_command_where_there_is_no_configuration_mode(
    login: Login, lab: SimulatorLab, device_type: str
) -> None:
    device, client = login(args={"device_type": device_type}, privilege=15)
    before = len(lab.log(device))
    with pytest.raises(UnsupportedOperation):
        client.change("reload")
    assert "reload" not in [line.line for line in lab.log(device)[before:]]
    assert client.query("show clock").output
