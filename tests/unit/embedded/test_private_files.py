"""Directories and files for one owner: made so, and refused when they are not."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from netpulse_broker.embedded.errors import StateDirectoryError
from netpulse_broker.embedded.private_files import private_directory, read_or_create


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_directory_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    made = private_directory(tmp_path / "a" / "b")
    assert mode(made) == 0o700
    assert private_directory(made) == made


def test_a_directory_that_others_may_read_is_closed_to_them(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    private_directory(tmp_path)
    assert mode(tmp_path) == 0o700


def test_a_directory_that_others_may_write_to_is_refused_with_the_remedy(tmp_path: Path) -> None:
    tmp_path.chmod(0o770)
    with pytest.raises(StateDirectoryError, match=f"run: chmod 700 {tmp_path}"):
        private_directory(tmp_path)
    assert mode(tmp_path) == 0o770


def test_a_file_where_the_directory_should_be_is_named(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.write_text("x")
    with pytest.raises(StateDirectoryError, match="--state-dir"):
        private_directory(path)


def test_a_secret_is_made_once_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "api-key"
    assert read_or_create(path, lambda: "first") == "first"
    assert read_or_create(path, lambda: "second") == "first"
    assert mode(path) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_who_comes_second_takes_what_the_first_has_made(tmp_path: Path) -> None:
    """Two processes find no file; the slower one must not replace what the other already uses."""
    path = tmp_path / "api-key"

    def beaten() -> str:
        read_or_create(path, lambda: "theirs")
        return "ours"

    assert read_or_create(path, beaten) == "theirs"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("content", "permissions", "says"),
    [("", 0o600, "is empty; delete it"), ("key\n", 0o640, "run: chmod 600"), ("k\u00e9y", 0o600, "cannot use")],
)
def test_what_is_no_secret_is_refused(tmp_path: Path, content: str, permissions: int, says: str) -> None:
    path = tmp_path / "api-key"
    path.write_text(content)
    path.chmod(permissions)
    with pytest.raises(StateDirectoryError, match=says):
        read_or_create(path, lambda: "unused")
