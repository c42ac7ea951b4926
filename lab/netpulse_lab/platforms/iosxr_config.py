"""Configuration lines of Cisco IOS-XR, in the order in which ``show running-config`` prints them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from netpulse_lab.device import secret_hash
from netpulse_lab.grammar import Match, Rejection
from netpulse_lab.interpreter import Interpreter
from netpulse_lab.outcome import Outcome
from netpulse_lab.platform import ConfigRule, RankedRule

from .ios_lines import banner, by_number
from .parameters import InterfaceNames

Words = tuple[str, ...]
_MANAGEMENT = re.compile(r"mg[a-z]*0/rp0/cpu0/0$")


class _Names(InterfaceNames):
    """XR's management port has letters in its number."""

    __slots__ = ()

    def parse(self, text: str) -> str | None:
        return "MgmtEth0/RP0/CPU0/0" if _MANAGEMENT.match(text.lower()) else InterfaceNames.parse(self, text)

    def order(self, name: str) -> tuple[object, ...]:
        return (-1, ()) if name.startswith("MgmtEth") else InterfaceNames.order(self, name)


INTERFACES = _Names(
    types=("Loopback", "Bundle-Ether", "GigabitEthernet", "TenGigE"),
    physical=("MgmtEth0/RP0/CPU0/0", *(f"GigabitEthernet0/0/0/{port}" for port in range(4))),
)


def line(syntax: str, key: int | None = None) -> ConfigRule:
    """A line without any special behaviour."""
    return ConfigRule(syntax=syntax, key=key)


def _secret(shell: Interpreter, found: Match[RankedRule]) -> Words:
    words = found.words
    return words if len(words) > 2 and words[1] == "10" else ("secret", "10", f"$6${secret_hash(words[-1])}")


def _interface(shell: Interpreter, found: Match[RankedRule], negative: bool) -> Outcome | str | None:
    name = found.arguments[0]
    if INTERFACES.exists_by_nature(name) is False:
        return shell.refuse(Rejection("invalid", f"interface {name}", 10, 1, name))
    return None


def _interface_order(words: Words) -> tuple[object, ...]:
    return INTERFACES.order(words[1])


_INTERFACE_LINES = (
    (
        line("description <line>", 1),
        line("bundle id <1-65535> mode {active|passive|on}", 2),
        line("mtu <64-65535>", 1),
        line("vrf <word>", 1),
        line("ipv4 address <ipv4> <mask>", 2),
        line("ipv4 address <ipv4> <mask> secondary"),
        line("ipv6 address <ipv6prefix>"),
        line("ipv6 enable", 2),
        line("speed {10|100|1000}", 1),
        line("duplex {full|half}", 1),
        line("bandwidth <0-4294967295>", 1),
        line("load-interval <0-600>", 1),
        line("shutdown", 1),
        line("encapsulation dot1q <1-4094>", 1),
    ),
)
_STATIC_ROUTES = ((line("<prefix> <line>"),), (line("<ipv6prefix> <line>"),))
_GLOBAL = (
    (line("hostname <word>", 1),),
    (line("clock timezone <word> <line>", 2), line("logging <line>"), line("domain name <word>", 2)),
    (line("domain lookup disable"), line("domain name-server <word>")),
    (ConfigRule(syntax="username <word>", opens="config-un", order=by_number),),
    (line("cdp", 1), line("lldp", 1)),
    (ConfigRule(syntax="vrf <word>", opens="config-vrf", order=by_number),),
    (ConfigRule(syntax="banner {exec|login|motd} [<line>]", key=2, instead=banner),),
    (
        ConfigRule(
            syntax="interface [preconfigure] <interface>",
            opens="config-if",
            order=_interface_order,
            instead=_interface,
        ),
    ),
    (ConfigRule(syntax="prefix-set <word>", opens="config-pfx"),),
    (ConfigRule(syntax="router static", opens="config-static"),),
    (
        ConfigRule(syntax="router ospf <word>", opens="config-ospf"),
        ConfigRule(syntax="router bgp <1-4294967295>", opens="config-bgp"),
    ),
    (
        line("snmp-server community <word> [{RO|RW}]", 3),
        line("snmp-server location <line>", 2),
        line("snmp-server contact <line>", 2),
        line("ntp server <word>", 3),
    ),
    (line("ssh server v2"), line("ssh server vrf <word>"), line("ssh server rate-limit <1-600>", 3)),
    (line("line {default|console} <line>"), line("xml agent tty"), line("netconf-yang agent ssh")),
)

CONFIG: dict[str, Sequence[Sequence[ConfigRule]]] = {
    "config": _GLOBAL,
    "config-if": _INTERFACE_LINES,
    "config-un": (
        (
            line("group <word>"),
            ConfigRule(syntax="secret 10 <word>", key=1, rewrite=_secret),
            ConfigRule(syntax="secret [0] <word>", key=1, rewrite=_secret),
        ),
    ),
    "config-vrf": (
        (
            line("description <line>", 1),
            ConfigRule(syntax="address-family {ipv4|ipv6} unicast", opens="config-vrf-af"),
        ),
    ),
    "config-vrf-af": ((line("import route-target <word>"), line("export route-target <word>")),),
    "config-pfx": ((line("<line>"),),),
    "config-static": ((ConfigRule(syntax="address-family {ipv4|ipv6} unicast", opens="config-static-afi"),),),
    "config-static-afi": _STATIC_ROUTES,
    "config-ospf": ((line("router-id <ipv4>", 1), ConfigRule(syntax="area <word>", opens="config-ospf-ar")),),
    "config-ospf-ar": ((ConfigRule(syntax="interface <interface>", opens="config-ospf-ar-if"),),),
    "config-ospf-ar-if": ((line("cost <1-65535>", 1), line("network {point-to-point|broadcast}", 1)),),
    "config-bgp": (
        (
            line("bgp router-id <ipv4>", 2),
            ConfigRule(syntax="address-family {ipv4|ipv6} unicast", opens="config-bgp-af"),
            ConfigRule(syntax="neighbor <word>", opens="config-bgp-nbr"),
        ),
    ),
    "config-bgp-af": ((line("network <prefix>"), line("redistribute {connected|static}")),),
    "config-bgp-nbr": (
        (
            line("remote-as <1-4294967295>", 1),
            line("description <line>", 1),
            line("update-source <interface>", 1),
            ConfigRule(syntax="address-family {ipv4|ipv6} unicast", opens="config-bgp-nbr-af"),
        ),
    ),
    "config-bgp-nbr-af": ((line("route-policy <word> {in|out}"), line("next-hop-self")),),
}
