"""A TCP connection for a long-lived session."""

from __future__ import annotations

import ipaddress
import socket

from netpulse_drivers.deadline import Deadline
from netpulse_drivers.errors import ConnectError, ConnectTimeout, InvalidArguments
from netpulse_drivers.networks import DeviceNetworks

USER_TIMEOUT = 30.0
"""Seconds that written bytes may stay unacknowledged before the kernel gives the connection up (TCP_USER_TIMEOUT)."""


def open_tcp(
    host: str, port: int, deadline: Deadline, *, networks: DeviceNetworks, source: str | None = None
) -> socket.socket:
    """A TCP connection with the options that a long-lived session needs.

    Args:
        networks: what may be dialled.
        source: address to connect from; only addresses of its family are tried.

    Raises:
        InvalidArguments: ``source`` is no address of this machine.
        DestinationRefused: the operator's settings forbid it.
        ConnectError: name not resolved, refused, no route. ConnectTimeout: no answer before the deadline.
    """
    family = _family(source)
    addresses = networks.addresses(host, port, family=family, source=source)
    problem: OSError | None = None
    for address_family, kind, protocol, _, address in addresses:
        sock = socket.socket(address_family, kind, protocol)
        try:
            if source is not None:
                _bind(sock, source)
            sock.settimeout(max(deadline.remaining(at_most=600.0), 0.001))
            sock.connect(address)
        except OSError as error:
            sock.close()
            problem = error
            continue
        except InvalidArguments:
            sock.close()
            raise
        _keep_alive(sock)
        return sock
    if isinstance(problem, TimeoutError):
        raise ConnectTimeout(f"no answer from {host} port {port}: connection timed out") from problem
    reason = problem.strerror if problem is not None and problem.strerror else str(problem)
    raise ConnectError(f"{host} port {port} is unreachable: {reason}") from problem


def _family(source: str | None) -> socket.AddressFamily:
    if source is None:
        return socket.AF_UNSPEC
    return socket.AF_INET6 if ipaddress.ip_address(source).version == 6 else socket.AF_INET


def _bind(sock: socket.socket, source: str) -> None:
    try:
        sock.bind((source, 0))
    except OSError as error:
        raise InvalidArguments(f"source_address {source} cannot be used on this worker: {error.strerror}") from error


def _keep_alive(sock: socket.socket) -> None:
    """Small writes leave at once; a peer that vanished is noticed by the kernel even while nobody writes."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", 60),
        ("TCP_KEEPINTVL", 10),
        ("TCP_KEEPCNT", 3),
        ("TCP_USER_TIMEOUT", int(USER_TIMEOUT * 1000)),
    ):
        option = getattr(socket, name, None)  # Linux has them all, other systems some
        if option is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)
