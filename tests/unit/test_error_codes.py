"""Every error code stands in a table of the documentation, and some test sees it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import netpulse_broker.errors
from netpulse_drivers import NetPulseError

REPOSITORY = Path(__file__).resolve().parents[2]
BASES = {"error", "device_failure"}
"""Codes of classes that are only derived from."""


def error_classes(base: type[NetPulseError] = NetPulseError) -> Iterator[type[NetPulseError]]:
    for kind in base.__subclasses__():
        if kind.__module__ in {"netpulse_drivers.errors", netpulse_broker.errors.__name__}:
            yield kind
        yield from error_classes(kind)


CODES = sorted({kind.code for kind in error_classes()} - BASES)
ROWS = "\n".join(
    line
    for page in sorted((REPOSITORY / "docs").rglob("*.md"))
    for line in page.read_text().splitlines()
    if line.startswith("|")
)
TESTS = "\n".join(
    page.read_text() for page in sorted((REPOSITORY / "tests").rglob("*.py")) if page.name != Path(__file__).name
)


@pytest.mark.parametrize("code", CODES)
def test_a_code_has_a_row_and_a_test(code: str) -> None:
    assert f"`{code}`" in ROWS, "docs/rest.md or docs/drivers.md says when it comes"
    names = [code, *(kind.__name__ for kind in error_classes() if kind.code == code)]
    assert re.search(rf"\b(?:{'|'.join(names)})\b", TESTS), "no test sees it"
