"""Messages between node, fork server and workers: JSON objects over SOCK_SEQPACKET sockets, which keep boundaries.

End of file means that the other process is gone, whatever ended it: that is why sockets are used and not signals.
"""

from __future__ import annotations

import array
import json
import socket
from collections.abc import Sequence
from typing import Any

LARGEST = 128 * 1024
"""Bytes of the largest message."""

_INT = array.array("i")

Message = dict[str, Any]


def pair() -> tuple[socket.socket, socket.socket]:
    """Two connected ends. Neither is inherited by a process that is started with exec."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def send(peer: socket.socket, message: Message, *, fds: Sequence[int] = ()) -> None:
    """Send a message, and file descriptors with it (SCM_RIGHTS, unix(7)).

    Raises:
        OSError: the peer is gone (BrokenPipeError, ConnectionResetError) or, on a non-blocking socket, takes nothing at
            the moment (BlockingIOError).
    """
    socket.send_fds(peer, [json.dumps(message, separators=(",", ":")).encode()], list(fds))


def receive(peer: socket.socket, *, max_fds: int = 4) -> tuple[Message, list[int]] | None:
    """Receive a message and the descriptors that came with it (close-on-exec); None: the peer is gone.

    Raises:
        BlockingIOError: nothing has come (non-blocking sockets).
    """
    try:
        data, fds = receive_bytes(peer, max_fds=max_fds)
    except ConnectionResetError:
        return None
    if not data:
        return None
    return json.loads(data), fds


def receive_bytes(peer: socket.socket, *, max_fds: int = 4) -> tuple[bytes, list[int]]:
    """One message as it came, and its descriptors; b"" at end of file.

    Not ``socket.recv_fds``: that drops its flags, and so the close-on-exec that has to be set while receiving.
    """
    room = socket.CMSG_SPACE(max_fds * _INT.itemsize)
    data, ancillary, _, _ = peer.recvmsg(LARGEST, room, socket.MSG_CMSG_CLOEXEC)
    fds = array.array("i")
    for level, kind, content in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds.frombytes(content[: len(content) - len(content) % fds.itemsize])
    return data, list(fds)
