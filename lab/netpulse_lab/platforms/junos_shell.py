"""How Junos understands lines: operational mode, configuration mode with a shared candidate, filters behind a bar."""

from __future__ import annotations

import re

from netpulse_lab.config_session import Candidate
from netpulse_lab.config_store import ConfigTree, Entry
from netpulse_lab.grammar import Match, Rejection
from netpulse_lab.interpreter import Interpreter
from netpulse_lab.outcome import Ask, Leave, Outcome, Say

from . import junos_show as show
from .junos_schema import LISTS, TOP, Statement
from .junos_tree import comparison, set_lines

_SHARED = "candidate"
_EXIT_QUESTION = "The configuration has been changed but not committed\n"


class JunosShell(Interpreter):
    """One user's conversation with a Junos device."""

    _editing = False
    _place: tuple[str, ...] = ()
    """Below which statement ``edit`` has led, word by word."""

    @property
    def mode(self) -> str:
        return "config" if self._editing else "enable"

    def prompt(self) -> str:
        name = f"{self.username}@{self.device.hostname}"
        if not self._editing:
            return f"{name}> "
        return f"\n{' '.join(('[edit', *self._place))}]\n{name}# "

    def leave_config(self) -> None:
        """Go back to operational mode; the candidate stays as it is."""
        super().leave_config()
        self._editing, self._place = False, ()

    # -- lines -------------------------------------------------------------------------------------------------------

    def run(self, line: str) -> Outcome:
        text = line.strip()
        if not text or text.startswith("#"):
            return Say()
        self.history.append(text)
        command, _, filters = (part.strip() for part in text.partition("|"))
        done = self._edit(command, filters) if self._editing else self._operate(command, filters)
        return Say(done) if isinstance(done, str) else done

    def _operate(self, command: str, filters: str) -> Outcome | str:
        words = command.split()
        match words:
            case ["configure", *_] | ["conf" | "config" | "edit"]:
                return self._configure()
            case ["exit" | "quit"]:
                return Leave()
            case ["set", "cli", *setting]:
                return self._set_cli(setting)
            case ["show", "configuration", *path]:
                return self._show_configuration(self.device.running.root, path, filters)
            case ["show", "system", "rollback", "compare", *_]:
                return ""
        return show.operate(self, command, filters)

    def _set_cli(self, setting: list[str]) -> str:
        match setting:
            case ["screen-length", number] if number.isdigit():
                self.length = int(number)
                return f"Screen length set to {number}\n"
            case ["screen-width", number] if number.isdigit():
                self.width = int(number)
                return f"Screen width set to {number}\n"
            case ["complete-on-space", ("on" | "off") as state]:
                return f"{'Enabling' if state == 'on' else 'Disabling'} complete-on-space\n"
            case ["timestamp", "disable"]:
                return "CLI timestamp disabled\n"
        return show.unknown(f"set cli {' '.join(setting)}", 8)

    # -- configuration mode ------------------------------------------------------------------------------------------

    @property
    def _candidate(self) -> ConfigTree:
        candidates = self.device.candidates.by_name
        if _SHARED not in candidates:
            candidates[_SHARED] = Candidate(name=_SHARED, tree=self.device.running.copy())
        return candidates[_SHARED].tree

    def _differs(self) -> bool:
        return list(set_lines(self._candidate.root)) != list(set_lines(self.device.running.root))

    def _configure(self) -> str:
        if not self._others() and not self._differs():
            self.device.candidates.by_name.pop(_SHARED, None)
        self._editing, self._place = True, ()
        return "Entering configuration mode\n" + (_EXIT_QUESTION if self._differs() else "")

    def _others(self) -> bool:
        return any(one.session not in (0, self.session) for one in self.device.connections)

    def _edit(self, command: str, filters: str) -> Outcome | str:
        verb, _, rest = command.partition(" ")
        match verb:
            case "set":
                return self._set(self._candidate, rest)
            case "delete":
                return self._delete(self._candidate, rest)
            case "show":
                return self._show_configuration(self._candidate.root, [*self._place, *rest.split()], filters)
            case "run":
                return self._operate(rest, filters)
            case "top" if rest:
                here, self._place = self._place, ()
                done = self._edit(rest, filters)
                self._place = here
                return done
        act = {"commit": self._commit, "rollback": self._rollback, "load": self._load_file}.get(verb)
        return self._move(verb, rest.split()) if act is None else act(rest.split())

    def _move(self, verb: str, words: list[str]) -> Outcome | str:
        """To another place in the configuration, or out of it."""
        inside = bool(self._place) and words != ["configuration-mode"]
        if verb in ("exit", "quit") and not inside:
            return self._leave()
        if verb == "edit":
            self._place = (*self._place, *words)
        elif verb == "up":
            self._place = self._place[:-1]
        elif verb in ("top", "exit", "quit"):
            self._place = ()
        else:
            return show.unknown(" ".join((verb, *words)), 0)
        return ""

    def _leave(self) -> Outcome | str:
        if not self._differs():
            self.leave_config()
            return "Exiting configuration mode\n"

        def answered(answer: str) -> Outcome:
            if answer.strip().lower() not in ("", "y", "yes"):
                return Say()
            self.leave_config()
            return Say("Exiting configuration mode\n")

        return Ask(text=_EXIT_QUESTION, question="Exit with uncommitted changes? [yes,no] (yes) ", then=answered)

    def _find(self, tree: ConfigTree, text: str) -> tuple[list[tuple[str, ...]], bool] | Rejection:
        """The levels of a statement, canonical, and whether it is complete."""
        line = " ".join((*self._place, text))
        found: Match[Statement] | Rejection = show.SCHEMA.match_beginning(line)
        if isinstance(found, Rejection):
            return found
        words = list(found.words)
        if found.payload is None:
            return [tuple(words)], False
        levels: list[tuple[str, ...]] = []
        for size in found.payload.levels:
            levels.append(tuple(words[:size]))
            del words[:size]
        return levels, True

    def _set(self, tree: ConfigTree, text: str) -> str:
        found = self._find(tree, text)
        if isinstance(found, Rejection):
            return show.unknown(f"set {text}", max(0, found.column - len(" ".join(self._place))) + 4)
        levels, complete = found
        if not complete:
            return show.incomplete(f"set {text}")
        section = tree.root
        for level in levels[:-1]:
            order = (TOP.index(level[0]),) if section is tree.root else ()
            section = section.put(level, Entry(level, order=order, section=True))
        leaf = levels[-1]
        key = leaf if len(leaf) == 1 or leaf[0] in LISTS else leaf[:1]
        section.put(key, Entry(leaf, text=_quoted(leaf)))
        tree.touch()
        return ""

    def _delete(self, tree: ConfigTree, text: str) -> str:
        wanted = (*self._place, *text.replace('"', "").split())
        if not _remove(tree.root, wanted):
            return "warning: statement not found\n"
        tree.touch()
        return ""

    def _show_configuration(self, root: Entry, path: list[str], filters: str) -> str:
        if filters.startswith("compare"):
            return "".join(f"{line}\n" for line in comparison(self.device.running.root, self._candidate.root))
        return show.configuration(self, root, path, filters)

    def _commit(self, words: list[str]) -> str:
        if words[:1] == ["check"]:
            return "configuration check succeeds\n"
        device = self.device
        device.candidates.confirm()
        if words[:1] == ["confirmed"]:
            minutes = int(words[1]) if len(words) > 1 and words[1].isdigit() else 10
            show.revert_later(self, minutes)
        device.history_of_commits.insert(0, device.running.copy())
        device.replace_running(self._candidate.copy(), self.username)
        device.startup = device.running.copy()
        device.journal.event("commit", session=self.session)
        notice = ""
        if words[:1] == ["confirmed"]:
            notice = f"commit confirmed will be automatically rolled back in {minutes} minutes unless confirmed\n"
        if "and-quit" in words:
            self.leave_config()
            return notice + "commit complete\nExiting configuration mode\n"
        return notice + "commit complete\n"

    def _rollback(self, words: list[str]) -> str:
        number = int(words[0]) if words and words[0].isdigit() else 0
        kept = [self.device.running, *self.device.history_of_commits]
        if number >= len(kept):
            return f"error: could not open configuration: rollback {number} does not exist\n"
        self._candidate.root.children = kept[number].copy().root.children
        self._candidate.touch()
        return "load complete\n"

    def _load_file(self, words: list[str]) -> str:
        if len(words) != 2 or words[0] not in ("set", "override"):
            return show.unknown(f"load {' '.join(words)}", 5)
        stored = self.device.files.read(words[1])
        if stored is None:
            return f"error: cannot open {words[1]}: No such file or directory\n"
        tree = ConfigTree() if words[0] == "override" else self._candidate.copy()
        try:
            self._apply(tree, stored.text())
        except ValueError as error:
            return f"error: {error}\n"
        self._candidate.root.children = tree.root.children
        return "load complete\n"

    # -- text from elsewhere -----------------------------------------------------------------------------------------

    def load(self, text: str) -> None:
        """Apply ``set`` and ``delete`` lines.

        Raises:
            ValueError: the device refuses a line.
        """
        self._apply(self.tree or self.device.running, text)
        if self.tree is None:
            self.device.note_change(self.username)

    def _apply(self, tree: ConfigTree, text: str) -> None:
        for raw in text.splitlines():
            verb, _, rest = raw.strip().partition(" ")
            if not verb or verb.startswith("#"):
                continue
            done = self._set(tree, rest) if verb == "set" else self._delete(tree, rest) if verb == "delete" else "no"
            if done and "warning" not in done:
                raise ValueError(f"configuration line {raw!r} is refused: {done.strip()}")


def _quoted(leaf: tuple[str, ...]) -> str:
    """A value with blanks or signs is printed in quotes."""
    name, *values = leaf
    text = " ".join(values).strip('"')
    if text and not re.fullmatch(r"[\w./:@+-]+", text):
        text = f'"{text}"'
    return f"{name} {text}" if text else name


def _remove(section: Entry, words: tuple[str, ...]) -> bool:
    for key, entry in list((section.children or {}).items()):
        size = len(entry.words)
        if entry.words[: len(words)] == words:
            del (section.children or {})[key]
            return True
        if entry.children is not None and entry.words == words[:size] and _remove(entry, words[size:]):
            if not entry.children:
                del (section.children or {})[key]
            return True
    return False
