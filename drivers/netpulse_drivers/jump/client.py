"""The worker's side: ask the machine's jump process for a stream to a device."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence

from netpulse_drivers.deadline import Deadline
from netpulse_drivers.errors import ConnectError, ConnectTimeout
from netpulse_drivers.jump import messages
from netpulse_drivers.jump.jump_host import JumpHost, ReadyJumpHost
from netpulse_drivers.jump.rendezvous import Rendezvous, is_our_user
from netpulse_drivers.networks import DeviceNetworks
from netpulse_drivers.ssh.host_keys import default_known_hosts, effective_policy

ATTEMPTS = 3
"""Times that the jump process may end under our hands (it was just leaving) before that is an error."""


def open_stream(
    hops: Sequence[JumpHost], host: str, port: int, *, within: float, deadline: Deadline, networks: DeviceNetworks
) -> socket.socket:
    """Both directions of a connection to ``host`` as the last hop sees it.

    Args:
        within: seconds for the last hop to connect to the device.
        networks: which hops and which devices may be connected to.

    Raises:
        ConnectError and subclasses, AuthenticationFailed, InvalidArguments: naming the jump host and the phase.
    """
    request = messages.StreamRequest(
        hops=[_ready(hop, networks, first=number == 0) for number, hop in enumerate(hops)],
        host=networks.behind_jump_host(host, port)[0],
        port=port,
        within=deadline.remaining(at_most=within),
    )
    own_time = sum(hop.conn_timeout + hop.banner_timeout + hop.auth_timeout for hop in hops) + within
    deadline = deadline.sooner(own_time)
    rendezvous = Rendezvous.of_worker()
    for attempt in range(ATTEMPTS):
        peer = rendezvous.connect()
        try:
            return _ask(peer, request, deadline)
        except TimeoutError:
            peer.close()
            raise ConnectTimeout(
                f"{hops[-1].where} opened no connection to {host} port {port} in time",
                details=[{"jump_host": hops[-1].where, "phase": "forward"}],
            ) from None
        except (EOFError, ConnectionError) as error:
            peer.close()
            if attempt == ATTEMPTS - 1:
                raise ConnectError(f"the jump host process ended; {hops[-1].where} was not reached") from error
        except BaseException:
            peer.close()
            raise
    raise AssertionError  # the last attempt returns or raises


def _ask(peer: socket.socket, request: messages.StreamRequest, deadline: Deadline) -> socket.socket:
    if not is_our_user(peer):
        raise ConnectError("the jump host process belongs to another user")
    peer.settimeout(max(deadline.remaining(at_most=3600.0), 0.001))
    # While a broker's fork server (or whatever started this process) lives, the jump process stays for a while even
    # without a stream; after that it need not.
    keeper = _pidfd(os.getppid())
    try:
        messages.send(peer, messages.plain(request), fds=keeper)
    finally:
        for descriptor in keeper:
            os.close(descriptor)
    answer, _ = messages.receive(peer)
    if "error" in answer:
        raise messages.error_of(answer)
    peer.settimeout(None)
    return peer


def _pidfd(pid: int) -> list[int]:
    try:
        return [os.pidfd_open(pid)]
    except OSError:  # gone already
        return []


def _ready(hop: JumpHost, networks: DeviceNetworks, *, first: bool) -> ReadyJumpHost:
    """The worker's own policies and file count, not those of whoever started the jump process.

    Raises:
        ConnectError, DestinationRefused: it must not be connected to, or its name cannot be resolved.
    """
    try:
        if first:
            addresses = [str(entry[4][0]) for entry in networks.addresses(hop.host, hop.port)]
        else:
            addresses = networks.behind_jump_host(hop.host, hop.port)
    except ConnectError as error:
        details = [{"jump_host": hop.where, "phase": "connect"}]
        raise type(error)(f"{hop.where}: {error.message}", details=details) from error
    policy, known_hosts = effective_policy(hop.host_key_policy), hop.known_hosts or str(default_known_hosts())
    return ReadyJumpHost(**dict(hop) | {"host_key_policy": policy, "known_hosts": known_hosts, "addresses": addresses})
