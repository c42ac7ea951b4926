"""The two devices whose getters are all known: a Cisco IOS one and an Arista EOS one in the same surroundings."""

from __future__ import annotations

from netpulse_lab.platforms import eos_config, ios_lines
from netpulse_lab.surroundings import (
    BgpPeer,
    BgpRoute,
    Fan,
    Hop,
    LearnedMac,
    LldpNeighbor,
    NtpAssociation,
    Optic,
    PowerSupply,
    Resolved,
    Sensor,
    Surroundings,
    Traffic,
)
from tests.lab.modelled.network import Account, ModelledDevice, Neighbor, Port, Probe

UPSTREAM, SILENT, UPSTREAM6 = "192.0.2.2", "192.0.2.9", "2001:db8:0:1::2"
CUSTOMER = "198.51.100.0/24"
"""A prefix that the upstream announced."""
FAR = "203.0.113.0/24"
"""A network behind a static route."""


def _surroundings(uplink: str, access: str, tenant: str) -> Surroundings:
    return Surroundings(
        uptime=(3 * 7 + 2) * 86_400 + 4 * 3_600 + 5 * 60,
        cpu_percent=7,
        memory_total=1_024_000,
        memory_used=358_400,
        lldp=(
            LldpNeighbor(
                interface=uplink,
                chassis="0c:1a:aa:00:00:01",
                port="Ethernet7",
                port_description="to the modelled device",
                name="spine1.lab.example",
                description="Lab Spine OS 1.0 on a modelled switch",
            ),
            LldpNeighbor(
                interface=access,
                chassis="0c:1a:bb:00:00:02",
                port="eth0",
                name="phone17",
                description="A telephone",
                capabilities=("bridge", "telephone"),
                enabled=("telephone",),
            ),
        ),
        resolved=(
            Resolved(address=UPSTREAM, mac="0c:1a:aa:00:00:01", interface=uplink, minutes=12),
            Resolved(address="10.7.0.20", mac="0c:1a:cc:00:00:03", interface=tenant, minutes=190),
            Resolved(address=UPSTREAM6, mac="0c:1a:aa:00:00:01", interface=uplink, minutes=3),
            Resolved(address="fe80::e1a:aaff:fe00:1", mac="0c:1a:aa:00:00:01", interface=uplink, state="STALE"),
        ),
        macs=(
            LearnedMac(vlan=10, mac="0c:1a:bb:00:00:02", interface=access, moves=4, last_move=1_700_000_123.5),
            LearnedMac(vlan=1, mac="0c:1a:aa:00:00:01", interface=access, static=True),
        ),
        traffic=(
            Traffic(
                interface=uplink,
                packets_in=123_456_789,
                bytes_in=98_765_432_100,
                broadcasts_in=4_321,
                multicasts_in=1_234,
                errors_in=5,
                discards_in=6,
                packets_out=223_456_789,
                bytes_out=198_765_432_100,
                broadcasts_out=321,
                multicasts_out=234,
                errors_out=7,
                discards_out=8,
            ),
        ),
        optics=(
            Optic(interface=uplink, receive=-4.1, transmit=-2.3, bias=6.1),
            Optic(interface=access, receive=-31.5, transmit=-2.9, bias=5.8),
        ),
        sensors=(
            Sensor(name="Inlet", celsius=31.0, alert=46.0, critical=56.0),
            Sensor(name="Hotspot", celsius=107.0, alert=105.0, critical=125.0),
        ),
        fans=(Fan(name="1"), Fan(name="2", ok=False)),
        supplies=(PowerSupply(name="1", output=112.5), PowerSupply(name="2", ok=False, output=0.0)),
        peers=(
            BgpPeer(
                address=UPSTREAM,
                router_id="198.51.100.2",
                uptime=7_023,
                received=12,
                accepted=10,
                sent=4,
                messages_in=1_200,
                messages_out=1_180,
                updates_in=31,
                updates_out=7,
                local_address="192.0.2.1",
                remote_port=33_111,
            ),
            BgpPeer(
                address=UPSTREAM6,
                router_id="198.51.100.2",
                uptime=2 * 86_400 + 5 * 3_600,
                received=3,
                accepted=3,
                sent=1,
                messages_in=900,
                messages_out=880,
                updates_in=4,
                updates_out=2,
                local_address="2001:db8:0:1::1",
                local_port=40_001,
                remote_port=179,
            ),
        ),
        routes=(
            BgpRoute(
                prefix=CUSTOMER,
                peer=UPSTREAM,
                as_path=(65_002, 65_010),
                communities=("65002:100", "65002:200"),
                local_preference=150,
                age=5 * 7 * 86_400 + 3 * 86_400,
            ),
        ),
        ntp=(
            NtpAssociation(
                address="192.0.2.123",
                reference=".GPS.",
                stratum=1,
                when=35,
                poll=64,
                reach=377,
                delay=0.512,
                offset=-0.013,
                jitter=0.042,
                selected=True,
            ),
            NtpAssociation(
                address="192.0.2.124",
                reference="192.0.2.123",
                stratum=2,
                when=12,
                poll=128,
                reach=17,
                delay=1.25,
                offset=2.5,
                jitter=0.75,
            ),
        ),
        hops=(Hop(address=UPSTREAM, rtt=(1.0, 2.0, 1.0)), Hop(address="203.0.113.9", rtt=(11.0, 12.0, 10.0))),
    )


