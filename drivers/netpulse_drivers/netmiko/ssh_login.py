"""From nothing to a shell channel, with one deadline and errors that tell the phases apart."""

from __future__ import annotations

import io
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import paramiko

from netpulse_drivers.deadline import Deadline
from netpulse_drivers.errors import (
    AuthenticationFailed,
    ConnectError,
    ConnectTimeout,
    DriverError,
    InvalidArguments,
    NegotiationFailed,
    SessionRefused,
)
from netpulse_drivers.netmiko.byte_stream import SSHStream
from netpulse_drivers.netmiko.host_keys import (
    HostKeyCheck,
    KnownHosts,
    default_known_hosts,
    effective_policy,
    host_token,
)
from netpulse_drivers.netmiko.negotiation import ExplainedTransport

if TYPE_CHECKING:
    from netpulse_drivers.netmiko.connection_args import NetmikoConnectionArgs
    from netpulse_drivers.netmiko.event_driven import EventDriven

USER_TIMEOUT = 30.0
"""Seconds that written bytes may stay unacknowledged before the kernel gives the connection up (TCP_USER_TIMEOUT)."""


class SSHLogin:
    """One login, for ``EventDriven.dial``.

    Attributes:
        check: what was decided about the host key.
        transport: of the last login.
    """

    def __init__(self, args: NetmikoConnectionArgs) -> None:
        self._args = args
        self.check: HostKeyCheck | None = None
        self.transport: ExplainedTransport | None = None

    def __call__(self, connection: EventDriven, width: int, height: int) -> None:
        """Connect, log in, open a shell and attach it to ``connection``.

        Raises:
            ConnectError and subclasses, AuthenticationFailed, InvalidArguments.
        """
        deadline = connection.deadline
        options = connection._connect_params_dict()  # noqa: SLF001 - netmiko's answer to ssh_config_file
        host, port = options["hostname"], int(options["port"])
        where = f"{host} port {port}"
        hosts = KnownHosts(
            Path(self._args.known_hosts).expanduser() if self._args.known_hosts else default_known_hosts()
        )
        self.check = HostKeyCheck(effective_policy(self._args.host_key_policy), hosts, host_token(host, port))
        private_key = self._private_key()
        sock = options["sock"] or open_tcp(host, port, deadline.sooner(self._args.conn_timeout))
        client = connection._build_ssh_client()  # noqa: SLF001 - some platforms bring a client of their own
        connection.remote_conn_pre = client
        client.set_missing_host_key_policy(self.check)
        options.update(
            sock=sock,
            pkey=private_key,
            timeout=deadline.remaining(),
            banner_timeout=deadline.remaining(at_most=self._args.banner_timeout),
            auth_timeout=deadline.remaining(at_most=self._args.auth_timeout),
            channel_timeout=deadline.remaining(),
            transport_factory=self._transport,
        )
        try:
            client.connect(**options)
        except DriverError:
            sock.close()
            raise
        except Exception as error:
            translated = self._translate(error, where, deadline)
            sock.close()
            raise translated from error
        connection.remote_conn = self._shell(width, height, deadline, where)
        connection.attach(SSHStream(connection.remote_conn))

    def _transport(self, sock: socket.socket, **options: Any) -> ExplainedTransport:
        assert self.check is not None  # noqa: S101 - set before connecting
        transport = ExplainedTransport(sock, prefer_host_keys=self.check.preferred_algorithms, **options)
        # The transport's thread must not keep a worker from ending.
        transport.daemon = True
        self.transport = transport
        return transport

    def _private_key(self) -> paramiko.PKey | None:
        if self._args.pkey is None:
            return None
        secret = self._args.passphrase
        return parse_private_key(self._args.pkey.get_secret_value(), secret.get_secret_value() if secret else None)

    def _shell(self, width: int, height: int, deadline: Deadline, where: str) -> paramiko.Channel:
        transport = self.transport
        assert transport is not None  # noqa: S101 - connect succeeded
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
                f"{where} took the login but refused a session ({_reason(error)}): "
                "all its lines may be in use, or a session limit is reached"
            ) from error
        return channel

    def _translate(  # noqa: PLR0911 - one return a kind of error
        self, error: Exception, where: str, deadline: Deadline
    ) -> DriverError:
        if isinstance(error, paramiko.AuthenticationException):
            handler = self.transport.auth_handler if self.transport is not None else None
            if handler is not None and handler.authenticated:  # paramiko sees the close before the success
                return SessionRefused(
                    f"{where} took the login and closed the connection at once: all its lines may be in use"
                )
            return _authentication_error(error, where)
        if isinstance(error, paramiko.PasswordRequiredException):
            return InvalidArguments("the private key is encrypted: give passphrase")
        if isinstance(error, FileNotFoundError):
            return InvalidArguments("key_file does not exist on the worker")
        text = _reason(error)
        if isinstance(error, paramiko.SSHException) and "banner" in text:
            if isinstance(error.__context__, TimeoutError):
                return ConnectTimeout(f"{where} accepted the connection but sent no SSH banner in time")
            return ConnectError(f"{where} closed the connection before SSH began, or is no SSH server")
        explanation, details = self.transport.explain() if self.transport is not None else ("", [])
        if explanation:
            return NegotiationFailed(f"SSH negotiation with {where} failed: {explanation}", details=details)
        if isinstance(error, TimeoutError) or "No existing session" in text or deadline.passed:
            return ConnectTimeout(f"{where} did not finish the SSH handshake in time")
        if isinstance(error, paramiko.SSHException | EOFError | OSError):
            return ConnectError(f"SSH connection to {where} failed: {text}")
        return ConnectError(f"SSH connection to {where} failed: {type(error).__name__}: {text}")


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


