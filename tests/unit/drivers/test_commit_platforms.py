"""Platforms with a candidate configuration: committed only when every line was taken, thrown away otherwise.

The dialogues follow the vendors' command references (IOS-XR, Junos, VyOS, VRP8); no lab here has the devices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from netpulse_drivers import (
    Call,
    ChangeRequest,
    ChangeResult,
    CommandRefused,
    CommandTimeout,
    Deadline,
    EnsurePolicy,
    InvalidArguments,
    NothingPending,
    UnsupportedOperation,
)
from netpulse_drivers.netmiko.config.change import apply_change
from netpulse_drivers.netmiko.config.timed_commit import confirm_change, read_commit_state, take_back_change
from netpulse_drivers.netmiko.operation_args import NetmikoChangeArgs
from netpulse_drivers.netmiko.session import NetmikoSession
from tests.unit.drivers.scripted_cli import Script, ScriptedCli, session_with

XR, XRC = "RP/0/RP0/CPU0:xr1#", "RP/0/RP0/CPU0:xr1(config)#"
JUNOS, JUNOSC = "admin@mx1> ", "admin@mx1# "
VYOS, VYOSC = "vyos@edge:~$ ", "vyos@edge# "
VRP, VRPC = "<HW>", "[*HW]"

PLATFORMS: dict[str, tuple[str, str, Script]] = {
    "cisco_xr": (
        XR,
        XRC,
        {
            (XR, "configure terminal"): ("Sun Nov 22 19:11:25.000 UTC\n", XRC),
            (XRC, "commit"): ("Sun Nov 22 19:11:26.000 UTC\n", XRC),
            (XRC, "nonsense"): ("        ^\n% Invalid input detected at '^' marker.\n", XRC),
            (XRC, "abort"): ("", XR),
            (XRC, "end"): ("", XR),
        },
    ),
    "juniper_junos": (
        JUNOS,
        JUNOSC,
        {
            (JUNOS, "configure exclusive"): ("Entering configuration mode\n\n[edit]\n", JUNOSC),
            (JUNOSC, "commit"): ("commit complete\n\n[edit]\n", JUNOSC),
            (JUNOSC, "commit check"): ("configuration check succeeds\n\n[edit]\n", JUNOSC),
            (JUNOSC, "nonsense"): ("                ^\nunknown command.\n\n[edit]\n", JUNOSC),
            (JUNOSC, "rollback 0"): ("load complete\n\n[edit]\n", JUNOSC),
            (JUNOSC, "exit configuration-mode"): ("Exiting configuration mode\n\n", JUNOS),
        },
    ),
    "vyos": (
        VYOS,
        VYOSC,
        {
            (VYOS, "configure"): ("[edit]\n", VYOSC),
            (VYOSC, "commit"): ("[edit]\n", VYOSC),
            (VYOSC, "nonsense"): ("\n  Invalid command: [nonsense]\n\n[edit]\n", VYOSC),
            (VYOSC, "exit discard"): ("exit\n", VYOS),
            (VYOSC, "exit"): ("exit\n", VYOS),
        },
    ),
    "huawei_vrpv8": (
        VRP,
        VRPC,
        {
            (VRP, "system-view"): ("Enter system view, return user view with return command.\n", VRPC),
            (VRPC, "nonsense"): ("        ^\nError: Unrecognized command found at '^' position.\n", VRPC),
            (VRPC, "return"): ("", VRP),
        },
    ),
}  # fmt: skip
ABORT = {
    "cisco_xr": ["abort"],
    "juniper_junos": ["rollback 0", "exit configuration-mode"],
    "vyos": ["exit discard"],
    "huawei_vrpv8": ["return"],
}
LEAVE = {"cisco_xr": "end", "juniper_junos": "exit configuration-mode", "vyos": "exit", "huawei_vrpv8": "return"}


Start = Callable[..., tuple[NetmikoSession, ScriptedCli]]


@pytest.fixture
def start() -> Iterator[Start]:
    sessions = []

    def begin(device_type: str, **more: Any) -> tuple[NetmikoSession, ScriptedCli]:
        prompt, _, script = PLATFORMS[device_type]
        session, cli = session_with(device_type, prompt, {**script, **more.get("script", {})})
        sessions.append(session)
        return session, cli

    yield begin
    for session in sessions:
        session.close()


def change(session: NetmikoSession, *lines: str, args: dict[str, Any] | None = None, **request: Any) -> ChangeResult:
    with session.operation(Call(deadline=Deadline.after(5))):
        return apply_change(
            session, ChangeRequest(lines=list(lines), **request), NetmikoChangeArgs(**(args or {})), secret=None
        )


def fit(session: NetmikoSession) -> bool:
    return not session.unusable_reason and session.at_prompt and not session.prompt.in_config


@pytest.mark.parametrize("platform", PLATFORMS)
def test_taken_lines_are_committed(start: Start, platform: str) -> None:
    session, cli = start(platform)
    result = change(session, "one", "two")
    assert cli.typed[1:] == ["one", "two", "commit", LEAVE[platform]]
    assert (result.changed, result.saved) == (True, True)
    assert fit(session)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_refused_line_throws_the_candidate_away(start: Start, platform: str) -> None:
    session, cli = start(platform)
    with pytest.raises(CommandRefused, match="line 2 of 3, 'nonsense'") as caught:
        change(session, "one", "nonsense", "three")
    assert cli.typed[1:] == ["one", "nonsense", *ABORT[platform]]
    assert caught.value.details[0]["applied"] == []
    assert "were not committed" in caught.value.message
    assert fit(session)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_commit_false_checks_where_it_can_and_aborts(start: Start, platform: str) -> None:
    session, cli = start(platform)
    result = change(session, "one", args={"commit": False})
    assert "commit" not in cli.typed
    assert cli.typed[-len(ABORT[platform]) :] == ABORT[platform]
    assert ("commit check" in cli.typed) == (platform == "juniper_junos")
    assert (result.changed, result.saved) == (False, False)
    assert fit(session)


FAILED_COMMITS = {
    "cisco_xr": ("% Failed to commit one or more configuration items during a pseudo-atomic operation.\n", XRC),
    "juniper_junos": ("error: configuration check-out failed\n\n[edit]\n", JUNOSC),
    "vyos": ("[[system host-name]] failed\nCommit failed\n[edit]\n", VYOSC),
    "huawei_vrpv8": ("Error: The configuration conflicts.\n", VRPC),
}


@pytest.mark.parametrize("platform", FAILED_COMMITS)
def test_failed_commit_throws_the_candidate_away(start: Start, platform: str) -> None:
    session, cli = start(platform, script={(PLATFORMS[platform][1], "commit"): FAILED_COMMITS[platform]})
    with pytest.raises(CommandRefused, match="refused to commit") as caught:
        change(session, "one")
    assert caught.value.device_output
    assert cli.typed[-len(ABORT[platform]) :] == ABORT[platform]
    assert fit(session)


@pytest.mark.parametrize(
    ("platform", "answer", "request_"),
    [
        ("cisco_xr", "% No configuration changes to commit.\n", {}),
        ("cisco_xr", "% No configuration changes to commit.\n", {"revert_in": 60}),
        ("vyos", "No configuration changes to commit\n[edit]\n", {}),
    ],
)
def test_lines_that_the_device_has_already_change_nothing(
    start: Start, platform: str, answer: str, request_: dict[str, Any]
) -> None:
    config = PLATFORMS[platform][1]
    commit = "commit confirmed 60" if request_ else "commit"
    session, cli = start(platform, script={(config, commit): (answer, config)})
    result = change(session, "one", **request_)
    assert cli.typed[1:] == ["one", commit, LEAVE[platform]]
    assert (result.changed, result.saved, result.pending) == (False, False, None)
    assert result.applied == ["one"]
    assert fit(session)


def test_other_peoples_commits_on_xr_are_left_alone(start: Start) -> None:
    asks = "Do you wish to proceed with this commit anyway? [no]: "
    session, cli = start(
        "cisco_xr",
        script={
            (XRC, "commit"): ("One or more commits have occurred from other configuration sessions\n", asks),
            (asks, "no"): ("", XRC),
        },
    )
    with pytest.raises(CommandRefused):
        change(session, "one")
    assert cli.typed[-3:] == ["commit", "no", "abort"]
    assert fit(session)


def test_unexpected_question_at_commit_is_not_answered(start: Start) -> None:
    asks = "This could be a few minutes if your config is large. Confirm? [y/n][confirm]"
    session, cli = start("cisco_xr", script={(XRC, "commit"): ("", asks)})
    with pytest.raises(CommandTimeout):
        change(session, "one", args={"read_timeout": 0.1})
    assert cli.typed[-1] == "commit"
    assert session.unusable_reason


def test_uncommitted_changes_on_vrp8_are_declined(start: Start) -> None:
    asks = "Warning: Uncommitted configurations found. Are you sure to commit them? [Y(yes)/N(no)/C(cancel)]:"
    session, cli = start("huawei_vrpv8", script={(VRPC, "return"): ("", asks), (asks, "n"): ("", VRP)})
    with pytest.raises(CommandRefused):
        change(session, "nonsense")
    assert cli.typed[-2:] == ["return", "n"]
    assert fit(session)


@pytest.mark.parametrize(
    ("platform", "request_", "command"),
    [
        ("cisco_xr", {"message": "change 1"}, "commit comment change 1"),
        ("cisco_xr", {"revert_in": 5}, "commit confirmed 30"),
        ("cisco_xr", {"revert_in": 90.5}, "commit confirmed 91"),
        ("juniper_junos", {"message": 'say "hi"'}, 'commit comment "say  hi "'),
        ("juniper_junos", {"revert_in": 90}, "commit confirmed 2"),
        ("vyos", {"message": "why"}, 'commit comment "why"'),
    ],
)
def test_commit_options(start: Start, platform: str, request_: dict[str, Any], command: str) -> None:
    config = PLATFORMS[platform][1]
    session, cli = start(platform, script={(config, command): ("commit complete\n", config)})
    assert change(session, "one", **request_).changed
    assert command in cli.typed


# -- confirming -------------------------------------------------------------------------------------------------------

WAITS = (
    "0   2026-11-22 19:11:26 UTC by admin via cli commit confirmed, rollback in 2mins\n1   2026-11-01 by bob via cli\n"
)
SETTLED = (
    "0   2026-11-22 19:12:26 UTC by eve via cli\n1   2026-11-22 by bob via cli commit confirmed, rollback in 2mins\n"
)


def settle(session: NetmikoSession, how: Callable[[NetmikoSession, Call], ChangeResult]) -> ChangeResult:
    call = Call(deadline=Deadline.after(5))
    with session.operation(call):
        return how(session, call)


def test_junos_confirms_by_another_commit(start: Start) -> None:
    session, cli = start("juniper_junos", script={(JUNOS, "show system commit"): (WAITS, JUNOS)})
    result = settle(session, confirm_change)
    assert cli.typed == ["show system commit", "configure exclusive", "commit", "exit configuration-mode"]
    assert (result.changed, result.saved, result.certain) == (False, True, True)
    assert fit(session)


def test_junos_takes_back_by_the_commit_before(start: Start) -> None:
    session, cli = start(
        "juniper_junos",
        script={
            (JUNOS, "show system commit"): (WAITS, JUNOS),
            (JUNOSC, "rollback 1"): ("load complete\n\n[edit]\n", JUNOSC),
        },
    )
    assert settle(session, take_back_change).changed
    assert cli.typed[1:] == ["configure exclusive", "rollback 1", "commit", "exit configuration-mode"]
    assert fit(session)


@pytest.mark.parametrize("how", [confirm_change, take_back_change])
def test_nothing_is_typed_on_junos_when_nothing_waits(
    start: Start, how: Callable[[NetmikoSession, Call], ChangeResult]
) -> None:
    session, cli = start("juniper_junos", script={(JUNOS, "show system commit"): (SETTLED, JUNOS)})
    with pytest.raises(NothingPending):
        settle(session, how)
    assert cli.typed == ["show system commit"]
    assert fit(session)


def test_a_commit_that_fails_does_not_confirm(start: Start) -> None:
    session, cli = start(
        "juniper_junos",
        script={
            (JUNOS, "show system commit"): (WAITS, JUNOS),
            (JUNOSC, "commit"): ("error: configuration check-out failed\n\n[edit]\n", JUNOSC),
        },
    )
    with pytest.raises(CommandRefused, match="refused to commit"):
        settle(session, confirm_change)
    assert cli.typed[-2:] == ["rollback 0", "exit configuration-mode"]
    assert fit(session)


def test_iosxr_confirms_by_an_empty_commit_and_does_not_say_whether_that_held(start: Start) -> None:
    nothing = "% No configuration changes to commit.\n"
    session, cli = start("cisco_xr", script={(XRC, "commit"): (nothing, XRC)})
    assert not settle(session, confirm_change).certain
    assert cli.typed == ["configure terminal", "commit", "end"]
    with pytest.raises(UnsupportedOperation, match="leave it to its timer"):
        settle(session, take_back_change)
    assert cli.typed[-1] == "end"


@pytest.mark.parametrize(("answer", "pending"), [(WAITS, ("",)), (SETTLED, ())])
def test_junos_says_what_waits(start: Start, answer: str, pending: tuple[str, ...]) -> None:
    session, _ = start(
        "juniper_junos",
        script={
            (JUNOS, "show system commit"): (answer, JUNOS),
            (JUNOS, "show configuration | display set"): ("set system host-name mx1\n", JUNOS),
        },
    )
    with session.operation(Call(deadline=Deadline.after(5))):
        state = read_commit_state(session)
    assert state.pending == pending
    assert len(state.fingerprint) == 64


def test_set_style_configuration_compares_whole_lines(start: Start) -> None:
    shown = "set system host-name mx1\nset interfaces ge-0/0/0 mtu 9000\n"
    command = "show configuration | display set"
    session, cli = start("juniper_junos", script={(JUNOS, command): (shown, JUNOS)})
    result = change(
        session,
        "set system host-name mx1",
        "delete interfaces ge-0/0/0",
        "delete interfaces ge-0/0/1",
        "set system domain-name example.net",
        ensure=EnsurePolicy(),
    )
    assert result.applied == ["delete interfaces ge-0/0/0", "set system domain-name example.net"]
    assert cli.typed[0] == command
    with pytest.raises(InvalidArguments, match="no parents"):
        change(session, "set x", ensure=EnsurePolicy(parents=["system"]))


VYOS_SHOWN = (
    "set interfaces ethernet eth0 address '192.0.2.1/24'\n"
    "set interfaces ethernet eth0 description 'to the core'\n"
    "set system host-name 'edge'\n"
)


@pytest.mark.parametrize(
    ("wanted", "applied"),
    [
        (["set system host-name edge"], []),
        (["set system host-name 'edge'", "set interfaces ethernet eth0 description 'to the core'"], []),
        (["set system host-name edge2"], ["set system host-name edge2"]),
        (["delete interfaces ethernet eth0 address 192.0.2.1/24"],) * 2,
        (["delete interfaces ethernet eth0 address '192.0.2.1/24'"],) * 2,
        (["delete interfaces ethernet eth0 address 192.0.2.2/24"], []),
    ],
)
def test_quotes_that_vyos_prints_around_values_make_no_difference(
    start: Start, wanted: list[str], applied: list[str]
) -> None:
    session, _ = start("vyos", script={(VYOS, "show configuration commands"): (VYOS_SHOWN, VYOS)})
    assert change(session, *wanted, ensure=EnsurePolicy()).applied == applied


def test_what_a_delete_takes_away_is_set_again(start: Start) -> None:
    shown = (
        "set policy prefix-list own 192.0.2.0/24\nset policy prefix-list own 203.0.113.0/24\nset system host-name mx1\n"
    )
    session, _ = start("juniper_junos", script={(JUNOS, "show configuration | display set"): (shown, JUNOS)})
    wanted = [
        "set system host-name mx1",
        "delete policy prefix-list own",
        "set policy prefix-list own 192.0.2.0/24",
        "set policy prefix-list own 198.51.100.0/24",
    ]
    assert change(session, *wanted, ensure=EnsurePolicy()).applied == wanted[1:]


XR_SHOWN = """Sun Nov 22 19:11:25.000 UTC
Building configuration...
hostname xr1
prefix-set customers
  192.0.2.0/24,
  203.0.113.0/24
