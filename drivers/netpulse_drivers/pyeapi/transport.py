"""A pyeapi connection that stays open.

pyeapi closes its connection after every request (``EapiConnection.send``, in its ``finally``), verifies no
certificate, logs requests with their passwords and prints tracebacks to stderr. This class has pyeapi's interface, so
that NAPALM's eos driver and pyeapi's ``Node`` work on it, and none of that.

An HTTP connection may be closed by either side at any time between two requests (RFC 9112, section 9). An end that the
device announced, or that falls between two commands of one job, costs a new connection. One that was found before the
first command of a job is a stale session, which the worker replaces. One that shows only after a request was written
is retried if all its commands only read; otherwise nobody knows what the device did with them.
"""

from __future__ import annotations

import http.client
import json
import select
import socket
import ssl
from collections.abc import Sequence
from typing import Any

from pyeapi.eapilib import CommandError, EapiConnection

from netpulse_drivers.base import Call
from netpulse_drivers.cut_connection import cut_connection
from netpulse_drivers.errors import (
    AuthenticationFailed,
    CommandRefused,
    CommandTimeout,
    ConnectError,
    ConnectTimeout,
    DriverError,
    NegotiationFailed,
    OutputTooLarge,
    SessionLost,
    SessionStale,
)
from netpulse_drivers.pyeapi.tls import explained

PATH = "/command-api"

LARGEST_ANSWER = 32 * 1024 * 1024
"""Bytes of the largest answer that is read; show tech-support of a chassis has about 10 MB."""

_DEAD_PEER = 30_000
"""Milliseconds that written data may stay unacknowledged (TCP_USER_TIMEOUT, RFC 5482)."""

_READING = ("show ", "enable", "ping ", "traceroute ", "dir", "more ")


class _NoAnswer(Exception):
    """The connection ended before the first byte of an answer."""


