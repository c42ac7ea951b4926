"""Directories and files that only their owner may read: keys, the server's password, its socket."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from netpulse_broker.embedded.errors import StateDirectoryError


def private_directory(path: Path) -> Path:
    """Create ``path`` with mode 0700, or check that it is ours and nobody else's.

    Raises StateDirectoryError: it cannot be created, belongs to someone else, or others may write to it.
    A directory that others may only read is closed to them.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.stat()
        # The owner of a symbolic link counts as well: in a shared directory somebody else may have put it there.
        for owner in (path.lstat().st_uid, found.st_uid):
            if owner != os.geteuid():
                raise StateDirectoryError(f"{path} belongs to user id {owner}; choose another state directory")
        if stat.S_IMODE(found.st_mode) & 0o022:
            raise StateDirectoryError(f"others may write to {path}; run: chmod 700 {path}")
        if stat.S_IMODE(found.st_mode) != 0o700:
            path.chmod(0o700)
    except OSError as error:
        raise StateDirectoryError(
            f"cannot use the directory {path}: {error.strerror}; choose another state directory with --state-dir or "
            "NETPULSE_STATE_DIR"
        ) from error
    return path


def read_or_create(path: Path, create: Callable[[], str]) -> str:
    """The text of ``path`` without surrounding white space; a missing file is created with mode 0600 first.

    The file appears whole or not at all, so that a crash leaves no half secret behind.

    Raises StateDirectoryError: the file is empty, cannot be read or written, or others may read it.
    """
    try:
        if not path.exists():
            _write_whole(path, create())
        mode = stat.S_IMODE(path.stat().st_mode)
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StateDirectoryError(f"cannot use {path}: {error}") from None
    if mode & 0o077:
        raise StateDirectoryError(f"others may read {path} (mode {mode:04o}); run: chmod 600 {path}")
    if not text:
        raise StateDirectoryError(f"{path} is empty; delete it to have a new one made")
    return text


def _write_whole(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        # A link, unlike a rename, never replaces what someone else has written in the meantime.
        path.hardlink_to(draft)
    except FileExistsError:
        return
    finally:
        draft.unlink()
