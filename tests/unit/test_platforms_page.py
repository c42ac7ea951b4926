"""docs/platforms.md says what the platform book says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_is_the_books() -> None:
    """To store a new one, after a change of a data file or with a new dialogue: `make platforms`."""
    ran = subprocess.run(
        [sys.executable, "-W", "error", str(ROOT / "tools" / "platforms.py"), "--check"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr
