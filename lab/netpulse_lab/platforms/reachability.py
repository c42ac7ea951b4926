"""Which addresses a simulated device can reach: what its configuration has a route to answers."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator

from netpulse_lab.config_store import ConfigTree


def _network(words: tuple[str, ...]) -> ipaddress.IPv4Network | None:
    """The network of ``192.0.2.1/24 ...`` or ``192.0.2.1 255.255.255.0 ...``."""
    text = words[0] if words and "/" in words[0] else "/".join(words[:2])
    try:
        return ipaddress.IPv4Interface(text).network
    except ValueError:
        return None


def _networks(tree: ConfigTree) -> Iterator[ipaddress.IPv4Network | None]:
    for interface in tree.root.find_all("interface"):
        if interface.find("shutdown") is None:
            for keyword in ("ip", "ipv4"):
                yield from (_network(one.words[2:]) for one in interface.find_all(keyword, "address"))
    for route in tree.root.find_all("ip", "route"):
        yield _network(tuple(" ".join(route.words[2:]).split()))


def answers(target: str, addresses: Iterable[str]) -> bool:
    """Whether `target` lies in the network of one of these ``address/length``."""
    try:
        address = ipaddress.IPv4Address(target)
    except ValueError:
        return False
    return any(address in ipaddress.IPv4Interface(one).network for one in addresses)


def reachable(tree: ConfigTree, target: str) -> bool:
    """Whether `target` is an IPv4 address in a network that is connected or has a static route."""
    try:
        address = ipaddress.IPv4Address(target)
    except ValueError:
        return False
    return address.is_loopback or any(network is not None and address in network for network in _networks(tree))
