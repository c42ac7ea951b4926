"""What NAPALM's eos driver has to answer about a modelled device, getter by getter."""

from __future__ import annotations

import ipaddress
from typing import Any

from netpulse_lab.platforms import eos_show
from netpulse_lab.surroundings import link_local
from tests.lab.modelled.case import Case, probes, written
from tests.lab.modelled.devices import CUSTOMER, FAR, UPSTREAM
from tests.lab.modelled.eos_routing import (
    bgp_config,
    bgp_detail,
    bgp_neighbors,
    route_by_bgp,
    route_connected,
    route_static,
)
from tests.lab.modelled.ios_getters import lldp, lldp_detail
from tests.lab.modelled.network import ModelledDevice

UNSUPPORTED = (
    "get_firewall_policies",
    "get_ipv6_neighbors_table",
    "get_ntp_peers",
    "get_probes_config",
    "get_probes_results",
)
"""NAPALM's eos driver has not implemented these."""


def facts(device: ModelledDevice) -> Any:
    """All but the uptime, which runs."""
    return {
        "vendor": "Arista",
        "model": eos_show.MODEL,
        "os_version": eos_show.BUILD,
        "serial_number": eos_show.serial_of(device.name),
        "hostname": device.name,
        "fqdn": f"{device.name}.lab.example",
        "interface_list": [port.name for port in device.ports],
    }


def interfaces(device: ModelledDevice) -> Any:
    return {
        port.name: {
            "is_enabled": not port.shutdown,
            "is_up": not port.shutdown,
            "description": port.description,
            "mac_address": written(eos_show.mac_of(device.name)),
            "last_flapped": -1.0,
            "mtu": port.mtu,
            "speed": 1000.0,
        }
        for port in device.ports
    }


def counters(device: ModelledDevice) -> Any:
    result = {}
    for port in device.ports:
        passed = device.surroundings.traffic_of(port.name)
        result[port.name] = {
            "rx_unicast_packets": passed.packets_in - passed.broadcasts_in - passed.multicasts_in,
            "rx_octets": passed.bytes_in,
            "rx_broadcast_packets": passed.broadcasts_in,
            "rx_multicast_packets": passed.multicasts_in,
            "rx_errors": passed.errors_in,
            "rx_discards": passed.discards_in,
            "tx_unicast_packets": passed.packets_out - passed.broadcasts_out - passed.multicasts_out,
            "tx_octets": passed.bytes_out,
            "tx_broadcast_packets": passed.broadcasts_out,
            "tx_multicast_packets": passed.multicasts_out,
            "tx_errors": passed.errors_out,
            "tx_discards": passed.discards_out,
        }
    return result


def addresses(device: ModelledDevice) -> Any:
    result: dict[str, Any] = {}
    for port in device.ports:
        if not port.address:
            continue
        own = {str(one.ip): {"prefix_length": one.network.prefixlen} for one in port.addresses}
        six: dict[str, Any] = {}
        if port.ipv6:
            face = ipaddress.IPv6Interface(port.ipv6)
            six[str(link_local(eos_show.mac_of(device.name)))] = {"prefix_length": 64}
            six[str(face.ip)] = {"prefix_length": face.network.prefixlen}
        result[port.name] = {"ipv4": own, "ipv6": six}
    return result


def lldp_detail_with_parent(device: ModelledDevice) -> Any:
    """As for IOS, but the port stands for its parent."""
    return {
        port: [entry | {"parent_interface": port} for entry in entries] for port, entries in lldp_detail(device).items()
    }


def arp(device: ModelledDevice, *, vrf: str | None = None) -> Any:
    """Of all VRFs unless one is named; EOS shows ages in seconds and no own addresses."""
    return [
        {"interface": one.interface, "mac": written(one.mac), "ip": one.address, "age": one.minutes * 60.0}
        for one in device.surroundings.resolved
        if one.version == 4 and vrf in (None, device.port(one.interface).vrf)
    ]


def macs(device: ModelledDevice) -> Any:
    return [
        {
            "mac": written(one.mac),
            "interface": one.interface,
            "vlan": one.vlan,
            "static": one.static,
            "active": True,
            "moves": one.moves,
            "last_move": one.last_move,
        }
        for one in device.surroundings.macs
    ]


def vlans(device: ModelledDevice) -> Any:
    ports = [port for port in device.ports if port.switched and port.name.startswith("Ethernet")]
    return {
        str(number): {"name": name, "interfaces": [port.name for port in ports if port.vlan == number]}
        for number, name in ({1: "default"} | device.vlans).items()
    }


def instances(device: ModelledDevice) -> Any:
    """EOS lists the routed interfaces of a VRF."""
    rds = {"default": ""} | device.vrfs
    return {
        name: {
            "name": name,
            "type": "DEFAULT_INSTANCE" if name == "default" else "L3VRF",
            "state": {"route_distinguisher": rd},
            "interfaces": {
                "interface": {
                    port.name: {} for port in device.ports if port.address and (port.vrf or "default") == name
                }
            },
        }
        for name, rd in rds.items()
    }


def environment(device: ModelledDevice) -> Any:
    around = device.surroundings
    return {
        "cpu": {0: {"%usage": float(around.cpu_percent)}},
        "memory": {"available_ram": around.memory_total, "used_ram": around.memory_used},
        "temperature": {
            one.name: {
                "temperature": one.celsius,
                "is_alert": one.celsius > one.alert,
                "is_critical": one.celsius > one.critical,
            }
            for one in around.sensors
        },
        "power": {
            one.name: {"status": one.ok, "capacity": one.capacity, "output": one.output} for one in around.supplies
        },
        "fans": {one.name: {"status": one.ok} for one in around.fans},
    }


