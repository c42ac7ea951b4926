"""BGP on Arista EOS: who is configured and how each of them fares. Peer groups are stored, not resolved."""

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

_ADMIN_DOWN = "Administratively shut down"


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

    @property
    def state(self) -> str:
        if self.fares is not None:
            return "Established"
        return "Idle" if self.shutdown else "Active"


def _process(device: Device) -> Entry | None:
    return device.running.root.find("router", "bgp")


def asn_of(device: Device) -> int | None:
    """The local AS number; None without BGP."""
    process = _process(device)
    return None if process is None else int(process.words[2])


def router_id(device: Device) -> str:
    """As configured (0.0.0.0 otherwise; a real one would take its highest address)."""
    process = _process(device)
    return (process.argument("router-id") if process is not None else None) or "0.0.0.0"


def peers(device: Device, version: int) -> Iterator[ConfiguredPeer]:
    """The neighbours with an address of this version, in the order of the configuration."""
    process = _process(device)
    if process is None:
        return
    for entry in process.find_all("neighbor"):
        name = entry.words[1]
        if entry.words[2] != "remote-as" or not _is_address(name):
            continue
        key = ("neighbor", name)
        shutdown = process.find(*key, "shutdown") is not None
        maps = {one.words[-1]: one.words[3] for one in process.find_all(*key, "route-map")}
        one = ConfiguredPeer(
            address=name,
            remote_as=int(entry.words[3]),
            description=process.argument(*key, "description") or "",
            shutdown=shutdown,
            route_map_in=maps.get("in", ""),
            route_map_out=maps.get("out", ""),
            fares=None if shutdown else device.spec.surroundings.peer(name),
        )
        if one.version == version:
            yield one


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _version(found: Match[Command]) -> int:
    return 6 if "ipv6" in found.words else 4


