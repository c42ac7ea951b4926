"""What a worker and the jump process say to each other before the bytes flow.

One request, one answer, each a JSON object behind its length (four bytes, network order). After a good answer the
connection is the stream to the device.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, SecretStr

import netpulse_drivers.errors as tree
from netpulse_drivers.errors import ConnectError, DriverError
from netpulse_drivers.jump.jump_host import ReadyJumpHost

LARGEST = 1 << 20

Message = dict[str, Any]


class StreamRequest(BaseModel):
    """Open a stream to a device.

    Attributes:
        hops: jump hosts, nearest first, complete with credentials and policy.
        host: an address that was checked, or a name that the last jump host may look up.
        within: seconds for the last jump host to connect to the device.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    hops: list[ReadyJumpHost]
    host: str
    port: int
    within: float


def plain(request: StreamRequest) -> Message:
    """The request with its secrets readable, for the unix socket."""
    result: Message = _revealed(request.model_dump(mode="python", exclude_unset=False))
    return result


def send(peer: socket.socket, message: Message, *, fds: Sequence[int] = ()) -> None:
    """Send one message, and descriptors with its first bytes.

    Raises:
        OSError
    """
    data = json.dumps(message).encode()
    head = len(data).to_bytes(4, "big")
    if fds:
        socket.send_fds(peer, [head], list(fds))
        peer.sendall(data)
    else:
        peer.sendall(head + data)


def receive(peer: socket.socket, *, max_fds: int = 0) -> tuple[Message, list[int]]:
    """Receive one message and what descriptors came with it.

    Raises:
        EOFError: the other side is gone. OSError. ValueError: no message of ours.
    """
    fds: list[int] = []
    if max_fds:
        head, fds, _, _ = socket.recv_fds(peer, 4, max_fds)
        for descriptor in fds:
            os.set_inheritable(descriptor, False)
        head += _exactly(peer, 4 - len(head)) if head else b""
    else:
        head = _exactly(peer, 4)
    if not head:
        raise EOFError("the jump host process is gone")
    length = int.from_bytes(head, "big")
    if length > LARGEST:
        raise ValueError("message too long")
    message: Message = json.loads(_exactly(peer, length))
    return message, fds


def error_message(error: DriverError) -> Message:
    """An error for the wire."""
    return {"error": error.to_dict()}


def error_of(message: Message) -> DriverError:
    """The error that was sent, of the same class."""
    found = message["error"]
    kind = getattr(tree, str(found["type"]), ConnectError)
    if not (isinstance(kind, type) and issubclass(kind, DriverError)):
        kind = ConnectError
    return kind(found["message"], device_output=found["device_output"], details=found["details"])


def _exactly(peer: socket.socket, count: int) -> bytes:
    parts = b""
    while len(parts) < count:
        data = peer.recv(count - len(parts))
        if not data:
            raise EOFError("the jump host process is gone")
        parts += data
    return parts


def _revealed(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, dict):
        return {name: _revealed(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_revealed(item) for item in value]
    return value
