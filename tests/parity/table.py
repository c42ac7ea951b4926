"""What the parity suite compared and what came of it, for people: a table behind the tests.

A pytest plug-in. The rows of a test travel in its report, because tests may run in several processes and one of them
writes the summary.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import pytest

from tests.parity.vendor_ansible import TaskOutcome

_PROPERTY = "parity"

_SHORT_VALUE = 12
"""Longest value of an option that is shown; of others only the name is."""

_WIDEST = 96
"""Characters of a module with its options."""

Row = tuple[str, str, str, str | None]
"""Module with its options, device, task, and why the results differ; None: they are the same."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """The rows that one test adds. ``versions``: what is compared, for the head."""

    versions: str
    rows: list[Row]

    @classmethod
    def of(cls, item: pytest.Item, *, versions: str) -> Self:
        """An empty table; what stands in it when the test ends is in the test's report."""
        table = cls(versions=versions, rows=[])
        item.user_properties.append((_PROPERTY, [table.versions, table.rows]))
        return table

    def add(self, outcome: TaskOutcome, *, device: str, because: str | None) -> None:
        """The broker's ``outcome`` of a task, compared with stock's."""
        self.rows.append((_called(outcome), device, outcome.task, because))


def lines(rows: Iterable[Row]) -> list[str]:
    """The rows as text, sorted by module, with a line that counts them."""
    known = sorted(rows, key=lambda row: (row[0], row[1]))
    cells = [("module (options)", "device", "result", "task")]
    for module, device, task, because in known:
        shown = module if len(module) <= _WIDEST else module[: _WIDEST - 3] + "..."
        result = "same" if because is None else "differs"
        cells.append((shown, device, result, task + (f": {because}" if because else "")))
    widths = [max(len(line[column]) for line in cells) for column in range(3)]
    text = [
        "  ".join([*(one.ljust(width) for one, width in zip(line, widths, strict=False)), line[3]]) for line in cells
    ]
    counted = Counter(because is None for *_, because in known)
    modules = len({module.split(" (")[0] for module, *_ in known})
    summary = f"{modules} modules, {len(known)} tasks: {counted[True]} same, {counted[False]} differ"
    return [*text, "", summary]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    versions: list[str] = []
    rows: list[Row] = []
    for report in terminalreporter.stats.get("passed", []) + terminalreporter.stats.get("failed", []):
        if report.when != "call":
            continue
        for name, value in report.user_properties:
            if name == _PROPERTY:
                versions += [value[0]] if value[0] not in versions else []
                rows += [tuple(row) for row in value[1]]
    if not rows:
        return
    terminalreporter.section("vendor modules over stock network_cli and through the broker, field by field")
    for line in [*versions, "", *lines(rows)]:
        terminalreporter.write_line(line)


def _called(outcome: TaskOutcome) -> str:
    options = [_option(name, value) for name, value in (outcome.args or {}).items() if not name.startswith("_")]
    return f"{outcome.action} ({', '.join(options)})" if options else outcome.action


def _option(name: str, value: Any) -> str:
    if isinstance(value, list):
        inner = sorted({key for one in value if isinstance(one, Mapping) for key in one})
        return f"{name}[{', '.join(inner)}]" if inner else name
    text = str(value)
    return f"{name}={text}" if len(text) <= _SHORT_VALUE and text.isprintable() else name
