"""Configuration lines of Arista EOS, in the order in which ``show running-config`` prints them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from netpulse_lab.config_edit import entry_order
from netpulse_lab.config_store import Entry, natural
from netpulse_lab.device import secret_hash
from netpulse_lab.grammar import Match, Rejection
from netpulse_lab.interpreter import Interpreter
from netpulse_lab.outcome import Collect, Outcome, Say
from netpulse_lab.platform import ConfigRule, RankedRule

from .parameters import InterfaceNames, compact_vlans, expand_vlans

Words = tuple[str, ...]

INTERFACES = InterfaceNames(
    types=("Port-Channel", "Ethernet", "Loopback", "Management", "Tunnel", "Vlan", "Vxlan"),
    physical=(*(f"Ethernet{port}" for port in range(1, 9)), "Management1"),
)
SHORT = {
    "Port-Channel": "Po",
    "Ethernet": "Et",
    "Loopback": "Lo",
    "Management": "Ma",
    "Tunnel": "Tu",
    "Vlan": "Vl",
    "Vxlan": "Vx",
}


def line(
    syntax: str, key: int | None = None, default: Literal["off", "on", "either"] = "off", *, entered: bool = False
) -> ConfigRule:
    """A line without any special behaviour; `entered`: it stands where it was entered."""
    return ConfigRule(syntax=syntax, key=key, default=default, as_entered=entered)


def short_name(interface: str) -> str:
    """Et1 for Ethernet1."""
    kind = interface.rstrip("0123456789/.")
    return SHORT.get(kind, kind) + interface[len(kind) :]


def section_name(entry: Entry) -> str:
    """How a section is called in the prompt."""
    if not entry.words:
        return ""
    return short_name(entry.words[1]) if entry.words[0] == "interface" else entry.words[-1]


def _hash_secret(shell: Interpreter, found: Match[RankedRule]) -> Words:
    """``secret [0] clear`` becomes ``secret sha512 hash``; what is hashed already stays."""
    words = found.words
    at = len(words) - 1
    if words[at - 1] in ("sha512", "5"):
        return words
    head = words[: at - 1] if words[at - 1] == "0" else words[:at]
    return (*head, "sha512", f"$6${secret_hash(words[at])}")


def _banner(shell: Interpreter, found: Match[RankedRule], negative: bool) -> Outcome | str | None:
    key = found.words[:2]
    root = shell.contexts[0].sections[0]
    if negative:
        if root.discard(key):
            shell.note_change()
        return ""
    assert found.payload is not None, "a complete match carries its rule"
    order = entry_order(found.payload, found.words)
    lines: list[str] = []

    def take(text: str) -> Outcome | None:
        if text != "EOF":
            lines.append(text)
            return None
        banner = "\n".join(lines)
        entry = Entry((*key, banner), text=f"banner {key[1]}\n{banner}\nEOF", order=order)
        present = root.find(*key)
        if present is None or present.text != entry.text:
            root.put(key, entry)
            shell.note_change()
        return Say()

    return Collect(take=take, text="Enter TEXT message. Type 'EOF' on its own line to end.\n")


def _interface(shell: Interpreter, found: Match[RankedRule], negative: bool) -> Outcome | str | None:
    name = found.arguments[0]
    nature = INTERFACES.exists_by_nature(name)
    if nature is False:
        return shell.refuse(Rejection("invalid", f"interface {name}", 10, 1, name))
    if negative and nature:
        # A port cannot go; its lines do.
        for section in shell.contexts[-1].sections:
            entry = section.find("interface", name)
            if entry is not None and entry.children:
                entry.children.clear()
                shell.note_change()
        return ""
    return None


def _allowed_vlans(shell: Interpreter, found: Match[RankedRule], negative: bool) -> Outcome | str | None:
    """``switchport trunk allowed vlan add|remove``: edits the list that stands there."""
    if negative:
        return None
    assert found.payload is not None, "a complete match carries its rule"
    verb, change = found.words[4], set(expand_vlans(found.arguments[0]))
    for section in shell.contexts[-1].sections:
        present = section.argument("switchport", "trunk", "allowed", "vlan")
        numbers = set(range(1, 4095)) if present is None else set()
        if present not in (None, "none"):
            numbers = set(expand_vlans(present))
        numbers = numbers | change if verb == "add" else numbers - change
        words = (*found.words[:4], compact_vlans(sorted(numbers)) if numbers else "none")
        section.put(words[:4], Entry(words, order=entry_order(found.payload, words)))
        shell.note_change()
    return ""


def _vlans(words: Words) -> Sequence[Words]:
    return [("vlan", str(number)) for number in expand_vlans(words[1])]


def _by_number(words: Words) -> tuple[object, ...]:
    return natural(words[-1])


def _interface_order(words: Words) -> tuple[object, ...]:
    return INTERFACES.order(words[1])


_INTERFACE_LINES = (
    (
        line("description <line>", 1),
        line("mtu <68-9214>", 1),
        line("shutdown", 1),
        line("speed {auto|10full|100full|1000full|10gfull|25gfull|40gfull|100gfull}", 1),
        line("speed forced {10full|100full|1000full|10000full|40gfull|100gfull}", 1),
        line("load-interval <0-600>", 1),
        line("bandwidth <1-1000000000>", 1),
        line("encapsulation dot1q vlan <1-4094>", 3),
        line("switchport access vlan <1-4094>", 3),
        line("switchport trunk native vlan <1-4094>", 4),
        ConfigRule(syntax="switchport trunk allowed vlan {add|remove} <vlans>", key=4, instead=_allowed_vlans),
        line("switchport trunk allowed vlan none", 4),
        line("switchport trunk allowed vlan <vlans>", 4),
        line("switchport mode {access|trunk|dot1q-tunnel}", 2),
        line("switchport trunk group <word>"),
        line("switchport", 1, "on"),
        line("vrf <word>", 1),
        line("ip address dhcp", 2),
        line("ip address <prefix>", 2),
        line("ip address <prefix> secondary"),
        line("ip access-group <word> {in|out}", 3),
        line("ip helper-address <ipv4>"),
        line("ip virtual-router address <ipv4>"),
        line("ip ospf {area|cost|network} <word>", 3),
        line("ipv6 address <ipv6prefix>"),
        line("ipv6 enable", 2),
        line("channel-group <1-2000> mode {active|passive|on}", 1),
        line("lacp port-priority <0-65535>", 2),
        line("lacp timer {fast|normal}", 2),
        line("mlag <1-2000>", 1),
        line("lldp {transmit|receive}", 2, "on"),
        line("spanning-tree portfast [{edge|network|auto}]", 2),
        line("spanning-tree bpduguard {enable|disable|rate-limit default}", 2),
        line("spanning-tree cost <1-200000000>", 2),
        line("storm-control {broadcast|multicast|all} level <word>", 2),
    ),
)
_VLAN_LINES = ((line("name <word>", 1), line("state {active|suspend}", 1), line("trunk group <word>")),)
_NEIGHBOR_LINES = tuple(
    line(syntax, key, entered=True)
    for syntax, key in (
        ("neighbor <word> peer group [<word>]", 4),
        ("neighbor <word> remote-as <1-4294967295>", 3),
        ("neighbor <word> description <line>", 3),
        ("neighbor <word> update-source <interface>", 3),
        ("neighbor <word> ebgp-multihop [<1-255>]", 3),
        ("neighbor <word> timers <0-65535> <0-65535>", 3),
        ("neighbor <word> shutdown", 3),
        ("neighbor <word> activate", 3),
        ("neighbor <word> next-hop-self", 3),
        ("neighbor <word> send-community [<line>]", 3),
        ("neighbor <word> maximum-routes <line>", 3),
        ("neighbor <word> password <line>", 3),
        ("neighbor <word> {route-map|prefix-list} <word> {in|out}", None),
    )
)
_ROUTING = (
    *_NEIGHBOR_LINES,
    line("network <prefix> [area <word>]"),
    line("redistribute {connected|static|bgp|ospf|isis} [<line>]", 2),
    line("maximum-paths <1-128> [ecmp <1-128>]", 1),
)
_BGP_LINES = (
    (
        line("router-id <ipv4>", 1),
        line("bgp default ipv4-unicast", 3, "on"),
        line("bgp <line>"),
        line("timers bgp <0-65535> <0-65535>", 2),
        *_ROUTING,
        line("vlan <vlans>"),
    ),
    (ConfigRule(syntax="address-family {ipv4|ipv6|evpn}", opens="config-router-af"),),
)
_OSPF_LINES = (
    (
        line("router-id <ipv4>", 1),
        line("passive-interface default", 2),
        line("passive-interface <interface>"),
        line("auto-cost reference-bandwidth <1-4294967>", 2),
        line("max-lsa <0-100000>", 1),
        line("log-adjacency-changes [detail]", 1),
        *_ROUTING,
    ),
)
_ACL_LINES = (
    (
        line("<1-4294967295> {permit|deny|remark} <line>", 1, entered=True),
        line("{permit|deny|remark} <line>", entered=True),
    ),
)
_MANAGEMENT_LINES = (
    (
        line("protocol {http|https|unix-socket} [<line>]", 2, "either"),
        line("idle-timeout <0-86400>", 1),
        line("authentication mode {password|keyboard-interactive|public-key}", 2),
        line("cipher <line>", 1),
        line("shutdown", 1, "either"),
        line("vrf <word>"),
    ),
)

_GLOBAL = (
    (line("boot system <line>", 2),),
    (line("aaa {authentication|authorization|accounting} <line>"), line("aaa root", 2, "either")),
    (
        ConfigRule(syntax="enable {secret|password} {0|5|sha512} <word>", key=1, rewrite=_hash_secret),
        ConfigRule(syntax="enable {secret|password} <word>", key=1, rewrite=_hash_secret),
        ConfigRule(
            syntax="username <word> [privilege <0-15>] [role <word>] {secret|password} {0|5|sha512} <word>",
            key=2,
            rewrite=_hash_secret,
        ),
        ConfigRule(
            syntax="username <word> [privilege <0-15>] [role <word>] {secret|password} <word>",
            key=2,
            rewrite=_hash_secret,
        ),
        line("username <word> [privilege <0-15>] [role <word>] nopassword", 2),
    ),
    (line("transceiver qsfp default-mode 4x10G"),),
    (line("service routing protocols model {ribd|multi-agent}", 4),),
    (
        line("logging buffered <line>", 2),
        line("logging console [<word>]", 2, "either"),
        line("logging host <word> [<line>]", 3),
        line("logging trap [<word>]", 2),
        line("logging source-interface <interface>", 2),
    ),
    (line("hostname <word>", 1),),
    (
        line("ip name-server [vrf <word>] <ipv4>"),
        line("dns domain <word>", 2),
        line("ip domain-name <word>", 2),
    ),
    (
        line("ntp local-interface <interface>", 2),
        line("ntp server <word> [prefer] [iburst]", 3),
    ),
    (line("lldp timer <1-32768>", 2), line("lldp run", 2, "on")),
    (
        line("snmp-server chassis-id <line>", 2),
        line("snmp-server community <word> [{ro|rw}] [<word>]", 3),
        line("snmp-server contact <line>", 2),
        line("snmp-server location <line>", 2),
        line("snmp-server host <word> <line>"),
        line("snmp-server enable traps [<line>]"),
    ),
    (
        line("spanning-tree mode {mstp|rstp|rapid-pvst|none}", 2),
        line("spanning-tree mst 0 priority <0-61440>", 4),
    ),
    (line("clock timezone <word>", 2),),
    (ConfigRule(syntax="vlan <vlans>", expand=_vlans, opens="config-vlan", order=_by_number),),
    (ConfigRule(syntax="vrf instance <word>", opens="config-vrf", order=_by_number),),
    (ConfigRule(syntax="interface <interface>", opens="config-if", order=_interface_order, instead=_interface),),
    (
        ConfigRule(syntax="ip access-list <word>", opens="config-acl"),
        ConfigRule(syntax="ip access-list standard <word>", opens="config-acl"),
        line("ip prefix-list <word> [seq <0-65535>] {permit|deny} <line>", entered=True),
    ),
    (
        line("ip route [vrf <word>] <prefix> <line>"),
        line("ipv6 route <ipv6prefix> <line>"),
    ),
    (line("ip routing", 2, "either"), line("ip routing vrf <word>"), line("ipv6 unicast-routing", 2)),
    (ConfigRule(syntax="route-map <word> [{permit|deny}] [<0-65535>]", opens="config-route-map"),),
    (
        ConfigRule(syntax="router bgp <1-4294967295>", opens="config-router-bgp"),
        ConfigRule(syntax="router ospf <1-65535> [vrf <word>]", opens="config-router-ospf"),
    ),
    (ConfigRule(syntax="banner {login|motd}", key=2, instead=_banner),),
    (
        ConfigRule(syntax="management api http-commands", opens="config-mgmt"),
        ConfigRule(syntax="management {ssh|telnet|console}", opens="config-mgmt"),
    ),
)

CONFIG: dict[str, Sequence[Sequence[ConfigRule]]] = {
    "config": _GLOBAL,
    "config-if": _INTERFACE_LINES,
    "config-vlan": _VLAN_LINES,
    "config-vrf": ((line("description <line>", 1), line("rd <word>", 1)),),
    "config-router-bgp": _BGP_LINES,
    "config-router-ospf": _OSPF_LINES,
    "config-router-af": (_ROUTING,),
    "config-acl": _ACL_LINES,
    "config-route-map": ((line("match <line>", entered=True), line("set <line>", entered=True)),),
    "config-mgmt": _MANAGEMENT_LINES,
}
