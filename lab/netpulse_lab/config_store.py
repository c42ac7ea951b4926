"""A device's configuration: a tree of lines, edited line by line and printed in the device's order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

Key = tuple[str, ...]

_NUMBER = re.compile(r"(\d+)")


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key under which Ethernet10 follows Ethernet9."""
    return tuple((1, int(part), "") if part.isdigit() else (0, 0, part) for part in _NUMBER.split(text) if part)


class Entry:
    """One line, with the lines below it when it opens a section."""

    __slots__ = ("children", "order", "text", "words")

    def __init__(
        self, words: tuple[str, ...], *, text: str = "", order: tuple[object, ...] = (), section: bool = False
    ) -> None:
        self.words = words
        self.text = text or " ".join(words)
        """The line as printed; more than one line for a banner."""
        self.order = order
        self.children: dict[Key, Entry] | None = {} if section else None

    def copy(self) -> Entry:
        """A deep copy. Words and texts are immutable and shared."""
        twin = Entry(self.words, text=self.text, order=self.order)
        if self.children is not None:
            twin.children = {key: child.copy() for key, child in self.children.items()}
        return twin

    def sorted_children(self) -> list[Entry]:
        """The lines of this section as the device prints them; equal ranks keep the order of entry."""
        return sorted((self.children or {}).values(), key=lambda entry: entry.order)

    def put(self, key: Key, entry: Entry) -> Entry:
        """Set a line. One of the same key is replaced, but an existing section stays with its lines."""
        assert self.children is not None, f"{self.text!r} is no section"
        present = self.children.get(key)
        if present is not None and entry.children is not None and present.children is not None:
            return present
        self.children[key] = entry
        return entry

    def discard(self, words: tuple[str, ...]) -> list[Entry]:
        """Remove every line that begins with `words`; returns what was removed."""
        assert self.children is not None, f"{self.text!r} is no section"
        size = len(words)
        doomed = [key for key, entry in self.children.items() if entry.words[:size] == words]
        return [self.children.pop(key) for key in doomed]

    def find(self, *words: str) -> Entry | None:
        """The first line that begins with `words`."""
        return next(self.find_all(*words), None)

    def find_all(self, *words: str) -> Iterator[Entry]:
        """All lines of this section that begin with `words`, in the order of entry."""
        size = len(words)
        for entry in (self.children or {}).values():
            if entry.words[:size] == words:
                yield entry

    def argument(self, *words: str) -> str | None:
        """What follows `words` in the first line that begins with them: ``argument("hostname")``."""
        entry = self.find(*words)
        return None if entry is None else " ".join(entry.words[len(words) :])


@dataclass(frozen=True, slots=True)
class PrintStyle:
    """How a platform prints its tree."""

    indent: str
    """Put before the lines of a section, once a level."""
    separator: str = "!"
    joined: frozenset[str] = frozenset()
    """First words of sections that follow each other without a separator."""


class ConfigTree:
    """A whole configuration and when it changed."""

    def __init__(self) -> None:
        self.root = Entry((), section=True)
        self.version = 0
        """Grows with every change: what is derived from the tree is cached under it."""

    def copy(self) -> ConfigTree:
        twin = ConfigTree()
        twin.root = self.root.copy()
        twin.version = self.version
        return twin

    def touch(self) -> None:
        """Say that the tree was changed."""
        self.version += 1

    def lines(self, style: PrintStyle) -> list[str]:
        """All lines. A separator follows every section and stands between lines of different groups.

        The first element of an entry's order is its group.
        """
        result: list[str] = []
        group: object = None
        for entry in self.root.sorted_children():
            if result and entry.order[:1] != (group,) and result[-1] != style.separator:
                result.append(style.separator)
            group = entry.order[0] if entry.order else None
            result += entry.text.split("\n")
            if entry.children is not None:
                result += _section_lines(entry, style, 1)
                result.append(style.separator)
        return result


def _section_lines(section: Entry, style: PrintStyle, depth: int) -> list[str]:
    result: list[str] = []
    for entry in section.sorted_children():
        result += [style.indent * depth + line for line in entry.text.split("\n")]
        if entry.children is not None:
            result += _section_lines(entry, style, depth + 1)
    return result
