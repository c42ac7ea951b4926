"""Files of a worker that requests may use: by a name that the operator offers, never by a path.

A request that could name a path could read the worker's files by what errors tell of them, log in with keys that are
not its caller's, add lines to any file as to a known_hosts file, or run a program by a ProxyCommand. So each kind of
file has a directory of its own (settings ``files.*``), and everything else comes inline.
"""

from __future__ import annotations

import os
import re
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import AfterValidator

from netpulse_drivers.errors import InvalidArguments

FileKind = Literal["keys", "certificates", "ssh_configs", "known_hosts"]

LARGEST = 1024 * 1024
"""Bytes of a named file that is read whole."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_SHOWN = 20


def file_name(kind: FileKind, *, instead: str) -> AfterValidator:
    """For an option that names a file of that kind; ``instead`` says what a caller sends who has the content."""

    def checked(value: str) -> str:
        if _NAME.fullmatch(value) is None:
            raise ValueError(
                f"paths are not taken: {instead}, or give the name of a file that the operator offers (setting "
                f"files.{kind})"
            )
        return value

    return AfterValidator(checked)


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedFiles:
    """The directories, one for each kind; None: nothing of that kind is offered."""

    keys: Path | None = None
    certificates: Path | None = None
    ssh_configs: Path | None = None
    known_hosts: Path | None = None

    def path(self, kind: FileKind, name: str, *, option: str) -> Path:
        """The file of that name.

        Raises:
            InvalidArguments: there is none; the message lists the names there are.
        """
        directory: Path | None = getattr(self, kind)
        if directory is None:
            raise InvalidArguments(f"{option}: this worker offers no files under names (setting files.{kind})")
        root = directory.resolve()
        path = (root / name).resolve()
        if _NAME.fullmatch(name) is None or not path.is_relative_to(root) or not path.is_file():
            names = self._names(directory)
            offered = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
            raise InvalidArguments(
                f"{option}: this worker offers no file '{name}' (setting files.{kind}); offered: {offered or 'none'}"
            )
        return path

    def text(self, kind: FileKind, name: str, *, option: str) -> str:
        """Its content.

        Raises:
            InvalidArguments: as ``path``, or it cannot be read.
        """
        return read_text(self.path(kind, name, option=option), option=f"{option} '{name}'")

    def offers(self, kind: FileKind, name: str) -> bool:
        """Whether there is a file of that name."""
        try:
            self.path(kind, name, option=kind)
        except InvalidArguments:
            return False
        return True

    @staticmethod
    def _names(directory: Path) -> list[str]:
        try:
            return sorted(path.name for path in directory.iterdir() if _NAME.fullmatch(path.name))
        except OSError:
            return []


def read_text(path: Path, *, option: str) -> str:
    """A file's text; an error never holds any of it.

    Raises:
        InvalidArguments
    """
    try:
        if path.stat().st_size > LARGEST:
            raise InvalidArguments(f"{option} is larger than {LARGEST} bytes")
        return path.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise InvalidArguments(f"{option} cannot be read by the worker: {error.strerror}") from None


class MemoryFile:
    """A text as a file that never touches a disk, for libraries that take nothing but a path; gone with the object."""

    def __init__(self, text: str) -> None:
        descriptor = os.memfd_create("netpulse", os.MFD_CLOEXEC)
        weakref.finalize(self, os.close, descriptor)
        with os.fdopen(os.dup(descriptor), "w", encoding="utf-8") as file:
            file.write(text)
        self.path = f"/proc/self/fd/{descriptor}"
