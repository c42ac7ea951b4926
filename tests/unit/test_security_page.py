"""docs/security.md names tests that exist, and leaves no attack out."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_each_attack_stands_in_the_table() -> None:
    attacks = {
        f"{path.name}::{name}"
        for path in (ROOT / "tests" / "attacks").glob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    named = set(re.findall(r"`(test_\w+\.py::test_\w+)`", (ROOT / "docs" / "security.md").read_text()))
    assert named == attacks