def optics(device: ModelledDevice) -> Any:
    def now(value: float) -> dict[str, float]:
        return {"instant": value, "avg": 0.0, "min": 0.0, "max": 0.0}

    return {
        one.interface: {
            "physical_channels": {
                "channel": [
                    {
                        "index": 0,
                        "state": {
                            "input_power": now(one.receive),
                            "output_power": now(one.transmit),
                            "laser_bias_current": now(one.bias),
                        },
                    }
                ]
            }
        }
        for one in device.surroundings.optics
    }


def ntp_servers(device: ModelledDevice) -> Any:
    usual = {
        "port": 123,
        "version": 4,
        "association_type": "SERVER",
        "iburst": False,
        "prefer": False,
        "network_instance": "default",
        "source_address": "",
        "key_id": -1,
    }
    return {server: usual | {"address": server} for server in device.ntp_servers}


def ntp_stats(device: ModelledDevice) -> Any:
    return [
        {
            "remote": one.address,
            "synchronized": one.selected,
            "referenceid": one.reference,
            "stratum": one.stratum,
            "type": "u",
            "when": str(one.when),
            "hostpoll": one.poll,
            "reachability": one.reach,
            "delay": one.delay,
            "offset": one.offset,
            "jitter": one.jitter,
        }
        for one in device.surroundings.ntp
    ]


def snmp(device: ModelledDevice) -> Any:
    return {
        "chassis_id": device.chassis,
        "contact": device.contact,
        "location": device.location,
        "community": {name: {"mode": mode, "acl": acl} for name, (mode, acl) in device.communities.items()},
    }


def users(device: ModelledDevice) -> Any:
    """The configured accounts, and the one that every simulated device has; eAPI shows no hashes."""
    known = [("admin", 1), *((one.username, one.privilege) for one in device.accounts)]
    return {name: {"level": level, "password": "", "sshkeys": []} for name, level in known}


def reachable(device: ModelledDevice) -> Any:
    answers = [{"ip_address": UPSTREAM, "rtt": 0.05}] * 3
    summary = {"rtt_min": 0.05, "rtt_avg": 0.05, "rtt_max": 0.05, "rtt_stddev": 0.0}
    return {"success": {"probes_sent": 3, "packet_loss": 0, "results": answers, **summary}}


def unreachable(device: ModelledDevice) -> Any:
    """A failed ping is a success of the getter, with all packets lost."""
    summary = {"rtt_min": 0.0, "rtt_avg": 0.0, "rtt_max": 0.0, "rtt_stddev": 0.0}
    return {"success": {"probes_sent": 5, "packet_loss": 5, "results": [], **summary}}


CASES = (
    Case(getter="get_facts", expected=facts),
    Case(getter="get_interfaces", expected=interfaces),
    Case(getter="get_interfaces_counters", expected=counters),
    Case(getter="get_interfaces_ip", expected=addresses),
    Case(getter="get_lldp_neighbors", expected=lldp),
    Case(getter="get_lldp_neighbors_detail", expected=lldp_detail_with_parent),
    Case(
        getter="get_lldp_neighbors_detail",
        args={"interface": "Ethernet2"},
        expected=lambda device: {"Ethernet2": lldp_detail_with_parent(device)["Ethernet2"]},
    ),
    Case(getter="get_arp_table", expected=arp),
    Case(getter="get_arp_table", args={"vrf": "RED"}, expected=lambda device: arp(device, vrf="RED")),
    Case(getter="get_mac_address_table", expected=macs),
    Case(getter="get_vlans", expected=vlans),
    Case(getter="get_network_instances", expected=instances),
    Case(
        getter="get_network_instances",
        args={"name": "RED"},
        expected=lambda device: {"RED": instances(device)["RED"]},
    ),
    Case(getter="get_environment", expected=environment),
    Case(getter="get_optics", expected=optics),
    Case(getter="get_ntp_servers", expected=ntp_servers),
    Case(getter="get_ntp_stats", expected=ntp_stats),
    Case(getter="get_snmp_information", expected=snmp),
    Case(getter="get_users", expected=users),
    Case(getter="get_bgp_config", expected=bgp_config),
    Case(getter="get_bgp_neighbors", expected=bgp_neighbors),
    Case(getter="get_bgp_neighbors_detail", expected=bgp_detail),
    Case(
        getter="get_bgp_neighbors_detail",
        args={"neighbor_address": UPSTREAM},
        expected=lambda device: bgp_detail(device, only=UPSTREAM),
    ),
    Case(getter="get_route_to", args={"destination": CUSTOMER}, expected=route_by_bgp),
    Case(getter="get_route_to", args={"destination": FAR}, expected=route_static),
    Case(getter="get_route_to", args={"destination": UPSTREAM}, expected=route_connected),
    Case(getter="ping", args={"destination": UPSTREAM, "count": 3}, expected=reachable),
    Case(getter="ping", args={"destination": "100.64.0.1"}, expected=unreachable),
    Case(getter="traceroute", args={"destination": "203.0.113.9"}, expected=lambda device: {"success": probes(device)}),
)
"""``get_config`` is compared with the device's own configuration; see the test."""
