"""Comparing wanted configuration lines with a running configuration, hierarchy included.

The rules are those of Ansible's ``ios_config`` (ansible.netcommon, NetworkConfig.difference, and cisco.ios,
cliconf/ios.py), so that a playbook moved to the broker sends the same lines:

- A line is identified by its text and the section it stands in. ``no ...`` lines are compared as text like any other:
  whether a default is in force cannot be known from a configuration that does not show defaults, so ``no cdp enable``
  is sent unless the running configuration says ``no cdp enable``.
- ``match``: ``line`` sends lines that are absent; ``strict`` also compares positions within the section; ``exact``
  wants the section to hold exactly these lines; ``none`` sends everything.
- ``replace="block"`` sends the whole section when any of its lines is to be sent.

Three things differ, each a defect there: sections nested deeper than two levels compare correctly with ``strict`` and
``exact``; equal lines in different sections are not taken for duplicates; and a line that goes back from an inner to an
outer section is preceded by the outer section's header.

hier-config, which design and habit would suggest, computes the commands that turn one complete configuration into
another, negating what is not wanted; it has no notion of ``match`` and ``replace`` for a set of lines.

Everything here takes time in proportion to the lines, and is given up when its deadline passes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from netpulse_drivers.config.ignored_lines import NOTHING_IGNORED, IgnoredLines

Blocks = Sequence[str | tuple[str, str]]
"""What ``join_blocks`` puts together."""

Match = Literal["line", "strict", "exact", "none"]
Replace = Literal["line", "block"]

DEEPEST = 64
"""Sections in each other that are told apart; what is indented further stands in the last of them."""

_COMMENTS = ("!", "#", "/*", "*/", "echo")
_NOT_CONFIGURATION = re.compile(
    r"Using \d+ out of \d+ bytes|Building configuration|Current configuration(?: : \d+ bytes|:)|[{};\s]*$"
    r"|[A-Z][a-z]{2} [A-Z][a-z]{2} +\d+ [\d:.]+ [A-Z]{2,5}$"  # IOS-XR prints the time first
)


@dataclass(frozen=True, slots=True)
class ConfigLine:
    """One line.

    Attributes:
        text: without indentation; a block that swallows lines (a banner) is one line with newlines in it.
        parents: the headers of the sections around it, outermost first.
    """

    text: str
    parents: tuple[str, ...] = ()

    @property
    def path(self) -> tuple[str, ...]:
        return (*self.parents, self.text)


@dataclass(frozen=True, slots=True)
class Configuration:
    """A parsed configuration, in order."""

    lines: list[ConfigLine] = field(default_factory=list)

    @property
    def paths(self) -> set[tuple[str, ...]]:
        return {line.path for line in self.lines}

    def block(self, path: tuple[str, ...]) -> list[ConfigLine]:
        """The section with that path: its header, then everything in it. Empty when there is no such section."""
        return [line for line in self.lines if line.path[: len(path)] == path]


def parse_configuration(
    text: str, *, ignore: IgnoredLines = NOTHING_IGNORED, multiline: Blocks = (), indented: bool = True
) -> Configuration:
    """Parse what ``show running-config`` prints, or lines that somebody wrote.

    Args:
        text: the configuration. Sections are told by indentation.
        ignore: lines that are left out.
        multiline: see ``join_blocks``.
        indented: False: every line stands for itself.

    Comments (``!``, ``#``), empty lines and what devices print around the configuration are left out.
    """
    lines: list[ConfigLine] = []
    levels: list[tuple[int, str]] = []  # indentation and text of the open sections
    for raw in join_blocks(text.split("\n"), multiline):
        content = raw.strip()
        if not content or content.startswith(_COMMENTS) or _NOT_CONFIGURATION.match(content):
            continue
        if ignore.matches(content):
            continue
        depth = len(raw) - len(raw.lstrip()) if indented else 0
        while levels and levels[-1][0] >= depth:
            levels.pop()
        lines.append(ConfigLine(content, tuple(text for _, text in levels)))
        if len(levels) < DEEPEST:
            levels.append((depth, content))
    return Configuration(lines)


def is_left_out(line: str, *, ignore: IgnoredLines = NOTHING_IGNORED) -> bool:
    """Whether ``wanted_configuration`` drops this line: a comment, the ``end`` of it all, or one that is ignored."""
    content = line.strip()
    return (
        content == "end"
        or content.startswith(_COMMENTS)
        or _NOT_CONFIGURATION.match(content) is not None
        or ignore.matches(content)
    )


def wanted_configuration(
    lines: Sequence[str], parents: Sequence[str], *, multiline: Blocks = (), ignore: IgnoredLines = NOTHING_IGNORED
) -> Configuration:
    """The lines of a request below their parents. Lines may be indented to form sections of their own."""
    header = [" " * depth + parent.strip() for depth, parent in enumerate(parents)]
    physical = [part for line in lines for part in line.split("\n")]
    body = [" " * len(parents) + line for line in join_blocks(physical, multiline)]
    parsed = parse_configuration("\n".join([*header, *body]), multiline=multiline, ignore=ignore)
    unique = {line.path: line for line in parsed.lines if line.text != "end"}
    return Configuration(list(unique.values()))


def difference(
    wanted: Configuration,
    running: Configuration,
    *,
    path: Sequence[str] = (),
    match: Match = "line",
    replace: Replace = "line",
) -> list[ConfigLine]:
    """The wanted lines that must be sent, without the headers that lead to them. See the module's rules."""
    inside = running.lines
    if path and match != "line":
        inside = _with_headers(running.block(tuple(path)), tuple(path))
    missing = _missing(wanted, inside, match)
    if replace == "block" and missing:
        sections = {line.path[0] for line in missing}
        missing = [line for line in wanted.lines if line.path[0] in sections]
    return missing


def _missing(wanted: Configuration, inside: list[ConfigLine], match: Match) -> list[ConfigLine]:
    if match == "none":
        return list(wanted.lines)
    if match == "line":
        present = {line.path for line in inside}
        return [line for line in wanted.lines if line.path not in present]
    if match == "exact":
        same = [line.path for line in wanted.lines] == [line.path for line in inside]
        return [] if same else list(wanted.lines)
    return [
        line
        for position, line in enumerate(wanted.lines)
        if position >= len(inside) or inside[position].text != line.text
    ]


def with_headers(lines: Sequence[ConfigLine]) -> list[ConfigLine]:
    """The lines in order, each section entered before its lines: what is typed in configuration mode.

    Going deeper or staying costs nothing; going back to an outer section types its headers again; top-level lines need
    none, since every platform takes them from within a section.
    """
    typed: list[ConfigLine] = []
    here: tuple[str, ...] = ()
    sections = {line.parents[:depth] for line in lines for depth in range(1, len(line.parents) + 1)}
    for line in lines:
        if line.parents != here:
            common = here if line.parents[: len(here)] == here else ()
            for depth in range(len(common), len(line.parents)):
                header = ConfigLine(line.parents[depth], line.parents[:depth])
                if not typed or typed[-1] != header:
                    typed.append(header)
        typed.append(line)
        here = line.path if line.path in sections else line.parents
    return typed


def describe_difference(typed: Sequence[ConfigLine], running: Configuration) -> str:
    """What sending these lines does, as text: ``+`` is added, ``-`` is removed, a blank stands for what is there.

    It tells what is sent, not what the device makes of it: values that a line replaces are not shown.
    """
    paths = running.paths
    shown = []
    for line in typed:
        indent = " " * len(line.parents)
        negated = line.text.removeprefix("no ")
        removed = (*line.parents, negated)
        for number, part in enumerate(line.text.split("\n")):
            if line.path in paths:
                sign = " "
            elif negated != line.text and removed in paths:
                sign, part = "-", negated  # noqa: PLW2901 - a negation shows as the line it removes
            else:
                sign = "+"
            shown.append(f"{sign}{indent if not number else ''}{part}")
    return "\n".join(shown) + "\n" if shown else ""


def join_blocks(lines: Iterable[str], multiline: Blocks) -> list[str]:
    """Put lines together that a device reads as one input, such as a banner up to its delimiter.

    Args:
        lines: in order.
        multiline: expressions for the first line of such a block. With a group ``delimiter`` the block ends at the
            first line that holds this text; without, at a line ``EOF``. A pair is (first line, last line) of a section
            at the outermost level that the device replaces as a whole: blanks around its lines do not count, and the
            last line is added where it lacks.
    """
    expressions = [re.compile(expression) for expression in multiline if isinstance(expression, str)]
    sections = [(re.compile(pair[0]), pair[1]) for pair in multiline if not isinstance(pair, str)]
    joined: list[str] = []
    block: list[str] = []  # the lines of one that is not complete
    waiting_for: str | None = None
    section_end = ""
    for line in lines:
        if section_end:
            block.append(line.strip())
            section_end = "" if line.strip() == section_end else section_end
        elif waiting_for is not None:
            block.append(line.rstrip("\r"))
            if waiting_for in line if waiting_for != "EOF" else line.strip() == "EOF":
                waiting_for = None
        else:
            block = [line]
            section_end = next((end for first, end in sections if first.match(line)), "")
            if section_end:
                block = [part.strip() for part in line.split("\n")]
                section_end = "" if section_end in block else section_end
            else:
                waiting_for = _delimiter(line, expressions)
        if not section_end and waiting_for is None:
            joined.append("\n".join(block))
            block = []
    if block:
        joined.append("\n".join([*block, section_end] if section_end else block))
    return joined


def _delimiter(line: str, expressions: Sequence[re.Pattern[str]]) -> str | None:
    """What ends the block that this line begins; None: it begins none, or ends it as well."""
    first = line.split("\n", 1)[0]
    found = next((m for e in expressions if (m := e.match(first.strip()))), None)
    if found is None:
        return None
    delimiter = found.groupdict().get("delimiter")
    rest = line.strip()[found.end() :]
    if delimiter is None:
        return None if rest.strip().endswith("EOF") else "EOF"
    return None if delimiter in rest else str(delimiter)


def _with_headers(block: list[ConfigLine], path: tuple[str, ...]) -> list[ConfigLine]:
    """The section preceded by the headers around it, as the wanted lines are."""
    if not block:
        return []
    return [*(ConfigLine(path[depth], path[:depth]) for depth in range(len(path) - 1)), *block]
