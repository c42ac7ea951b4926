"""Samples and what is said about them."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Samples:
    """Durations of one kind, in seconds."""

    seconds: list[float] = field(default_factory=list)

    def add(self, seconds: float) -> None:
        self.seconds.append(seconds)

    @property
    def p50(self) -> float:
        return statistics.median(self.seconds)

    @property
    def p10(self) -> float:
        """What it takes when little else wants the cores."""
        return self._percentile(10)

    @property
    def p95(self) -> float:
        return self._percentile(95)

    def _percentile(self, percent: int) -> float:
        """The smallest sample that at least so many percent of the samples do not exceed."""
        ordered = sorted(self.seconds)
        return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]

    @property
    def longest(self) -> float:
        return max(self.seconds)

    def __len__(self) -> int:
        return len(self.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a figure should be, and the worst that is accepted.

    Attributes:
        what: the row's text.
        value: the figure.
        aim, floor: in the figure's unit; None: nothing was set.
        unit: shown behind the figures.
        more_is_better: the figure should not be smaller than the aim rather than not larger.
        digits: behind the point.
        note: shown behind the row.
    """

    what: str
    value: float
    aim: float | None
    floor: float | None
    unit: str = ""
    more_is_better: bool = False
    digits: int = 2
    note: str = ""

    def _reaches(self, limit: float) -> bool:
        return self.value >= limit if self.more_is_better else self.value <= limit

    @property
    def verdict(self) -> str:
        """Met, or by how much not."""
        if self.aim is None or self._reaches(self.aim):
            return "met" if self.aim is not None else ""
        apart = (self.aim / self.value if self.more_is_better else self.value / self.aim) - 1
        short = f"aim missed by {apart:.0%}"
        if self.floor is None:
            return short
        if self._reaches(self.floor):
            return f"{short}, floor met"
        apart = (self.floor / self.value if self.more_is_better else self.value / self.floor) - 1
        return f"{short}, FLOOR MISSED by {apart:.0%}"

    def cells(self) -> list[str]:
        """The row of the table."""
        sign = ">=" if self.more_is_better else "<="

        def limit(value: float | None) -> str:
            return "" if value is None else f"{sign} {value:g}{self.unit}"

        return [self.what, f"{self.value:.{self.digits}f}{self.unit}", limit(self.aim), limit(self.floor), self.verdict]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table with aligned columns, the first to the left and the others to the right."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        shown = [
            cells[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)),
        ]
        return f"| {' | '.join(shown)} |"

    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join([line(head), line(rule), *(line(row) for row in rows)])


def ms(seconds: float) -> str:
    """Milliseconds for a table: three digits that count."""
    value = seconds * 1000
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