def open_tcp(host: str, port: int, deadline: Deadline) -> socket.socket:
    """A TCP connection with the options that a long-lived session needs.

    Raises:
        ConnectError: name not resolved, refused, no route. ConnectTimeout: no answer before the deadline.
    """
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise ConnectError(f"name {host} cannot be resolved: {getattr(error, 'strerror', None) or error}") from error
    problem: OSError | None = None
    for family, kind, protocol, _, address in addresses:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(max(deadline.remaining(at_most=600.0), 0.001))
            sock.connect(address)
        except OSError as error:
            sock.close()
            problem = error
            continue
        _keep_alive(sock)
        return sock
    if isinstance(problem, TimeoutError):
        raise ConnectTimeout(f"no answer from {host} port {port}: connection timed out") from problem
    reason = problem.strerror if problem is not None and problem.strerror else str(problem)
    raise ConnectError(f"{host} port {port} is unreachable: {reason}") from problem


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


def parse_private_key(text: str, passphrase: str | None) -> paramiko.PKey:
    """A private key from its text, whatever its kind.

    Raises:
        InvalidArguments: no key, an unsupported kind, or a wrong or missing passphrase.
    """
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key(io.StringIO(text), password=passphrase)
        except paramiko.PasswordRequiredException:
            raise InvalidArguments("pkey is encrypted: give passphrase") from None
        except (paramiko.SSHException, ValueError, IndexError, UnicodeDecodeError):
            continue  # of another kind; which kind it is shows only by trying
    hint = "or the passphrase is wrong" if passphrase else "Ed25519, ECDSA and RSA keys are supported"
    raise InvalidArguments(f"pkey cannot be read: no private key in PEM or OpenSSH format, {hint}")


def _authentication_error(error: paramiko.AuthenticationException, where: str) -> DriverError:
    text = str(error)
    if "timeout" in text.lower():
        return ConnectTimeout(f"{where} did not answer the login in time")
    if isinstance(error, paramiko.BadAuthenticationType):
        allowed = ", ".join(error.allowed_types) or "none"
        return AuthenticationFailed(f"{where} refused the login: it accepts only {allowed}")
    if "EOF" in text or "transport shut down" in text:
        return AuthenticationFailed(f"{where} closed the connection when asked to log in")
    return AuthenticationFailed(f"{where} refused user name, password or key")


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
