"""Cutting a connection under a thread that is blocked in it: what a driver's ``abort`` does."""

from __future__ import annotations

import contextlib
import socket


def cut_connection(sock: socket.socket) -> None:
    """Shut both directions down, from any thread, without waiting: reads and writes that block in it return.

    The descriptor stays open until its owner closes it, so that no other connection gets its number meanwhile. A TLS
    socket is cut below TLS: ``SSLSocket.shutdown`` would first forget its keys, and a write of another thread that
    comes in between would go out as plain text.
    """
    with contextlib.suppress(OSError):  # it has ended by itself, or is closed
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
