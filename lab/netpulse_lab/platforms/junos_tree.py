"""Junos configuration as text, as ``set`` lines, as data; and the difference of two of them."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape

from netpulse_lab.config_store import Entry

INDENT = "    "


def braces(section: Entry, depth: int = 0) -> Iterator[str]:
    """The lines of a section between curly braces."""
    for entry in section.sorted_children():
        if entry.children is None:
            yield f"{INDENT * depth}{entry.text};"
        else:
            yield f"{INDENT * depth}{entry.text} {{"
            yield from braces(entry, depth + 1)
            yield f"{INDENT * depth}}}"


def set_lines(section: Entry, before: str = "set") -> Iterator[str]:
    """The lines that make a section when they are typed."""
    for entry in section.sorted_children():
        line = f"{before} {entry.text}"
        if entry.children:
            yield from set_lines(entry, line)
        else:
            yield line


def data(section: Entry) -> dict[str, object]:
    """The section as nested objects, in the manner of ``display json``."""
    result: dict[str, object] = {}
    for entry in section.sorted_children():
        name, *rest = entry.words
        value: object = data(entry) if entry.children is not None else " ".join(rest) or [None]
        if entry.children is not None and rest:
            value = [{"name": " ".join(rest), **data(entry)}]
            present = result.get(name)
            value = [*present, *value] if isinstance(present, list) else value
        result[name] = value
    return result


def markup(section: Entry, depth: int = 2) -> Iterator[str]:
    """The section as XML elements."""
    for entry in section.sorted_children():
        name, *rest = entry.words
        pad = INDENT * depth
        if entry.children is None:
            yield f"{pad}<{name}>{escape(' '.join(rest))}</{name}>" if rest else f"{pad}<{name}/>"
            continue
        yield f"{pad}<{name}>"
        if rest:
            yield f"{pad}{INDENT}<name>{escape(' '.join(rest))}</name>"
        yield from markup(entry, depth + 1)
        yield f"{pad}</{name}>"


def comparison(before: Entry, after: Entry, path: tuple[str, ...] = ()) -> Iterator[str]:
    """``show | compare``: where something changed, what went and what came."""
    old, new = before.children or {}, after.children or {}
    changes: list[str] = []
    deeper: list[tuple[Entry, Entry]] = []
    for key in [*old, *(key for key in new if key not in old)]:
        one, other = old.get(key), new.get(key)
        if one is not None and other is not None and one.children is not None and other.children is not None:
            deeper.append((one, other))
        elif one is None or other is None or one.text != other.text:
            changes += [f"-  {line}" for line in _whole(one)] + [f"+  {line}" for line in _whole(other)]
    if changes:
        yield " ".join(("[edit", *path)) + "]"
        yield from changes
    for one, other in deeper:
        yield from comparison(one, other, (*path, other.text))


def _whole(entry: Entry | None) -> list[str]:
    if entry is None:
        return []
    if entry.children is None:
        return [f"{entry.text};"]
    return [f"{entry.text} {{", *braces(entry, 1), "}"]
