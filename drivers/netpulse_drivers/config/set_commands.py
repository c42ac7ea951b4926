"""``difference`` for platforms that print their configuration as ``set`` commands."""

from __future__ import annotations

import re
from typing import Any

from netpulse_drivers.base import EnsurePolicy
from netpulse_drivers.config.running_config import ConfigLine, Configuration, difference

_QUOTED = re.compile(r"(?<!\S)(['\"])([^'\"]*)\1(?!\S)")
"""A value in quotes, whole."""

_HERE = ""
"""Key of a node's own text; no word is empty but between two blanks, where it is written as one blank."""


class _Tree:
    """``set`` commands by their words, so that everything below a path is found and removed at once."""

    def __init__(self) -> None:
        self._root: dict[str, Any] = {}

    def add(self, text: str) -> None:
        node = self._root
        for word in _words(text):
            node = node.setdefault(word, {})
        node[_HERE] = text

    def remove(self, path: str) -> list[str]:
        """Remove the path and what stands below it; the texts that were there."""
        words = _words(path)
        node = self._root
        for word in words[:-1]:
            node = node.get(word, {})
        removed = node.pop(words[-1], None)
        return [] if removed is None else _texts(removed)


def _words(text: str) -> list[str]:
    return [word or " " for word in text.split(" ")]


def _texts(node: dict[str, Any]) -> list[str]:
    found: list[str] = []
    open_nodes = [node]
    while open_nodes:
        for word, below in open_nodes.pop().items():
            if word == _HERE:
                found.append(below)
            else:
                open_nodes.append(below)
    return found


def missing_set_commands(wanted: Configuration, running: Configuration, policy: EnsurePolicy) -> list[ConfigLine]:
    """The wanted lines that must be sent.

    Values compare without the quotes around them, which VyOS prints and nobody types. ``delete x`` is needed only if
    something begins with ``set x``; what stood below x and is wanted again later is then sent too.
    """
    shown = Configuration([ConfigLine(_bare(line.text)) for line in running.lines])
    bare = Configuration([ConfigLine(_bare(line.text)) for line in wanted.lines])
    absent = {line.text for line in difference(bare, shown, match=policy.match, replace=policy.replace)}
    present = _Tree()
    for line in shown.lines:
        present.add(line.text)
    deleted: set[str] = set()
    sent = []
    for line in wanted.lines:
        text = _bare(line.text)
        if text.startswith("delete "):
            below = present.remove("set " + text.removeprefix("delete ").strip()) if text in absent else []
            deleted.update(below)
            needed = bool(below)
        else:
            needed = text in absent or text in deleted
            present.add(text)
        if needed:
            sent.append(line)
    return sent


def _bare(text: str) -> str:
    return _QUOTED.sub(r"\2", text)
