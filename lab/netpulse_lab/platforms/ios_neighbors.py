"""Whom Cisco IOS sees: LLDP, the ARP and IPv6 neighbour tables, the MAC address table."""

from __future__ import annotations

import ipaddress

from netpulse_lab.grammar import Match
from netpulse_lab.interpreter import Interpreter
from netpulse_lab.platform import Command
from netpulse_lab.surroundings import LldpNeighbor, dotted_mac

from .ios_lines import INTERFACES
from .ios_show import address, interfaces, mac_of, short_name

CAPABILITIES = {"router": "R", "bridge": "B", "telephone": "T", "station": "S", "repeater": "P"}
_DISABLED = "% LLDP is not enabled\n"
_TOTAL = "\nTotal entries displayed: {}\n\n"
_LLDP_HEAD = """
Capability codes:
    (R) Router, (B) Bridge, (T) Telephone, (C) DOCSIS Cable Device
    (W) WLAN Access Point, (P) Repeater, (S) Station, (O) Other

Device ID           Local Intf     Hold-time  Capability      Port ID
"""


def _lldp_runs(shell: Interpreter) -> bool:
    return shell.device.running.root.find("lldp", "run") is not None


def show_lldp(shell: Interpreter, found: Match[Command]) -> str:
    if not _lldp_runs(shell):
        return _DISABLED
    return (
        "\nGlobal LLDP Information:\n    Status: ACTIVE\n    LLDP advertisements are sent every 30 seconds\n"
        "    LLDP hold time advertised is 120 seconds\n    LLDP interface reinitialisation delay is 2 seconds\n"
    )


def _letters(names: tuple[str, ...]) -> str:
    return ",".join(CAPABILITIES[name] for name in names)


def _lldp_detail(one: LldpNeighbor) -> str:
    return (
        "------------------------------------------------\n"
        f"Local Intf: {short_name(one.interface)}\n"
        f"Chassis id: {dotted_mac(one.chassis)}\n"
        f"Port id: {one.port}\n"
        f"Port Description: {one.port_description or '- not advertised'}\n"
        f"System Name: {one.name}\n\n"
        f"System Description: \n{one.description or '- not advertised'}\n\n"
        "Time remaining: 96 seconds\n"
        f"System Capabilities: {_letters(one.capabilities)}\n"
        f"Enabled Capabilities: {_letters(one.enabled)}\n"
        "Management Addresses - not advertised\n"
        "Auto Negotiation - not supported\n"
        "Physical media capabilities - not advertised\n"
        "Media Attachment Unit type - not advertised\n"
        "Vlan ID: - not advertised\n\n"
    )


def show_lldp_neighbors(shell: Interpreter, found: Match[Command]) -> str:
    if not _lldp_runs(shell):
        return _DISABLED
    heard = [one for one in shell.device.spec.surroundings.lldp if not found.arguments or one.interface in found.words]
    if "detail" in found.words:
        return "".join(_lldp_detail(one) for one in heard) + _TOTAL.format(len(heard))
    if not heard:
        return _TOTAL.format(0)
    rows = [
        f"{one.name[:20]:<20}{short_name(one.interface):<15}120        {_letters(one.enabled):<16}{one.port}"
        for one in heard
    ]
    return _LLDP_HEAD + "\n".join(rows) + "\n" + _TOTAL.format(len(heard))


def show_lldp_interface(shell: Interpreter, found: Match[Command]) -> str:
    if not _lldp_runs(shell):
        return _DISABLED
    blocks = []
    for entry in interfaces(shell.device):
        if INTERFACES.is_physical(entry.words[1]):
            ways = ["disabled" if entry.find("no", "lldp", way) else "enabled" for way in ("transmit", "receive")]
            blocks.append(f"{entry.words[1]}:\n    Tx: {ways[0]}\n    Rx: {ways[1]}\n    Tx state: IDLE\n")
    return "\n" + "\n".join(blocks)


def show_arp(shell: Interpreter, found: Match[Command]) -> str:
    """``show [ip] arp [vrf NAME]``: the device's own addresses and those that it has resolved."""
    device = shell.device
    wanted = found.arguments[0] if found.arguments else None
    rows = ["Protocol  Address          Age (min)  Hardware Addr   Type   Interface"]
    within = {one.words[1] for one in interfaces(device) if one.argument("vrf", "forwarding") == wanted}
    entries = [
        (address(one).split(" ")[0], "-", mac_of(device.spec.name, one.words[1]), one.words[1])
        for one in interfaces(device)
        if address(one) not in ("", "dhcp") and not one.words[1].startswith("Loopback")
    ]
    entries += [
        (one.address, str(one.minutes), dotted_mac(one.mac), one.interface)
        for one in device.spec.surroundings.resolved
        if one.version == 4
    ]
    for ip, age, mac, interface in sorted(entries, key=lambda entry: ipaddress.IPv4Address(entry[0])):
        if interface in within:
            rows.append(f"Internet  {ip:<15} {age:>10}   {mac}  ARPA   {interface}")
    return "\n".join(rows) + "\n"


def show_ipv6_neighbors(shell: Interpreter, found: Match[Command]) -> str:
    rows = ["IPv6 Address                              Age Link-layer Addr State Interface"]
    rows += [
        f"{one.address.upper():<39} {one.minutes:>5} {dotted_mac(one.mac)}  {one.state:<5} {short_name(one.interface)}"
        for one in shell.device.spec.surroundings.resolved
        if one.version == 6
    ]
    return "\n".join(rows) + "\n\n"


def show_mac_table(shell: Interpreter, found: Match[Command]) -> str:
    macs = shell.device.spec.surroundings.macs
    rows = [
        "          Mac Address Table",
        "-------------------------------------------",
        "",
        "Vlan    Mac Address       Type        Ports",
        "----    -----------       --------    -----",
    ]
    rows += [
        f"{one.vlan:>4}    {dotted_mac(one.mac)}    {'STATIC' if one.static else 'DYNAMIC':<11} "
        f"{short_name(one.interface)}"
        for one in macs
    ]
    return "\n".join([*rows, f"Total Mac Addresses for this criterion: {len(macs)}"]) + "\n"


NEIGHBOR_COMMANDS = (
    Command(syntax="show lldp", run=show_lldp),
    Command(syntax="show lldp neighbors [<interface>] [detail]", run=show_lldp_neighbors),
    Command(syntax="show lldp interface", run=show_lldp_interface),
    Command(syntax="show arp", run=show_arp),
    Command(syntax="show arp vrf <word>", run=show_arp),
    Command(syntax="show ip arp", run=show_arp),
    Command(syntax="show ip arp vrf <word>", run=show_arp),
    Command(syntax="show ipv6 neighbors", run=show_ipv6_neighbors),
    Command(syntax="show mac address-table", run=show_mac_table),
)
