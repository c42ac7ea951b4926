"""Which device a request is about: all access paths to one device share one order and one worker."""

from __future__ import annotations

import ipaddress
import re

from netpulse_broker.errors import BadRequest

STANDARD_PORTS = frozenset({22, 23, 80, 443, 830})
"""SSH, Telnet, eAPI over HTTP(S), NETCONF: ports that do not tell two devices at one address apart."""

_NAME = re.compile(r"[A-Za-z0-9_.:@%\[\]-]{1,255}")


def device_identity(host: str, port: int | None = None, *, explicit: str | None = None) -> str:
    """The name under which a device's work is ordered.

    An explicit name counts as it stands. Otherwise the normalised host (lower case, no trailing dot, IP addresses in
    canonical form), with the port when it is not a standard one.

    Raises:
        BadRequest: a name that cannot stand in a queue name.
    """
    if explicit is not None:
        if not _NAME.fullmatch(explicit):
            raise BadRequest("device: 1 to 255 letters, digits and _ . : @ % [ ] - are allowed")
        return explicit
    name = host.strip().rstrip(".").lower()
    try:
        address = ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        if not _NAME.fullmatch(name):
            raise BadRequest("connection_args.host is neither an address nor a host name") from None
    else:
        name = address.compressed
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            name = address.ipv4_mapped.compressed
    if port is None or port in STANDARD_PORTS:
        return name
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
