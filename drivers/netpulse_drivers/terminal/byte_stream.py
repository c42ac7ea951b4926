"""The bytes of a session, SSH or Telnet, read by blocking on the connection instead of polling it."""

from __future__ import annotations

import contextlib
import select
import socket
from typing import Any, Protocol

import paramiko
from netmiko.exceptions import ReadException

from netpulse_drivers.cut_connection import cut_connection
from netpulse_drivers.deadline import Deadline

MAX_WAIT = 86_400.0
"""Seconds; select() takes no infinity."""

RECEIVE_SIZE = 65_536
"""Bytes of one read."""


class StreamClosed(ReadException, EOFError):
    """The device ended the session, or the connection broke.

    Both a netmiko ReadException and an EOFError, because netmiko's own login code looks for either.
    """


class ByteStream(Protocol):
    """Both directions of a session. Not for use by two threads at a time, ``abort`` aside."""

    def receive(self, timeout: float) -> bytes:
        """What has arrived, waiting up to ``timeout`` seconds for the first byte; b"" when none came.

        Raises:
            StreamClosed: nothing is left to read and nothing will come.
        """

    def send(self, data: bytes, timeout: float) -> None:
        """Write everything.

        Raises:
            OSError, EOFError, paramiko.SSHException: it could not be written, or not completely.
        """

    def ended(self) -> str:
        """Why this stream can no longer be used, as far as known locally; "" when it can. Neither reads nor waits."""

    def abort(self) -> None:
        """Cut the connection from another thread: what is blocked in this stream returns. Closes nothing."""

    def close(self) -> None:
        """Close without typing anything. Never raises."""


def peer_hung_up(sock: socket.socket) -> bool:
    """Whether the peer has closed (FIN) or reset the TCP connection, without reading from it.

    POLLRDHUP is Linux's; elsewhere only resets are seen here. A peek would do as well, but paramiko puts a timeout on
    the socket and Python then waits for readability even with MSG_DONTWAIT.
    """
    interest = getattr(select, "POLLRDHUP", 0)
    poll = select.poll()
    try:
        poll.register(sock.fileno(), interest)
        events = poll.poll(0)
    except (OSError, ValueError):
        return True
    return any(flags & (interest | select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, flags in events)


def cut_transport(transport: paramiko.Transport) -> None:
    """Cut an SSH connection from another thread. paramiko's own thread sees the end and wakes all who wait.

    ``Transport.close`` would close the descriptor under that thread, ``Channel.close`` writes and may block.
    """
    sock = transport.sock
    if isinstance(sock, socket.socket):
        cut_connection(sock)
    else:
        sock.close()  # a channel or a command in place of a socket, of a library that brings its own


class SSHStream:
    """The shell channel of an SSH session."""

    def __init__(self, channel: paramiko.Channel) -> None:
        self.channel = channel

    def receive(self, timeout: float) -> bytes:
        channel = self.channel
        if timeout <= 0 and not (channel.recv_ready() or channel.closed or channel.eof_received):
            return b""  # the common case at the end of an answer; recv would raise and catch a time-out for it
        channel.settimeout(min(max(timeout, 0.0), MAX_WAIT))
        try:
            data = channel.recv(RECEIVE_SIZE)
        except TimeoutError:
            return b""
        if not data:
            raise StreamClosed(self.ended() or "the device closed the session")
        return data

    def send(self, data: bytes, timeout: float) -> None:
        self.channel.settimeout(max(timeout, 0.001))
        self.channel.sendall(data)

    def ended(self) -> str:
        channel, transport = self.channel, self.channel.get_transport()
        if transport is None or not transport.is_active():
            cause = transport.saved_exception if transport is not None else None
            return f"the SSH connection broke: {cause}" if cause else "the SSH connection was closed"
        if channel.closed or channel.eof_received:
            return "the device closed the session"
        sock = transport.sock
        if isinstance(sock, socket.socket) and peer_hung_up(sock):
            if sock.family == socket.AF_UNIX:
                return "the way through the jump host or proxy command ended"
            return "the device closed the TCP connection"
        return ""

    def abort(self) -> None:
        transport = self.channel.get_transport()
        if transport is not None:
            cut_transport(transport)

    def close(self) -> None:
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            self.channel.close()
        transport = self.channel.get_transport()
        if transport is not None:
            transport.close()


class TelnetStream:
    """A Telnet connection of netmiko's telnetlib (untyped), which handles the option negotiation."""

    def __init__(self, telnet: Any) -> None:
        self.telnet = telnet

    def receive(self, timeout: float) -> bytes:
        sock = self._socket()
        deadline = Deadline.after(timeout)
        parts: list[bytes] = []
        try:
            data = self.telnet.read_eager()
            # what arrives may be option negotiation alone, which telnetlib answers and keeps to itself
            while not data and select.select([sock], [], [], deadline.remaining(at_most=MAX_WAIT))[0]:
                data = self.telnet.read_eager()
            # telnetlib reads 50 bytes at a time; collect what is there
            while data and len(parts) < RECEIVE_SIZE // 50:
                parts.append(data)
                data = self.telnet.read_eager()
        except (EOFError, OSError) as error:
            if not parts:
                raise StreamClosed(str(error) or "the device closed the Telnet connection") from error
        return b"".join(parts)

    def send(self, data: bytes, timeout: float) -> None:
        sock = self._socket()
        sock.settimeout(max(timeout, 0.001))
        try:
            self.telnet.write(data)
        finally:
            sock.settimeout(None)

    def ended(self) -> str:
        sock = self.telnet.get_socket()
        if sock is None or self.telnet.eof:
            return "the Telnet connection was closed"
        return "the device closed the Telnet connection" if peer_hung_up(sock) else ""

    def abort(self) -> None:
        sock: socket.socket | None = self.telnet.get_socket()
        if sock is not None:
            cut_connection(sock)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.telnet.close()

    def _socket(self) -> socket.socket:
        sock: socket.socket | None = self.telnet.get_socket()
        if sock is None:
            raise StreamClosed("the Telnet connection was closed")
        return sock
