"""SCP and SFTP to a device's file system, in memory."""

from __future__ import annotations

import errno
import os
import posixpath
import stat
from collections.abc import AsyncIterator

import asyncssh
from asyncssh.channel import SSHChannel
from asyncssh.constants import FILEXFER_TYPE_DIRECTORY, FILEXFER_TYPE_REGULAR, FXF_APPEND, FXF_CREAT, FXF_TRUNC
from asyncssh.stream import SSHServerStreamSession

from .device import Device


class _OpenFile:
    """A file that a client has open: it appears in the store when it is closed."""

    def __init__(self, path: str, data: bytes, *, writing: bool, append: bool) -> None:
        self.path = path
        self.data = bytearray(data)
        self.writing = writing
        self.append = append

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """asyncssh asks where data and holes are; there are no holes."""
        if whence != os.SEEK_HOLE and offset >= len(self.data):
            raise OSError(errno.ENXIO, os.strerror(errno.ENXIO))
        return len(self.data) if whence == os.SEEK_HOLE else offset


class DeviceFiles(asyncssh.SFTPServer):
    """asyncssh's file operations on a device's file store. Its SCP server uses the same ones."""

    def __init__(self, chan: asyncssh.SSHServerChannel[bytes], device: Device, *, session: int) -> None:
        super().__init__(chan)
        self._device = device
        self._session = session
        self._scp_source = " -f " in (chan.get_command() or "")

    def _name(self, path: bytes) -> str:
        return path.decode("utf-8", "replace")

    def _attributes(self, path: str) -> asyncssh.SFTPAttrs:
        store = self._device.files
        name = store.system.relative(path)
        if name in ("", "."):
            return asyncssh.SFTPAttrs(type=FILEXFER_TYPE_DIRECTORY, permissions=stat.S_IFDIR | 0o755, size=0)
        found = store.read(path)
        if found is None and self._scp_source:
            # asyncssh's SCP takes the missing file for a pattern and would say "No matches found".
            raise asyncssh.SFTPFailure(f"{path}: No such file or directory")
        if found is None:
            raise asyncssh.SFTPNoSuchFile("No such file or directory")
        moment = int(found.written)
        return asyncssh.SFTPAttrs(
            type=FILEXFER_TYPE_REGULAR,
            permissions=stat.S_IFREG | 0o644,
            size=len(found.data),
            uid=0,
            gid=0,
            atime=moment,
            mtime=moment,
        )

    def stat(self, path: bytes) -> asyncssh.SFTPAttrs:
        return self._attributes(self._name(path))

    def lstat(self, path: bytes) -> asyncssh.SFTPAttrs:
        return self._attributes(self._name(path))

    def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        # Flash keeps neither owners nor modes; clients that set them after a copy are not to fail for it.
        self._attributes(self._name(path))

    def realpath(self, path: bytes) -> bytes:
        return posixpath.normpath(b"/" + path)

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        for name, _ in list(self._device.files):
            yield asyncssh.SFTPName(name.encode(), attrs=self._attributes(name))

    def remove(self, path: bytes) -> None:
        if not self._device.files.delete(self._name(path)):
            raise asyncssh.SFTPNoSuchFile("No such file or directory")

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> _OpenFile:
        name = self._name(path)
        present = self._device.files.read(name)
        if present is None and not pflags & FXF_CREAT:
            raise asyncssh.SFTPNoSuchFile("No such file or directory")
        if not self._device.files.system.relative(name):
            raise asyncssh.SFTPFailure(f"{name} is no file")
        keep = present is not None and not pflags & FXF_TRUNC
        return _OpenFile(
            name,
            present.data if present is not None and keep else b"",
            writing=bool(pflags & (asyncssh.FXF_WRITE | FXF_APPEND)),
            append=bool(pflags & FXF_APPEND),
        )

    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        assert isinstance(file_obj, _OpenFile), "open() gave it"
        return bytes(file_obj.data[offset : offset + size])

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        assert isinstance(file_obj, _OpenFile), "open() gave it"
        start = len(file_obj.data) if file_obj.append else offset
        if start > len(file_obj.data):
            file_obj.data.extend(bytes(start - len(file_obj.data)))
        file_obj.data[start : start + len(data)] = data
        return len(data)

    def fstat(self, file_obj: object) -> asyncssh.SFTPAttrs:
        assert isinstance(file_obj, _OpenFile), "open() gave it"
        return asyncssh.SFTPAttrs(type=FILEXFER_TYPE_REGULAR, permissions=stat.S_IFREG | 0o644, size=len(file_obj.data))

    def fsetstat(self, file_obj: object, attrs: asyncssh.SFTPAttrs) -> None:
        # As for setstat.
        assert isinstance(file_obj, _OpenFile), "open() gave it"

    def close(self, file_obj: object) -> None:
        assert isinstance(file_obj, _OpenFile), "open() gave it"
        name = self._device.files.system.relative(file_obj.path)
        if file_obj.writing:
            self._device.files.write(file_obj.path, bytes(file_obj.data))
        event = "file received" if file_obj.writing else "file sent"
        self._device.journal.event(event, session=self._session, name=name, size=len(file_obj.data))


def transfer_session(device: Device, *, session: int) -> SSHServerStreamSession[bytes]:
    """A session that speaks SCP or SFTP, for a channel whose client has asked for it."""

    def files(chan: SSHChannel[bytes]) -> asyncssh.SFTPServer:
        assert isinstance(chan, asyncssh.SSHServerChannel), "a server's session has a server's channel"
        return DeviceFiles(chan, device, session=session)

    return SSHServerStreamSession(None, files, sftp_version=3, allow_scp=True)
