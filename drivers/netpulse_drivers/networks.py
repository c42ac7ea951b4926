"""Where devices may be: which addresses a worker dials, whatever name or spelling leads to them.

The address that was checked is the one that is dialled: names are looked up here, once, and nobody looks them up again.
A library that dials by itself is held to the same rules by ``DeviceNetworks.enforced``.
"""

from __future__ import annotations

import contextlib
import fnmatch
import ipaddress
import socket
from collections.abc import Iterable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from netpulse_drivers.errors import ConnectError, DestinationRefused

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_LOW_32_BITS = tuple(ipaddress.IPv6Network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "::/96"))
"""Where an IPv4 address stands in the last 32 bits: NAT64 (RFC 6052, RFC 8215), and the old compatible form."""

AddressInfo = tuple[Any, Any, int, str, tuple[Any, ...]]
"""As ``socket.getaddrinfo`` answers."""


def meant_by(address: Address) -> list[Address]:
    """The addresses that packets to this one may reach: itself, and an IPv4 address that is packed into it."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    found: list[Address] = [address]
    if address.sixtofour is not None:
        found.append(address.sixtofour)
    if address.teredo is not None:
        found += list(address.teredo)
    if any(address in network for network in _LOW_32_BITS) and int(address) > 1:
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return found


def within(address: Address, networks: Iterable[Network]) -> bool:
    """Whether one of the networks has it."""
    return any(address.version == network.version and address in network for network in networks)


def literal_address(host: str) -> Address | None:
    """The address that a host is, in any of the spellings that the resolver takes (``127.1``, ``0x7f000001``)."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceNetworks:
    """The operator's rules. Without any, everything may be dialled: a driver that is used outside a broker.

    Attributes:
        denied: networks in which no device is.
        allowed: exceptions from them.
        services: host and port of the broker's own services, which are never devices: what is dialled in their place
            refuses.
        jump_names: patterns of names that a jump host may look up by itself.
    """

    denied: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    services: tuple[tuple[str, int], ...] = ()
    jump_names: tuple[str, ...] = ("*",)

    def addresses(
        self, host: str, port: int, *, family: socket.AddressFamily = socket.AF_UNSPEC, source: str | None = None
    ) -> Sequence[AddressInfo]:
        """What may be dialled of a host, in the resolver's order.

        Raises:
            ConnectError: the name is not resolved.
            DestinationRefused: all its addresses are in denied networks.
        """
        try:
            found = _getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            hint = f" as an address to reach from {source}" if source else ""
            reason = getattr(error, "strerror", None) or error
            raise ConnectError(f"name {host} cannot be resolved{hint}: {reason}") from error
        return self.permitted(host, port, found)

    def permitted(self, host: str, port: int, found: Sequence[AddressInfo]) -> list[AddressInfo]:
        """Those of the resolver's answers that may be dialled; raises as ``addresses``."""
        denied, allowed = _networks(self.denied), _networks(self.allowed)
        left: list[AddressInfo] = []
        own: list[AddressInfo] = []
        refused = ""
        for entry in found:
            address = ipaddress.ip_address(str(entry[4][0]).partition("%")[0])
            if any(within(one, denied) and not within(one, allowed) for one in meant_by(address)):
                refused = str(address)
            elif self._is_own_service(address, port):
                own.append((*entry[:4], _CLOSED[entry[0]]))
            else:
                left.append(entry)
        if left:
            return left
        if refused and not own:
            leads = "" if literal_address(host) is not None else f" leads to {refused}, which"
            raise DestinationRefused(
                f"{host}{leads} is in a network where this broker reaches no devices (setting devices.denied_networks; "
                "exceptions stand in devices.allowed_networks, NETPULSE_DEVICES__ALLOWED_NETWORKS)"
            )
        return own  # where everybody is refused, in whatever words: which ports the broker uses is nobody's business

    def behind_jump_host(self, host: str, port: int) -> list[str]:
        """What to tell a jump host to connect to: checked addresses, or the name itself where a rule says so.

        Raises:
            ConnectError, DestinationRefused: as ``addresses``; the name is only known there, and no rule covers it.
        """
        if literal_address(host) is None:
            name = host.lower().rstrip(".")
            if any(fnmatch.fnmatchcase(name, pattern.lower()) for pattern in self.jump_names):
                return [host]
            try:
                found = _getaddrinfo(host, port, type=socket.SOCK_STREAM)
            except (OSError, UnicodeError):
                raise DestinationRefused(
                    f"{host} is no name that the worker can look up, and no setting lets a jump host look it up "
                    "(devices.jump_names)"
                ) from None
        else:
            found = _getaddrinfo(host, port, type=socket.SOCK_STREAM)
        permitted = self.permitted(host, port, found)
        if any(entry[4] in _CLOSED.values() for entry in permitted):
            raise ConnectError(f"{host} port {port} is unreachable: Connection refused")
        return [str(entry[4][0]) for entry in permitted]

    @contextlib.contextmanager
    def enforced(self) -> Iterator[None]:
        """Within it, whatever this thread looks up is held to the rules, by libraries too."""
        if not (self.denied or self.services):
            yield
            return
        socket.getaddrinfo = _checked_getaddrinfo
        token = _IN_FORCE.set(self)
        try:
            yield
        finally:
            _IN_FORCE.reset(token)

    def _is_own_service(self, address: Address, port: int) -> bool:
        meant = meant_by(address)
        for host, own in self.services:
            if own != port:
                continue
            try:
                answers = _getaddrinfo(host, own, type=socket.SOCK_STREAM)
            except (OSError, UnicodeError):
                continue
            for entry in answers:
                service = ipaddress.ip_address(str(entry[4][0]).partition("%")[0])
                if service in meant:
                    return True
                if (service.is_loopback or service.is_unspecified) and any(_is_of_this_machine(one) for one in meant):
                    return True
        return False


_getaddrinfo = socket.getaddrinfo
_CLOSED: dict[Any, tuple[Any, ...]] = {socket.AF_INET: ("127.0.0.1", 0), socket.AF_INET6: ("::1", 0, 0, 0)}
"""An address that refuses every connection at once: no service can have port 0."""

_IN_FORCE: ContextVar[DeviceNetworks | None] = ContextVar("networks of devices", default=None)


def _checked_getaddrinfo(host: Any, port: Any, *args: Any, **how: Any) -> Any:
    """In the place of ``socket.getaddrinfo``: each library asks it before it dials."""
    found = _getaddrinfo(host, port, *args, **how)
    rules = _IN_FORCE.get()
    if rules is None or host is None:
        return found
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
    return rules.permitted(name, int(found[0][4][1]), found)


def _networks(texts: Iterable[str]) -> list[Network]:
    return [ipaddress.ip_network(text) for text in texts]


def _is_of_this_machine(address: Address) -> bool:
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    if address.is_unspecified:
        return True
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind((str(address), 0))
        except OSError:
            return False
    return True
