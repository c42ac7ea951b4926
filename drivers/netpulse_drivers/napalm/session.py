"""NAPALM's driver object kept open, and what is below it: one class a wire.

NAPALM's own liveness checks do not tell (eos over eAPI: always true; ios: a NUL into the command line and a look at
local state), so each wire has its own.
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import paramiko

from netpulse_drivers.base import Call
from netpulse_drivers.errors import CommandRefused, CommandTimeout, DriverError, SessionStale
from netpulse_drivers.named_files import MemoryFile
from netpulse_drivers.napalm.failures import working
from netpulse_drivers.napalm.platforms import NapalmPlatform
from netpulse_drivers.netmiko.connecting.keepalive import prove_alive
from netpulse_drivers.netmiko.session import NetmikoSession
from netpulse_drivers.ssh.keepalive import ssh_keepalive
from netpulse_drivers.terminal.byte_stream import cut_transport
from netpulse_drivers.terminal.reply import Reply
from netpulse_drivers.terminal.terminal_text import last_line

_SSH_BELOW = (
    ("device", "_conn", "_session", "transport"),  # junos: jnpr.junos over ncclient
    ("device", "_session", "transport"),  # iosxr_netconf: ncclient
    ("device", "device", "remote_conn", "transport"),  # iosxr: pyIOSXR over netmiko
    ("device", "remote_conn", "transport"),
    ("_device", "remote_conn", "transport"),
    ("_netmiko_device", "remote_conn", "transport"),
)
"""Where the drivers keep their paramiko transport."""

_KEEPALIVE_LIMIT = 10.0


class NapalmSession:
    """A session of a driver that brings its own wire (NETCONF, NX-API, community drivers).

    Attributes:
        device: NAPALM's object, open.
        platform: which.
        unusable_reason: why the session must be closed; "" while it may be used.
    """

    def __init__(self, device: Any, platform: NapalmPlatform, *, kept: Sequence[MemoryFile] = ()) -> None:
        self._kept = kept  # files that the device's library may open again
        self.device = device
        self.platform = platform
        self.unusable_reason = ""
        self._answers_keepalive = False
        self._call: Call | None = None
        self._guarded = Call()
        self._stopped: BaseException | None = None

    @contextlib.contextmanager
    def operation(self, call: Call, what: str) -> Iterator[Any]:
        """NAPALM's object for one operation; what it raises comes out as an error of the tree.

        Raises:
            SessionStale: dead before anything was written.
            DriverError: see ``failures``.
        """
        if self.unusable_reason:
            raise SessionStale(f"kept session is dead: {self.unusable_reason}")
        if call.deadline.passed:
            raise CommandTimeout("the time for this operation was over before anything was sent", session_usable=True)
        self._stopped = None
        try:
            # Libraries dial again as they like.
            with self._wire(self._with_guard(call)), call.site.networks.enforced():
                yield self.device
        except DriverError as error:
            self._judge(error)
            raise
        except Exception as error:
            if self._stopped is not None:
                # NAPALM may have wrapped it
                raise self._stopped from None
            translated = working(error, what)
            if translated is None:
                raise
            self._judge(translated)
            raise translated from error

    def _with_guard(self, call: Call) -> Call:
        """The call with its write guard remembered: NAPALM's eos driver wraps whatever is raised below it."""
        if self._call is not call:
            guard = call.before_write

            def before_write() -> None:
                try:
                    guard()
                except BaseException as stopped:
                    self._stopped = stopped
                    raise

            self._call, self._guarded = call, replace(call, before_write=before_write)
        return self._guarded

    def _judge(self, error: DriverError) -> None:
        if not error.session_usable:
            self.unusable_reason = self.unusable_reason or error.message

    @contextlib.contextmanager
    def _wire(self, call: Call) -> Iterator[None]:
        if not self.is_alive():
            self.unusable_reason = self.unusable_reason or "the connection is closed"
            raise SessionStale(f"kept session is dead: {self.unusable_reason}")
        call.before_write()
        yield

    def is_alive(self) -> bool:
        """From what is known locally where the driver keeps an SSH transport; else as it says itself."""
        if self.unusable_reason:
            return False
        transport = self._transport()
        if transport is not None:
            return bool(transport.is_active())
        try:
            return bool(self.device.is_alive()["is_alive"])
        except Exception:  # noqa: BLE001 - foreign code; a session that cannot even be asked is not alive
            return False

    def prove_alive(self, call: Call) -> bool:
        """An SSH keepalive that wants an answer; without SSH, what the driver itself says."""
        if not self.is_alive():
            return False
        transport = self._transport()
        if transport is None:
            return True
        call.before_write()
        try:
            answered = ssh_keepalive(transport, call.deadline.sooner(_KEEPALIVE_LIMIT))
        except (paramiko.SSHException, EOFError, OSError):
            answered = False
        if answered:
            self._answers_keepalive = True
        elif self._answers_keepalive:
            self.unusable_reason = "the device no longer answers SSH keepalives"
        return not self.unusable_reason

    def save(self, call: Call) -> str:
        """Write the start-up configuration.

        Raises:
            NotImplementedError: NAPALM has no such thing; a commit saves.
        """
        raise NotImplementedError("saving alone; its commits save")

    def close(self) -> None:
        """Close; never raises for a dead session."""
        self.unusable_reason = self.unusable_reason or "closed"
        with contextlib.suppress(Exception):  # foreign code on what may be a dead connection; it is gone either way
            self.device.close()

    def abort(self) -> None:
        """Cut the connection from another thread; see ``BaseDriver.abort``.

        Only SSH can be cut from outside. A driver with another wire goes on until its request is answered or has timed
        out: NAPALM gives its HTTP requests the session's ``timeout``.
        """
        self.unusable_reason = self.unusable_reason or "broken off"
        transport = self._transport()
        if transport is not None:
            cut_transport(transport)

    def _transport(self) -> paramiko.Transport | None:
        for path in _SSH_BELOW:
            found = self.device
            for name in path:
                found = getattr(found, name, None)
            if isinstance(found, paramiko.Transport):
                return found
        return None


