"""Configuration lines of Cisco NX-OS, in the order in which ``show running-config`` prints them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from netpulse_lab.device import secret_hash
from netpulse_lab.grammar import Match, Rejection
from netpulse_lab.interpreter import Interpreter
from netpulse_lab.outcome import Outcome
from netpulse_lab.platform import ConfigRule, RankedRule

from .ios_lines import allowed_vlans, banner, by_number, each_vlan
from .parameters import InterfaceNames

Words = tuple[str, ...]

INTERFACES = InterfaceNames(
    types=("Vlan", "port-channel", "Ethernet", "mgmt", "loopback"),
    physical=(*(f"Ethernet1/{port}" for port in range(1, 9)), "mgmt0"),
)


def line(syntax: str, key: int | None = None, default: Literal["off", "on", "either"] = "off") -> ConfigRule:
    """A line without any special behaviour."""
    return ConfigRule(syntax=syntax, key=key, default=default)


def _hash(shell: Interpreter, found: Match[RankedRule]) -> Words:
    """``password [0] clear [role X]`` becomes ``password 5 hash [role X]``; what is hashed already stays."""
    words = found.words
    at = words.index("password") + 1
    if words[at] == "5":
        return words
    at += words[at] == "0"
    head = words[: words.index("password") + 1]
    return (*head, "5", f"$5${secret_hash(words[at])}", *words[at + 1 :])


def _interface(shell: Interpreter, found: Match[RankedRule], negative: bool) -> Outcome | str | None:
    name = found.arguments[0]
    nature = INTERFACES.exists_by_nature(name)
    if nature is False or (nature and negative):
        return shell.refuse(Rejection("invalid", f"interface {name}", 10, 1, name))
    return None


def _order(words: Words) -> tuple[object, ...]:
    return INTERFACES.order(words[1])


_INTERFACE_LINES = (
    (
        line("description <line>", 1),
        line("switchport", 1, "on"),
        line("switchport mode {access|trunk}", 2),
        line("switchport access vlan <1-4094>", 3),
        line("switchport trunk native vlan <1-4094>", 4),
        ConfigRule(syntax="switchport trunk allowed vlan {add|remove} <vlans>", key=4, instead=allowed_vlans),
        line("switchport trunk allowed vlan none", 4),
        line("switchport trunk allowed vlan <vlans>", 4),
        line("vrf member <word>", 2),
        line("mtu <576-9216>", 1),
        line("bandwidth <1-100000000>", 1),
        line("speed {100|1000|10000|auto}", 1),
        line("duplex {auto|full|half}", 1),
        line("ip address <prefix>", 2),
        line("ip address <prefix> secondary"),
        line("ip address dhcp", 2),
        line("ipv6 address <ipv6prefix>"),
        line("channel-group <1-4096> [mode {active|passive|on}]", 1),
        line("spanning-tree port type {edge|network|normal}", 3),
        line("shutdown", 1, "either"),
    ),
)
_GLOBAL = (
    (line("version <line>", 1), line("hostname <word>", 1)),
    (line("feature <word>"),),
    (
        line("password strength-check", 2, "either"),
        ConfigRule(syntax="username <word> password {0|5} <word> [role <word>]", key=2, rewrite=_hash),
        ConfigRule(syntax="username <word> password <word> [role <word>]", key=2, rewrite=_hash),
        line("ip domain-lookup", 2, "on"),
        line("ip domain-name <word>", 2),
        line("ip name-server <line>", 2),
        line("copp profile <word>", 2),
        line("snmp-server <line>"),
        line("ntp server <word> [use-vrf <word>]", 3),
        line("logging <line>"),
    ),
    (ConfigRule(syntax="banner {exec|motd} [<line>]", key=2, instead=banner),),
    (line("ip route <prefix> <line>"),),
    (ConfigRule(syntax="vlan <vlans>", expand=each_vlan, opens="config-vlan", order=by_number),),
    (ConfigRule(syntax="vrf context <word>", opens="config-vrf"),),
    (ConfigRule(syntax="ip access-list <word>", opens="config-acl"),),
    (ConfigRule(syntax="interface <interface>", opens="config-if", order=_order, instead=_interface),),
    (ConfigRule(syntax="line {console|vty}", opens="config-line"), line("boot nxos <word>", 2)),
    (
        ConfigRule(syntax="router ospf <word>", opens="config-router"),
        ConfigRule(syntax="router bgp <1-4294967295>", opens="config-router"),
    ),
)

CONFIG: dict[str, Sequence[Sequence[ConfigRule]]] = {
    "config": _GLOBAL,
    "config-if": _INTERFACE_LINES,
    "config-vlan": ((line("name <word>", 1), line("state {active|suspend}", 1), line("shutdown", 1)),),
    "config-vrf": ((line("description <line>", 1), line("ip route <prefix> <line>")),),
    "config-acl": ((ConfigRule(syntax="<1-4294967295> {permit|deny} <line>", key=1, as_entered=True),),),
    "config-line": ((line("exec-timeout <0-525600>", 1), line("session-limit <1-64>", 1)),),
    "config-router": ((line("router-id <ipv4>", 1), line("log-neighbor-changes", 1)),),
}
