"""Files to and from a device over a channel of their own in a session's SSH connection: SCP and SFTP, streamed.

Nothing is held but a bounded number of chunks. The SCP protocol is that of OpenSSH's and Cisco's servers (rcp's, over
an exec channel): ``C<mode> <size> <name>`` and a newline, data, and a byte 0 for each step that went well; a byte 1 or
2 begins an error message that ends with a newline. SFTP is paramiko's (draft-ietf-secsh-filexfer-02).
"""

from __future__ import annotations

import contextlib
import re
import shlex
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import paramiko

from netpulse_drivers.errors import InvalidArguments, SessionLost
from netpulse_drivers.interactive import FileCopyFailed, FileProtocol

if TYPE_CHECKING:
    from netpulse_drivers.base import Call

CHUNK = 65_536
"""Bytes of one chunk that is read from a device."""

BLOCK = 32_768
"""Bytes of one SFTP request (what every server must take)."""

READ_AHEAD = 16
"""SFTP requests that are under way at a time."""

STEP_TIMEOUT = 60.0
"""Seconds of silence after which a copy is given up: devices write to slow flash memory."""

MAX_MESSAGE = 1_024
"""Bytes of an error message or a header."""

_HEADER = re.compile(rb"C[0-7]{4} (\d{1,18}) [^\n]*")


def send(
    transport: paramiko.Transport,
    path: str,
    chunks: Iterable[bytes],
    *,
    size: int | None,
    protocol: FileProtocol,
    call: Call,
) -> int:
    """Write a stream to a file of the device; bytes written.

    Raises:
        InvalidArguments: SCP without the size. FileCopyFailed: the device refused. SessionLost: the connection broke.
        Whatever ``call.before_write`` and ``chunks`` raise.
    """
    _check_path(path)
    with _translated(protocol):
        if protocol == "sftp":
            return _sftp_send(transport, path, chunks, call)
        if size is None:
            raise InvalidArguments(
                "scp must know the file's size beforehand: send it with a Content-Length, or use sftp"
            )
        return _scp_send(transport, path, chunks, size, call)


def fetch(transport: paramiko.Transport, path: str, *, protocol: FileProtocol, call: Call) -> Iterator[bytes]:
    """A file of the device in chunks. Raises as ``send``, while it is being read."""
    _check_path(path)
    with _translated(protocol):
        yield from _sftp_fetch(transport, path, call) if protocol == "sftp" else _scp_fetch(transport, path, call)


def _check_path(path: str) -> None:
    if not path or len(path) > MAX_MESSAGE or any(ord(character) < 32 for character in path):
        raise InvalidArguments(f"path is empty, longer than {MAX_MESSAGE} characters or has control characters in it")


@contextlib.contextmanager
def _translated(protocol: FileProtocol) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise FileCopyFailed(
            f"{protocol}: the device was silent for {STEP_TIMEOUT:g} s; the copy was given up"
        ) from error
    except paramiko.ChannelException as error:
        raise FileCopyFailed(
            f"{protocol}: the device opens no further channel in this session: {error.text}"
        ) from error
    except (paramiko.SSHException, EOFError) as error:
        said = str(error) or type(error).__name__
        # A device without the service ends the channel; whether the session is still there shows at its next use.
        raise FileCopyFailed(f"{protocol}: the device ended the copy: {said}") from error
    except OSError as error:
        if isinstance(error, ConnectionError):
            raise SessionLost(f"{protocol}: the connection broke: {error}") from error
        raise FileCopyFailed(f"{protocol}: the device refused: {error}", device_output=str(error)) from error


def _channel(transport: paramiko.Transport, call: Call) -> paramiko.Channel:
    call.before_write()
    channel = transport.open_session(timeout=call.deadline.remaining(at_most=STEP_TIMEOUT))
    channel.settimeout(call.deadline.remaining(at_most=STEP_TIMEOUT))
    return channel


# -- SFTP -----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _sftp(transport: paramiko.Transport, call: Call) -> Iterator[paramiko.SFTPClient]:
    channel = _channel(transport, call)
    try:
        channel.invoke_subsystem("sftp")
        with paramiko.SFTPClient(channel) as client:
            yield client
    finally:
        channel.close()


