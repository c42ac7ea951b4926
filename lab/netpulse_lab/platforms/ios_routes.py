"""The routing tables of Cisco IOS and its VRFs: connected and static from the configuration, BGP from the peers."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass

from netpulse_lab.config_store import Entry
from netpulse_lab.device import Device
from netpulse_lab.grammar import Match
from netpulse_lab.interpreter import Interpreter
from netpulse_lab.platform import Command

from .ios_bgp import asn_of, elapsed, peers
from .ios_show import address, interfaces, short_name, state


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One way to a network."""

    network: ipaddress.IPv4Network
    protocol: str
    """connected, static, or bgp and the AS number."""
    via: str
    """Address of the next hop, or the interface."""
    distance: int
    remote_as: int = 0
    hops: int = 0
    age: int = 0


def _network(host: str, dotted: str) -> ipaddress.IPv4Network:
    return ipaddress.IPv4Interface(f"{host}/{dotted}").network


def routes(device: Device, vrf: str | None = None) -> Iterator[Route]:
    """The routing table of a VRF, of the global one by default."""
    for entry in interfaces(device):
        ip = address(entry)
        if ip and ip != "dhcp" and state(entry)[0] == "up" and entry.argument("vrf", "forwarding") == vrf:
            network = _network(*ip.split(" "))
            yield Route(network=network, protocol="connected", via=entry.words[1], distance=0)
    for entry in device.running.root.find_all("ip", "route"):
        words = entry.words[2:]
        if words[0] == "vrf":
            if words[1] != vrf:
                continue
            words = words[2:]
        elif vrf is not None:
            continue
        yield Route(network=_network(*words[:2]), protocol="static", via=words[2].split(" ")[0], distance=1)
    if vrf is None:
        yield from _from_bgp(device)


def _from_bgp(device: Device) -> Iterator[Route]:
    known = {one.address: one for one in peers(device)}
    for one in device.spec.surroundings.routes:
        network, peer = ipaddress.ip_network(one.prefix), known.get(one.peer)
        if isinstance(network, ipaddress.IPv4Network) and peer is not None and peer.fares is not None:
            yield Route(
                network=network,
                protocol=f"bgp {asn_of(device)}",
                via=one.peer,
                distance=20,
                remote_as=peer.remote_as,
                hops=len(one.as_path),
                age=one.age,
            )


def show_ip_route(shell: Interpreter, found: Match[Command]) -> str:
    lines = [
        "Codes: L - local, C - connected, S - static, R - RIP, M - mobile, B - BGP",
        "       D - EIGRP, EX - EIGRP external, O - OSPF, IA - OSPF inter area ",
        "",
        "Gateway of last resort is not set",
        "",
    ]
    for one in routes(shell.device):
        if one.protocol == "connected":
            lines.append(f"C        {one.network} is directly connected, {one.via}")
        elif one.protocol == "static":
            lines.append(f"S        {one.network} [1/0] via {one.via}")
        else:
            lines.append(f"B        {one.network} [20/0] via {one.via}, {elapsed(one.age)}")
    return "\n".join(lines) + "\n"


def show_route_to(shell: Interpreter, found: Match[Command]) -> str:
    """``show ip route [vrf NAME] ADDRESS [MASK]``"""
    given = list(found.arguments)
    vrf = given.pop(0) if "vrf" in found.words else None
    head = "" if vrf is None else f"\nRouting Table: {vrf}\n"
    table = list(routes(shell.device, vrf))
    if len(given) == 2:
        fitting = [one for one in table if one.network == ipaddress.IPv4Network("/".join(given), strict=False)]
    else:
        target = ipaddress.IPv4Address(given[0])
        containing = [one for one in table if target in one.network]
        longest = max((one.network.prefixlen for one in containing), default=0)
        fitting = [one for one in containing if one.network.prefixlen == longest]
    if not fitting:
        return head + "% Network not in table\n"
    first = fitting[0]
    how = " (connected, via interface)" if first.protocol == "connected" else ""
    lines = [f"Routing entry for {first.network}"]
    lines.append(f'  Known via "{first.protocol}", distance {first.distance}, metric 0{how}')
    if first.remote_as:
        lines.append(f"  Tag {first.remote_as}, type external")
        lines.append(f"  Last update from {first.via} {elapsed(first.age)} ago")
    lines.append("  Routing Descriptor Blocks:")
    for number, one in enumerate(fitting):
        mark = "*" if number == 0 else " "
        if one.protocol == "connected":
            lines.append(f"  {mark} directly connected, via {one.via}")
        elif one.remote_as:
            lines.append(f"  {mark} {one.via}, from {one.via}, {elapsed(one.age)} ago")
        else:
            lines.append(f"  {mark} {one.via}")
        lines.append("      Route metric is 0, traffic share count is 1")
        if one.remote_as:
            lines += [f"      AS Hops {one.hops}", f"      Route tag {one.remote_as}"]
    return head + "\n".join(lines) + "\n"


