"""Which connections are taken: so many in all, so many of one address, never more than there are descriptors for."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import resource
import socket
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import structlog

from netpulse_broker.api.http_protocol import BoundedProtocol, is_among, last_answer
from netpulse_broker.errors import TooManyRequests
from netpulse_drivers.networks import Network

log = structlog.get_logger(__name__)

AT_ONCE = 64
"""Connections that are taken before anything else gets its turn."""

HANDSHAKE = 10.0
"""Seconds for a TLS handshake."""

RESERVE = 128
"""Descriptors that are left for everything else: Redis, templates, logs."""

PAUSE = 0.1
"""Seconds without taking connections when descriptors have run out."""

SAID_EACH = 10.0
"""Seconds between two lines in the log about the same shortage."""

_SHORT = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Acceptor:
    """Takes connections from a listening socket.

    Args:
        make: a protocol for a new connection, given what to call when it is gone.
        tls: None: plain HTTP.
        most: connections in all, those in their TLS handshake included.
        most_of_one: connections of one address (of one /64 of IPv6).
        unlimited: networks without that limit: proxies, behind which everybody is.
        idle: connections that may be closed for a new one.
    """

    def __init__(
        self,
        listener: socket.socket,
        *,
        make: Callable[[Callable[[BoundedProtocol], None]], BoundedProtocol],
        tls: ssl.SSLContext | None,
        most: int,
        most_of_one: int,
        unlimited: Sequence[Network] = (),
        connections: Callable[[], Iterable[BoundedProtocol]],
    ) -> None:
        self._listener = listener
        self._make = make
        self._tls = tls
        self._most = most
        self._most_of_one = most_of_one
        self._unlimited = unlimited
        self._connections = connections
        self._open = 0
        self._of_one: Counter[str] = Counter()
        self._adopting: set[asyncio.Task[None]] = set()
        self._said: dict[str, float] = {}
        self._refused = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pausing: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Take connections from now on."""
        self._loop = asyncio.get_running_loop()
        self._listener.setblocking(False)
        self._loop.add_reader(self._listener.fileno(), self._take)

    def stop(self) -> None:
        """Take none any more; those that are open stay."""
        if self._loop is None:
            return
        if self._pausing is not None:
            self._pausing.cancel()
        self._loop.remove_reader(self._listener.fileno())
        self._listener.close()
        for task in list(self._adopting):
            task.cancel()

    def _take(self) -> None:
        for _ in range(AT_ONCE):
            try:
                connection, peer = self._listener.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno in _SHORT:
                    self._wait_for_descriptors(error)
                    return
                continue  # that caller has left already
            self._admit(connection, str(peer[0]))

    def _admit(self, connection: socket.socket, address: str) -> None:
        counted = self._counted(address)
        if counted is not None and self._of_one[counted] >= self._most_of_one:
            why = f"{self._most_of_one} connections of one address are open"
            self._refuse(connection, why, "max_connections_per_address")
            return
        if self._open >= self._most and not self._close_an_idle_one():
            self._refuse(connection, f"{self._open} connections are open", "max_connections")
            return
        assert self._loop is not None  # noqa: S101 - started
        self._open += 1
        if counted is not None:
            self._of_one[counted] += 1
        task = self._loop.create_task(self._adopt(connection, counted))
        self._adopting.add(task)
        task.add_done_callback(self._adopting.discard)

    async def _adopt(self, connection: socket.socket, counted: str | None) -> None:
        gone = False

        def release(_protocol: BoundedProtocol | None = None) -> None:
            nonlocal gone
            if gone:
                return
            gone = True
            self._open -= 1
            if counted is not None:
                self._of_one[counted] -= 1
                if not self._of_one[counted]:
                    del self._of_one[counted]

        assert self._loop is not None  # noqa: S101 - started
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            await self._loop.connect_accepted_socket(
                lambda: self._make(release),
                connection,
                ssl=self._tls,
                ssl_handshake_timeout=None if self._tls is None else HANDSHAKE,
            )
        except (OSError, asyncio.CancelledError):  # ssl.SSLError and a passed time are OSErrors
            release()
            connection.close()

    def _counted(self, address: str) -> str | None:
        """What the connections of an address are counted under; None: they are not."""
        if self._unlimited and is_among(address, self._unlimited):
            return None
        found = ipaddress.ip_address(address.partition("%")[0])
        if isinstance(found, ipaddress.IPv6Address):
            if found.ipv4_mapped is not None:
                return str(found.ipv4_mapped)
            return str(ipaddress.IPv6Network((int(found) >> 64 << 64, 64)))
        return address

    def _close_an_idle_one(self) -> bool:
        """Make room by the connection on which nothing has been asked for longest."""
        idle = [one for one in self._connections() if one.idle_since is not None and not one.transport.is_closing()]
        if not idle:
            return False
        min(idle, key=lambda one: one.idle_since or 0.0).transport.close()
        return True

    def _refuse(self, connection: socket.socket, why: str, setting: str) -> None:
        self._refused += 1
        self._say("connections_refused", why=why, setting=f"controller.{setting}", refused=self._refused)
        with connection:
            if self._tls is None:
                try:
                    connection.setblocking(False)
                    connection.send(last_answer(TooManyRequests(f"{why} (setting controller.{setting})")))
                    connection.shutdown(socket.SHUT_WR)
                    connection.recv(65_536)  # what is unread when it is closed would take the answer back
                except OSError:
                    return

    def _wait_for_descriptors(self, error: OSError) -> None:
        """The listener stays readable: look away for a moment, and make room."""
        assert self._loop is not None  # noqa: S101 - started
        self._say("descriptors_exhausted", error=error.strerror, connections=self._open)
        self._close_an_idle_one()
        self._loop.remove_reader(self._listener.fileno())

        def look_again() -> None:
            assert self._loop is not None  # noqa: S101 - as above
            self._pausing = None
            self._loop.add_reader(self._listener.fileno(), self._take)

        self._pausing = self._loop.call_later(PAUSE, look_again)

    def _say(self, event: str, **fields: object) -> None:
        now = time.monotonic()
        if now - self._said.get(event, -SAID_EACH) >= SAID_EACH:
            self._said[event] = now
            log.warning(event, **fields)


def connections_possible(wanted: int) -> int:
    """Raise the limit of descriptors (getrlimit(2), RLIMIT_NOFILE) for so many connections; how many there may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted + RESERVE:
        soft = wanted + RESERVE if hard == resource.RLIM_INFINITY else min(wanted + RESERVE, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY or soft >= wanted + RESERVE:
        return wanted
    possible = max(soft - RESERVE, 16)
    log.warning("descriptors_short", limit=soft, max_connections=possible, wanted=wanted)
    return possible
