"""Platforms with a candidate configuration: committed only when every line was taken, thrown away otherwise.

The dialogues follow the vendors' command references (IOS-XR, Junos, VyOS, VRP8); no lab here has the devices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from netpulse_drivers import (
    Call,
    CandidateDirty,
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
EDGE, EDGEC = "ubnt@edge:~$ ", "ubnt@edge# "
VRP, VRPN, VRPC = "<HW>", "[~HW]", "[*HW]"
PAN, PANC = "admin@PA1(active)> ", "admin@PA1(active)# "
SROS, SROSN, SROSC = "[/]\nA:admin@pe1# ", "(ex)[/]\nA:admin@pe1# ", "*(ex)[/]\nA:admin@pe1# "
SRL = "--{ + running }--[  ]--\nA:srl1# "
SRLN, SRLC = (f"--{{ {state}candidate private admin }}--[  ]--\nA:srl1# " for state in ("+ ", "+* "))
EDGE9, EDGE9C = "vedge1# ", "vedge1(config)# "
OCN, OCNC = "OcNOS#", "OcNOS(config)#"
ESR, ESRC = "esr#", "esr(config)#"

BAD = "        ^\n% Invalid input detected at '^' marker.\n"

PLATFORMS: dict[str, tuple[str, str, Script]] = {
    "cisco_xr": (
        XR,
        XRC,
        {
            (XR, "configure terminal"): ("Sun Nov 22 19:11:25.000 UTC\n", XRC),
            (XRC, "commit"): ("Sun Nov 22 19:11:26.000 UTC\n", XRC),
            (XRC, "nonsense"): (BAD, XRC),
            (XRC, "abort"): ("", XR),
            (XRC, "end"): ("", XR),
        },
    ),
    "juniper_junos": (
        JUNOS,
        JUNOSC,
        {
            (JUNOS, "configure exclusive"): (
                "warning: uncommitted changes will be discarded on exit\nEntering configuration mode\n\n[edit]\n",
                JUNOSC,
            ),
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
            (VYOSC, "save"): ("Saving configuration to '/config/config.boot'...\nDone\n[edit]\n", VYOSC),
            (VYOSC, "nonsense"): ("\n  Invalid command: [nonsense]\n\n[edit]\n", VYOSC),
            (VYOSC, "exit discard"): ("exit\n", VYOS),
            (VYOSC, "exit"): ("exit\n", VYOS),
        },
    ),
    "ubiquiti_edgerouter": (
        EDGE,
        EDGEC,
        {
            (EDGE, "configure"): ("[edit]\n", EDGEC),
            (EDGEC, "commit"): ("[edit]\n", EDGEC),
            (EDGEC, "save"): ("Saving configuration to '/config/config.boot'...\nDone\n[edit]\n", EDGEC),
            (EDGEC, "nonsense"): ("The specified configuration node is not valid\nSet failed\n\n[edit]\n", EDGEC),
            (EDGEC, "exit discard"): ("exit\n", EDGE),
            (EDGEC, "exit"): ("exit\n", EDGE),
        },
    ),
    "huawei_vrpv8": (
        VRP,
        VRPC,
        {
            (VRP, "system-view"): ("Enter system view, return user view with return command.\n", VRPN),
            (VRPN, "one"): ("", VRPC),
            (VRPC, "commit"): ("", VRPN),
            (VRPC, "nonsense"): ("        ^\nError: Unrecognized command found at '^' position.\n", VRPC),
            (VRPN, "return"): ("", VRP),
            (VRPC, "return"): ("", VRP),
        },
    ),
    "paloalto_panos": (
        PAN,
        PANC,
        {
            (PAN, "check pending-changes"): ("no\n\n", PAN),
            (PAN, "configure"): ("Entering configuration mode\n[edit]\n", PANC),
            (PANC, "commit"): (
                "\nCommit job 12 is in progress.\n...55%98%.100%\nConfiguration committed successfully\n\n[edit]\n",
                PANC,
            ),
            (PANC, "nonsense"): ("\nUnknown command: nonsense\n[edit]\n", PANC),
            (PANC, "revert config"): ("\nConfig reverted\n\n[edit]\n", PANC),
            (PANC, "exit"): ("Exiting configuration mode\n", PAN),
        },
    ),
    "nokia_sros": (
        SROS,
        SROSC,
        {
            (SROS, "edit-config exclusive"): ("INFO: CLI #2060: Entering exclusive configuration mode\n\n", SROSN),
            (SROSN, "one"): ("", SROSC),
            (SROSC, "commit"): ("", SROSN),
            (SROSC, "nonsense"): ("^^^^^^^^\nMINOR: MGMT_CORE #2201: Unknown element - 'nonsense'\n\n", SROSC),
            (SROSC, "discard"): ("\n", SROSN),
            (SROSN, "quit-config"): ("INFO: CLI #2064: Exiting exclusive configuration mode\n\n", SROS),
        },
    ),
    "nokia_srl": (
        SRL,
        SRLC,
        {
            (SRL, "enter candidate private"): ("", SRLN),
            (SRLN, "one"): ("", SRLC),
            (SRLC, "commit stay"): ("All changes have been committed. Starting new transaction.\n\n", SRLN),
            (SRLC, "nonsense"): ("Parsing error: Unknown token 'nonsense'. Options are [...]\n\n", SRLC),
            (SRLC, "discard stay"): ("", SRLN),
            (SRLN, "enter running"): ("", SRL),
            (SRLC, "enter running"): ("", SRL),
        },
    ),
    "cisco_viptela": (
        EDGE9,
        EDGE9C,
        {
            (EDGE9, "config terminal"): ("Entering configuration mode terminal\n", EDGE9C),
            (EDGE9C, "commit"): ("Commit complete.\n", EDGE9C),
            (EDGE9C, "nonsense"): ("-------^\nsyntax error: unknown command\n", EDGE9C),
            (EDGE9C, "end"): ("", EDGE9),
        },
    ),
    "ipinfusion_ocnos": (
        OCN,
        OCNC,
        {
            (OCN, "configure terminal"): ("Enter configuration commands, one per line.  End with CNTL/Z.\n", OCNC),
            (OCNC, "nonsense"): (BAD, OCNC),
            (OCNC, "end"): ("", OCN),
        },
    ),
}  # fmt: skip
COMMIT = {"nokia_sros": ["exit all", "commit"], "nokia_srl": ["commit stay"]}
ABORT = {
    "cisco_xr": ["abort"],
    "juniper_junos": ["rollback 0", "exit configuration-mode"],
    "vyos": ["exit discard"],
    "ubiquiti_edgerouter": ["exit discard"],
    "huawei_vrpv8": ["return"],
    "paloalto_panos": ["revert config", "exit"],
    "nokia_sros": ["exit all", "discard", "quit-config"],
    "nokia_srl": ["discard stay", "enter running"],
    "cisco_viptela": ["end"],
    "ipinfusion_ocnos": ["abort transaction", "end"],
}
LEAVE = {
    "cisco_xr": ["end"],
    "juniper_junos": ["exit configuration-mode"],
    "vyos": ["exit"],
    "ubiquiti_edgerouter": ["exit"],
    "huawei_vrpv8": ["return"],
    "paloalto_panos": ["exit"],
    "nokia_sros": ["exit all", "quit-config"],
    "nokia_srl": ["enter running"],
    "cisco_viptela": ["end"],
    "ipinfusion_ocnos": ["end"],
}
ENTERED = {name: 2 if name == "paloalto_panos" else 1 for name in PLATFORMS}
PERSISTENT = {"cisco_xr", "juniper_junos", "paloalto_panos", "cisco_viptela"}


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
    assert cli.typed[ENTERED[platform] :] == ["one", "two", *COMMIT.get(platform, ["commit"]), *LEAVE[platform]]
    assert (result.changed, result.saved, result.warnings) == (True, platform in PERSISTENT, [])
    assert fit(session)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_refused_line_throws_the_candidate_away(start: Start, platform: str) -> None:
    session, cli = start(platform)
    with pytest.raises(CommandRefused, match="line 2 of 3, 'nonsense'") as caught:
        change(session, "one", "nonsense", "three")
    assert cli.typed[ENTERED[platform] :] == ["one", "nonsense", *ABORT[platform]]
    assert caught.value.details[0]["applied"] == []
    assert "were not committed" in caught.value.message
    assert fit(session)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_commit_false_checks_where_it_can_and_aborts(start: Start, platform: str) -> None:
    session, cli = start(platform)
    result = change(session, "one", args={"commit": False})
    assert not set(COMMIT.get(platform, ["commit"])) & set(cli.typed) - {"exit all"}
    assert "thrown away" in result.warnings[0]
    assert cli.typed[-len(ABORT[platform]) :] == ABORT[platform]
    assert ("commit check" in cli.typed) == (platform == "juniper_junos")
    assert (result.changed, result.saved) == (False, False)
    assert fit(session)


FAILED_COMMITS = {
    "cisco_xr": ("% Failed to commit one or more configuration items during a pseudo-atomic operation.\n", XRC),
    "juniper_junos": ("error: configuration check-out failed\n\n[edit]\n", JUNOSC),
    "vyos": ("[[system host-name]] failed\nCommit failed\n[edit]\n", VYOSC),
    "ubiquiti_edgerouter": ("[ system ntp ]\nbad server\n\n[[system ntp]] failed\nCommit failed\n[edit]\n", EDGEC),
    "huawei_vrpv8": ("Error: The configuration conflicts.\n", VRPC),
    "paloalto_panos": ("\nValidation Error:\n zone 'x' is not a valid reference\nCommit failed\n[edit]\n", PANC),
    "nokia_sros": ("MINOR: MGMT_CORE #3001: configure system name - invalid\n\n", SROSC),
    "nokia_srl": ("Error: Commit failed: interface is missing\n\n", SRLC),
    "cisco_viptela": ("Aborted: 'vpn 0': not configured\n", EDGE9C),
    "ipinfusion_ocnos": ("% Failed to commit .. As error(s) encountered during commit operation...\n", OCNC),
}


@pytest.mark.parametrize("platform", FAILED_COMMITS)
def test_failed_commit_throws_the_candidate_away(start: Start, platform: str) -> None:
    commit = COMMIT.get(platform, ["commit"])[-1]
    session, cli = start(platform, script={(PLATFORMS[platform][1], commit): FAILED_COMMITS[platform]})
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
    assert cli.typed[1:] == ["one", commit, *LEAVE[platform]]
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
        change(session, "one", "nonsense")
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


# -- what the candidate held before, and what the commit says ---------------------------------------------------------

OTHERS_EDITS = [
    (
        "juniper_junos",
        {(JUNOS, "configure"): ("The configuration has been changed but not committed\n", JUNOSC)},
        False,
    ),
    ("juniper_junos", {(JUNOS, "configure exclusive"): ("error: configuration database modified\n", JUNOS)}, True),
    ("huawei_vrpv8", {(VRP, "system-view"): ("Enter system view\n", VRPC)}, False),
    ("nokia_sros", {(SROS, "edit-config exclusive"): ("INFO: CLI #2060: Entering\n\n", SROSC)}, False),
    ("nokia_srl", {(SRL, "enter candidate private"): ("", SRLC)}, False),
    ("paloalto_panos", {(PAN, "check pending-changes"): ("yes\n\n", PAN)}, True),
    ("cisco_viptela", {(EDGE9, "config terminal"): ("There are uncommitted changes\nby bob\n", EDGE9C)}, False),
]


@pytest.mark.parametrize(("platform", "script", "kept"), OTHERS_EDITS)
def test_a_candidate_with_somebody_elses_edits_is_left_alone(
    start: Start, platform: str, script: Script, kept: bool
) -> None:
    session, cli = start(platform, script=script)
    command = next(line for _, line in script)
    args = {"config_mode_command": command} if command == "configure" else {}
    with pytest.raises(CandidateDirty, match="no line was typed") as caught:
        change(session, "one", args=args)
    assert caught.value.code == "candidate_dirty"
    assert next(iter(script.values()))[0].strip().split("\n")[0] in caught.value.device_output
    assert cli.typed == [command]
    assert caught.value.session_usable is kept
    assert bool(session.unusable_reason) is not kept


def test_a_release_that_cannot_tell_about_edits_is_warned_about(start: Start) -> None:
    session, _ = start("paloalto_panos", script={(PAN, "check pending-changes"): ("Unknown command: check\n", PAN)})
    result = change(session, "one")
    assert result.changed
    assert "somebody else's edits" in result.warnings[0]


@pytest.mark.parametrize(("platform", "clean"), [("nokia_sros", SROSN), ("nokia_srl", SRLN), ("huawei_vrpv8", VRPN)])
def test_lines_after_which_the_prompt_shows_no_difference_changed_nothing(
    start: Start, platform: str, clean: str
) -> None:
    done = ("All changes have been committed.\n", SRLN) if platform == "nokia_srl" else ("", clean)
    commit = COMMIT.get(platform, ["commit"])[-1]
    session, _ = start(platform, script={(clean, "one"): ("", clean), (clean, commit): done})
    assert change(session, "one").changed is False
    assert fit(session)


@pytest.mark.parametrize(
    ("platform", "answer"),
    [
        ("paloalto_panos", "\nThere are no changes to commit.\n[edit]\n"),
        ("cisco_viptela", "% No modifications to commit.\n"),
        ("ubiquiti_edgerouter", "No configuration changes to commit\n[edit]\n"),
    ],
)
def test_commits_without_a_change(start: Start, platform: str, answer: str) -> None:
    config = PLATFORMS[platform][1]
    session, _ = start(platform, script={(config, "commit"): (answer, config)})
    assert change(session, "one").changed is False
    assert fit(session)


REVERTED = (
    "% Failed to commit one or more configuration items during a pseudo-atomic operation. All changes made have been "
    "reverted. Please issue 'show configuration failed [inheritance]' from this session to view the errors\n"
)
LOAD = "% Failed to commit .. Please use the command 'show configuration failed load'\n"
FAILED_XR = (
    "!! SEMANTIC ERRORS: This configuration was rejected by \n!! the system due to semantic errors.\n\n"
    "router bgp 65001\n!!% 'BGP' detected the 'warning' condition: 'The AS number cannot be changed'\n!\nend\n"
)


@pytest.mark.parametrize(
    ("said", "asks"), [(REVERTED, "show configuration failed"), (LOAD, "show configuration failed load")]
)
def test_iosxr_is_asked_why_a_commit_failed(start: Start, said: str, asks: str) -> None:
    session, cli = start("cisco_xr", script={(XRC, "commit"): (said, XRC), (XRC, asks): (FAILED_XR, XRC)})
    with pytest.raises(CommandRefused, match=r"router bgp 65001: 'BGP' detected .* 'The AS number cannot") as caught:
        change(session, "router bgp 65002")
    assert said.strip() in caught.value.device_output
    assert FAILED_XR.strip() in caught.value.device_output
    assert [output.command for output in caught.value.outputs] == ["router bgp 65002", "commit", asks]
    assert cli.typed[-2:] == [asks, "abort"]
    assert fit(session)


def test_a_commit_among_the_lines_counts(start: Start) -> None:
    nothing = "% No configuration changes to commit.\n"
    committed = {"done": False}

    class Once(dict[tuple[str, str], tuple[str, str]]):
        def get(self, key: Any, default: Any = None) -> Any:
            if key != (XRC, "commit"):
                return super().get(key, default)
            first, committed["done"] = not committed["done"], True
            return ("", XRC) if first else (nothing, XRC)

    session, cli = start("cisco_xr")
    cli.script = Once(cli.script)
    result = change(session, "one", "commit")
    assert (result.changed, result.saved) == (True, True)


def test_a_failed_commit_among_the_lines_is_a_refused_line(start: Start) -> None:
    session, cli = start(
        "paloalto_panos",
        script={
            (PAN, "configure"): ("Entering configuration mode\n[edit]\n", PANC),
            (PANC, "commit"): ("Commit job 3 is in progress\nCommit failed\n", PANC),
        },
    )
    with pytest.raises(CommandRefused, match="line 2 of 2, 'commit'"):
        change(session, "set x", "commit")
    assert cli.typed[-2:] == ["revert config", "exit"]


def test_lines_that_enter_the_mode_themselves_without_a_commit_are_doubted(start: Start) -> None:
    session, cli = start("juniper_junos")
    result = change(
        session, "configure exclusive", "set x", "exit configuration-mode", args={"enter_config_mode": False}
    )
    assert result.changed is None
    assert "no line was a commit" in result.warnings[0]
    session, cli = start("juniper_junos")
    result = change(
        session, "configure exclusive", "set x", "commit", "exit configuration-mode", args={"enter_config_mode": False}
    )
    assert (result.changed, result.warnings) == (True, [])
    session, cli = start("juniper_junos")
    result = change(session, "configure exclusive", "set x", args={"enter_config_mode": False})
    assert cli.typed == ["configure exclusive", "set x"]
    assert session.unusable_reason
    assert "closed" in result.warnings[1]


@pytest.mark.parametrize("platform", ["vyos", "ubiquiti_edgerouter"])
def test_saving_where_a_commit_does_not_last(start: Start, platform: str) -> None:
    session, cli = start(platform)
    result = change(session, "one", save=True)
    assert result.saved
    assert cli.typed == ["configure", "one", "commit", "exit", "configure", "save", "exit"]
    config = PLATFORMS[platform][1]
    session, _ = start(platform, script={(config, "save"): ("Could not open /config\n[edit]\n", config)})
    with pytest.raises(CommandRefused, match="Could not open"):
        change(session, "one", save=True)


def test_a_commit_that_needs_its_confirmation_gets_it(start: Start) -> None:
    script: Script = {
        (ESR, "configure"): ("", ESRC),
        (ESRC, "nonsense"): (BAD, ESRC),
        (ESRC, "end"): ("", ESR),
        (ESR, "commit"): (
            "Configuration has been successfully applied. Commit timer started\n",
            ESR,
        ),
    }
    session, cli = session_with("eltex_esr", ESR, script)
    assert change(session, "one").changed
    assert cli.typed == ["configure", "one", "end", "commit", "confirm"]
    session.close()
    session, cli = session_with(
        "eltex_esr", ESR, {**script, (ESR, "confirm"): ("Nothing to confirm in configuration\n", ESR)}
    )
    with pytest.raises(CommandRefused, match="takes the commit back"):
        change(session, "one")
    session.close()
    session, cli = session_with("eltex_esr", ESR, script)
    with pytest.raises(CommandRefused):
        change(session, "nonsense")
    assert cli.typed == ["configure", "nonsense", "end", "rollback"]
    session.close()


def test_a_candidate_that_only_netmiko_can_commit(start: Start) -> None:
    prompt, config = "rt1#", "rt1(config)#"
    script: Script = {
        (prompt, "config"): ("", config),
        (config, "nonsense"): ("syntax error: unknown command\n", config),
        (config, "commit"): ("Commit complete.\n", config),
        (config, "end"): ("", prompt),
    }
    session, cli = session_with("cdot_cros", prompt, script)
    with (
        session.operation(Call(deadline=Deadline.after(5))),
        pytest.raises(UnsupportedOperation, match="commit: false"),
    ):
        apply_change(session, ChangeRequest(lines=["one"]), NetmikoChangeArgs(commit=False), secret=None)
    assert cli.typed == []
    assert change(session, "one").changed
    assert [line for line in cli.typed if line] == ["config", "one", "commit", "end"]
    session.close()
    session, cli = session_with("cdot_cros", prompt, script)
    with pytest.raises(CommandRefused) as caught:
        change(session, "one", "nonsense")
    assert cli.typed[-1] == "nonsense"
    assert not caught.value.session_usable
    session.close()
    session, cli = session_with("cdot_cros", prompt, {**script, (config, "commit"): ("Aborted: bad\n", config)})
    with pytest.raises(CommandRefused, match="Aborted: bad") as caught:
        change(session, "one")
    assert not caught.value.session_usable
    session.close()
