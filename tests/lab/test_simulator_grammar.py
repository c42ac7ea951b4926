"""Abbreviation, errors and their place: the rules by which a device understands a line."""

from __future__ import annotations

import pytest

from netpulse_lab.grammar import Grammar, Match, Rejection
from netpulse_lab.platforms.parameters import PARAMETERS, InterfaceNames, compact_vlans, expand_vlans

INTERFACES = InterfaceNames(types=("GigabitEthernet", "Loopback", "Vlan"), physical=("GigabitEthernet0/0",))
GRAMMAR = Grammar(
    [
        ("show version", "version"),
        ("show vlan [brief]", "vlan"),
        ("show ip interface brief", "brief"),
        ("show interfaces [<interface>]", "interfaces"),
        ("ip address <ipv4> <mask> [secondary]", "address"),
        ("switchport mode {access|trunk}", "mode"),
        ("vlan <1-4094>", "one vlan"),
        ("description <line>", "description"),
    ],
    {**PARAMETERS, "interface": INTERFACES.parse},
)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("show version", ("show", "version")),
        ("sh ver", ("show", "version")),
        ("SHOW VER", ("show", "version")),
        ("sh vl br", ("show", "vlan", "brief")),
        ("sh ip int br", ("show", "ip", "interface", "brief")),
        ("sh int gi0/1", ("show", "interfaces", "GigabitEthernet0/1")),
        ("sh int gi 0/1", ("show", "interfaces", "GigabitEthernet0/1")),
        ("ip addr 192.0.2.1 255.255.255.0", ("ip", "address", "192.0.2.1", "255.255.255.0")),
        ("switchport mode trunk", ("switchport", "mode", "trunk")),
        ("desc  to  the core | east ", ("description", "to  the core | east")),
    ],
)
def test_abbreviated_lines_are_understood(line: str, words: tuple[str, ...]) -> None:
    found = GRAMMAR.match(line)
    assert isinstance(found, Match)
    assert found.words == words


@pytest.mark.parametrize(
    ("line", "reason", "column"),
    [
        ("foo", "invalid", 0),
        ("show foo", "invalid", 5),
        ("show verx", "invalid", 8),
        ("show versionx", "invalid", 12),
        ("show version x", "invalid", 13),
        ("sh v", "ambiguous", 3),
        ("s", "ambiguous", 0),
        ("show", "incomplete", 4),
        ("ip address 192.0.2.1", "incomplete", 20),
        ("ip address 192.0.2.300 255.255.255.0", "invalid", 11),
        ("vlan 4095", "invalid", 5),
    ],
)
def test_wrong_lines_are_refused_where_they_go_wrong(line: str, reason: str, column: int) -> None:
    found = GRAMMAR.match(line)
    assert isinstance(found, Rejection)
    assert (found.reason, found.column) == (reason, column)


def test_the_beginning_of_a_rule_is_known_without_the_rest() -> None:
    found = GRAMMAR.match_beginning("no ip address".removeprefix("no "))
    assert isinstance(found, Match)
    assert found.words == ("ip", "address")
    assert found.payload is None


@pytest.mark.parametrize("syntax", ["show [version", "mode {a|b", "ip <nothing>", "a]"])
def test_wrong_rules_are_refused(syntax: str) -> None:
    with pytest.raises(ValueError, match="rule"):
        Grammar([(syntax, 1)], PARAMETERS)


def test_vlan_lists_are_expanded_and_compacted() -> None:
    assert expand_vlans("10,20-22") == [10, 20, 21, 22]
    assert compact_vlans([22, 10, 20, 21]) == "10,20-22"