end-set
!
route-policy in($preference)
  if destination in customers then
    set local-preference $preference
    pass
  endif
end-policy
!
router bgp 65001
 neighbor 198.51.100.1
  address-family ipv4 unicast
   route-policy in(200) in
   route-policy out out
  !
 !
!
end
"""
XR_POLICY = [
    "route-policy in($preference)",
    "if destination in customers then",
    "set local-preference $preference",
    "pass",
    "endif",
    "end-policy",
]


@pytest.mark.parametrize(
    ("wanted", "request_", "applied"),
    [
        (XR_POLICY, {}, []),
        (["\n".join(XR_POLICY)], {}, []),
        ([f"  {line}" for line in XR_POLICY[1:]], {"parents": [XR_POLICY[0]]}, []),
        ([*XR_POLICY[:3], "set med 5", *XR_POLICY[3:]], {}, [*XR_POLICY[:3], "set med 5", *XR_POLICY[3:]]),
        (XR_POLICY[1:3], {"parents": [XR_POLICY[0]]}, [*XR_POLICY[:3], "end-policy"]),
        (
            ["prefix-set customers", "  192.0.2.0/24,", "  198.51.100.0/24,", "  203.0.113.0/24", "end-set"],
            {},
            ["prefix-set customers", "192.0.2.0/24,", "198.51.100.0/24,", "203.0.113.0/24", "end-set"],
        ),
        (
            ["route-policy a", "pass", "end-policy", "route-policy b", "pass", "end-policy", "hostname xr1"],
            {},
            ["route-policy a", "pass", "end-policy", "route-policy b", "pass", "end-policy"],
        ),
        (
            ["router bgp 65001", " neighbor 198.51.100.1", "  address-family ipv4 unicast", "   route-policy out out"],
            {},
            [],
        ),
    ],
)
def test_policies_and_sets_of_iosxr_are_sent_whole_or_not_at_all(
    start: Start, wanted: list[str], request_: dict[str, Any], applied: list[str]
) -> None:
    session, cli = start("cisco_xr", script={(XR, "show running-config"): (XR_SHOWN, XR)})
    result = change(session, *wanted, ensure=EnsurePolicy(**request_))
    assert result.applied == applied
    if applied:
        assert cli.typed[2:] == [*applied, "commit", "end"]


def test_configuration_mode_that_is_locked(start: Start) -> None:
    session, cli = start(
        "juniper_junos",
        script={(JUNOS, "configure exclusive"): ("error: configuration database locked by: bob\n", JUNOS)},
    )
    with pytest.raises(CommandRefused, match="locked by: bob"):
        change(session, "set x")
    assert cli.typed == ["configure exclusive"]
    assert fit(session)


def test_saving_is_part_of_the_commit(start: Start) -> None:
    session, cli = start("cisco_xr")
    assert change(session, save=True).saved
    assert not change(session, ensure=EnsurePolicy(save_when="modified")).saved
    assert cli.typed == []