class CommandLineSession(NapalmSession):
    """ios, nxos_ssh, eos over SSH: NAPALM types on a session of the netmiko driver, with its host key check, its
    deadlines, its write guard and its keepalive.

    Attributes:
        below: that session.
        beside: SSH clients that NAPALM has made to copy files.
    """

    def __init__(
        self,
        device: Any,
        platform: NapalmPlatform,
        below: NetmikoSession,
        beside: list[weakref.ref[paramiko.SSHClient]],
    ) -> None:
        super().__init__(device, platform)
        self.below = below
        self.beside = beside
        connection = below.connection
        exchange = connection.exchange

        def noted(*args: Any, **how: Any) -> Reply:
            reply = exchange(*args, **how)
            connection.transcript = reply.last_line  # what netmiko's other reads append to
            return reply

        setattr(connection, "exchange", noted)  # noqa: B010 - of this one object

    @contextlib.contextmanager
    def _wire(self, call: Call) -> Iterator[None]:
        below = self.below
        with below.operation(call):
            below.connection.transcript = ""
            try:
                yield
            finally:
                self._see_where_it_stands()

    def _see_where_it_stands(self) -> None:
        """NAPALM has typed by itself: only the last line that came tells whether the prompt is back."""
        below = self.below
        if not below.connection.wrote:
            return
        line = last_line(below.connection.transcript)
        below.at_prompt = False
        if (below.prompt.accepts(line) or below.prompt.resembles(line)) and not below.prompt.moved_to(line).in_config:
            below.arrived_at(line)

    def is_alive(self) -> bool:
        return not self.unusable_reason and self.below.is_alive()

    def prove_alive(self, call: Call) -> bool:
        return not self.unusable_reason and prove_alive(self.below, call)

    def save(self, call: Call) -> str:
        with self.operation(call, "saving"):
            return str(self.below.connection.save_config())

    def close(self) -> None:
        """NAPALM would still type on the way out; a session that is given up gets nothing more to read."""
        self.unusable_reason = self.unusable_reason or "closed"
        self.below.close()

    def abort(self) -> None:
        """As above; the connections that NAPALM opened beside the session, to copy files, are cut too."""
        self.unusable_reason = self.unusable_reason or "broken off"
        self.below.abort()
        for known in tuple(self.beside):
            client = known()
            transport = client.get_transport() if client is not None else None
            if transport is not None:
                cut_transport(transport)


class EapiSessionOfNapalm(NapalmSession):
    """eos over eAPI, on a connection that stays open."""

    @property
    def _connection(self) -> Any:
        return self.device.device.connection

    @contextlib.contextmanager
    def _wire(self, call: Call) -> Iterator[None]:
        self._connection.call = call
        yield

    def is_alive(self) -> bool:
        return not self.unusable_reason and bool(self._connection.alive())

    def prove_alive(self, call: Call) -> bool:
        """One harmless request."""
        try:
            with self.operation(call, "keepalive") as device:
                device.device.run_commands(["show hostname"], send_enable=False)
        except CommandRefused:
            return self.is_alive()  # refused is answered
        except DriverError:
            return False
        return self.is_alive()

    def save(self, call: Call) -> str:
        with self.operation(call, "saving") as device:
            return str(device.device.run_commands(["write memory"], encoding="text")[0].get("output", ""))

    def close(self) -> None:
        """Only the connection: NAPALM's own close aborts its configuration session, be it a timed commit."""
        self.unusable_reason = self.unusable_reason or "closed"
        self._connection.close()

    def abort(self) -> None:
        self.unusable_reason = self.unusable_reason or "broken off"
        self._connection.abort()