class KeptConnection(EapiConnection):
    """One connection to one switch. Its arguments have the names that NAPALM hands over (getfullargspec).

    Args:
        host, port, path, username, password: as in pyeapi.
        context: TLS; None: plain HTTP.
        server_name: for SNI and for checking the certificate, when that is not host.
        timeout: seconds for connecting and for each answer, within the call's deadline.
        call: the call under way; whoever owns the connection sets ``call`` before each operation.

    Attributes:
        call: deadline and write guard of the operation under way.
        failure: the last error of the connection itself; NAPALM wraps what it does not know.
        connections: how many TCP connections have been made.
    """

    def __init__(  # noqa: PLR0917 - the names and order of pyeapi's own
        self,
        host: str,
        port: int | None = None,
        path: str | None = None,
        username: str | None = None,
        password: str | None = None,
        context: ssl.SSLContext | None = None,
        timeout: float = 60,
        server_name: str | None = None,
        call: Call | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        port = port or (80 if context is None else 443)
        self.where = f"{host} port {port}"
        self.call = call or Call()
        self.failure: DriverError | None = None
        self.connections = 0
        self._path = path or PATH
        self._timeout = float(timeout)
        self._served: Call | None = None
        self._condemned = ""
        self._dialled: socket.socket | None = None
        self._socket: socket.socket | None = None
        # pyeapi's name for the HTTP connection
        self.transport: http.client.HTTPConnection = (
            http.client.HTTPConnection(host, port) if context is None else _Https(host, port, context, server_name)
        )
        # http.client would dial by itself, past the checks here
        self.transport.auto_open = 0
        # http.client's own would keep the socket to itself until it is connected: nobody could cut it
        self.transport._create_connection = self._tcp  # type: ignore[attr-defined]  # noqa: SLF001
        if username is not None:
            self.authentication(username, password or "")  # type: ignore[no-untyped-call]

    def __repr__(self) -> str:
        return f"KeptConnection({self.where})"

    __str__ = __repr__

    # -- life -------------------------------------------------------------------------------------------------------

    def alive(self) -> bool:
        """From what is known locally. A connection whose end was announced counts: the next request dials again."""
        return not self._condemned and not self._ended()

    def is_alive(self) -> dict[str, bool]:
        """The same as NAPALM asks for it."""
        return {"is_alive": self.alive()}

    def close(self) -> None:
        """Close for good."""
        self._condemned = self._condemned or "closed"
        self._hang_up()

    def abort(self) -> None:
        """Cut it from another thread, also while it is being made; see ``BaseDriver.abort``."""
        self._condemned = self._condemned or "broken off"
        for sock in (self._dialled, self.transport.sock, self._socket):
            if sock is not None:
                cut_connection(sock)

    def _hang_up(self) -> None:
        self.transport.close()
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _ended(self) -> bool:
        """Whether the device has closed the idle connection, or sent what nobody asked for."""
        if self._socket is None:
            return False
        if self._socket.fileno() < 0:
            return True
        waiting = select.poll()
        waiting.register(self._socket, select.POLLIN)
        if isinstance(self._socket, ssl.SSLSocket):
            return (bool(waiting.poll(0)) or self._socket.pending() > 0) and self._tls_ended(self._socket)
        return bool(waiting.poll(0))

    @staticmethod
    def _tls_ended(sock: ssl.SSLSocket) -> bool:
        """TLS speaks by itself too (RFC 8446, 4.6: session tickets, key updates): only what it lets through counts."""
        sock.settimeout(0.0)
        try:
            sock.recv(1)
        except ssl.SSLWantReadError:
            return False
        except OSError:
            return True
        return True

    # -- requests ---------------------------------------------------------------------------------------------------

    def execute(self, commands: Any, encoding: str = "json", **kwargs: Any) -> Any:
        """Run commands; pyeapi's own entry. The decoded answer.

        Raises:
            CommandError: pyeapi's, the device refused a command.
            DriverError: of the connection; also kept in ``failure``.
        """
        self.error = None
        try:
            request = self.request(commands, encoding=encoding, **kwargs)  # type: ignore[no-untyped-call]
            return self._exchange(request, harmless=_only_read(commands))
        except CommandError as error:
            error.commands = commands
            self.error = error
            raise
        except DriverError as error:
            self.failure = error
            raise

    def send(self, data: str) -> Any:
        """Send a request that is encoded already; pyeapi's own entry."""
        return self._exchange(data, harmless=False)

    def _exchange(self, request: str, *, harmless: bool) -> Any:
        body = request.encode()
        fresh = self._make_ready()
        self.call.before_write()
        self._served = self.call
        try:
            try:
                status, reason, answer = self._ask(body)
            except _NoAnswer as error:
                self._hang_up()
                if fresh or not harmless or self._condemned:
                    raise SessionLost(f"{self.where} closed the connection instead of answering: {error}") from error
                self._dial()
                self.call.before_write()
                status, reason, answer = self._ask(body)
        except _NoAnswer as error:
            self._hang_up()
            raise SessionLost(f"{self.where} closed the connection instead of answering: {error}") from error
        except TimeoutError as error:
            self._condemned = "a request was not answered in time"
            self._hang_up()
            raise CommandTimeout(f"{self.where} did not answer in time; the connection is closed") from error
        except ssl.SSLError as error:
            self._hang_up()
            raise explained(error, self.where) from error
        except (OSError, http.client.HTTPException) as error:
            self._condemned = "the connection broke"
            self._hang_up()
            raise SessionLost(f"the connection to {self.where} broke: {_said(error)}") from error
        except DriverError:
            raise
        except BaseException:
            # what was asked is still to be answered: nobody may read that as the answer to something else
            self._condemned = self._condemned or "broken off"
            self._hang_up()
            raise
        return self._decoded(status, reason, answer)

    def _make_ready(self) -> bool:
        """See that there is a connection; whether it is a new one.

        Raises:
            SessionStale: the kept one is dead; nothing was written.
            ConnectError: there was none, and none could be made.
            CommandTimeout: the time is over.
        """
        if self._condemned:
            raise SessionStale(f"kept connection is dead: {self._condemned}")
        if self.call.deadline.passed:
            raise CommandTimeout("the time for this operation was over before anything was sent", session_usable=True)
        if self._socket is not None and self._ended():
            self._hang_up()
            if self._served is not self.call:
                self._condemned = "the device closed it"
                raise SessionStale(f"kept connection is dead: {self.where} closed it")
        if self._socket is not None:
            return False
        self._dial()
        return True

    def _dial(self) -> None:
        seconds = self.call.deadline.remaining(at_most=self._timeout)
        if seconds <= 0:
            raise ConnectTimeout(f"no time is left to connect to {self.where}")
        self.transport.timeout = seconds
        try:
            self.transport.connect()
        except ssl.SSLError as error:
            self._hang_up()
            raise explained(error, self.where) from error
        except TimeoutError as error:
            self._hang_up()
            raise ConnectTimeout(f"{self.where} did not take a connection within {seconds:.1f} s") from error
        except (OSError, UnicodeError) as error:
            self._hang_up()
            raise ConnectError(f"no connection to {self.where}: {_said(error)}") from error
        self._socket = self.transport.sock
        if self._socket is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _DEAD_PEER)
        self.connections += 1

    def _tcp(self, address: tuple[str, int], timeout: float, _source: object) -> socket.socket:
        """A TCP connection to the first address that takes it; what http.client asks for."""
        problem = OSError("the name has no address")
        for family, kind, protocol, _, where in self.call.site.networks.addresses(*address):
            sock = self._dialled = socket.socket(family, kind, protocol)
            sock.settimeout(timeout)
            try:
                self._check_whole()  # an abort either sees this socket or is seen here
                sock.connect(where)
                self._check_whole()
            except OSError as error:
                sock.close()
                problem = error
            else:
                return sock
        raise problem

    def _check_whole(self) -> None:
        if self._condemned:
            raise ConnectionAbortedError(self._condemned)

    def _ask(self, body: bytes) -> tuple[int, str, bytes]:
        """Write the request, read the answer: status, reason, body.

        Raises:
            _NoAnswer, TimeoutError, OSError, HTTPException, OutputTooLarge
        """
        assert self._socket is not None  # noqa: S101 - _make_ready came first
        limit = self.call.deadline.sooner(self._timeout)
        self._socket.settimeout(max(limit.remaining(), 0.001))
        try:
            self.transport.putrequest("POST", self._path)
            self.transport.putheader("Content-Type", "application/json-rpc")
            self.transport.putheader("Content-Length", str(len(body)))
            if self._auth:
                self.transport.putheader(*self._auth)
            self.transport.endheaders(message_body=body)
            response = self.transport.getresponse()
        except http.client.BadStatusLine as error:
            if isinstance(error, http.client.RemoteDisconnected):
                raise _NoAnswer("connection closed") from error
            self._hang_up()
            raise NegotiationFailed(f"{self.where} does not speak HTTP; is transport https meant?") from error
        except (BrokenPipeError, ConnectionResetError) as error:
            raise _NoAnswer(_said(error)) from error
        parts, size = [], 0
        # From Python 3.12 on, reading the last of the body closes the response, and a connection that ends with it.
        while not response.isclosed():
            self._socket.settimeout(max(limit.remaining(), 0.001))
            part = response.read1(262144)
            if not part:
                break
            parts.append(part)
            size += len(part)
            if size > LARGEST_ANSWER:
                response.close()
                self._hang_up()
                raise OutputTooLarge(
                    f"{self.where} answered with more than {LARGEST_ANSWER // 2**20} MiB; narrow the command"
                )
        if response.length:
            raise http.client.IncompleteRead(b"", response.length)
        closing = response.will_close
        response.close()
        if closing:
            self._hang_up()  # announced: the next request makes a connection
        return response.status, response.reason, b"".join(parts)

    def _decoded(self, status: int, reason: str, body: bytes) -> Any:
        if status == http.client.UNAUTHORIZED:
            said = body.decode("utf-8", "replace").strip()
            raise AuthenticationFailed(f"{self.where} refused user name or password", device_output=said[:2000])
        try:
            decoded = json.loads(body)
        except ValueError:
            decoded = None
        if not isinstance(decoded, dict) or not ("result" in decoded or "error" in decoded):
            raise self._no_eapi(status, reason, body)
        if "error" in decoded:
            code, message, error, output = self._parse_error_message(decoded)  # type: ignore[no-untyped-call]
            raise CommandError(code, message, command_error=error, output=output)  # type: ignore[no-untyped-call]
        return decoded

    def _no_eapi(self, status: int, reason: str, body: bytes) -> DriverError:
        said = body.decode("utf-8", "replace").strip()[:2000]
        if status in (http.client.NOT_FOUND, http.client.METHOD_NOT_ALLOWED):
            return ConnectError(
                f"{self.where} has no eAPI (HTTP {status} {reason}); on the switch: management api http-commands, "
                "no shutdown",
                device_output=said,
            )
        if status == http.client.OK:
            return ConnectError(f"{self.where} answered with something that is no eAPI answer", device_output=said)
        return CommandRefused(f"{self.where} answered HTTP {status} {reason}", device_output=said)


class _Https(http.client.HTTPSConnection):
    def __init__(self, host: str, port: int, context: ssl.SSLContext, server_name: str | None) -> None:
        super().__init__(host, port, context=context)
        self._tls = context
        self._server_name = server_name or host

    def connect(self) -> None:
        http.client.HTTPConnection.connect(self)
        plain = self.sock
        try:
            self.sock = self._tls.wrap_socket(plain, server_hostname=self._server_name)
        except BaseException:
            plain.close()
            self.sock = None
            raise


def _only_read(commands: Any) -> bool:
    items: Sequence[Any] = commands if isinstance(commands, list | tuple) else [commands]
    return all(_command(item).startswith(_READING) for item in items)


def _command(item: Any) -> str:
    return str(item.get("cmd", "") if isinstance(item, dict) else item).strip()


def _said(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
