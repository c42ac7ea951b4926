"""What a change says of itself: whether it changed anything, what was not typed, what nobody can tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from netpulse_drivers import (
    Call,
    ChangeRequest,
    ChangeResult,
    CommandRefused,
    Deadline,
    EnsurePolicy,
    InvalidArguments,
    UnsupportedOperation,
)
from netpulse_drivers.netmiko.config.change import apply_change
from netpulse_drivers.netmiko.operation_args import NetmikoChangeArgs, NetmikoQueryArgs
from netpulse_drivers.netmiko.query import run_query
from netpulse_drivers.netmiko.session import NetmikoSession
from tests.unit.drivers.scripted_cli import Script, ScriptedCli, session_with

FGT, ADDRESS, ENTRY = "FGT60F # ", "FGT60F (address) # ", "FGT60F (h1) # "
FORTIOS: Script = {
    (FGT, "config firewall address"): ("", ADDRESS),
    (ADDRESS, 'edit "h1"'): ("new entry 'h1' added\n", ENTRY),
    (ENTRY, "set nonsense 1"): ("command parse error before 'nonsense'\nCommand fail. Return code -61\n", ENTRY),
    (ENTRY, "next"): ("", ADDRESS),
    (ENTRY, "end"): ("", FGT),
    (ENTRY, "abort"): ("", FGT),
    (ADDRESS, "end"): ("", FGT),
}
OPEN = ["config firewall address", 'edit "h1"', "set subnet 10.0.0.1 255.255.255.255"]

Start = Callable[[str, str, Script], tuple[NetmikoSession, ScriptedCli]]


@pytest.fixture
def start() -> Iterator[Start]:
    sessions = []

    def begin(device_type: str, prompt: str, script: Script) -> tuple[NetmikoSession, ScriptedCli]:
        session, cli = session_with(device_type, prompt, script)
        sessions.append(session)
        return session, cli

    yield begin
    for session in sessions:
        session.close()


def change(session: NetmikoSession, *lines: str, args: dict[str, Any] | None = None, **request: Any) -> ChangeResult:
    with session.operation(Call(deadline=Deadline.after(5))):
        return apply_change(
            session, ChangeRequest(lines=list(lines), **request), NetmikoChangeArgs(**(args or {})), secret="secret"
        )


def test_lines_that_close_a_block_are_typed(start: Start) -> None:
    session, cli = start("fortinet", FGT, FORTIOS)
    result = change(session, *OPEN, "next", "end")
    assert cli.typed == [*OPEN, "next", "end"]
    assert (result.changed, result.warnings, result.left_out) == (True, [], [])
    assert session.prompt.text == FGT.strip()
    assert not session.unusable_reason


def test_blocks_that_stay_open_are_closed_and_that_is_said(start: Start) -> None:
    session, cli = start("fortinet", FGT, FORTIOS)
    result = change(session, *OPEN)
    assert cli.typed == [*OPEN, "end"]
    assert result.changed
    assert "'end' was typed 1 times" in result.warnings[0]


def test_a_block_that_cannot_be_closed_is_no_success(start: Start) -> None:
    needs = "Attribute 'subnet' MUST be set.\nCommand fail. Return code -56\n"
    session, _ = start("fortinet", FGT, {**FORTIOS, (ENTRY, "end"): (needs, ENTRY)})
    with pytest.raises(CommandRefused, match="Attribute 'subnet' MUST be set") as caught:
        change(session, *OPEN)
    assert not caught.value.session_usable
    assert session.unusable_reason


def test_a_refused_line_in_a_block_gives_the_block_up(start: Start) -> None:
    session, cli = start("fortinet", FGT, FORTIOS)
    with pytest.raises(CommandRefused, match="command parse error before 'nonsense'"):
        change(session, *OPEN[:2], "set nonsense 1", "next", "end")
    assert cli.typed[-1] == "abort"
    assert not session.unusable_reason
    session, cli = start("fortinet", FGT, {**FORTIOS, (ENTRY, "abort"): ("Unknown action 0\n", ENTRY)})
    with pytest.raises(CommandRefused) as caught:
        change(session, *OPEN[:2], "set nonsense 1")
    assert cli.typed.count("abort") == 1
    assert not caught.value.session_usable


@pytest.mark.parametrize("policy", [{}, {"match": "none", "parents": ["config firewall address"]}])
def test_blocks_with_closing_lines_are_not_compared(start: Start, policy: dict[str, Any]) -> None:
    session, cli = start("fortinet", FGT, FORTIOS)
    with pytest.raises(UnsupportedOperation, match=r"ensure\.match none"):
        change(session, *OPEN, ensure=EnsurePolicy(**policy))
    assert cli.typed == []


def test_without_a_comparison_they_are_sent_as_they_are(start: Start) -> None:
    session, cli = start("fortinet", FGT, FORTIOS)
    twice = [*OPEN, "next", 'edit "h1"', "next", "end"]
    assert change(session, *twice, ensure=EnsurePolicy(match="none")).changed
    assert cli.typed == twice


@pytest.mark.parametrize("device_type", ["checkpoint_gaia", "f5_tmsh", "cisco_wlc", "fortinet"])
def test_platforms_without_modes_type_nothing_but_the_lines(start: Start, device_type: str) -> None:
    prompt = FGT if device_type == "fortinet" else "gw1> "
    session, cli = start(device_type, prompt, {})
    result = change(session, "set ntp active on")
    assert cli.typed == ["set ntp active on"]
    assert result.changed


@pytest.mark.parametrize(
    ("device_type", "prompt", "said"),
    [
        ("checkpoint_gaia", "gw1> ", "CLINFR0771  Config lock is owned by admin2."),
        ("f5_tmsh", "(tmos)# ", "01070734:3: Configuration error: Pool does not exist."),
        ("cisco_wlc", "(Cisco Controller) >", "Incorrect usage.  Use the '?' or <TAB> key to list commands."),
    ],
)
def test_they_stop_at_a_refused_line(start: Start, device_type: str, prompt: str, said: str) -> None:
    session, cli = start(device_type, prompt, {(prompt, "two"): (f"\n{said}\n", prompt)})
    with pytest.raises(CommandRefused) as caught:
        change(session, "one", "two", "three")
    assert said in caught.value.message
    assert said in caught.value.device_output
    assert cli.typed == ["one", "two"]
    assert caught.value.details[0]["applied"] == ["one"]


def test_without_a_configuration_mode_no_line_is_left_out(start: Start) -> None:
    session, cli = start("netscaler", "> ", {})  # of netmiko's NoConfig
    result = change(session, "! x", "end")
    assert [line for line in cli.typed if line] == ["! x", "end"]
    assert result.left_out == []


UNKNOWN = "keymile_nos"


def test_a_platform_whose_refusals_are_unknown_says_so(start: Start) -> None:
    session, _ = start(UNKNOWN, "km1# ", {("km1# ", "configure terminal"): ("", "km1(config)# ")})
    result = change(session, "one", args={"enter_config_mode": False})
    assert result.changed is None
    assert UNKNOWN in result.warnings[0]
    assert "error_pattern" in result.warnings[0]
    result = change(session, "one", args={"enter_config_mode": False, "error_pattern": "^bad"})
    assert (result.changed, result.warnings) == (True, [])
    assert change(session, "one", args={"enter_config_mode": False}, dry_run=True).changed is True


R1, R1C = "r1#", "r1(config)#"
IOS: Script = {
    (R1, "configure terminal"): ("", R1C),
    (R1C, "bad"): ("% Invalid input detected at '^' marker.\n", R1C),
    (R1C, "end"): ("", R1),
}


def test_lines_that_are_not_typed_are_named(start: Start) -> None:
    session, cli = start("cisco_ios", R1, IOS)
    result = change(session, "! a comment", "hostname r1", "", "end")
    assert cli.typed == ["configure terminal", "hostname r1", "end"]
    assert result.left_out == ["! a comment", "end"]
    result = change(
        session,
        "! a comment",
        "ntp server 192.0.2.1",
        "snmp-server location here",
        ensure=EnsurePolicy(running_config="hostname r1\n", diff_ignore_lines=["snmp-server"]),
    )
    assert result.applied == ["ntp server 192.0.2.1"]
    assert result.left_out == ["! a comment", "snmp-server location here"]


def test_refused_lines_that_nobody_asked_to_stop_at_are_named(start: Start) -> None:
    session, cli = start("cisco_ios", R1, IOS)
    result = change(session, "bad", "good", args={"check_errors": False})
    assert cli.typed == ["configure terminal", "bad", "good", "end"]
    assert result.changed
    assert "'bad': % Invalid input" in result.warnings[0]
    assert [output.failed for output in result.outputs] == [True, False]
    assert change(session, "bad", args={"check_errors": False}).changed is False


def test_a_mode_that_the_lines_leave_open_is_left(start: Start) -> None:
    session, cli = start("cisco_ios", R1, IOS)
    change(session, "configure terminal", "good", args={"enter_config_mode": False})
    assert cli.typed == ["configure terminal", "good", "end"]
    assert not session.unusable_reason
    with pytest.raises(CommandRefused) as caught:
        change(session, "configure terminal", "bad", args={"enter_config_mode": False})
    assert not caught.value.session_usable


@pytest.mark.parametrize(("device_type", "prompt"), [("cisco_ios", "r1"), ("ipinfusion_ocnos", "OcNOS")])
def test_an_entry_with_line_breaks_is_one_input(start: Start, device_type: str, prompt: str) -> None:
    home, config, pem = f"{prompt}#", f"{prompt}(config)#", ""
    script: Script = {
        (home, "configure terminal"): ("", config),
        (config, "crypto pki authenticate TP"): ("\nEnter the base 64 encoded CA certificate.\n\n", pem),
        (pem, "quit"): ("% Certificate successfully imported\n", config),
        (config, "end"): ("", home),
    }
    session, cli = start(device_type, home, script)
    entry = "crypto pki authenticate TP\nMIIB\nAAAA\nquit"
    result = change(session, entry, "ntp server 192.0.2.1")
    assert cli.typed[1:6] == ["crypto pki authenticate TP", "MIIB", "AAAA", "quit", "ntp server 192.0.2.1"]
    assert result.applied == [entry, "ntp server 192.0.2.1"]
    assert "successfully imported" in result.outputs[0].output


def test_a_refusal_in_the_middle_of_one_input_is_found(start: Start) -> None:
    session, _ = start("cisco_ios", R1, IOS)
    with pytest.raises(CommandRefused, match="line 1 of 2") as caught:
        change(session, "interface Ethernet0\nbad\ndescription x", "good")
    assert "% Invalid input detected" in caught.value.device_output


def test_what_a_banner_says_is_no_refusal(start: Start) -> None:
    session, _ = start("cisco_ios", R1, IOS)
    banner = "banner motd ^\n% Authorised users only\nError: none\n^"
    assert change(session, banner, "good").changed
    assert change(session, "alias exec x\n% Error: none\n^").changed


@pytest.mark.parametrize("command", ["show clock\nreload", "show clock\rreload"])
def test_a_query_with_a_line_break_is_refused(start: Start, command: str) -> None:
    session, cli = start("cisco_ios", R1, IOS)
    call = Call(deadline=Deadline.after(5))
    with session.operation(call), pytest.raises(InvalidArguments, match="as a list"):
        run_query(session, command, NetmikoQueryArgs(), call=call, secret=None)
    assert cli.typed == []
