"""What the parity suite compared, as a table for people behind the tests.

A pytest plug-in. The rows of a test travel in its report, because tests may run in several processes and one of them
writes the summary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import pytest

_PROPERTY = "parity"


@dataclass(frozen=True, kw_only=True)
class Table:
    """The rows that one test adds.

    Attributes:
        versions: what is compared, for the head.
        rows: platform, task, verdict.
    """

    versions: str
    rows: list[tuple[str, str, str]]

    @classmethod
    def of(cls, item: pytest.Item, *, versions: str) -> Self:
        """An empty table; what stands in it when the test ends is in the test's report."""
        table = cls(versions=versions, rows=[])
        item.user_properties.append((_PROPERTY, [table.versions, table.rows]))
        return table


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    versions: list[str] = []
    rows: list[tuple[str, str, str]] = []
    for report in terminalreporter.stats.get("passed", []) + terminalreporter.stats.get("failed", []):
        if report.when != "call":
            continue
        for name, value in report.user_properties:
            if name == _PROPERTY:
                versions += [value[0]] if value[0] not in versions else []
                rows += [tuple(row) for row in value[1]]
    if not rows:
        return
    terminalreporter.section("stock network_cli and the broker's, field by field")
    for line in versions:
        terminalreporter.write_line(line)
    width = max(len(task) for _platform, task, _verdict in rows)
    for platform, task, verdict in sorted(rows, key=lambda row: row[0]):
        terminalreporter.write_line(f"{platform:6} {task:{width}}  {verdict}")
