"""Configuration lines of Cisco IOS, in the order in which ``show running-config`` prints them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from netpulse_lab.platform import ConfigRule

from .ios_lines import (
    address_line,
    allowed_vlans,
    banner,
    bare_address,
    by_number,
    each_vlan,
    hash_secret,
    interface_line,
    interface_order,
    interface_range,
    leave_family,
    new_interface,
    remove_user,
    user_line,
    vlan_line,
)


def line(
    syntax: str,
    key: int | None = None,
    default: Literal["off", "on", "either"] = "off",
) -> ConfigRule:
    """A line without any special behaviour."""
    return ConfigRule(syntax=syntax, key=key, default=default)


def entered(syntax: str, key: int | None = None) -> ConfigRule:
    """A line that stands where it was entered, as access list entries do."""
    return ConfigRule(syntax=syntax, key=key, as_entered=True)


_SWITCHPORT = (
    line("switchport", 1, "on"),
    line("switchport access vlan <1-4094>", 3),
    line("switchport trunk encapsulation {dot1q|isl|negotiate}", 3),
    line("switchport trunk native vlan <1-4094>", 4),
    ConfigRule(syntax="switchport trunk allowed vlan {add|remove} <vlans>", key=4, instead=allowed_vlans),
    line("switchport trunk allowed vlan {all|none}", 4),
    line("switchport trunk allowed vlan <vlans>", 4),
    line("switchport mode {access|trunk|dynamic auto|dynamic desirable}", 2),
    line("switchport nonegotiate", 2),
    line("switchport voice vlan <1-4094>", 3),
)

_INTERFACE_LINES = (
    (
        line("description <line>", 1),
        *_SWITCHPORT,
        line("encapsulation dot1q <1-4094> [native]", 1),
        line("vrf forwarding <word>", 2),
        line("mtu <64-9216>", 1),
        line("bandwidth <1-10000000>", 1),
        ConfigRule(syntax="ip address", key=2, default="either", instead=bare_address),
        line("ip address dhcp", 2, "either"),
        ConfigRule(syntax="ip address <ipv4> <mask>", key=2, default="either", instead=address_line),
        line("ip address <ipv4> <mask> secondary"),
        line("ip access-group <word> {in|out}", 3),
        line("ip helper-address <ipv4>"),
        line("ip mtu <68-9216>", 2),
        line("ip ospf <1-65535> area <word>", 4),
        line("ip ospf cost <1-65535>", 3),
        line("ip ospf network {point-to-point|broadcast}", 3),
        line("ip {redirects|proxy-arp|unreachables}", 2, "on"),
        line("load-interval <30-600>", 1),
        line("shutdown", 1),
        line("speed {10|100|1000|auto}", 1),
        line("duplex {auto|full|half}", 1),
        line("media-type {rj45|sfp|auto-select}", 1),
        line("negotiation auto", 2, "either"),
        line("channel-group <1-255> mode {active|passive|on|auto|desirable}", 1),
        line("lacp port-priority <0-65535>", 2),
        line("lacp rate {fast|normal}", 2),
        line("ipv6 address <ipv6prefix>"),
        line("ipv6 enable", 2),
        line("spanning-tree portfast [{edge|network|disable|trunk|edge trunk}]", 2),
        line("spanning-tree bpduguard {enable|disable}", 2),
        line("spanning-tree cost <1-200000000>", 2),
        line("storm-control {broadcast|multicast|unicast} level <word>", 2),
        line("service-policy {input|output} <word>", 2),
        line("cdp enable", 2, "on"),
        line("lldp {transmit|receive}", 2, "on"),
        line("autostate", 1, "on"),
        line("tunnel {source|destination} <word>", 2),
        line("tunnel mode <line>", 2),
    ),
)

_ACL_LINES = (
    (
        entered("remark <line>"),
        entered("<1-2147483647> {permit|deny} <line>", 1),
        entered("permit <line>"),
        entered("deny <line>"),
    ),
)


_LINE_LINES = (
    (
        line("session-timeout <0-35791>", 1),
        line("exec-timeout <0-35791> [<0-2147483>]", 1),
        line("privilege level <0-15>", 2),
        line("password <line>", 1),
        line("logging synchronous", 2),
        line("login [local]", 1, "either"),
        line("length <0-512>", 1),
        line("width <0-512>", 1),
        line("access-class <word> {in|out}", 1),
        line("transport preferred {none|ssh|telnet}", 2),
        line("transport input {all|none|ssh|telnet|telnet ssh|ssh telnet}", 2),
        line("transport output {all|none|ssh|telnet|telnet ssh|ssh telnet}", 2),
        line("stopbits {1|2}", 1),
    ),
)

_NEIGHBOR = (
    entered("neighbor <word> peer-group"),
    entered("neighbor <word> remote-as <1-4294967295>", 3),
    entered("neighbor <word> peer-group <word>", 3),
    entered("neighbor <word> description <line>", 3),
    entered("neighbor <word> password <line>", 3),
    entered("neighbor <word> update-source <interface>", 3),
    entered("neighbor <word> ebgp-multihop [<1-255>]", 3),
    entered("neighbor <word> timers <0-65535> <0-65535>", 3),
    entered("neighbor <word> shutdown", 3),
    entered("neighbor <word> activate", 3),
    entered("neighbor <word> next-hop-self", 3),
    entered("neighbor <word> send-community [both|extended|standard]", 3),
    entered("neighbor <word> soft-reconfiguration inbound", 3),
    entered("neighbor <word> route-reflector-client", 3),
    entered("neighbor <word> prefix-list <word> {in|out}"),
    entered("neighbor <word> route-map <word> {in|out}"),
    entered("neighbor <word> maximum-prefix <line>", 3),
    entered("neighbor <word> default-originate", 3),
)
_FAMILY = (
    line("network <ipv4> [mask <mask>]"),
    line("aggregate-address <ipv4> <mask> [summary-only]"),
    line("redistribute {connected|static|ospf <1-65535>|bgp <1-65535>|rip} [<line>]"),
    *_NEIGHBOR,
    line("maximum-paths <1-32>", 1),
)
_BGP_LINES = (
    (
        line("bgp router-id <ipv4>", 2),
        line("bgp log-neighbor-changes", 2),
        line("bgp default ipv4-unicast", 3, "on"),
        line("bgp <line>"),
        line("timers bgp <0-65535> <0-65535>", 2),
        *_FAMILY,
        line("auto-summary", 1),
        line("synchronization", 1),
    ),
    (ConfigRule(syntax="address-family {ipv4|ipv6|vpnv4} [{unicast|multicast|vrf <word>}]", opens="config-router-af"),),
)


_AF_LINES = ((*_FAMILY, ConfigRule(syntax="exit-address-family", instead=leave_family)),)
_OSPF_LINES = (
    (
        line("router-id <ipv4>", 1),
        line("auto-cost reference-bandwidth <1-4294967>", 2),
        line("log-adjacency-changes [detail]", 1),
        line("area <word> {stub|nssa} [no-summary]", 3),
        line("redistribute {connected|static|bgp <1-65535>|ospf <1-65535>|rip} [<line>]"),
        line("passive-interface default", 2),
        line("passive-interface <interface>", 2, "either"),
        line("network <ipv4> <ipv4> area <word>", 3),
        line("network <ipv4>"),
        line("version <1-2>", 1),
        line("auto-summary", 1, "either"),
        line("default-information originate [always]", 2),
        line("distance <1-255>", 1),
        line("maximum-paths <1-32>", 1),
    ),
)
_VLAN_LINES = (
    (
        line("name <line>", 1),
        line("state {active|suspend}", 1),
        line("shutdown", 1),
        line("remote-span", 1),
        line("mtu <576-18190>", 1),
    ),
)
_VRF_LINES = (
    (
        line("description <line>", 1),
        line("rd <word>", 1),
        line("route-target {export|import|both} <word>"),
        ConfigRule(syntax="address-family {ipv4|ipv6}", opens="config-router-af"),
    ),
)
_ROUTE_MAP_LINES = ((line("description <line>", 1), entered("match <line>"), entered("set <line>")),)


_GLOBAL = (
    (line("version <word>", 1),),
    (
        line("service timestamps {debug|log} datetime [msec] [localtime] [show-timezone]", 3),
        line("service timestamps {debug|log} uptime", 3),
        line("service password-encryption", 2, "either"),
        line("service {compress-config|tcp-keepalives-in|tcp-keepalives-out|sequence-numbers}", 2),
    ),
    (line("hostname <word>", 1),),
    (line("boot-start-marker"), line("boot system <line>"), line("boot-end-marker")),
    (ConfigRule(syntax="vrf definition <word>", opens="config-vrf", order=by_number),),
    (
        line("logging buffered [<4096-2147483647>] [<word>]", 2),
        line("logging console [<word>]", 2, "either"),
        line("logging monitor [<word>]", 2, "either"),
        ConfigRule(syntax="enable secret 0 <word>", key=2, rewrite=hash_secret),
        ConfigRule(syntax="enable secret {5|8|9} <word>", key=2, rewrite=hash_secret),
        ConfigRule(syntax="enable secret <word>", key=2, rewrite=hash_secret),
        line("enable password <word>", 2),
    ),
    (
        ConfigRule(syntax="username <word>", key=2, rewrite=user_line, instead=remove_user, order=by_number),
        ConfigRule(
            syntax="username <word> [privilege <0-15>] {secret|password} {0|5|7|8|9} <word>",
            key=2,
            rewrite=user_line,
            instead=remove_user,
        ),
        ConfigRule(
            syntax="username <word> [privilege <0-15>] {secret|password} <word>",
            key=2,
            rewrite=user_line,
            instead=remove_user,
        ),
        ConfigRule(syntax="username <word> privilege <0-15>", key=2, rewrite=user_line, instead=remove_user),
        ConfigRule(syntax="username <word> nopassword", key=2, instead=remove_user),
    ),
    (
        line("aaa new-model", 2, "either"),
        line("aaa {authentication|authorization|accounting} <line>"),
        line("clock timezone <word> <line>", 2),
        line("system mtu <64-9216>", 2),
        line("ip domain-lookup", 2, "on"),
        line("ip domain lookup", 3, "on"),
        line("ip domain-name <word>", 2),
        line("ip domain name <word>", 3),
        line("ip name-server <ipv4>"),
        line("ip cef", 2, "either"),
        line("ipv6 unicast-routing", 2),
        line("ipv6 cef", 2, "either"),
        line("ip routing", 2, "on"),
        line("ip dhcp excluded-address <line>"),
        line("vtp mode {client|server|transparent|off}", 2),
        line("vtp domain <word>", 2),
        line("lldp run", 2),
        line("cdp run", 2, "on"),
        ConfigRule(syntax="archive", opens="config-archive"),
        line("errdisable recovery {cause|interval} <line>"),
    ),
    (
        line("spanning-tree mode {pvst|rapid-pvst|mst}", 2),
        line("spanning-tree extend system-id", 3),
        line("spanning-tree portfast {default|bpduguard default|edge default}"),
        line("spanning-tree vlan <vlans> priority <0-61440>", 4),
    ),
    (line("vlan internal allocation policy {ascending|descending}", 4),),
    (ConfigRule(syntax="vlan <vlans>", expand=each_vlan, opens="config-vlan", order=by_number, instead=vlan_line),),
    (
        ConfigRule(syntax="interface range <line>", instead=interface_range),
        ConfigRule(
            syntax="interface <interface>",
            opens="config-if",
            order=interface_order,
            instead=interface_line,
            created=new_interface,
        ),
    ),
    (
        ConfigRule(syntax="router ospf <1-65535> [vrf <word>]", opens="config-router"),
        ConfigRule(syntax="router eigrp <1-65535>", opens="config-router"),
        ConfigRule(syntax="router rip", opens="config-router"),
        ConfigRule(syntax="router bgp <1-4294967295>", opens="config-router-bgp"),
    ),
    (line("ip default-gateway <ipv4>", 2), line("ip forward-protocol nd", 3)),
    (
        line("ip http server", 3, "either"),
        line("ip http secure-server", 3, "either"),
        line("ip http authentication {local|enable|aaa}", 3),
    ),
    (
        line("ip route vrf <word> <ipv4> <mask> <line>"),
        line("ip route <ipv4> <mask> <line>"),
        line("ipv6 route <ipv6prefix> <line>"),
        line("ip ssh version {1|2}", 3),
        line("ip ssh {time-out|authentication-retries} <1-120>", 3),
        line("ip ssh source-interface <interface>", 3),
        line("ip ssh server algorithm <line>"),
        line("ip scp server enable", 4),
        line("file prompt quiet", 3),
        line("ip tftp source-interface <interface>", 3),
    ),
    (
        ConfigRule(syntax="ip access-list {standard|extended} <word>", opens="config-acl"),
        entered("ip prefix-list <word> [seq <1-4294967294>] {permit|deny} <line>"),
        entered("ip community-list <line>"),
        ConfigRule(syntax="ip sla <1-2147483647>", opens="config-ip-sla", order=by_number),
        line("ip sla schedule <1-2147483647> <line>", 4),
        line("ip sla enable reaction-alerts", 4),
    ),
    (
        line("logging trap [<word>]", 2),
        line("logging facility <word>", 2),
        line("logging source-interface <interface>", 2),
        line("logging host <word> [<line>]"),
        line("logging <ipv4>"),
    ),
    (entered("access-list <1-2699> <line>"),),
    (ConfigRule(syntax="route-map <word> [{permit|deny}] [<0-65535>]", opens="config-route-map"),),
    (
        line("snmp-server community <word> [{ro|rw}] [<word>]", 3),
        line("snmp-server location <line>", 2),
        line("snmp-server chassis-id <line>", 2),
        line("snmp-server contact <line>", 2),
        line("snmp-server host <word> <line>"),
        line("snmp-server enable traps [<line>]"),
        line("snmp-server trap-source <interface>", 2),
    ),
    (
        line("tacacs-server host <word> [<line>]"),
        line("radius-server host <word> [<line>]"),
    ),
    (line("control-plane"),),
    (ConfigRule(syntax="banner {exec|login|motd} [<line>]", key=2, instead=banner),),
    (
        line("privilege {exec|configure} level <0-15> <line>"),
        ConfigRule(syntax="line con 0", opens="config-line"),
        ConfigRule(syntax="line aux 0", opens="config-line"),
        ConfigRule(syntax="line vty <0-15> [<0-15>]", opens="config-line", order=by_number),
    ),
    (
        line("ntp source <interface>", 2),
        line("ntp server <word> [{prefer|version <1-4>|key <1-65535>}]", 3),
        line("ntp authenticate", 2),
        line("ntp trusted-key <1-65535>"),
    ),
)
_ARCHIVE_LINES = ((line("path <word>", 1), line("maximum <1-14>", 1), line("write-memory"), line("log config")),)


_IP_SLA_LINES = (
    (
        line("icmp-echo <ipv4> [{source-ip|source-interface} <word>]", 1),
        line("tag <line>", 1),
        line("threshold <0-60000>", 1),
        line("timeout <0-604800000>", 1),
        line("frequency <1-604800>", 1),
        line("history buckets-kept <1-60>", 2),
    ),
)


CONFIG: dict[str, Sequence[Sequence[ConfigRule]]] = {
    "config": _GLOBAL,
    "config-if": _INTERFACE_LINES,
    "config-if-range": _INTERFACE_LINES,
    "config-vlan": _VLAN_LINES,
    "config-line": _LINE_LINES,
    "config-router": _OSPF_LINES,
    "config-router-bgp": _BGP_LINES,
    "config-router-af": _AF_LINES,
    "config-acl": _ACL_LINES,
    "config-vrf": _VRF_LINES,
    "config-route-map": _ROUTE_MAP_LINES,
    "config-archive": _ARCHIVE_LINES,
    "config-ip-sla": _IP_SLA_LINES,
}
