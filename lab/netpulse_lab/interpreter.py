"""Modes, commands and configuration lines of an industry-standard CLI, without any input or output of its own."""

from __future__ import annotations

import json
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .config_edit import set_line
from .config_store import ConfigTree, Entry
from .grammar import Match, Rejection
from .outcome import Ask, Collect, Outcome, Say
from .output_filter import FilterError, apply_filters
from .platform import Command, RankedRule

if TYPE_CHECKING:
    from .device import Device


@dataclass(slots=True)
class Context:
    """A level of configuration mode: its name and the sections that a line goes to (several for a range)."""

    mode: str
    sections: list[Entry]


class Interpreter:
    """One user's conversation with a device."""

    def __init__(
        self, *, device: Device, username: str, privilege: int, session: int, tree: ConfigTree | None = None
    ) -> None:
        self.device = device
        self.platform = device.platform
        self.username = username
        self.privilege = privilege
        self.session = session
        self.started = time.time()
        self.history: deque[str] = deque(maxlen=20)
        self.length = self.platform.pager.length
        """Lines of a page; 0: no paging."""
        self.width = 80
        self.contexts: list[Context] = []
        """The levels of configuration mode, outermost first; empty in exec mode."""
        self.candidate = ""
        """Name of the configuration session that is edited instead of the running configuration."""
        self.tree = tree
        """What configuration lines change; None: the running configuration."""
        self.base = 0
        """Version of the running configuration when configuration mode was entered."""
        self.origin: ConfigTree | None = None
        """That configuration, where a candidate is edited."""

    @property
    def mode(self) -> str:
        """user, enable, or the innermost configuration mode."""
        if self.contexts:
            return self.contexts[-1].mode
        return "enable" if self.privilege >= 15 else "user"

    def prompt(self) -> str:
        """The prompt, without a line break."""
        form = self.platform.prompts[self.mode]
        place = self.contexts[-1].sections if self.contexts else []
        return form.format(
            host=self.device.hostname,
            candidate=f"-s-{self.candidate[:6]}" if self.candidate else "",
            section=self.platform.section_name(place[0]) if place else "",
        )

    def enter_config(self, tree: ConfigTree | None = None, *, name: str = "") -> None:
        """Go to configuration mode, on the running configuration or on a candidate called `name`."""
        self.tree = tree
        self.base = self.device.running.version
        self.origin = None if tree is None else self.device.running.copy()
        self.candidate = name
        self.contexts = [Context("config", [(tree or self.device.running).root])]

    def enter_section(self, mode: str, sections: list[Entry]) -> None:
        """Go one level deeper; the next lines change `sections`."""
        self.contexts.append(Context(mode, sections))

    def leave_config(self) -> None:
        """Go back to exec mode."""
        self.contexts.clear()
        self.candidate = ""
        self.tree = None

    def note_change(self) -> None:
        """A line has changed the configuration that is being edited."""
        if self.tree is None:
            self.device.note_change(self.username)
        else:
            self.tree.touch()

    def run(self, line: str) -> Outcome:
        """Carry out one line in whatever mode this is."""
        text = line.strip()
        if not text or text.startswith("!"):
            return Say()
        self.history.append(text)
        done = self.configure(line) if self.contexts else self.execute(line)
        return Say(done) if isinstance(done, str) else done

    def refuse(self, rejection: Rejection) -> str:
        """The device's words for a line that fits no rule."""
        return self.platform.reject(rejection, len(self.prompt()))

    def execute(self, line: str, *, behind: str = "") -> Outcome | str:
        """Carry out an exec command; `behind` is what stood before it on the line, such as ``do``."""
        command, bar, tail = line.partition("|")
        grammar = self.platform.exec_grammar(self.privilege)
        found = grammar.match(command)
        if isinstance(found, Rejection):
            return self.refuse(found.behind(behind))
        assert found.payload is not None, "a complete match carries its command"
        if not bar:
            return found.payload.run(self, found)
        try:
            return self._filtered(found, found.payload, tail)
        except FilterError as error:
            column = len(command) + 1 + len(tail) - len(tail.lstrip())
            wrong = Rejection(error.reason, line, column, len(command.split()) + 1, error.token)
            return self.refuse(wrong.behind(behind))

    def _filtered(self, found: Match[Command], command: Command, tail: str) -> Outcome | str:
        if tail.strip().lower() in self.platform.data_words and command.json is not None:
            return json.dumps(command.json(self, found), indent=4)
        done = command.run(self, found)
        if isinstance(done, Say):
            done = done.text
        if not isinstance(done, str):
            return done
        return apply_filters(done, tail, self.platform.filters)

    def configure(self, line: str) -> Outcome | str:
        """Carry out a line in configuration mode.

        A line that the mode does not know but global configuration mode does leads there, as on the real devices.
        """
        found = self.find_rule(line)
        if isinstance(found, Rejection):
            return self.refuse(found)
        ranked = found.payload
        if ranked is None:
            return self.refuse(Rejection("incomplete", line, len(line), len(found.words), ""))
        return set_line(self, ranked, found)

    def find_rule(self, line: str) -> Match[RankedRule] | Rejection:
        """The configuration rule that `line` begins or fulfils; changes to global mode where that knows it."""
        found = self.platform.config_grammar(self.mode).match_beginning(line)
        if (isinstance(found, Rejection) or found.payload is None) and len(self.contexts) > 1:
            outer = self.platform.config_grammar("config").match_beginning(line)
            if isinstance(outer, Match) and outer.payload is not None:
                del self.contexts[1:]
                return outer
        return found

    def load(self, text: str) -> None:
        """Apply configuration text with its indentation, as if it was typed line by line.

        Raises:
            ValueError: the device refuses a line.
        """
        self.enter_config(self.tree)
        levels = [0]
        collecting: Collect | None = None
        for raw in text.splitlines():
            if collecting is not None:
                collecting = None if collecting.take(raw) is not None else collecting
                continue
            line = raw.strip()
            if not line or line.startswith("!") or line in ("end", "Building configuration..."):
                continue
            if line.startswith("Current configuration"):
                continue
            indent = len(raw) - len(raw.lstrip())
            while indent < levels[-1]:
                levels.pop()
            if indent > levels[-1]:
                levels.append(indent)
            del self.contexts[len(levels) :]
            if len(self.contexts) < len(levels):
                raise ValueError(f"configuration line {raw!r} is indented but opens below no section")
            done = self.configure(line)
            while isinstance(done, Ask):
                done = done.then("")
            if isinstance(done, Collect):
                collecting = done
            answer = done if isinstance(done, str) else done.text if isinstance(done, Say) else ""
            if "%" in answer:
                raise ValueError(f"configuration line {raw!r} is refused: {answer.strip()}")
        self.contexts.clear()
