"""What NAPALM's ios driver has to answer about a modelled device, getter by getter."""

from __future__ import annotations

import ipaddress
from typing import Any

from netpulse_lab.device import secret_hash
from netpulse_lab.platforms import ios_show
from netpulse_lab.surroundings import link_local
from tests.lab.modelled.case import Case, probes, written
from tests.lab.modelled.devices import CUSTOMER, FAR, UPSTREAM
from tests.lab.modelled.ios_routing import (
    bgp_config,
    bgp_detail,
    bgp_neighbors,
    route_by_bgp,
    route_connected,
    route_static,
)
from tests.lab.modelled.network import ModelledDevice

UNSUPPORTED = ("get_firewall_policies", "get_probes_results")
"""NAPALM's ios driver has not implemented these."""

_LEGACY_VLANS = {
    "1002": "fddi-default",
    "1003": "token-ring-default",
    "1004": "fddinet-default",
    "1005": "trnet-default",
}


def _mac(device: ModelledDevice, port: str) -> str:
    return ios_show.mac_of(device.name, port)


def _short(name: str) -> str:
    return name.replace("GigabitEthernet", "Gi")


def facts(device: ModelledDevice) -> Any:
    """All but the uptime, which runs."""
    image = f"{ios_show.MODEL}-ADVENTERPRISEK9-M"
    return {
        "vendor": "Cisco",
        "model": "IOSv",
        "os_version": f"{ios_show.MODEL} Software ({image}), Version {ios_show.RELEASE}, RELEASE SOFTWARE (fc1)",
        "serial_number": ios_show.serial_of(device.name),
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
            "mac_address": written(_mac(device, port.name)),
            "last_flapped": -1.0,
            "mtu": port.mtu,
            "speed": 1000.0,
        }
        for port in device.ports
    }


def counters(device: ModelledDevice) -> Any:
    """IOS counts no outgoing broadcasts. NAPALM's expression for incoming multicasts takes their last digit."""
    result = {}
    for port in device.ports:
        passed = device.surroundings.traffic_of(port.name)
        result[port.name] = {
            "rx_unicast_packets": passed.packets_in,
            "rx_octets": passed.bytes_in,
            "rx_broadcast_packets": passed.broadcasts_in,
            "rx_multicast_packets": passed.multicasts_in % 10,
            "rx_errors": passed.errors_in,
            "rx_discards": passed.discards_in,
            "tx_unicast_packets": passed.packets_out,
            "tx_octets": passed.bytes_out,
            "tx_broadcast_packets": -1,
            "tx_multicast_packets": -1,
            "tx_errors": passed.errors_out,
            "tx_discards": passed.discards_out,
        }
    return result


def addresses(device: ModelledDevice) -> Any:
    result: dict[str, dict[str, dict[str, Any]]] = {}
    for port in device.ports:
        if port.address:
            result[port.name] = {
                "ipv4": {str(one.ip): {"prefix_length": one.network.prefixlen} for one in port.addresses}
            }
        if port.ipv6:
            face = ipaddress.IPv6Interface(port.ipv6)
            local = {str(link_local(_mac(device, port.name))): {"prefix_length": 10}}
            result[port.name]["ipv6"] = local | {str(face.ip): {"prefix_length": face.network.prefixlen}}
    return result


def lldp_detail(device: ModelledDevice) -> Any:
    result: dict[str, list[dict[str, Any]]] = {}
    for one in device.surroundings.lldp:
        result.setdefault(one.interface, []).append(
            {
                "parent_interface": "",
                "remote_chassis_id": written(one.chassis),
                "remote_port": one.port,
                "remote_port_description": one.port_description,
                "remote_system_name": one.name,
                "remote_system_description": one.description,
                "remote_system_capab": sorted(one.capabilities),
                "remote_system_enable_capab": sorted(one.enabled),
            }
        )
    return result


def lldp(device: ModelledDevice) -> Any:
    return {one.interface: [{"hostname": one.name, "port": one.port}] for one in device.surroundings.lldp}


def arp(device: ModelledDevice, *, vrf: str = "") -> Any:
    """The device's own addresses among them, by address."""
    within = {port.name for port in device.ports if port.vrf == vrf}
    entries = [
        (port.address.partition("/")[0], -1.0, _mac(device, port.name), port.name)
        for port in device.ports
        if port.address
    ]
    resolved = device.surroundings.resolved
    entries += [(one.address, float(one.minutes), one.mac, one.interface) for one in resolved if one.version == 4]
    return [
        {"interface": interface, "mac": written(mac), "ip": ip, "age": age}
        for ip, age, mac, interface in sorted(entries, key=lambda entry: ipaddress.IPv4Address(entry[0]))
        if interface in within
    ]


def ipv6_neighbors(device: ModelledDevice) -> Any:
    return [
        {
            "interface": _short(one.interface),
            "mac": written(one.mac),
            "ip": one.address,
            "age": float(one.minutes),
            "state": one.state,
        }
        for one in device.surroundings.resolved
        if one.version == 6
    ]


def macs(device: ModelledDevice) -> Any:
    """IOS counts no moves."""
    return [
        {
            "mac": written(one.mac),
            "interface": _short(one.interface),
            "vlan": one.vlan,
            "static": one.static,
            "active": True,
            "moves": -1,
            "last_move": -1.0,
        }
        for one in device.surroundings.macs
    ]


def vlans(device: ModelledDevice) -> Any:
    ports = [port for port in device.ports if port.switched and port.name.startswith("Gig")]
    table = {
        str(number): {"name": name, "interfaces": [port.name for port in ports if port.vlan == number]}
        for number, name in ({1: "default"} | device.vlans).items()
    }
    return table | {number: {"name": name, "interfaces": []} for number, name in _LEGACY_VLANS.items()}


