"""One SSH session to a jump host, and the streams to devices that run in it."""

from __future__ import annotations

import random
import socket
import threading
import time

import paramiko

from netpulse_drivers.deadline import Deadline
from netpulse_drivers.errors import (
    AuthenticationFailed,
    ConnectError,
    ConnectTimeout,
    DriverError,
    ForwardingRefused,
    SessionRefused,
)
from netpulse_drivers.jump.event_log import log
from netpulse_drivers.jump.jump_host import ReadyJumpHost
from netpulse_drivers.networks import DeviceNetworks
from netpulse_drivers.ssh.connect import SSHConnect, reason_of
from netpulse_drivers.ssh.keepalive import ssh_keepalive
from netpulse_drivers.ssh.negotiation import ExplainedTransport
from netpulse_drivers.ssh.tcp import open_tcp

KEEPALIVE = 15.0
"""Seconds between two keepalives; two unanswered ones in a row end the session and all its streams."""

ANSWER_WITHIN = 10.0
"""Seconds for the answer to a keepalive."""

MAX_STREAMS = 1000
"""Streams of one session."""

HOLDS = {"auth": (5.0, 60.0), "connect": (1.0, 10.0)}
"""Seconds after a failed login in which the next one is not tried, by phase: the first time and at most. Doubled each
time, with jitter. A refused credential is worth a longer one: many devices' jobs would otherwise lock the account."""

REMEMBERED = 60.0
"""Seconds behind that for which a failure still counts."""

_PROHIBITED, _UNKNOWN_TYPE, _SHORTAGE = 1, 3, 4
"""Reasons of a refused channel, RFC 4254 section 5.1."""


