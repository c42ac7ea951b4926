"""A private candidate configuration: changed apart, shown as changes, committed or thrown away (IOS-XR)."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from .config_store import ConfigTree, Entry, PrintStyle
from .device import Device
from .interpreter import Interpreter


def changes(before: Entry, after: Entry, style: PrintStyle, depth: int = 0) -> Iterator[str]:
    """The lines that lead from `before` to `after`, indented; removals begin with ``no``."""
    indent = style.indent * depth
    old, new = before.children or {}, after.children or {}
    for key, entry in old.items():
        if key not in new:
            negative = entry.words[0] == "no"
            yield indent + (" ".join(entry.words[1:]) if negative else f"no {' '.join(entry.words)}")
    for entry in after.sorted_children():
        key = next(name for name, one in new.items() if one is entry)
        present = old.get(key)
        if entry.children is None:
            if present is None or present.text != entry.text:
                yield from (indent + line for line in entry.text.split("\n"))
            continue
        inner = list(changes(present or Entry(entry.words, section=True), entry, style, depth + 1))
        if inner or present is None:
            yield indent + entry.text
            yield from inner
            yield indent + "!"


def pending(shell: Interpreter) -> list[str]:
    """What the session has changed and not committed."""
    if shell.tree is None:
        return []
    # Against what was there at the beginning: what others have committed since is not this session's change.
    origin = shell.origin or shell.device.running
    return list(changes(origin.root, shell.tree.root, shell.platform.style))


def unified(shell: Interpreter) -> list[str]:
    """The change as a unified diff without its head."""
    if shell.tree is None:
        return []
    style = shell.platform.style
    lines = difflib.unified_diff(shell.device.running.lines(style), shell.tree.lines(style), lineterm="", n=1)
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


def apply(device: Device, lines: list[str], *, username: str) -> ConfigTree:
    """The running configuration with `lines` carried out on it; not yet in force.

    Raises:
        ValueError: a line is refused.
    """
    tree = device.running.copy()
    Interpreter(device=device, username=username, privilege=15, session=0, tree=tree).load("\n".join(lines))
    return tree
