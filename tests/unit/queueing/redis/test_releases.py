"""The raw connections take over what redis-py keeps private: which releases of it that holds for.

What the connections promise is tried in test_line.py and test_async_line.py, with the release that is installed;
`make redis-releases` does it with the oldest and the newest release that pyproject.toml allows.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import redis

PYPROJECT = Path(__file__).resolve().parents[4] / "pyproject.toml"


def allowed() -> tuple[tuple[int, int], tuple[int, int]]:
    """The oldest release that is allowed, and the first that is not."""
    asked = tomllib.loads(PYPROJECT.read_text())["project"]["dependencies"]
    (found,) = (found for one in asked if (found := re.fullmatch(r"redis>=(\d+)\.(\d+),<(\d+)\.(\d+)", one)))
    oldest_major, oldest_minor, end_major, end_minor = map(int, found.groups())
    return (oldest_major, oldest_minor), (end_major, end_minor)


def test_the_connections_are_tried_with_the_newest_release_that_is_allowed() -> None:
    """Raising the bound takes a run of the tests beside this one with the release that it lets in."""
    major, minor = map(int, redis.__version__.split(".")[:2])
    _, end = allowed()
    assert (major, minor + 1) == end, f"redis-py {redis.__version__} is installed; below {end} there is a newer one"