def show_ip_protocols(shell: Interpreter, found: Match[Command]) -> str:
    number = asn_of(shell.device)
    if number is None:
        return "*** IP Routing is NSF aware ***\n\n"
    return (
        f'*** IP Routing is NSF aware ***\n\nRouting Protocol is "bgp {number}"\n'
        "  Outgoing update filter list for all interfaces is not set\n"
        "  Incoming update filter list for all interfaces is not set\n  IGP synchronization is disabled\n"
        "  Automatic route summarization is disabled\n\n"
    )


# -- VRFs ------------------------------------------------------------------------------------------------------------


def _vrfs(device: Device) -> list[tuple[Entry, list[str]]]:
    """Each VRF with its interfaces."""
    return [
        (entry, [one.words[1] for one in interfaces(device) if one.argument("vrf", "forwarding") == entry.words[2]])
        for entry in device.running.root.find_all("vrf", "definition")
    ]


def _families(entry: Entry) -> list[str]:
    return [one.words[1] for one in entry.find_all("address-family")]


def show_vrf(shell: Interpreter, found: Match[Command]) -> str:
    rows = ["  Name                             Default RD            Protocols   Interfaces"]
    for entry, members in _vrfs(shell.device):
        shown = [short_name(one) for one in members] or [""]
        rd, families = entry.argument("rd") or "<not set>", ",".join(_families(entry))
        rows.append(f"  {entry.words[2]:<32} {rd:<21} {families:<11} {shown[0]}".rstrip())
        rows += [" " * 69 + one for one in shown[1:]]
    return "\n".join(rows) + "\n"


def show_vrf_detail(shell: Interpreter, found: Match[Command]) -> str:
    blocks = []
    for number, (entry, members) in enumerate(_vrfs(shell.device), start=1):
        rd = entry.argument("rd") or "<not set>"
        lines = [
            f"VRF {entry.words[2]} (VRF Id = {number}); default RD {rd}; default VPNID <not set>",
            "  New CLI format, supports multiple address-families",
            "  Flags: 0x180C",
        ]
        if members:
            lines += ["  Interfaces:", *(f"    {short_name(one):<25}".rstrip() for one in members)]
        else:
            lines.append("  No interfaces")
        for family in ("ipv4", "ipv6"):
            if family in _families(entry):
                lines += [f"Address family {family} unicast (Table ID = 0x{number:X}):", "  Flags: 0x0"]
                lines += ["  No Export VPN route-target communities", "  No Import VPN route-target communities"]
                lines += ["  No import route-map", "  No global export route-map", "  No export route-map"]
            else:
                lines.append(f"Address family {family} unicast not active")
        blocks.append("\n".join([*lines, "Address family ipv4 multicast not active"]))
    return "\n\n".join(blocks) + "\n" if blocks else ""


ROUTE_COMMANDS = (
    Command(syntax="show ip route", run=show_ip_route),
    Command(syntax="show ip route <ipv4> [<mask>]", run=show_route_to),
    Command(syntax="show ip route vrf <word> <ipv4> [<mask>]", run=show_route_to),
    Command(syntax="show ip protocols", run=show_ip_protocols),
    Command(syntax="show vrf", run=show_vrf),
    Command(syntax="show vrf detail", run=show_vrf_detail),
)