def instances(device: ModelledDevice) -> Any:
    def one(name: str, kind: str, rd: str) -> dict[str, Any]:
        vrf = "" if name == "default" else name
        members = {port.name: {} for port in device.ports if port.vrf == vrf}  # type: dict[str, Any]
        return {
            "name": name,
            "type": kind,
            "state": {"route_distinguisher": rd},
            "interfaces": {"interface": members},
        }

    table = {"default": one("default", "DEFAULT_INSTANCE", "")}
    return table | {name: one(name, "L3VRF", rd) for name, rd in device.vrfs.items()}


def environment(device: ModelledDevice) -> Any:
    """Neither fans nor power supplies: NAPALM's driver does not ask for them."""
    around = device.surroundings
    assert around.memory_total is not None
    assert around.memory_used is not None
    return {
        "cpu": {0: {"%usage": float(around.cpu_percent)}},
        "memory": {"available_ram": around.memory_total * 1024, "used_ram": around.memory_used * 1024},
        "temperature": {
            one.name.lower(): {
                "temperature": one.celsius,
                "is_alert": one.celsius > one.alert,
                "is_critical": one.celsius > one.critical,
            }
            for one in around.sensors
        },
        "power": {"invalid": {"status": True, "output": -1.0, "capacity": -1.0}},
        "fans": {"invalid": {"status": True}},
    }


def optics(device: ModelledDevice) -> Any:
    """IOS shows what is now alone."""

    def light(value: float) -> dict[str, float]:
        return {"instant": value, "avg": -100.0, "min": -100.0, "max": -100.0}

    def state(receive: float, transmit: float, bias: float) -> dict[str, Any]:
        return {
            "input_power": light(receive),
            "output_power": light(transmit),
            "laser_bias_current": {"instant": bias, "avg": 0.0, "min": 0.0, "max": 0.0},
        }

    return {
        one.interface: {
            "physical_channels": {"channel": [{"index": 0, "state": state(one.receive, one.transmit, one.bias)}]}
        }
        for one in device.surroundings.optics
    }


def ntp_servers(device: ModelledDevice) -> Any:
    return {server: {} for server in device.ntp_servers}


def ntp_stats(device: ModelledDevice) -> Any:
    return [
        {
            "remote": one.address,
            "synchronized": one.selected,
            "referenceid": one.reference,
            "stratum": one.stratum,
            "type": "-",
            "when": str(one.when),
            "hostpoll": one.poll,
            "reachability": one.reach,
            "delay": one.delay,
            "offset": one.offset,
            "jitter": one.jitter,
        }
        for one in device.surroundings.ntp
    ]


def probes_config(device: ModelledDevice) -> Any:
    return {
        str(one.number): {
            one.tag: {
                "probe_type": "icmp-ping",
                "target": one.target,
                "source": one.source,
                "probe_count": one.kept,
                "test_interval": one.frequency,
            }
        }
        for one in device.probes
    }


def snmp(device: ModelledDevice) -> Any:
    return {
        "chassis_id": device.chassis,
        "contact": device.contact,
        "location": device.location,
        "community": {name: {"mode": mode, "acl": acl or "N/A"} for name, (mode, acl) in device.communities.items()},
    }


def users(device: ModelledDevice) -> Any:
    """The configured accounts, and the one that every simulated device has."""
    known = [("admin", "admin-password", 1)]
    known += [(one.username, one.password, one.privilege) for one in device.accounts]
    return {
        name: {"level": level, "password": f"$9${secret_hash(password)}", "sshkeys": []}
        for name, password, level in known
    }


def reachable(device: ModelledDevice) -> Any:
    """IOS shows no time of a single echo."""
    answers = [{"ip_address": UPSTREAM, "rtt": 0.0}] * 3
    summary = {"rtt_min": 1.0, "rtt_avg": 1.0, "rtt_max": 1.0, "rtt_stddev": 0.0}
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
    Case(getter="get_lldp_neighbors_detail", expected=lldp_detail),
    Case(
        getter="get_lldp_neighbors_detail",
        args={"interface": "GigabitEthernet0/1"},
        expected=lambda device: {"GigabitEthernet0/1": lldp_detail(device)["GigabitEthernet0/1"]},
    ),
    Case(getter="get_arp_table", expected=arp),
    Case(getter="get_arp_table", args={"vrf": "RED"}, expected=lambda device: arp(device, vrf="RED")),
    Case(getter="get_ipv6_neighbors_table", expected=ipv6_neighbors),
    Case(getter="get_mac_address_table", expected=macs),
    Case(getter="get_vlans", expected=vlans),
    Case(getter="get_network_instances", expected=instances),
    Case(getter="get_network_instances", args={"name": "RED"}, expected=lambda device: instances(device)["RED"]),
    Case(getter="get_environment", expected=environment),
    Case(getter="get_optics", expected=optics),
    Case(getter="get_ntp_servers", expected=ntp_servers),
    Case(getter="get_ntp_peers", expected=ntp_servers),
    Case(getter="get_ntp_stats", expected=ntp_stats),
    Case(getter="get_probes_config", expected=probes_config),
    Case(getter="get_snmp_information", expected=snmp),
    Case(getter="get_users", expected=users),
    Case(getter="get_bgp_config", expected=bgp_config),
    Case(
        getter="get_bgp_config", args={"neighbor": UPSTREAM}, expected=lambda device: bgp_config(device, only=UPSTREAM)
    ),
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