def _device(*, name: str, platform: str, ports: tuple[Port, ...], around: Surroundings) -> ModelledDevice:
    return ModelledDevice(
        name=name,
        platform=platform,
        asn=65_001,
        router_id="192.0.2.1",
        ports=ports,
        vlans={10: "USERS", 20: "VOICE"},
        vrfs={"RED": "65001:7"},
        neighbors=(
            Neighbor(
                address=UPSTREAM,
                remote_as=65_002,
                description="upstream",
                route_map_in="FROM-UPSTREAM",
                route_map_out="TO-UPSTREAM",
                next_hop_self=True,
            ),
            Neighbor(address=SILENT, remote_as=65_009, description="retired", shutdown=True),
            Neighbor(address=UPSTREAM6, remote_as=65_002, description="upstream6"),
        ),
        accounts=(Account(username="operator", password="operator-password", privilege=5),),
        communities={"lab-read": ("ro", "SNMP-HOSTS"), "lab-write": ("rw", "")},
        contact="noc at lab.example",
        location="rack 12",
        chassis="LAB-0042",
        ntp_servers=("192.0.2.123", "192.0.2.124"),
        probes=(Probe(number=7, tag="UPSTREAM", target=UPSTREAM, source="192.0.2.1", frequency=30, kept=15),),
        static_routes={FAR: UPSTREAM},
        surroundings=around,
    )


def _ports(names: tuple[str, ...], special: tuple[Port, ...]) -> tuple[Port, ...]:
    """All ports of a platform, the special ones as they are given; interfaces that are made come behind."""
    known = {one.name: one for one in special}
    return (
        *(known.get(name, Port(name=name)) for name in names),
        *(one for one in special if one.name not in names),
    )


def ios_device(name: str) -> ModelledDevice:
    """A Cisco IOS switch that routes."""
    special = (
        Port(
            name="GigabitEthernet0/0",
            description="uplink",
            address="192.0.2.1/24",
            secondary="192.0.3.1/25",
            ipv6="2001:db8:0:1::1/64",
        ),
        Port(name="GigabitEthernet0/1", description="a desk", vlan=10),
        Port(name="GigabitEthernet0/2", description="tenant", address="10.7.0.1/16", vrf="RED", mtu=9_000),
        Port(name="GigabitEthernet0/3", shutdown=True),
        Port(name="Vlan1", shutdown=True),
    )
    around = _surroundings("GigabitEthernet0/0", "GigabitEthernet0/1", "GigabitEthernet0/2")
    return _device(name=name, platform="ios", ports=_ports(ios_lines.INTERFACES.physical, special), around=around)


def eos_device(name: str) -> ModelledDevice:
    """An Arista EOS switch that routes."""
    special = (
        Port(
            name="Ethernet1",
            description="uplink",
            address="192.0.2.1/24",
            secondary="192.0.3.1/25",
            ipv6="2001:db8:0:1::1/64",
        ),
        Port(name="Ethernet2", description="a desk", vlan=10),
        Port(name="Ethernet3", description="tenant", address="10.7.0.1/16", vrf="RED", mtu=9_000),
        Port(name="Ethernet4", shutdown=True),
        Port(name="Management1", address="172.31.0.2/24"),
    )
    around = _surroundings("Ethernet1", "Ethernet2", "Ethernet3")
    return _device(name=name, platform="eos", ports=_ports(eos_config.INTERFACES.physical, special), around=around)
