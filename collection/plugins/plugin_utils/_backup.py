# Copyright (c) The NetPulse broker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a configuration backup goes on the Ansible side, and writing it there."""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class BackupPlace:
    """File of a backup. ``stamped``: the name was made from host and time, so the result tells its parts."""

    path: Path
    taken_at: datetime
    stamped: bool


def backup_place(options: dict[str, Any], *, base: str, host: str, now: datetime | None = None) -> BackupPlace:
    """The file that ``backup_options`` asks for, as the vendors' config modules name it.

    Args:
        options: ``filename`` and ``dir_path``, both optional.
        base: folder of the playbook or role, below which ``backup`` is the usual place.
        host: inventory name.
    """
    taken_at = now or datetime.now().astimezone()
    folder = Path(os.path.expanduser(options.get("dir_path") or os.path.join(base, "backup")))
    filename = options.get("filename")
    name = filename or f"{_plain(host)}_config.{taken_at:%Y-%m-%d@%H:%M:%S}"
    return BackupPlace(path=folder / name, taken_at=taken_at, stamped=not filename)


def write_backup(place: BackupPlace, text: str) -> dict[str, Any]:
    """Write the backup, readable by its owner alone, and return what the task's result says about it.

    The file appears complete or not at all.

    Raises:
        OSError: the folder or file cannot be made.
    """
    place.path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=place.path.parent, prefix=".backup-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            if not text.endswith("\n"):
                file.write("\n")
        os.replace(temporary, place.path)
    except BaseException:
        os.unlink(temporary)
        raise
    facts = {
        "backup_path": str(place.path),
        "date": f"{place.taken_at:%Y-%m-%d}",
        "time": f"{place.taken_at:%H:%M:%S}",
    }
    if place.stamped:
        facts["filename"] = place.path.name
        facts["shortname"] = str(place.path).rpartition(".")[0]
    return facts


def _plain(name: str) -> str:
    """An inventory name as a part of a file name."""
    return re.sub(r"[/\\\0]", "_", name)
