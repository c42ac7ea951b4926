"""Setting and removing configuration lines under the rules of a platform."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .config_store import Entry
from .grammar import Match, Rejection
from .outcome import Outcome
from .platform import RankedRule

if TYPE_CHECKING:
    from .interpreter import Interpreter


def set_line(shell: Interpreter, ranked: RankedRule, found: Match[RankedRule]) -> Outcome | str:
    """Carry out a configuration line that fits `ranked`."""
    rule = ranked.rule
    if rule.instead is not None and (done := rule.instead(shell, found, False)) is not None:
        return done
    words = found.words if rule.rewrite is None else rule.rewrite(shell, found)
    variants = [words] if rule.expand is None else list(rule.expand(words))
    opened: list[Entry] = []
    for section in shell.contexts[-1].sections:
        opened.extend(_put(shell, section, ranked, variant) for variant in variants)
    if rule.opens:
        shell.enter_section(rule.opens, opened)
    return ""


def _put(shell: Interpreter, section: Entry, ranked: RankedRule, words: tuple[str, ...]) -> Entry:
    rule = ranked.rule
    assert section.children is not None, "a context is a section"
    key = words if rule.key is None else words[: rule.key]
    present = section.children.get(key)
    entry = Entry(words, order=entry_order(ranked, words), section=bool(rule.opens))
    if rule.default == "on":
        if section.children.pop(key, None) is not None:
            shell.note_change()
        return entry
    if present is not None and (present.text == entry.text):
        return present
    placed = section.put(key, entry)
    if placed is entry and rule.created is not None:
        rule.created(shell, entry)
    shell.note_change()
    return placed


def entry_order(ranked: RankedRule, words: tuple[str, ...]) -> tuple[object, ...]:
    """Where the device prints a line of this rule: group, rank, and then as the rule sorts its own lines."""
    if ranked.rule.as_entered:
        return (ranked.group, 0)
    if ranked.rule.order is None:
        return (ranked.group, ranked.rank)
    return (ranked.group, ranked.rank, *ranked.rule.order(words))


def remove_line(shell: Interpreter, line: str, *, behind: str) -> Outcome | str:
    """Carry out ``no`` in front of `line`; `behind` is what stood before it."""
    found = shell.find_rule(line)
    if isinstance(found, Rejection):
        return shell.refuse(found.behind(behind))
    ranked = found.payload
    if ranked is None:
        # "no neighbor 192.0.2.1" removes all lines that begin so, although the positive form wants more.
        if _discard(shell, found.words):
            return ""
        return shell.refuse(Rejection("incomplete", behind + line, len(line), len(found.words), ""))
    rule = ranked.rule
    if rule.instead is not None and (done := rule.instead(shell, found, True)) is not None:
        return done
    variants = [found.words] if rule.expand is None else list(rule.expand(found.words))
    for words in variants:
        prefix = words if rule.key is None else words[: rule.key]
        if rule.default == "off":
            _discard(shell, prefix)
        else:
            _put_negative(shell, ranked, prefix)
    return ""


def _discard(shell: Interpreter, words: tuple[str, ...]) -> bool:
    removed = [entry for section in shell.contexts[-1].sections for entry in section.discard(words)]
    if removed:
        shell.note_change()
    return bool(removed)


def _put_negative(shell: Interpreter, ranked: RankedRule, words: tuple[str, ...]) -> None:
    negative = negative_entry(words, order=entry_order(ranked, words))
    for section in shell.contexts[-1].sections:
        assert section.children is not None, "a context is a section"
        present = section.children.get(words)
        if present is not None and present.text == negative.text:
            continue
        section.discard(words)
        section.put(words, negative)
        shell.note_change()


def negative_entry(words: tuple[str, ...], *, order: tuple[object, ...]) -> Entry:
    """The printed ``no`` form of a line. Its words begin with ``no``, so that it is never taken for the line."""
    return Entry(("no", *words), order=order, section=False)
