"""What a device sees around itself and measures in itself: everything that it shows and nobody configured.

Nothing here changes by itself, so a test that gave a device its surroundings knows what the device must show. Each
platform prints them in its own form.
"""

from __future__ import annotations

import ipaddress

from pydantic import BaseModel, ConfigDict, Field


class _Fact(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LldpNeighbor(_Fact):
    """A device that announces itself on a port."""

    interface: str
    """Where it is heard, full name."""
    chassis: str
    """MAC address with colons."""
    port: str
    port_description: str = ""
    name: str
    description: str = ""
    capabilities: tuple[str, ...] = ("bridge", "router")
    """Of: bridge, router, repeater, station, telephone."""
    enabled: tuple[str, ...] = ("router",)


class Resolved(_Fact):
    """An entry of the ARP or the IPv6 neighbour table."""

    address: str
    mac: str
    interface: str
    minutes: int = 0
    """Since it was confirmed."""
    state: str = "REACH"
    """IPv6 alone."""

    @property
    def version(self) -> int:
        return ipaddress.ip_address(self.address).version


class LearnedMac(_Fact):
    """An entry of the MAC address table."""

    vlan: int
    mac: str
    interface: str
    static: bool = False
    moves: int = 1
    last_move: float = 1_700_000_000.0
    """Seconds since the epoch."""


class Traffic(_Fact):
    """What has passed an interface."""

    interface: str
    packets_in: int = 0
    bytes_in: int = 0
    broadcasts_in: int = 0
    multicasts_in: int = 0
    errors_in: int = 0
    discards_in: int = 0
    packets_out: int = 0
    bytes_out: int = 0
    broadcasts_out: int = 0
    multicasts_out: int = 0
    errors_out: int = 0
    discards_out: int = 0


class Optic(_Fact):
    """A transceiver: dBm, mA, degrees Celsius, V."""

    interface: str
    receive: float
    transmit: float
    bias: float
    temperature: float = 35.0
    voltage: float = 3.3


class Sensor(_Fact):
    """A thermometer, degrees Celsius."""

    name: str
    celsius: float
    alert: float
    critical: float


class PowerSupply(_Fact):
    """Watts."""

    name: str
    ok: bool = True
    capacity: float = 500.0
    output: float = 100.0


class Fan(_Fact):
    name: str
    ok: bool = True


class BgpPeer(_Fact):
    """How a BGP neighbour that is configured fares; one that is not listed here was never reached."""

    address: str
    router_id: str
    uptime: int
    """Seconds that the session has been established."""
    received: int
    """Prefixes that it sent."""
    accepted: int
    sent: int
    messages_in: int = 0
    messages_out: int = 0
    updates_in: int = 0
    updates_out: int = 0
    local_address: str
    local_port: int = 179
    remote_port: int = 32000


class BgpRoute(_Fact):
    """The best path to a prefix that a neighbour announced."""

    prefix: str
    peer: str
    as_path: tuple[int, ...]
    communities: tuple[str, ...] = ()
    local_preference: int = 100
    age: int = 0
    """Seconds."""


class NtpAssociation(_Fact):
    """A time source; delay, offset and jitter in milliseconds."""

    address: str
    reference: str
    stratum: int
    when: int
    poll: int
    reach: int
    delay: float
    offset: float
    jitter: float
    selected: bool = False


class Hop(_Fact):
    """A router on the way of a traceroute; milliseconds of the three probes."""

    address: str
    rtt: tuple[float, float, float]


class Surroundings(_Fact):
    """All of it; empty for a device that stands alone."""

    uptime: int = Field(default=0, ge=0)
    """Seconds that the device had been up when the simulator started it."""
    cpu_percent: int = 3
    memory_total: int | None = None
    """KiB; None: what the platform's image has."""
    memory_used: int | None = None
    lldp: tuple[LldpNeighbor, ...] = ()
    resolved: tuple[Resolved, ...] = ()
    macs: tuple[LearnedMac, ...] = ()
    traffic: tuple[Traffic, ...] = ()
    optics: tuple[Optic, ...] = ()
    sensors: tuple[Sensor, ...] = ()
    fans: tuple[Fan, ...] = ()
    supplies: tuple[PowerSupply, ...] = ()
    peers: tuple[BgpPeer, ...] = ()
    routes: tuple[BgpRoute, ...] = ()
    ntp: tuple[NtpAssociation, ...] = ()
    hops: tuple[Hop, ...] = ()
    """On the way to any address."""

    def traffic_of(self, interface: str) -> Traffic:
        """What has passed an interface; nothing when it is not listed."""
        return next((one for one in self.traffic if one.interface == interface), Traffic(interface=interface))

    def peer(self, address: str) -> BgpPeer | None:
        """How a configured BGP neighbour fares; None: never reached."""
        wanted = ipaddress.ip_address(address)
        return next((one for one in self.peers if ipaddress.ip_address(one.address) == wanted), None)

    def route_to(self, destination: str) -> BgpRoute | None:
        """The BGP route whose prefix this is, or in which the address lies."""
        wanted = ipaddress.ip_interface(destination)
        for one in self.routes:
            network = ipaddress.ip_network(one.prefix)
            if (wanted.network == network) if "/" in destination else (wanted.ip in network):
                return one
        return None


def dotted_mac(mac: str) -> str:
    """0c1a.0203.0405 for 0c:1a:02:03:04:05."""
    digits = mac.replace(":", "").lower()
    return f"{digits[:4]}.{digits[4:8]}.{digits[8:]}"


def link_local(mac: str) -> ipaddress.IPv6Address:
    """The address that RFC 4291 (appendix A) makes of a MAC address, in any spelling."""
    digits = bytes.fromhex(mac.replace(":", "").replace(".", ""))
    body = bytes([digits[0] ^ 2, *digits[1:3], 0xFF, 0xFE, *digits[3:]])
    return ipaddress.IPv6Address(b"\xfe\x80" + bytes(6) + body)
