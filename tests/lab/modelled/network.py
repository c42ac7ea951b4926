"""A modelled device: what is configured on it and what surrounds it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass

from netpulse_lab.surroundings import Surroundings


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """An interface. Addresses are written with their length; a port without one is a switch port."""

    name: str
    description: str = ""
    address: str = ""
    secondary: str = ""
    ipv6: str = ""
    vrf: str = ""
    vlan: int = 1
    shutdown: bool = False
    mtu: int = 1500

    @property
    def switched(self) -> bool:
        return not (self.address or self.ipv6 or self.vrf)

    @property
    def addresses(self) -> Iterator[ipaddress.IPv4Interface]:
        """Primary first."""
        for one in (self.address, self.secondary):
            if one:
                yield ipaddress.IPv4Interface(one)


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbor:
    """A BGP neighbour as it is configured."""

    address: str
    remote_as: int
    description: str = ""
    route_map_in: str = ""
    route_map_out: str = ""
    password: str = ""
    next_hop_self: bool = False
    shutdown: bool = False

    @property
    def version(self) -> int:
        return ipaddress.ip_address(self.address).version


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """An IP SLA operation: an echo every so many seconds."""

    number: int
    tag: str
    target: str
    source: str
    frequency: int
    kept: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    username: str
    password: str
    privilege: int = 1


@dataclass(frozen=True, kw_only=True)
class ModelledDevice:
    """Everything that a getter can ask about.

    Attributes:
        ports: all that the device has, those without any configuration too.
        vlans: number to name, the default VLAN not among them.
        vrfs: name to route distinguisher.
        communities: SNMP community to (ro or rw, access list or "").
    """

    name: str
    platform: str
    asn: int
    router_id: str
    ports: tuple[Port, ...]
    vlans: dict[int, str]
    vrfs: dict[str, str]
    neighbors: tuple[Neighbor, ...]
    accounts: tuple[Account, ...]
    communities: dict[str, tuple[str, str]]
    contact: str
    location: str
    chassis: str
    ntp_servers: tuple[str, ...]
    probes: tuple[Probe, ...]
    static_routes: dict[str, str]
    surroundings: Surroundings

    def port(self, name: str) -> Port:
        return next(one for one in self.ports if one.name == name)

    def interface_to(self, address: str) -> str:
        """The port in whose network an address lies."""
        target = ipaddress.ip_address(address)
        return next(one.name for one in self.ports for face in one.addresses if target in face.network)


def dotted_mask(prefix: str) -> str:
    """``192.0.2.1 255.255.255.0`` for ``192.0.2.1/24``."""
    face = ipaddress.IPv4Interface(prefix)
    return f"{face.ip} {face.network.netmask}"


def ios_config(device: ModelledDevice) -> str:
    """Its configuration as Cisco IOS takes it, on top of a new device's."""
    lines = ["lldp run", "ip scp server enable"]
    lines += [f"username {one.username} privilege {one.privilege} secret {one.password}" for one in device.accounts]
    for vrf, rd in device.vrfs.items():
        lines += [f"vrf definition {vrf}", f" rd {rd}", " address-family ipv4"]
    for number, name in device.vlans.items():
        lines += [f"vlan {number}", f" name {name}"]
    for port in device.ports:
        lines += [f"interface {port.name}", *_ios_port(port)]
    lines += [f"router bgp {device.asn}", f" bgp router-id {device.router_id}"]
    for one in device.neighbors:
        lines += [f" neighbor {one.address} {line}" for line in _ios_neighbor(one)]
    lines.append(" address-family ipv6")
    lines += [f"  neighbor {one.address} activate" for one in device.neighbors if one.version == 6]
    lines += [f"ip route {dotted_mask(network)} {hop}" for network, hop in device.static_routes.items()]
    for probe in device.probes:
        lines += [f"ip sla {probe.number}", f" icmp-echo {probe.target} source-ip {probe.source}", f" tag {probe.tag}"]
        lines += [f" frequency {probe.frequency}", f" history buckets-kept {probe.kept}"]
    lines += _snmp(device)
    lines += [f"ntp server {server}" for server in device.ntp_servers]
    return "\n".join(lines)


def _ios_port(port: Port) -> Iterator[str]:
    if port.description:
        yield f" description {port.description}"
    if port.name.startswith("Gig") and not port.switched:
        yield " no switchport"
    if port.vrf:
        yield f" vrf forwarding {port.vrf}"
    if port.mtu != 1500:
        yield f" mtu {port.mtu}"
    if port.address:
        yield f" ip address {dotted_mask(port.address)}"
    if port.secondary:
        yield f" ip address {dotted_mask(port.secondary)} secondary"
    if port.ipv6:
        yield f" ipv6 address {port.ipv6}"
    if port.vlan != 1:
        yield f" switchport access vlan {port.vlan}"
    if port.shutdown:
        yield " shutdown"


def _ios_neighbor(one: Neighbor) -> Iterator[str]:
    yield f"remote-as {one.remote_as}"
    if one.description:
        yield f"description {one.description}"
    if one.password:
        yield f"password {one.password}"
    if one.next_hop_self:
        yield "next-hop-self"
    if one.shutdown:
        yield "shutdown"
    if one.route_map_in:
        yield f"route-map {one.route_map_in} in"
    if one.route_map_out:
        yield f"route-map {one.route_map_out} out"


def _snmp(device: ModelledDevice) -> Iterator[str]:
    for name, (mode, acl) in device.communities.items():
        yield f"snmp-server community {name} {mode} {acl}".rstrip()
    yield f"snmp-server location {device.location}"
    yield f"snmp-server contact {device.contact}"
    yield f"snmp-server chassis-id {device.chassis}"


def eos_config(device: ModelledDevice) -> str:
    """Its configuration as Arista EOS takes it, on top of a new device's."""
    lines = [
        f"username {one.username} privilege {one.privilege} role network-admin secret {one.password}"
        for one in device.accounts
    ]
    for number, name in device.vlans.items():
        lines += [f"vlan {number}", f"   name {name}"]
    for vrf, rd in device.vrfs.items():
        lines += [f"vrf instance {vrf}", f"   rd {rd}"]
    for port in device.ports:
        lines += [f"interface {port.name}", *_eos_port(port)]
    lines += [f"ip route {network} {hop}" for network, hop in device.static_routes.items()]
    lines += ["ip routing", f"router bgp {device.asn}", f"   router-id {device.router_id}"]
    for one in device.neighbors:
        password = f"password 7 {one.password}"
        for line in _ios_neighbor(one):
            lines.append(f"   neighbor {one.address} {password if line.startswith('password') else line}")
    lines += _snmp(device)
    lines += [f"ntp server {server}" for server in device.ntp_servers]
    return "\n".join(lines)


def _eos_port(port: Port) -> Iterator[str]:
    if port.description:
        yield f"   description {port.description}"
    if port.name.startswith("Ethernet") and not port.switched:
        yield "   no switchport"
    if port.vrf:
        yield f"   vrf {port.vrf}"
    if port.mtu != 1500:
        yield f"   mtu {port.mtu}"
    if port.address:
        yield f"   ip address {port.address}"
    if port.secondary:
        yield f"   ip address {port.secondary} secondary"
    if port.ipv6:
        yield f"   ipv6 address {port.ipv6}"
    if port.vlan != 1:
        yield f"   switchport access vlan {port.vlan}"
    if port.shutdown:
        yield "   shutdown"
