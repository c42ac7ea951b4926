"""BGP on Cisco IOS: who is configured, how each of them fares, what they announced."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass

from netpulse_lab.config_store import Entry
from netpulse_lab.device import Device
from netpulse_lab.grammar import Match
from netpulse_lab.interpreter import Interpreter
from netpulse_lab.platform import Command
from netpulse_lab.surroundings import BgpPeer

_FAMILIES = {4: "IPv4 Unicast", 6: "IPv6 Unicast"}
_INACTIVE = "% BGP not active\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredPeer:
    """A neighbour of the configuration.

    Attributes:
        fares: how; None when it was never reached, or is shut down.
    """

    address: str
    remote_as: int
    description: str
    shutdown: bool
    route_map_in: str
    route_map_out: str
    fares: BgpPeer | None

    @property
    def version(self) -> int:
        return ipaddress.ip_address(self.address).version


def _process(device: Device) -> Entry | None:
    return device.running.root.find("router", "bgp")


def asn_of(device: Device) -> int | None:
    """The local AS number; None without BGP."""
    process = _process(device)
    return None if process is None else int(process.words[2])


def router_id(device: Device) -> str:
    """As configured (0.0.0.0 otherwise; a real one would take its highest address)."""
    process = _process(device)
    return (process.argument("bgp", "router-id") if process is not None else None) or "0.0.0.0"


def peers(device: Device) -> Iterator[ConfiguredPeer]:
    """The neighbours, in the order of the configuration."""
    process = _process(device)
    if process is None:
        return
    families = list(process.find_all("address-family"))
    for entry in process.find_all("neighbor"):
        if entry.words[2] != "remote-as" or not _is_address(entry.words[1]):
            continue
        key = entry.words[:2]
        shutdown = process.find(*key, "shutdown") is not None
        yield ConfiguredPeer(
            address=entry.words[1],
            remote_as=int(entry.words[3]),
            description=process.argument(*key, "description") or "",
            shutdown=shutdown,
            route_map_in=_route_map([process, *families], key, "in"),
            route_map_out=_route_map([process, *families], key, "out"),
            fares=None if shutdown else device.spec.surroundings.peer(entry.words[1]),
        )


def _route_map(places: list[Entry], key: tuple[str, ...], way: str) -> str:
    for place in places:
        for one in place.find_all(*key, "route-map"):
            if one.words[-1] == way:
                return one.words[3]
    return ""


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def elapsed(seconds: int) -> str:
    """01:57:03 below a day, 2d05h below a week, 3w4d."""
    if seconds < 86_400:
        return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    if seconds < 604_800:
        return f"{seconds // 86_400}d{seconds // 3600 % 24:02}h"
    return f"{seconds // 604_800}w{seconds // 86_400 % 7}d"


# -- summary ---------------------------------------------------------------------------------------------------------


def show_summary(shell: Interpreter, found: Match[Command]) -> str:
    device, number = shell.device, asn_of(shell.device)
    if number is None:
        return _INACTIVE
    blocks = []
    for version, family in _FAMILIES.items():
        members = [one for one in peers(device) if one.version == version]
        if not members:
            continue
        lines = [
            f"For address family: {family}",
            f"BGP router identifier {router_id(device)}, local AS number {number}",
            "BGP table version is 4, main routing table version 4",
            "",
            "Neighbor        V           AS MsgRcvd MsgSent   TblVer  InQ OutQ Up/Down  State/PfxRcd",
        ]
        for one in members:
            row = f" 4 {one.remote_as:>12} {_counts(one)}"
            lines += [f"{one.address:<15}{row}"] if len(one.address) <= 15 else [one.address, " " * 15 + row]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def _counts(one: ConfiguredPeer) -> str:
    if one.fares is None:
        state = "Idle (Admin)" if one.shutdown else "Idle"
        return f"{0:>7} {0:>7} {1:>8} {0:>4} {0:>4} {'never':<8} {state}"
    fares = one.fares
    return (
        f"{fares.messages_in:>7} {fares.messages_out:>7} {4:>8} {0:>4} {0:>4} {elapsed(fares.uptime):<8} "
        f"{fares.accepted:>8}"
    )


# -- neighbours ------------------------------------------------------------------------------------------------------


def show_neighbors(shell: Interpreter, found: Match[Command]) -> str:
    """Of one address family, or one neighbour of it; of IPv4 unicast when none is named."""
    words = found.words
    if asn_of(shell.device) is None:
        return _INACTIVE
    if "unicast" in words and not {"vpnv4", "vpnv6"} & set(words):
        version = 6 if "ipv6" in words else 4
    elif {"multicast", "vpnv4", "vpnv6", "mdt"} & set(words):
        return "\n"
    else:
        version = 4
    wanted = ipaddress.ip_address(found.arguments[0]) if found.arguments else None
    return "\n".join(
        _neighbor(one)
        for one in peers(shell.device)
        if one.version == version and wanted in (None, ipaddress.ip_address(one.address))
    )


def _neighbor(one: ConfiguredPeer) -> str:
    fares = one.fares
    lines = [f"BGP neighbor is {one.address},  remote AS {one.remote_as}, external link"]
    if one.description:
        lines.append(f" Description: {one.description}")
    if one.shutdown:
        lines.append(" Administratively shut down")
    lines.append(f"  BGP version 4, remote router ID {fares.router_id if fares else '0.0.0.0'}")
    lines += _state(fares)
    lines += _messages(fares)
    lines += ["", f" For address family: {_FAMILIES[one.version]}"]
    if fares:
        lines.append(f"  Session: {one.address}")
    lines += ["  BGP table version 4, neighbor version 4/0", "  Output queue size : 0"]
    if one.route_map_in:
        lines.append(f"  Route map for incoming advertisements is {one.route_map_in}")
    if one.route_map_out:
        lines.append(f"  Route map for outgoing advertisements is {one.route_map_out}")
    lines += _prefixes(fares)
    return "\n".join([*lines, *_connection(fares)]) + "\n"


def _state(fares: BgpPeer | None) -> list[str]:
    if fares is None:
        return [
            "  BGP state = Idle, down for never",
            "  Neighbor sessions:",
            "    0 active, is not multisession capable",
        ]
    return [
        f"  BGP state = Established, up for {elapsed(fares.uptime)}",
        "  Last read 00:00:14, last write 00:00:38, hold time is 180, keepalive interval is 60 seconds",
        "  Neighbor sessions:",
        "    1 active, is not multisession capable (disabled)",
        "  Neighbor capabilities:",
        "    Route refresh: advertised and received(new)",
        "    Four-octets ASN Capability: advertised and received",
    ]


def _messages(fares: BgpPeer | None) -> list[str]:
    rows = [("Opens", 0, 0), ("Notifications", 0, 0), ("Updates", 0, 0), ("Keepalives", 0, 0), ("Total", 0, 0)]
    if fares:
        rows = [
            ("Opens", 1, 1),
            ("Notifications", 0, 0),
            ("Updates", fares.updates_out, fares.updates_in),
            ("Keepalives", fares.messages_out - fares.updates_out - 1, fares.messages_in - fares.updates_in - 1),
            ("Route Refresh", 0, 0),
            ("Total", fares.messages_out, fares.messages_in),
        ]
    lines = ["  Message statistics:", "    InQ depth is 0", "    OutQ depth is 0", "    "]
    lines.append("                         Sent       Rcvd")
    return [*lines, *(f"    {name + ':':<15} {out:>10} {into:>10}" for name, out, into in rows)]


def _prefixes(fares: BgpPeer | None) -> list[str]:
    sent, accepted, received = (fares.sent, fares.accepted, fares.received) if fares else (0, 0, 0)
    return [
        "                                 Sent       Rcvd",
        "  Prefix activity:               ----       ----",
        f"    Prefixes Current:      {sent:>10} {accepted:>10} (Consumes {accepted * 80} bytes)",
        f"    Prefixes Total:        {sent:>10} {accepted:>10}",
        "    Implicit Withdraw:              0          0",
        "    Explicit Withdraw:              0          0",
        f"    Used as bestpath:             n/a {accepted:>10}",
        "    Used as multipath:            n/a          0",
        "    Used as secondary:            n/a          0",
        "",
        "                                   Outbound    Inbound",
        "  Local Policy Denied Prefixes:    --------    -------",
        f"    Total:                       {0:>10} {received - accepted:>10}",
        "  Number of NLRIs in the update sent: max 1, min 0",
        "",
    ]


def _connection(fares: BgpPeer | None) -> list[str]:
    if fares is None:
        return ["  Connections established 0; dropped 0", "  Last reset never", "  No active TCP connection"]
    return [
        "  Connections established 1; dropped 0",
        "  Last reset never",
        "  Transport(tcp) path-mtu-discovery is enabled",
        "Connection state is ESTAB, I/O status: 1, unread input bytes: 0",
        "Connection is ECN Disabled, Mininum incoming TTL 0, Outgoing TTL 1",
        f"Local host: {fares.local_address}, Local port: {fares.local_port}",
        f"Foreign host: {fares.address}, Foreign port: {fares.remote_port}",
        "Connection tableid (VRF): 0",
    ]


# -- paths -----------------------------------------------------------------------------------------------------------


def show_path(shell: Interpreter, found: Match[Command]) -> str:
    """``show ip bgp PREFIX``"""
    device = shell.device
    if asn_of(device) is None:
        return _INACTIVE
    route = device.spec.surroundings.route_to(found.arguments[0])
    known = {one.address: one for one in peers(device)}
    peer = known[route.peer].fares if route is not None and route.peer in known else None
    if route is None or peer is None:
        return "% Network not in table\n"
    lines = [
        f"BGP routing table entry for {route.prefix}, version 4",
        "Paths: (1 available, best #1, table default)",
        "  Not advertised to any peer",
        "  Refresh Epoch 1",
        f"  {' '.join(map(str, route.as_path))}",
        f"    {route.peer} from {route.peer} ({peer.router_id})",
        f"      Origin IGP, metric 0, localpref {route.local_preference}, valid, external, best",
    ]
    if route.communities:
        lines.append(f"      Community: {' '.join(route.communities)}")
    return "\n".join([*lines, "      rx pathid: 0, tx pathid: 0x0"]) + "\n"


BGP_COMMANDS = (
    Command(syntax="show bgp all summary", run=show_summary),
    Command(syntax="show ip bgp all summary", run=show_summary),
    Command(syntax="show bgp {ipv4|ipv6} {unicast|multicast} neighbors", run=show_neighbors),
    Command(syntax="show bgp {vpnv4|vpnv6} unicast all neighbors", run=show_neighbors),
    Command(syntax="show bgp ipv4 mdt all neighbors", run=show_neighbors),
    Command(syntax="show ip bgp ipv4 unicast neighbors [<ipv4>]", run=show_neighbors),
    Command(syntax="show ip bgp ipv6 unicast neighbors [<ipv6>]", run=show_neighbors),
    Command(syntax="show ip bgp neighbors [<ipv4>]", run=show_neighbors),
    Command(syntax="show ip bgp <network>", run=show_path),
)