class JumpSession:
    """A login to one jump host, made when it is needed and made again when it broke.

    Attributes:
        users: requests and streams that hold it; counted by the owner.
        idle_since: when the last of them left (monotonic seconds).
    """

    def __init__(self, where: str, *, through: JumpSession | None) -> None:
        self.where = where
        self.through = through
        self.users = 0
        self.idle_since = time.monotonic()
        self._login = threading.Lock()
        self._attempts = 0
        self._failure: DriverError | None = None
        self._failures = 0
        self._hold_until = 0.0
        self._client: paramiko.SSHClient | None = None
        self._transport: ExplainedTransport | None = None
        self._closed = threading.Event()

    @property
    def alive(self) -> bool:
        return self._transport is not None and self._transport.is_active()

    @property
    def remembers_failure(self) -> bool:
        """Whether a failed login still counts for how long the next one is put off."""
        return self._failure is not None and time.monotonic() < self._hold_until + REMEMBERED

    def open(self, host: str, port: int, hop: ReadyJumpHost, *, within: float) -> paramiko.Channel:
        """A channel to ``host``; logs in first when there is no session.

        Args:
            hop: with credentials, for a login; they are not kept.

        Raises:
            ConnectError and subclasses, AuthenticationFailed, InvalidArguments.
        """
        for last in (False, True):
            transport = self.ensure(hop)
            try:
                return self._channel(transport, host, port, within)
            except (paramiko.SSHException, EOFError, OSError) as error:
                if last or transport.is_active():
                    raise self._refusal(transport, error, host, port) from error
                # It broke under our hands; the next login tells whether the jump host is there.
        raise AssertionError

    def close(self) -> None:
        """End the session and every stream in it."""
        self._closed.set()
        if self._client is not None:
            self._client.close()
            log("jump_closed", jump_host=self.where)

    # -- login ------------------------------------------------------------------------------------------------------

    def ensure(self, hop: ReadyJumpHost) -> ExplainedTransport:
        """Logged in. One login at a time; those who waited for one share its outcome.

        Raises:
            ConnectError and subclasses, AuthenticationFailed, InvalidArguments.
        """
        seen = self._attempts
        with self._login:
            transport = self._transport
            if transport is not None and transport.is_active():
                return transport
            if self._failure is not None and (self._attempts != seen or time.monotonic() < self._hold_until):
                raise _again(self._failure, self._hold_until)
            self._attempts += 1
            try:
                transport = self._connect(hop)
            except DriverError as error:
                self._failed(error)
                raise self._failure or error from error
            self._failure, self._failures, self._hold_until = None, 0, 0.0
            log("jump_opened", jump_host=self.where)
            threading.Thread(target=self._watch, args=(transport,), name="watch", daemon=True).start()
            return transport

    def _connect(self, hop: ReadyJumpHost) -> ExplainedTransport:
        password = hop.password.get_secret_value() if hop.password else None
        login = SSHConnect(hop, host=hop.host, port=hop.port, where=self.where, password=password)
        sock: socket.socket | paramiko.Channel
        if self.through is not None:
            sock = self.through.channel_of_live_session(hop.addresses[0], hop.port, within=hop.conn_timeout)
        else:
            sock = _dialled(hop)
        client = paramiko.SSHClient()
        within = Deadline.after(hop.banner_timeout + hop.auth_timeout)
        transport = login.login(client, sock, username=hop.username, deadline=within)
        self._client, self._transport = client, transport
        return transport

    def channel_of_live_session(self, host: str, port: int, *, within: float) -> paramiko.Channel:
        """A channel to the next jump host.

        Raises:
            ConnectError and subclasses: this session is gone, or refuses.
        """
        transport = self._transport
        if transport is None or not transport.is_active():
            raise ConnectError(f"the session to {self.where} broke")
        try:
            return self._channel(transport, host, port, within)
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise self._refusal(transport, error, host, port) from error

    def _failed(self, error: DriverError) -> None:
        phase = "auth" if isinstance(error, AuthenticationFailed) else "connect"
        named = error.message if self.where in error.message else f"{self.where}: {error.message}"
        self._failure = type(error)(
            named,
            device_output=error.device_output,
            details=[*error.details, {"jump_host": self.where, "phase": phase}],
        )
        first, most = HOLDS[phase]
        hold = min(first * 2**self._failures, most) * random.uniform(0.75, 1.25)  # noqa: S311 - no secret
        self._failures = min(self._failures + 1, 10)
        self._hold_until = time.monotonic() + hold
        log("jump_failed", jump_host=self.where, phase=phase, code=error.code, next_attempt_in=round(hold, 1))

    # -- streams ----------------------------------------------------------------------------------------------------

    def _channel(self, transport: ExplainedTransport, host: str, port: int, within: float) -> paramiko.Channel:
        if self.users > MAX_STREAMS:
            raise SessionRefused(f"{self.where} carries {MAX_STREAMS} streams already: use further jump hosts")
        return transport.open_channel("direct-tcpip", (host, port), ("127.0.0.1", 0), timeout=max(within, 0.001))

    def _refusal(self, transport: ExplainedTransport, error: Exception, host: str, port: int) -> DriverError:
        details = [{"jump_host": self.where, "phase": "forward"}]
        refusal = transport.refusal()
        if refusal is not None:
            reason, text = refusal
            if reason == _PROHIBITED:
                return ForwardingRefused(
                    f"{self.where} refuses to forward to {host} port {port} ({text or 'no reason given'}): see "
                    "AllowTcpForwarding and PermitOpen of its sshd",
                    details=details,
                )
            other = {_UNKNOWN_TYPE: "it does not know forwarding", _SHORTAGE: "it is short of resources"}
            why = text or other.get(reason, "no reason given")
            return ConnectError(f"{host} port {port} is unreachable from {self.where}: {why}", details=details)
        if "Timeout" in str(error):
            return ConnectTimeout(f"no answer from {host} port {port} through {self.where}", details=details)
        return ConnectError(f"the session to {self.where} broke: {reason_of(error)}", details=details)

    def _watch(self, transport: ExplainedTransport) -> None:
        """Keepalives, until the session ends; its end is recorded."""
        unanswered = 0
        while not self._closed.wait(KEEPALIVE) and transport.is_active() and unanswered < 2:
            try:
                answered = ssh_keepalive(transport, Deadline.after(ANSWER_WITHIN))
            except (paramiko.SSHException, EOFError, OSError):
                break
            unanswered = 0 if answered else unanswered + 1
        if not self._closed.is_set():
            cause = transport.saved_exception or ("keepalives unanswered" if unanswered else "closed by the jump host")
            log("jump_lost", jump_host=self.where, cause=str(cause), streams=self.users)
        transport.close()


def _dialled(hop: ReadyJumpHost) -> socket.socket:
    """A connection to the first of its addresses that takes one; the worker has checked them."""
    deadline = Deadline.after(hop.conn_timeout)
    failure: ConnectError | None = None
    for address in hop.addresses:
        try:
            return open_tcp(address, hop.port, deadline, networks=DeviceNetworks(), source=hop.source_address)
        except ConnectError as error:
            failure = failure or error
    assert failure is not None  # noqa: S101 - there is at least one address
    raise failure


def _again(failure: DriverError, hold_until: float) -> DriverError:
    """The same failure for another device: nothing was tried for it."""
    seconds = max(hold_until - time.monotonic(), 0.0)
    return type(failure)(
        f"{failure.message} (tried a moment ago; next attempt in {seconds:.0f} s)",
        device_output=failure.device_output,
        details=failure.details,
    )
