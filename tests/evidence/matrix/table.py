"""The table itself, made of the results of the cells' tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest

from tests.evidence.matrix.row import OPERATIONS, Row
from tests.evidence.matrix.rows import ROWS

PROPERTY = "cell"
"""Name under which a test's report carries its cell."""

CELLS = pytest.StashKey[set[tuple[str, str]]]()
"""Where a run keeps which cells were collected."""

_Test = Callable[..., None]


def cell(operation: str) -> Callable[[_Test], _Test]:
    """Make a test the cells of this operation, one a row."""
    assert operation in OPERATIONS, operation

    def marked(test: _Test) -> _Test:
        rows = [pytest.param(row, marks=row.marks, id=row.name) for row in ROWS]
        return pytest.mark.cell(operation=operation)(pytest.mark.parametrize("row", rows)(test))

    return marked


def cells_of(items: Iterable[pytest.Item]) -> set[tuple[str, str]]:
    """Row and operation of every test that is a cell."""
    found = set()
    for item in items:
        mark = item.get_closest_marker("cell")
        row: Row | None = item.callspec.params.get("row") if hasattr(item, "callspec") else None
        if mark is not None and row is not None:
            found.add((row.name, mark.kwargs["operation"]))
    return found


def printed(reports: Iterable[Any]) -> list[str]:
    """The table and, below it, how each "no" is said; from the reports of a run, [] when no cell ran."""
    said: dict[tuple[str, str], str] = {}
    refusals: dict[str, dict[str, list[str]]] = {}
    for report in reports:
        for name, value in getattr(report, "user_properties", ()):
            if name != PROPERTY:
                continue
            row, operation, word, error = value
            said[row, operation] = word if report.outcome == "passed" else report.outcome
            if error and report.outcome == "passed":
                refusals.setdefault(row, {}).setdefault(error, []).append(operation)
    if not said:
        return []
    lines = [["", *OPERATIONS]]
    lines += [[row.name, *(said.get((row.name, one), "did not run") for one in OPERATIONS)] for row in ROWS]
    below = [
        f"{row}: no {', '.join(operations)} ({error})"
        for row, errors in refusals.items()
        for error, operations in errors.items()
    ]
    return [*_aligned(lines), "", *below]


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
