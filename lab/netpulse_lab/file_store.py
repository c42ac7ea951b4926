"""A device's file system: what is copied there over SCP or SFTP, and what commands copy, show and delete.

It lives in memory and has one level, as the flash of most switches is used.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

_FILESYSTEM = re.compile(r"([a-z][a-z0-9-]*):", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file and when it was written (wall clock, seconds)."""

    data: bytes
    written: float = field(default_factory=time.time)

    @property
    def md5(self) -> str:
        return hashlib.md5(self.data, usedforsecurity=False).hexdigest()

    def text(self) -> str:
        """The content as text; line breaks as the terminal wants them."""
        return self.data.decode("utf-8", "replace").replace("\r\n", "\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSystem:
    """How a platform calls its file system."""

    name: str = "flash:"
    """As the device prints it."""
    aliases: tuple[str, ...] = ("flash:",)
    """All that a user may call it."""
    root: str = "/"
    """Where it is mounted for those who log in by SFTP or SCP."""
    size: int = 2_142_715_904
    """Bytes in all."""
    free: int = 1_941_000_192
    """Bytes free when only the image is there."""
    image: str = ""
    """The file that the device booted from; it is listed but holds nothing."""
    image_size: int = 0

    def relative(self, path: str) -> str | None:
        """The name inside the file system of ``flash:/a.cfg``, ``/flash/a.cfg`` or ``a.cfg``; None: somewhere else."""
        if found := _FILESYSTEM.match(path.lstrip("/")):
            if found[0].lower() not in self.aliases:
                return None
            path = path.lstrip("/")[found.end() :]
        elif self.root != "/" and path.startswith(self.root):
            path = path[len(self.root) :]
        return path.strip("/")


class FileStore:
    """The files of one device by name."""

    def __init__(self, system: FileSystem) -> None:
        self.system = system
        self._files: dict[str, StoredFile] = {}

    def read(self, path: str) -> StoredFile | None:
        """The file at `path`, None when there is none."""
        name = self.system.relative(path)
        return self._files.get(name) if name else None

    def write(self, path: str, data: bytes) -> None:
        """Store `data` under `path`.

        Raises:
            ValueError: the path is not in this file system or names no file.
        """
        name = self.system.relative(path)
        if not name:
            raise ValueError(f"{path!r} is no file of {self.system.name}")
        self._files[name] = StoredFile(data)

    def delete(self, path: str) -> bool:
        """Remove a file; returns whether it was there."""
        name = self.system.relative(path)
        return name is not None and self._files.pop(name, None) is not None

    def clear(self) -> None:
        self._files.clear()

    def names(self) -> list[str]:
        return list(self._files)

    def __iter__(self) -> Iterator[tuple[str, StoredFile]]:
        return iter(self._files.items())

    @property
    def free(self) -> int:
        """Bytes that are left."""
        return self.system.free - sum(len(one.data) for one in self._files.values())
