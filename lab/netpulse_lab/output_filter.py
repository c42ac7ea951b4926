"""The filters behind a bar: ``show running-config | section ^interface``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Literal

Filter = Callable[[list[str], re.Pattern[str]], list[str]]


class FilterError(Exception):
    """What stands behind a bar is no filter."""

    def __init__(self, reason: Literal["invalid", "incomplete", "ambiguous"], token: str) -> None:
        super().__init__(f"{reason} filter: {token}")
        self.reason = reason
        self.token = token


def include(lines: list[str], pattern: re.Pattern[str]) -> list[str]:
    return [line for line in lines if pattern.search(line)]


def exclude(lines: list[str], pattern: re.Pattern[str]) -> list[str]:
    return [line for line in lines if not pattern.search(line)]


def begin(lines: list[str], pattern: re.Pattern[str]) -> list[str]:
    for number, line in enumerate(lines):
        if pattern.search(line):
            return lines[number:]
    return []


def count(lines: list[str], pattern: re.Pattern[str]) -> list[str]:
    return [f"Number of lines which match regexp = {len(include(lines, pattern))}"]


def section(lines: list[str], pattern: re.Pattern[str]) -> list[str]:
    """Every line that matches, with the deeper indented lines that follow it."""
    kept: list[str] = []
    level: int | None = None
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if level is not None and line.strip() and indent > level:
            kept.append(line)
        elif pattern.search(line):
            kept.append(line)
            level = indent
        else:
            level = None
    return kept


FILTERS: Mapping[str, Filter] = {
    "include": include,
    "exclude": exclude,
    "begin": begin,
    "section": section,
    "count": count,
}


def apply_filters(text: str, filters: str, known: Mapping[str, Filter]) -> str:
    """Run `text` through the filters of ``include x | exclude y``. ``no-more`` and a lone ``json`` change nothing.

    Raises:
        FilterError: an unknown filter, or one without its expression.
    """
    lines = text.splitlines()
    for part in _parts(filters, known):
        word, _, expression = part.strip().partition(" ")
        if not word:
            raise FilterError("incomplete", "")
        fitting = [name for name in (*known, "no-more") if name.startswith(word.lower())]
        if len(fitting) != 1:
            raise FilterError("ambiguous" if fitting else "invalid", word)
        if fitting[0] == "no-more":
            continue
        expression = expression.strip().strip('"')
        if not expression:
            raise FilterError("incomplete", "")
        lines = known[fitting[0]](lines, _compile(expression))
    return "\n".join(lines) + "\n" if lines else ""


def _parts(filters: str, known: Mapping[str, Filter]) -> list[str]:
    """The single filters. A bar that no filter follows belongs to the expression: ``include mtu | speed``."""
    parts: list[str] = []
    for piece in filters.split(" | "):
        word = piece.strip().partition(" ")[0].lower()
        if parts and not (word and any(name.startswith(word) for name in (*known, "no-more"))):
            parts[-1] += f" | {piece}"
        else:
            parts.append(piece)
    return parts


def _compile(expression: str) -> re.Pattern[str]:
    try:
        return re.compile(expression)
    except re.error:
        # Devices have another dialect; what is no expression in Python's is taken as it stands.
        return re.compile(re.escape(expression))
