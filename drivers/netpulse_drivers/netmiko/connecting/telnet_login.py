"""A Telnet connection with the same connect errors and socket options as an SSH one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netmiko._telnetlib import telnetlib

from netpulse_drivers.netmiko.connecting.route import Route
from netpulse_drivers.terminal.byte_stream import TelnetStream

if TYPE_CHECKING:
    from netpulse_drivers.netmiko.connecting.connection_args import NetmikoConnectionArgs
    from netpulse_drivers.netmiko.event_driven import EventDriven
    from netpulse_drivers.networks import DeviceNetworks


class TelnetDial:
    """Opens the connection, for ``EventDriven.dial``; netmiko's class does the login dialogue."""

    def __init__(self, args: NetmikoConnectionArgs, networks: DeviceNetworks) -> None:
        self._args = args
        self._networks = networks

    def __call__(self, connection: EventDriven, width: int, height: int) -> None:  # noqa: ARG002 - as SSHLogin's
        """Connect and attach.

        Raises:
            ConnectError, ConnectTimeout.
        """
        route = Route.of(self._args)
        sock = route.open(self._args, connection.deadline, self._networks)
        sock.settimeout(None)
        telnet: Any = telnetlib.Telnet  # untyped
        telnet = telnet()
        telnet.host, telnet.port, telnet.sock, telnet.eof = connection.host, connection.port, sock, 0
        connection.remote_conn = telnet
        connection.attach(TelnetStream(telnet))
