"""Addresses, routing tables and VRFs of Arista EOS."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass

from netpulse_lab.config_store import Entry
from netpulse_lab.device import Device
from netpulse_lab.grammar import Match
from netpulse_lab.interpreter import Interpreter
from netpulse_lab.platform import Command
from netpulse_lab.surroundings import link_local

from .eos_bgp import asn_of, peers
from .eos_show import address, interfaces, mac, state


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One way to a network; `via` is the next hop's address, "" for a connected one and for a static one to an
    interface."""

    network: ipaddress.IPv4Network
    kind: str
    via: str
    interface: str
    preference: int


def _vrf(entry: Entry) -> str:
    return entry.argument("vrf") or "default"


def _connected(device: Device, vrf: str) -> Iterator[tuple[ipaddress.IPv4Network, str]]:
    for entry in interfaces(device):
        ip = address(entry)
        if ip and ip != "dhcp" and state(entry)[0] == "up" and _vrf(entry) == vrf:
            yield ipaddress.IPv4Interface(ip).network, entry.words[1]


def routes(device: Device, vrf: str = "default") -> Iterator[Route]:
    """The routing table of a VRF."""
    connected = list(_connected(device, vrf))

    def leaves_through(hop: str) -> str:
        return next((name for network, name in connected if ipaddress.IPv4Address(hop) in network), "")

    for network, name in connected:
        yield Route(network=network, kind="connected", via="", interface=name, preference=0)
    for entry in device.running.root.find_all("ip", "route"):
        words = entry.words[2:]
        of, words = (words[1], words[2:]) if words[0] == "vrf" else ("default", words)
        if of == vrf:
            hop = words[1].split(" ")[0]
            network = ipaddress.IPv4Interface(words[0]).network
            via, interface = (hop, leaves_through(hop)) if hop[:1].isdigit() else ("", hop)  # e.g. Null0
            yield Route(network=network, kind="static", via=via, interface=interface, preference=1)
    if vrf == "default" and asn_of(device) is not None:
        up = {one.address for one in peers(device, 4) if one.fares is not None}
        for one in device.spec.surroundings.routes:
            prefix = ipaddress.ip_network(one.prefix)
            if isinstance(prefix, ipaddress.IPv4Network) and one.peer in up:
                way = leaves_through(one.peer)
                yield Route(network=prefix, kind="eBGP", via=one.peer, interface=way, preference=200)


_LETTERS = {"connected": "C", "static": "S", "eBGP": "B E"}


def _fitting(shell: Interpreter, found: Match[Command]) -> tuple[str, list[Route]]:
    """The VRF and the routes that were asked for: all, a network's, or the longest that holds an address."""
    given = list(found.arguments)
    vrf = given.pop(0) if "vrf" in found.words and "default" not in found.words else "default"
    table = list(routes(shell.device, vrf))
    if kinds := [one for one in ("connected", "static", "bgp") if one in found.words]:
        table = [one for one in table if kinds[0] in one.kind.lower()]
    if not given:
        return vrf, table
    if "/" in given[0]:
        wanted = ipaddress.IPv4Interface(given[0]).network
        if "longer-prefixes" in found.words:
            return vrf, [one for one in table if one.network.subnet_of(wanted)]
        return vrf, [one for one in table if one.network == wanted]
    holding = [one for one in table if ipaddress.IPv4Address(given[0]) in one.network]
    longest = max((one.network.prefixlen for one in holding), default=0)
    return vrf, [one for one in holding if one.network.prefixlen == longest]


def show_ip_route(shell: Interpreter, found: Match[Command]) -> str:
    vrf, table = _fitting(shell, found)
    lines = ["", f"VRF: {vrf}", "Codes: C - connected, S - static, K - kernel,", ""]
    lines += ["Gateway of last resort is not set", ""]
    for one in table:
        head = f" {_LETTERS[one.kind]:<8} {one.network}"
        if not one.via:
            lines.append(f"{head} is directly connected, {one.interface}")
        else:
            lines.append(f"{head} [{one.preference}/0] via {one.via}" + (f", {one.interface}" if one.interface else ""))
    return "\n".join(lines) + "\n\n"


def route_data(shell: Interpreter, found: Match[Command]) -> object:
    vrf, table = _fitting(shell, found)
    entries: dict[str, object] = {}
    for one in table:
        via = {"interface": one.interface} | ({"nexthopAddr": one.via} if one.via else {})
        entries[str(one.network)] = {
            "routeType": one.kind,
            "routeAction": "drop" if one.interface == "Null0" else "forward",
            "directlyConnected": not one.via,
            "hardwareProgrammed": True,
            "kernelProgrammed": True,
            "vias": [via],
        } | ({} if one.kind == "connected" else {"preference": one.preference, "metric": 0})
    return {"vrfs": {vrf: {"routingDisabled": False, "allRoutesProgrammedHardware": True, "routes": entries}}}


# -- addresses -------------------------------------------------------------------------------------------------------


