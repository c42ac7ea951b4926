"""Command syntax: rules written as text, compiled to a tree, matched by unambiguous prefix.

A rule is one line of syntax such as ``ip address <ipv4> <mask> [secondary]``:

- a bare word is a keyword; a user may shorten it as long as it stays unambiguous among its siblings;
- ``<name>`` is a parameter of a type that the platform registers (``word``, ``ipv4``, ``interface`` ...);
- ``<1-4094>`` is a whole number in that range; ``<line>`` takes the rest of the line as it was typed;
- ``[...]`` is optional and ``{a|b}`` is a choice. Both may hold several words.

Keywords win over parameters and an exact keyword wins over longer ones, as on Cisco IOS.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

T = TypeVar("T")

Parameter = Callable[[str], str | None]
"""Takes what was typed, returns its canonical spelling, or None when it is no such value."""

_TOKEN = re.compile(r"\S+")
_SYNTAX = re.compile(r"<[^>]+>|[\[\]{}|]|[^\s\[\]{}|<>]+")
_RANGE = re.compile(r"(\d+)-(\d+)$")


@dataclass(frozen=True, slots=True)
class Match(Generic[T]):
    """A line that fits a rule (or, from `Grammar.match_beginning`, begins one)."""

    payload: T | None
    """What the rule carries; None only when the line stops inside a rule."""
    words: tuple[str, ...]
    """The line in canonical words: keywords in full, parameters as their type spells them."""
    arguments: tuple[str, ...]
    """The values of the parameters, in order."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a line fits no rule."""

    reason: Literal["invalid", "incomplete", "ambiguous"]
    line: str
    column: int
    """Where in `line` the first character stands that fits nothing (0-based)."""
    index: int
    """Which token that is (0-based)."""
    token: str

    def behind(self, prefix: str) -> Rejection:
        """The same, for a line that stands behind `prefix`."""
        return Rejection(
            self.reason,
            prefix + self.line,
            len(prefix) + self.column,
            len(prefix.split()) + self.index,
            self.token,
        )


class _Node(Generic[T]):
    __slots__ = ("keywords", "parameters", "payload", "word")

    def __init__(self, word: str = "") -> None:
        self.word = word
        """The keyword that leads here, as it is printed."""
        self.keywords: dict[str, _Node[T]] = {}
        self.parameters: list[tuple[str, Parameter | None, _Node[T]]] = []
        self.payload: T | None = None


class Grammar(Generic[T]):
    """All rules of one command mode."""

    def __init__(self, rules: Iterable[tuple[str, T]], parameters: Mapping[str, Parameter]) -> None:
        """Compile `rules` (syntax, payload).

        Raises:
            ValueError: a rule names an unknown parameter type or its brackets do not match.
        """
        self._root: _Node[T] = _Node()
        self._types = parameters
        for syntax, payload in rules:
            for path in _expand(syntax):
                node = self._root
                for word in path:
                    node = self._child(node, word, syntax)
                # The first rule wins, so that a platform's own rule can stand before a shared one.
                if node.payload is None:
                    node.payload = payload

    def _child(self, node: _Node[T], word: str, syntax: str) -> _Node[T]:
        if not word.startswith("<"):
            return node.keywords.setdefault(word.lower(), _Node(word))
        for name, _, child in node.parameters:
            if name == word:
                return child
        child = _Node()
        node.parameters.append((word, self._parameter(word[1:-1], syntax), child))
        return child

    def _parameter(self, name: str, syntax: str) -> Parameter | None:
        if name == "line":
            return None
        if found := _RANGE.match(name):
            low, high = int(found[1]), int(found[2])
            return lambda text: text if text.isdigit() and low <= int(text) <= high else None
        if name not in self._types:
            raise ValueError(f"unknown parameter <{name}> in rule {syntax!r}; known: {sorted(self._types)}")
        return self._types[name]

    def match(self, line: str) -> Match[T] | Rejection:
        """Match a whole line."""
        found = self._walk(line)
        if isinstance(found, Match) and found.payload is None:
            return Rejection("incomplete", line, len(line), len(found.words), "")
        return found

    def match_beginning(self, line: str) -> Match[T] | Rejection:
        """Match a line that may stop inside a rule, as in ``no ip address``."""
        return self._walk(line)

    def _walk(self, line: str) -> Match[T] | Rejection:
        tokens = [(found.group(), found.start()) for found in _TOKEN.finditer(line)]
        node = self._root
        words: list[str] = []
        arguments: list[str] = []
        position = 0
        while position < len(tokens):
            text, column = tokens[position]
            lowered = text.lower()
            child = node.keywords.get(lowered)
            if child is None:
                candidates = [word for word in node.keywords if word.startswith(lowered)]
                if len(candidates) > 1:
                    return Rejection("ambiguous", line, column, position, text)
                if candidates:
                    child = node.keywords[candidates[0]]
            if child is not None:
                words.append(child.word)
                node = child
                position += 1
                continue
            following = tokens[position + 1][0] if position + 1 < len(tokens) else ""
            for name, parameter, successor in node.parameters:
                if parameter is None:
                    rest = line[column:].rstrip()
                    return Match(successor.payload, (*words, rest), (*arguments, rest))
                value, used = parameter(text), 1
                if value is None and following and name == "<interface>":
                    # "interface GigabitEthernet 0/1" is the same as "interface GigabitEthernet0/1".
                    value, used = parameter(text + following), 2
                if value is not None:
                    words.append(value)
                    arguments.append(value)
                    node = successor
                    position += used
                    break
            else:
                return Rejection("invalid", line, column + _agreement(lowered, node.keywords), position, text)
        return Match(node.payload, tuple(words), tuple(arguments))


def _agreement(text: str, keywords: Iterable[str]) -> int:
    """How many leading characters of `text` some keyword shares: devices mark the first that fits none."""
    best = 0
    for word in keywords:
        length = 0
        for one, other in zip(text, word, strict=False):
            if one != other:
                break
            length += 1
        # A keyword that is the beginning of what was typed is a wrong token as a whole.
        best = max(best, min(length, len(text) - 1))
    return best


def _expand(syntax: str) -> list[tuple[str, ...]]:
    """All the plain word sequences that a syntax line stands for."""
    tokens = _SYNTAX.findall(syntax)
    paths, position = _alternatives(tokens, 0, syntax)
    if position != len(tokens):
        raise ValueError(f"unmatched {tokens[position]!r} in rule {syntax!r}")
    return paths


def _alternatives(tokens: list[str], position: int, syntax: str) -> tuple[list[tuple[str, ...]], int]:
    done: list[tuple[str, ...]] = []
    current: list[tuple[str, ...]] = [()]
    while position < len(tokens):
        token = tokens[position]
        if token in "]}":
            break
        position += 1
        if token == "|":
            done += current
            current = [()]
            continue
        if token in "[{":
            inner, position = _alternatives(tokens, position, syntax)
            closing = "]" if token == "[" else "}"
            if position >= len(tokens) or tokens[position] != closing:
                raise ValueError(f"missing {closing!r} in rule {syntax!r}")
            position += 1
            choices = [*inner, ()] if token == "[" else inner
            current = [head + tail for head in current for tail in choices]
            continue
        current = [(*head, token) for head in current]
    return done + current, position