def _elapsed(seconds: int) -> str:
    if seconds < 86_400:
        return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{seconds // 86_400}d{seconds // 3600 % 24:02}h"


# -- summary ---------------------------------------------------------------------------------------------------------


def show_summary(shell: Interpreter, found: Match[Command]) -> str:
    device, number = shell.device, asn_of(shell.device)
    if number is None:
        return "% BGP inactive\n"
    rows = [
        "BGP summary information for VRF default",
        f"Router identifier {router_id(device)}, local AS number {number}",
        "Neighbor Status Codes: m - Under maintenance",
        "  Neighbor         V  AS           MsgRcvd   MsgSent  InQ OutQ  Up/Down State   PfxRcd PfxAcc",
    ]
    for one in peers(device, _version(found)):
        fares = one.fares
        came, went = (fares.messages_in, fares.messages_out) if fares else (0, 0)
        tail = f"Estab   {fares.received:<6} {fares.accepted}" if fares else one.state
        since = _elapsed(fares.uptime) if fares else "never"
        rows.append(f"  {one.address:<16} 4  {one.remote_as:<12} {came:>7} {went:>9} {0:>4} {0:>4} {since:>8} {tail}")
    return "\n".join(rows) + "\n"


def summary_data(shell: Interpreter, found: Match[Command]) -> object:
    device, number = shell.device, asn_of(shell.device)
    if number is None:
        return {"vrfs": {}}
    members = {
        one.address: {
            "version": 4,
            "asn": str(one.remote_as),
            "peerState": one.state,
            "msgReceived": one.fares.messages_in if one.fares else 0,
            "msgSent": one.fares.messages_out if one.fares else 0,
            "inMsgQueue": 0,
            "outMsgQueue": 0,
            "prefixReceived": one.fares.received if one.fares else 0,
            "prefixAccepted": one.fares.accepted if one.fares else 0,
            "underMaintenance": False,
        }
        for one in peers(device, _version(found))
    }
    table = {"vrf": "default", "routerId": router_id(device), "asn": str(number), "peers": members}
    return {"vrfs": {"default": table}}


# -- neighbours ------------------------------------------------------------------------------------------------------


def _wanted(shell: Interpreter, found: Match[Command]) -> list[ConfiguredPeer]:
    known = peers(shell.device, _version(found))
    wanted = [ipaddress.ip_address(one) for one in found.arguments]
    return [one for one in known if not wanted or ipaddress.ip_address(one.address) in wanted]


def neighbors_data(shell: Interpreter, found: Match[Command]) -> object:
    if asn_of(shell.device) is None:
        return {"vrfs": {}}
    listed: list[dict[str, object]] = []
    for one in _wanted(shell, found):
        received, sent = (one.fares.received, one.fares.sent) if one.fares else (0, 0)
        entry: dict[str, object] = {
            "peerAddress": one.address,
            "asn": str(one.remote_as),
            "localAsn": str(asn_of(shell.device)),
            "routerId": one.fares.router_id if one.fares else "0.0.0.0",
            "localRouterId": router_id(shell.device),
            "vrf": "default",
            "state": one.state,
            "prefixesReceived": received if one.version == 4 else 0,
            "prefixesSent": sent if one.version == 4 else 0,
            "v6PrefixesReceived": received if one.version == 6 else 0,
            "v6PrefixesSent": sent if one.version == 6 else 0,
        }
        if one.description:
            entry["description"] = one.description
        if one.fares:
            entry["establishedTime"] = one.fares.uptime
        elif one.shutdown:
            entry["idleReason"] = _ADMIN_DOWN
        listed.append(entry)
    return {"vrfs": {"default": {"peerList": listed}}}


def show_neighbors(shell: Interpreter, found: Match[Command]) -> str:
    return "\n".join(_neighbor(shell.device, one) for one in _wanted(shell, found))


def _neighbor(device: Device, one: ConfiguredPeer) -> str:
    fares = one.fares
    lines = [f"BGP neighbor is {one.address}, remote AS {one.remote_as}, external link"]
    if one.description:
        lines.append(f" Description: {one.description}")
    lines += [
        f"  BGP version 4, remote router ID {fares.router_id if fares else '0.0.0.0'}, VRF default",
        "  TTL is 1",
        "  Hold time is 180, keepalive interval is 60 seconds",
        "  Configured hold time is 180, keepalive interval is 60 seconds",
    ]
    if fares:
        lines.append(f"  BGP state is Established, up for {_elapsed(fares.uptime)}")
        lines += ["  Number of transitions to established: 1", "  Last state was OpenConfirm"]
        lines.append("  Last event was RecvKeepAlive")
    else:
        lines.append(f"  BGP state is {one.state}, {_ADMIN_DOWN if one.shutdown else 'last reset never'}")
    lines += ["  Message statistics:", "    InQ depth is 0", "    OutQ depth is 0", " " * 25 + "Sent      Rcvd"]
    rows = (
        ("Updates", fares.updates_out if fares else 0, fares.updates_in if fares else 0),
        ("Total messages", fares.messages_out if fares else 0, fares.messages_in if fares else 0),
    )
    lines += [f"    {name + ':':<18} {went:>6} {came:>9}" for name, went, came in rows]
    lines += ["  Prefix statistics:", " " * 25 + "Sent      Rcvd     Best Paths     Best ECMP Paths"]
    for version in (4, 6):
        sent, received = (fares.sent, fares.received) if fares and version == one.version else (0, 0)
        lines.append(f"    IPv{version} Unicast:      {sent:>6} {received:>9} {received:>14} {0:>19}")
    if one.route_map_in:
        lines.append(f"  Inbound route map is {one.route_map_in}")
    if one.route_map_out:
        lines.append(f"  Outbound route map is {one.route_map_out}")
    lines += [f"Local AS is {asn_of(device)}, local router ID {router_id(device)}", "TTL is 1"]
    if fares:
        lines.append(f"Local TCP address is {fares.local_address}, local port is {fares.local_port}")
        lines.append(f"Remote TCP address is {one.address}, remote port is {fares.remote_port}")
    return "\n".join([*lines, "Auto-Local-Addr is disabled", ""]) + "\n"


# -- paths -----------------------------------------------------------------------------------------------------------


def show_path(shell: Interpreter, found: Match[Command]) -> str:
    route = shell.device.spec.surroundings.route_to(found.arguments[0])
    if route is None:
        return ""
    return (
        "BGP routing table information for VRF default\n"
        f"Router identifier {router_id(shell.device)}, local AS number {asn_of(shell.device)}\n"
        f"BGP routing table entry for {route.prefix}\n Paths: 1 available\n  {' '.join(map(str, route.as_path))}\n"
        f"    {route.peer} from {route.peer}\n"
        f"      Origin IGP, metric 0, localpref {route.local_preference}, weight 0, valid, external, best\n"
    )


def path_data(shell: Interpreter, found: Match[Command]) -> object:
    device = shell.device
    route = device.spec.surroundings.route_to(found.arguments[0])
    entries: dict[str, object] = {}
    if route is not None:
        path = {
            "asPathEntry": {"asPath": f"{' '.join(map(str, route.as_path))} i", "asPathType": "External"},
            "localPreference": route.local_preference,
            "med": 0,
            "weight": 0,
            "nextHop": route.peer,
            "reasonNotBestpath": "noReason",
            "routeType": {"active": True, "valid": True},
            "routeDetail": {
                "origin": "Igp",
                "communityList": list(route.communities),
                "peerEntry": {"peerAddr": route.peer, "peerRouterId": "0.0.0.0"},
            },
        }
        entries[route.prefix] = {"bgpRoutePaths": [path], "totalPaths": 1}
    number = asn_of(device)
    table = {"vrf": "default", "routerId": router_id(device), "asn": str(number or 0), "bgpRouteEntries": entries}
    return {"vrfs": {"default": table}}


BGP_COMMANDS = (
    Command(syntax="show {ip|ipv6} bgp summary [vrf all]", run=show_summary, json=summary_data),
    Command(syntax="show ip bgp neighbors [<ipv4>] [vrf all]", run=show_neighbors, json=neighbors_data),
    Command(syntax="show ipv6 bgp peers [<ipv6>] [vrf all]", run=show_neighbors, json=neighbors_data),
    Command(syntax="show ip bgp <network> [vrf default]", run=show_path, json=path_data),
)