def _sftp_send(transport: paramiko.Transport, path: str, chunks: Iterable[bytes], call: Call) -> int:
    written = 0
    with _sftp(transport, call) as client, client.open(path, "wb") as file:
        for chunk in chunks:
            call.before_write()
            file.write(chunk)
            written += len(chunk)
    return written


def _sftp_fetch(transport: paramiko.Transport, path: str, call: Call) -> Iterator[bytes]:
    with _sftp(transport, call) as client, client.open(path, "rb") as file:
        size = file.stat().st_size
        if size is None:
            while data := file.read(BLOCK):
                yield data
            return
        for start in range(0, size, BLOCK * READ_AHEAD):
            # Several requests under way at a time, but never more of the file in memory than those.
            end = min(start + BLOCK * READ_AHEAD, size)
            spans = [(position, min(BLOCK, end - position)) for position in range(start, end, BLOCK)]
            yield from file.readv(spans, max_concurrent_prefetch_requests=READ_AHEAD)


# -- SCP ------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _scp(transport: paramiko.Transport, flags: str, path: str, call: Call) -> Iterator[paramiko.Channel]:
    channel = _channel(transport, call)
    try:
        # Network devices take the path as it is; quotes appear only where a shell would need them.
        channel.exec_command(f"scp {flags} {shlex.quote(path)}")
        yield channel
    finally:
        channel.close()


def _scp_send(transport: paramiko.Transport, path: str, chunks: Iterable[bytes], size: int, call: Call) -> int:
    name = path.rpartition("/")[2].rpartition(":")[2] or "file"
    with _scp(transport, "-t", path, call) as channel:
        _acknowledged(channel)
        channel.sendall(f"C0644 {size} {name}\n".encode())
        _acknowledged(channel)
        written = 0
        for chunk in chunks:
            call.before_write()
            written += len(chunk)
            if written > size:
                break
            channel.sendall(chunk)
        if written != size:
            raise FileCopyFailed(f"scp: {size} bytes were announced and {written} came: the copy is incomplete")
        channel.sendall(b"\0")
        _acknowledged(channel)
        return written


def _scp_fetch(transport: paramiko.Transport, path: str, call: Call) -> Iterator[bytes]:
    with _scp(transport, "-f", path, call) as channel:
        channel.sendall(b"\0")
        header = _line(channel, _byte(channel))
        found = _HEADER.fullmatch(header)
        if found is None:
            raise FileCopyFailed(f"scp: {_shown(header)!r} is no regular file's header", device_output=_shown(header))
        channel.sendall(b"\0")
        left = int(found[1])
        while left:
            chunk = channel.recv(min(left, CHUNK))
            if not chunk:
                raise EOFError(f"{left} bytes were missing")
            left -= len(chunk)
            yield chunk
        _acknowledged(channel)
        channel.sendall(b"\0")


def _acknowledged(channel: paramiko.Channel) -> None:
    """The peer's word that a step went well."""
    first = _byte(channel)
    if first != b"\0":
        message = _shown(_line(channel, first))
        raise FileCopyFailed(f"scp: the device refused: {message}", device_output=message)


def _byte(channel: paramiko.Channel) -> bytes:
    data = channel.recv(1)
    if not data:
        said = channel.recv_stderr(MAX_MESSAGE) if channel.recv_stderr_ready() else b""
        raise EOFError(_shown(said) or "the channel was closed")
    return data


def _line(channel: paramiko.Channel, first: bytes) -> bytes:
    """The rest of a header or an error message, whose first byte says which."""
    line = b"" if first in (b"\1", b"\2") else first
    while len(line) < MAX_MESSAGE:
        byte = channel.recv(1)
        if byte in (b"\n", b""):
            break
        line += byte
    if first in (b"\1", b"\2"):
        raise FileCopyFailed(f"scp: the device refused: {_shown(line)}", device_output=_shown(line))
    return line


def _shown(data: bytes) -> str:
    return data.decode("utf-8", "replace").strip()
