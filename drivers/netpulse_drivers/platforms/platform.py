"""What is known about one platform: prompts, modes, privilege, commits, saving, refusals."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Answer:
    """A question that a command is known to ask, and what to type."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Pager:
    """A pager's question, alone on the last line, and the key that turns the page; "\\r": the session's line end."""

    text: str
    key: str


@dataclass(frozen=True)
class Refusals:
    """The texts with which a platform refuses a command. Expressions match at the start of a line.

    Attributes:
        query_texts: an answer to a query that means no.
        change_texts: an answer to a configuration line that means no, beyond ``query_texts``.
        harmless_texts: lines that the others would match but that only inform.
        known: whether they are the platform's own; False: the commonest wordings are tried.
    """

    query_texts: tuple[str, ...] = ()
    change_texts: tuple[str, ...] = ()
    harmless_texts: tuple[str, ...] = ()
    known: bool = False

    @functools.cached_property
    def query(self) -> re.Pattern[str]:
        return _any_of(self.query_texts)

    @functools.cached_property
    def change(self) -> re.Pattern[str]:
        return _any_of(self.change_texts)

    @functools.cached_property
    def harmless(self) -> re.Pattern[str]:
        return _any_of(self.harmless_texts)


@functools.cache
def _any_of(expressions: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("^(?:" + "|".join(expressions) + ")", re.MULTILINE) if expressions else re.compile(r"(?!)")


@functools.cache
def _alternatives(expressions: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{one})" for one in expressions) or r"(?!)")


@functools.cache
def _pager(pagers: tuple[Pager, ...]) -> re.Pattern[str]:
    """A group for each, named by its number."""
    texts = "|".join(f"(?P<n{number}>{one.text})" for number, one in enumerate(pagers))
    return re.compile(rf"[ \t]*(?:{texts or '(?!)'})[ \t]*")


@functools.cache
def _commands(before: str, commands: tuple[str, ...]) -> re.Pattern[str]:
    """The beginning of a line that is one of these commands, as whole words."""
    return re.compile(rf"\s*{before}(?:{'|'.join(commands)})(?!\w)", re.IGNORECASE)


def _fact(table: str, key: str, default: object = "", *, expression: bool = False) -> Any:
    """An attribute that a data file gives as ``key`` in ``[table]``; ``expression``: it holds regular expressions."""
    return field(default=default, metadata={"table": table, "key": key, "expression": expression})


@dataclass(frozen=True, kw_only=True, eq=False)
class Platform:
    """One platform's ways. "" and () mean that there is none, or, where it says so, that netmiko's own way is used.

    Attributes:
        name: of its data file.
        about: what it is, in a line.
        source: where the facts come from.
        lineage: the names of its data file and of those that it is like, nearest first, without ``generic`` at the end.
        prompt: any prompt of it, a whole line without trailing blanks. Groups: ``host`` (what stays the same between
            modes), ``context`` (where on the device: virtual system, VRF, logical system, shell, directory), ``mode``
            (present in configuration mode), ``end`` (tells privilege). What stands outside of groups (counters, marks
            of unsaved changes, the state of a cluster) makes no difference.
        telling: whether ``prompt`` is the platform's own, not one that fits almost any line.
        context_moves: whether the context is one in which any command may move (a directory).
        reader: ``event`` reads by the learnt prompt; ``netmiko`` leaves commands to netmiko's own methods, for
            devices that repaint their prompt line.
        refusals: see there.
        enable: command that raises privilege; "" when there is none or netmiko must do it.
        disable: command that gives it back.
        privileged: ``end`` of a privileged prompt; "": prompts do not tell.
        raised_prompt: expression for a prompt that names another user once privilege has been raised.
        change_enables: whether a change that says nothing about privilege raises it.
        config_enter, config_leave: commands; "" leaves it to netmiko.
        modeless: no configuration mode: lines are typed where the session stands. ``config_leave`` then closes one
            block that they left open, shown by the prompt's group ``mode``.
        to_top: typed in configuration mode before it is left or committed, to return to its top.
        mode_line: what stands above the prompt (or the prompt itself) and tells the mode, where the prompt's own line
            does not: groups ``config`` (present in configuration mode) and ``dirty`` (something is not committed).
        no_changes: why no change is taken: the end of a sentence that begins with the device type.
        left_out: lines of a change that are not typed: comments, and what would leave configuration mode.
        multiline: first lines, with the group ``delimiter``, of commands that swallow lines until a delimiter.
        whole: (first line, last line) of sections that the device replaces as a whole when they are entered.
        abort: commands that leave configuration mode and throw a candidate away; () where lines take effect at once.
        abort_answers: questions that ``abort`` is known to ask.
        config_session: end of the prompt in a session with a candidate of its own, which a caller has opened.
        config_session_abort: command that throws it away.
        commit: command that makes a candidate effective.
        commit_answers: questions that ``commit`` is known to ask.
        commit_at_top: whether ``commit`` is typed in configuration mode; False: after it was left.
        commit_then: command that makes the commit final.
        commit_reason: command that tells, in configuration mode, why a commit failed; "" where its answer does.
        commit_persists: whether a commit is in the start-up configuration as well.
        dirty: what the answer to ``config_enter`` says when the candidate holds somebody's edits.
        dirty_check: command that asks before configuration mode is entered; ``dirty`` is looked for in its answer.
        commit_check: command that validates a candidate without effect.
        commit_comment: ``commit`` with ``{comment}``.
        commit_confirmed: command for a commit that is rolled back unless confirmed; ``{seconds}`` or ``{minutes}``.
        commit_shortest: seconds, the shortest timer of it.
        commit_waits: operational command that tells whether a confirmed commit waits.
        commit_waiting: what stands in its answer while one does.
        commit_back: configuration line that brings the configuration before the last commit into the candidate; "" when
            a confirmed commit can only be left to its timer.
        commit_unchanged: what the device says to a commit of lines that changed nothing; "" when it does not tell.
        commit_done: what must stand in the answer of a successful commit; "" when only refusals tell.
        commit_failed: what tells a failed commit.
        save: command that writes the start-up configuration; "" leaves it to netmiko.
        save_answers: questions that ``save`` is known to ask.
        saves_itself: whether what takes effect is in the start-up configuration at once.
        save_in_config: whether ``save`` is typed in configuration mode.
        save_done: what must stand in the answer to a successful ``save``; "" when only refusals tell.
        running, startup: commands that print the configurations.
        indented: whether the running configuration shows its hierarchy by indentation.
        comparable: whether a configuration can be compared line by line; False: its blocks have closing lines.
        parsed_as: another name under which ntc-templates has templates for it.
        pagers: see there.
        log_lines: how lines begin that the device prints by itself, whatever the session is doing.
        moves_before, away_before: what may stand before ``moves_commands`` and ``away_commands``.
        moves_commands, away_commands, renames_commands: see ``moves``, ``leads_away`` and ``renames``.
        contexts_commands: see ``enters_context``.
        variants: (expression for the prompt after the login, platform) of command lines that share a device type.
    """

    name: str
    about: str = ""
    source: tuple[str, ...] = ()
    lineage: tuple[str, ...] = ()
    prompt: str
    telling: bool = False
    refusals: Refusals = field(default_factory=Refusals)
    variants: tuple[tuple[str, Platform], ...] = ()

    context_moves: bool = _fact("prompt", "context_moves", default=False)
    reader: Literal["event", "netmiko"] = _fact("prompt", "reader", "event")

    enable: str = _fact("privilege", "raise")
    disable: str = _fact("privilege", "give_back")
    privileged: str = _fact("privilege", "prompt_end")
    raised_prompt: str = _fact("privilege", "raised_prompt", expression=True)
    change_enables: bool = _fact("privilege", "changes_raise", default=True)

    config_enter: str = _fact("config", "enter")
    config_leave: str = _fact("config", "leave")
    modeless: bool = _fact("config", "modeless", default=False)
    to_top: str = _fact("config", "to_top")
    mode_line: str = _fact("config", "mode_line", expression=True)
    no_changes: str = _fact("config", "refused")
    left_out: str = _fact("config", "left_out", expression=True)
    multiline: tuple[str, ...] = _fact("config", "multiline", (), expression=True)
    whole: tuple[tuple[str, str], ...] = _fact("config", "whole", ())
    abort: tuple[str, ...] = _fact("config", "abort", ())
    abort_answers: tuple[Answer, ...] = _fact("config", "abort_answers", ())
    config_session: str = _fact("config", "session_prompt", expression=True)
    config_session_abort: str = _fact("config", "session_abort")

    commit: str = _fact("commit", "command")
    commit_answers: tuple[Answer, ...] = _fact("commit", "answers", ())
    commit_at_top: bool = _fact("commit", "in_config", default=True)
    commit_then: str = _fact("commit", "then")
    commit_reason: str = _fact("commit", "reason")
    commit_persists: bool = _fact("commit", "persists", default=True)
    dirty: str = _fact("commit", "dirty", expression=True)
    dirty_check: str = _fact("commit", "dirty_check")
    commit_check: str = _fact("commit", "check")
    commit_comment: str = _fact("commit", "comment")
    commit_confirmed: str = _fact("commit", "confirmed")
    commit_shortest: int = _fact("commit", "shortest", 30)
    commit_waits: str = _fact("commit", "waits")
    commit_waiting: str = _fact("commit", "waiting", expression=True)
    commit_back: str = _fact("commit", "back")
    commit_unchanged: str = _fact("commit", "unchanged", expression=True)
    commit_done: str = _fact("commit", "done", expression=True)
    commit_failed: str = _fact("commit", "failed", expression=True)

    save: str = _fact("save", "command")
    save_answers: tuple[Answer, ...] = _fact("save", "answers", ())
    saves_itself: bool = _fact("save", "automatic", default=False)
    save_in_config: bool = _fact("save", "in_config", default=False)
    save_done: str = _fact("save", "done", expression=True)

    running: str = _fact("show", "running")
    startup: str = _fact("show", "startup")
    indented: bool = _fact("show", "indented", default=True)
    comparable: bool = _fact("show", "comparable", default=True)
    parsed_as: str = _fact("show", "parsed_as")

    pagers: tuple[Pager, ...] = _fact("output", "pagers", ())
    log_lines: tuple[str, ...] = _fact("output", "logs", (), expression=True)

    moves_before: str = _fact("moves", "before", expression=True)
    moves_commands: tuple[str, ...] = _fact("moves", "commands", (), expression=True)
    away_before: str = _fact("moves", "away_before", expression=True)
    away_commands: tuple[str, ...] = _fact("moves", "away", (), expression=True)
    renames_commands: tuple[str, ...] = _fact("moves", "renames", (), expression=True)
    contexts_commands: tuple[str, ...] = _fact("moves", "contexts", (), expression=True)

    @functools.cached_property
    def expression(self) -> re.Pattern[str]:
        """``prompt``, compiled."""
        return re.compile(self.prompt)

    def pager_key(self, line: str) -> str:
        """The key that turns the page of the pager that this line is; "" for a line that is none."""
        found = self.pager.fullmatch(line)
        return self.pagers[int(str(found.lastgroup)[1:])].key if found else ""

    @functools.cached_property
    def pager(self) -> re.Pattern[str]:
        """Any pager's question, with a group for each of ``pagers``."""
        return _pager(self.pagers)

    @functools.cached_property
    def logs(self) -> re.Pattern[str]:
        """The beginning of a line that the device prints by itself."""
        return _alternatives(self.log_lines)

    @functools.cached_property
    def moves(self) -> re.Pattern[str]:
        """Commands that may lead to another device, context or shell, and back."""
        return _commands(self.moves_before, self.moves_commands)

    @functools.cached_property
    def leads_away(self) -> re.Pattern[str]:
        """Of these the ones that lead to where the prompt may look the same."""
        return _commands(self.away_before, self.away_commands)

    @functools.cached_property
    def renames(self) -> re.Pattern[str]:
        """Lines that give the device another name."""
        return _commands("", self.renames_commands)

    @functools.cached_property
    def enters_context(self) -> re.Pattern[str]:
        """Lines that lead into another context whose prompt looks like a mode."""
        return _commands("", self.contexts_commands or ("(?!)",))

    def compile(self) -> None:
        """Compile what reading an answer needs, now instead of when it is first needed."""
        for name in ("expression", "pager", "logs", "moves", "leads_away", "renames", "enters_context"):
            getattr(self, name)
        for name in ("query", "change", "harmless"):
            getattr(self.refusals, name)

    def expressions(self) -> Mapping[str, tuple[str, ...]]:
        """Every regular expression of it, by the place in its data file."""
        return _expressions(self)


def _expressions(platform: Platform) -> Mapping[str, tuple[str, ...]]:
    refusals = platform.refusals
    found: dict[str, tuple[str, ...]] = {
        "prompt.line": (platform.prompt,),
        "refusals.query": refusals.query_texts,
        "refusals.change": refusals.change_texts,
        "refusals.harmless": refusals.harmless_texts,
        "output.pagers": tuple(pager.text for pager in platform.pagers),
        "config.whole": tuple(first for first, _ in platform.whole),
        "variants": tuple(prompt for prompt, _ in platform.variants),
    }
    for name, one in Platform.__dataclass_fields__.items():
        place = f"{one.metadata.get('table')}.{one.metadata.get('key')}"
        value = getattr(platform, name)
        if one.metadata.get("expression") and value:
            found[place] = value if isinstance(value, tuple) else (value,)
        elif name.endswith("answers"):
            found[place] = tuple(answer.question for answer in value)
    return found
