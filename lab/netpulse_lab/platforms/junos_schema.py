"""What may be configured in Junos. A bar stands between the levels of a statement; the last level is its leaf.

A leaf that names one value (``host-name``) is replaced by a later one; a leaf in `LISTS` is added to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from netpulse_lab.grammar import Grammar, Parameter

_LINES = (
    "system | host-name <word>",
    "system | domain-name <word>",
    "system | time-zone <word>",
    "system | name-server | <ipv4>",
    "system | root-authentication | encrypted-password <line>",
    "system | login | message <line>",
    "system | login | user <word> | class <word>",
    "system | login | user <word> | uid <100-64000>",
    "system | login | user <word> | authentication | encrypted-password <line>",
    "system | login | user <word> | authentication | ssh-ed25519 <line>",
    "system | services | ssh",
    "system | services | netconf | ssh",
    "system | services | {telnet|ftp}",
    "system | syslog | host <word> | any <word>",
    "system | syslog | file <word> | any <word>",
    "system | ntp | server <word>",
    "interfaces | <interface> | description <line>",
    "interfaces | <interface> | disable",
    "interfaces | <interface> | mtu <256-9216>",
    "interfaces | <interface> | speed <word>",
    "interfaces | <interface> | vlan-tagging",
    "interfaces | <interface> | unit <0-16385> | description <line>",
    "interfaces | <interface> | unit <0-16385> | disable",
    "interfaces | <interface> | unit <0-16385> | vlan-id <1-4094>",
    "interfaces | <interface> | unit <0-16385> | family inet | address <prefix>",
    "interfaces | <interface> | unit <0-16385> | family inet | dhcp",
    "interfaces | <interface> | unit <0-16385> | family inet6 | address <ipv6prefix>",
    "interfaces | <interface> | unit <0-16385> | family ethernet-switching | interface-mode {access|trunk}",
    "interfaces | <interface> | unit <0-16385> | family ethernet-switching | vlan | members <word>",
    "snmp | location <line>",
    "snmp | contact <line>",
    "snmp | community <word> | authorization {read-only|read-write}",
    "routing-options | router-id <ipv4>",
    "routing-options | autonomous-system <1-4294967295>",
    "routing-options | static | route <prefix> | next-hop <ipv4>",
    "routing-options | static | route <prefix> | {discard|reject}",
    "protocols | lldp | interface <word>",
    "protocols | ospf | area <word> | interface <word> | metric <1-65535>",
    "protocols | bgp | group <word> | type {internal|external}",
    "protocols | bgp | group <word> | neighbor <word> | peer-as <1-4294967295>",
    "protocols | bgp | group <word> | neighbor <word> | description <line>",
    "policy-options | prefix-list <word> | <prefix>",
    "vlans | <word> | vlan-id <1-4094>",
    "vlans | <word> | description <line>",
    "vlans | <word> | l3-interface <word>",
)
LISTS = frozenset({"address", "members", "server", "next-hop"})
TOP = tuple(dict.fromkeys(line.split(" ")[0] for line in _LINES))
"""The sections in the order in which they are printed."""


@dataclass(frozen=True, slots=True)
class Statement:
    """How many words each level of a statement takes."""

    levels: tuple[int, ...]


def schema(parameters: Mapping[str, Parameter]) -> Grammar[Statement]:
    """The grammar of all statements, without ``set``."""
    rules = []
    for line in _LINES:
        levels = tuple(len(level.split()) for level in line.split(" | "))
        rules.append((line.replace(" | ", " "), Statement(levels)))
    return Grammar(rules, parameters)
