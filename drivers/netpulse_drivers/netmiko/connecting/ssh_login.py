"""From nothing to a shell channel, with one deadline and errors that tell the phases apart."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import paramiko

from netpulse_drivers.deadline import Deadline
from netpulse_drivers.errors import ConnectTimeout, SessionRefused
from netpulse_drivers.netmiko.connecting.route import Route
from netpulse_drivers.ssh.connect import SSHConnect, reason_of
from netpulse_drivers.ssh.host_keys import HostKeyCheck
from netpulse_drivers.ssh.negotiation import ExplainedTransport
from netpulse_drivers.terminal.byte_stream import SSHStream

if TYPE_CHECKING:
    from netpulse_drivers.netmiko.connecting.connection_args import NetmikoConnectionArgs
    from netpulse_drivers.netmiko.event_driven import EventDriven
    from netpulse_drivers.networks import DeviceNetworks


class SSHLogin:
    """One login, for ``EventDriven.dial``.

    Attributes:
        check: what was decided about the host key.
        transport: of the last login.
    """

    def __init__(self, args: NetmikoConnectionArgs, networks: DeviceNetworks) -> None:
        self._args = args
        self._networks = networks
        self.check: HostKeyCheck | None = None
        self.transport: ExplainedTransport | None = None

    def __call__(self, connection: EventDriven, width: int, height: int) -> None:
        """Connect, log in, open a shell and attach it to ``connection``.

        Raises:
            ConnectError and subclasses, AuthenticationFailed, InvalidArguments.
        """
        args, deadline = self._args, connection.deadline
        route = Route.of(args)
        password = args.password.get_secret_value() if args.password else None
        login = SSHConnect(args, host=route.host, port=route.port, where=route.where, password=password)
        self.check = login.check
        sock = route.open(args, deadline, self._networks)
        client = connection._build_ssh_client()  # noqa: SLF001 - some platforms bring a client of their own
        connection.remote_conn_pre = client
        # MikroTik's class appends options to the name: no colours, no terminal detection, a wide terminal.
        options = (connection.username or "").removeprefix(args.username)
        self.transport = login.login(client, sock, username=route.username + options, deadline=deadline)
        connection.remote_conn = self._shell(self.transport, width, height, deadline, route.where)
        connection.attach(SSHStream(connection.remote_conn))

    @staticmethod
    def _shell(
        transport: paramiko.Transport, width: int, height: int, deadline: Deadline, where: str
    ) -> paramiko.Channel:
        try:
            channel = transport.open_session(timeout=deadline.remaining())
            # paramiko waits for these two answers without a limit
            channel.event = _BoundedEvent(deadline)
            channel.get_pty(term="vt100", width=width, height=height)
            channel.invoke_shell()
        except TimeoutError as error:
            raise ConnectTimeout(f"{where} took the login but did not open a shell in time") from error
        except (paramiko.SSHException, EOFError, OSError) as error:
            if "Timeout" in str(error):
                raise ConnectTimeout(f"{where} took the login but did not open a session in time") from error
            raise SessionRefused(
                f"{where} took the login but refused a session ({reason_of(error)}): "
                "all its lines may be in use, or a session limit is reached"
            ) from error
        return channel


class _BoundedEvent(threading.Event):
    """An event whose unbounded wait ends at a deadline."""

    def __init__(self, deadline: Deadline) -> None:
        super().__init__()
        self._deadline = deadline

    def wait(self, timeout: float | None = None) -> bool:
        """As Event.wait; TimeoutError when the deadline passes."""
        limit = self._deadline.remaining(at_most=3600.0)
        if super().wait(limit if timeout is None else min(timeout, limit)):
            return True
        raise TimeoutError
