"""Backup files."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from ansible_collections.netpulse.broker.plugins.plugin_utils._backup import backup_place, write_backup

NOON = datetime(2026, 1, 31, 12, 0, 5, tzinfo=UTC)


def test_usual_place_tells_host_and_time(tmp_path: Path) -> None:
    place = backup_place({}, base=str(tmp_path), host="core/1", now=NOON)
    facts = write_backup(place, "hostname core\n")
    path = tmp_path / "backup" / "core_1_config.2026-01-31@12:00:05"
    assert path.read_text() == "hostname core\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert facts == {
        "backup_path": str(path),
        "date": "2026-01-31",
        "time": "12:00:05",
        "filename": path.name,
        "shortname": str(tmp_path / "backup" / "core_1_config"),
    }


def test_given_place_is_made_and_replaced_as_a_whole(tmp_path: Path) -> None:
    options = {"filename": "core.cfg", "dir_path": str(tmp_path / "a" / "b")}
    for text in ("first", "second"):
        facts = write_backup(backup_place(options, base="/nowhere", host="core", now=NOON), text)
    assert [one.name for one in (tmp_path / "a" / "b").iterdir()] == ["core.cfg"]
    assert (tmp_path / "a" / "b" / "core.cfg").read_text() == "second\n"
    assert "filename" not in facts


def test_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "backup").write_text("a file stands in the way")
    with pytest.raises(OSError, match="backup"):
        write_backup(backup_place({}, base=str(tmp_path), host="core", now=NOON), "x")