def show_ip_interface(shell: Interpreter, found: Match[Command]) -> str:
    lines: list[str] = []
    for entry in interfaces(shell.device):
        ip = address(entry)
        if ip and ip != "dhcp":
            status, protocol = state(entry)
            lines.append(f"{entry.words[1]} is {status}, line protocol is {protocol}")
            lines.append(f"  Internet address is {ip}")
            lines += [f"  Secondary address is {one}" for one in _secondary(entry)]
    return "\n".join(lines) + "\n"


def _secondary(entry: Entry) -> list[str]:
    return [one.words[2] for one in entry.find_all("ip", "address") if one.words[-1] == "secondary"]


def _parts(prefix: str) -> dict[str, object]:
    face = ipaddress.IPv4Interface(prefix)
    return {"address": str(face.ip), "maskLen": face.network.prefixlen}


def ip_interface_data(shell: Interpreter, found: Match[Command]) -> object:
    result: dict[str, object] = {}
    for entry in interfaces(shell.device):
        ip = address(entry)
        if not ip or ip == "dhcp":
            continue
        status, protocol = state(entry)
        others = [_parts(one) for one in _secondary(entry)]
        result[entry.words[1]] = {
            "name": entry.words[1],
            "lineProtocolStatus": protocol,
            "interfaceStatus": "disabled" if status != "up" else "connected",
            "mtu": int(entry.argument("mtu") or "1500"),
            "vrf": _vrf(entry),
            "interfaceAddress": {"primaryIp": _parts(ip), "secondaryIpsOrderedList": others, "secondaryIps": {}},
        }
    return {"interfaces": result}


def _with_ipv6(device: Device) -> Iterator[tuple[Entry, list[ipaddress.IPv6Interface]]]:
    for entry in interfaces(device):
        own = [ipaddress.IPv6Interface(one.words[2]) for one in entry.find_all("ipv6", "address")]
        if own or entry.find("ipv6", "enable") is not None:
            yield entry, own


def show_ipv6_interface(shell: Interpreter, found: Match[Command]) -> str:
    lines: list[str] = []
    for entry, own in _with_ipv6(shell.device):
        status, protocol = state(entry)
        lines.append(f"{entry.words[1]} is {status}, line protocol is {protocol}")
        lines.append(f"  IPv6 is enabled, link-local is {link_local(mac(shell.device))}/64")
        lines += ["  Global unicast address(es):", *(f"    {one.ip}, subnet is {one.network}" for one in own)]
    return "\n".join(lines) + "\n" if lines else "% No IPv6 configured interfaces\n"


def ipv6_interface_data(shell: Interpreter, found: Match[Command]) -> object:
    local = {"address": str(link_local(mac(shell.device))), "subnet": "fe80::/64"}
    result = {
        entry.words[1]: {
            "name": entry.words[1],
            "linkLocal": local,
            "addresses": [{"address": str(one.ip), "subnet": str(one.network)} for one in own],
        }
        for entry, own in _with_ipv6(shell.device)
    }
    return {"interfaces": result} if result else None  # it refuses then, in either form


# -- VRFs ------------------------------------------------------------------------------------------------------------


def _vrfs(device: Device) -> dict[str, tuple[str, list[str]]]:
    """Name to route distinguisher and interfaces with an address."""
    table: dict[str, tuple[str, list[str]]] = {"default": ("", [])}
    for entry in device.running.root.find_all("vrf", "instance"):
        table[entry.words[2]] = (entry.argument("rd") or "", [])
    for entry in interfaces(device):
        if address(entry) and _vrf(entry) in table:
            table[_vrf(entry)][1].append(entry.words[1])
    return table


def show_vrf(shell: Interpreter, found: Match[Command]) -> str:
    rows = ["   VRF         RD            Protocols       State         Interfaces"]
    rows.append("----------- ------------- --------------- ------------- ----------------------------")
    for name, (rd, members) in _vrfs(shell.device).items():
        rows.append(f"   {name:<8} {rd or '<not set>':<13} ipv4            v4:routing    {', '.join(members)}".rstrip())
    return "\n".join(rows) + "\n\n"


def vrf_data(shell: Interpreter, found: Match[Command]) -> object:
    return {
        "vrfs": {
            name: {
                "routeDistinguisher": rd,
                "vrfState": "up",
                "interfaces": members,
                "protocols": {"ipv4": {"supported": True, "protocolState": "up", "routingState": "up"}},
            }
            for name, (rd, members) in _vrfs(shell.device).items()
        }
    }


_KIND = "[{connected|static|bgp}]"

ROUTE_COMMANDS = (
    Command(syntax="show ip route", run=show_ip_route, json=route_data),
    Command(
        syntax=f"show ip route vrf default <network> [longer-prefixes] {_KIND} [detail]",
        run=show_ip_route,
        json=route_data,
    ),
    Command(
        syntax=f"show ip route vrf <word> <network> [longer-prefixes] {_KIND} [detail]",
        run=show_ip_route,
        json=route_data,
    ),
    Command(syntax="show ip interface", run=show_ip_interface, json=ip_interface_data),
    Command(syntax="show ipv6 interface", run=show_ipv6_interface, json=ipv6_interface_data),
    Command(syntax="show vrf", run=show_vrf, json=vrf_data),
)
