"""The format of a dialogue file: what a device says to what is typed, as data; `docs/lab.md` explains it with examples.

A dialogue is a set of states. Each has a prompt and rules; a rule answers a line (or a single key) and names the state
that comes next. It is no simulation: a dialogue knows the lines that are written in it and nothing else, which is what
a test of one vendor's wording needs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

_SHIPPED = Path(__file__).with_name("dialogues")


class DialogueError(ValueError):
    """A dialogue cannot be read or is wrong; the text says where."""


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r} is no regular expression: {error}") from None
    return text


def _hex(text: str) -> str:
    bytes.fromhex(text)
    return text


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Silence(_Strict):
    """Nothing comes for `pause` seconds; what is typed meanwhile waits."""

    pause: Annotated[float, Field(gt=0, le=60)]


class Bytes(_Strict):
    """Bytes that are no UTF-8 text."""

    hex: Annotated[str, AfterValidator(_hex)]


class Group(_Strict):
    """What a group of the rule's regular expression matched; 0 is the whole line."""

    group: Annotated[int, Field(ge=0)]


class Counted(_Strict):
    """The number of lines that this session has typed, plus `count`: prompts that number their lines."""

    count: int


class Remembered(_Strict):
    """The value of a variable of the device."""

    value: str


Piece = str | Silence | Bytes | Group | Counted | Remembered
Text = str | list[Piece]
"""Text with ``\\n`` as line ends (they go out as CR LF; a CR that is written stays one), or pieces in their order."""

Key = Annotated[str, Field(min_length=1)]
_NAMED_KEYS = {"return": "\r", "space": " ", "escape": "\x1b", "tab": "\t"}


class Rule(_Strict):
    """One thing that may be typed in a state, and what the device does then. Exactly one of the first four is given."""

    line: Annotated[str, AfterValidator(_pattern)] | None = None
    """Regular expression that the whole typed line must match, blanks at both ends removed."""
    key: Key | None = None
    """A single key, acted on at once, not echoed: a character, ``return``, ``space``, ``escape``, ``tab``, ``any``."""
    control: Annotated[str, Field(pattern=r"^[A-Z\[\\\]^_]$")] | None = None
    """A control key in the middle of a line: ``C`` for ^C. What was typed of the line is dropped."""
    account: Literal["username", "password", "secret"] | None = None
    """The line must be the device's own user name, password or enable secret."""

    when: dict[str, str] = {}
    """Applies only while these variables of the device have these values."""
    times: Annotated[int, Field(ge=1)] | None = None
    """Applies so many times in a session, then the next rule that matches does."""
    reply: Text = ""
    go: str | None = None
    """The next state; without it the state stays."""
    set: dict[str, Text] = {}
    """Variables of the device that change; all its sessions see them."""
    end: Literal["close", "rst", "hang"] | None = None
    """After the reply: hang up in good order, reset the connection, or say nothing more."""

    @model_validator(mode="after")
    def _one_trigger(self) -> Self:
        if sum(one is not None for one in (self.line, self.key, self.control, self.account)) != 1:
            raise ValueError("a rule has exactly one of 'line', 'key', 'control', 'account'")
        if self.key is not None and self.key not in (*_NAMED_KEYS, "any") and len(self.key) != 1:
            raise ValueError(f"'key' takes one character or one of {', '.join(_NAMED_KEYS)}, any; not {self.key!r}")
        return self

    def is_key(self, character: str) -> bool:
        """Whether this rule is for the key; RETURN is CR or LF."""
        wanted = _NAMED_KEYS.get(self.key or "", self.key)
        return wanted in ("any", "\r" if character == "\n" else character)


class State(_Strict):
    """Where a session can be."""

    prompt: Text = ""
    hidden: bool = False
    """What is typed is not echoed, and no log keeps it: a question for a password."""
    unknown: Text | None = None
    """The answer to a line that no rule fits; without it the dialogue's."""
    rules: list[Rule] = []

    @property
    def single_keys(self) -> bool:
        """Whether this state reads keys instead of lines."""
        return any(rule.key is not None for rule in self.rules)

    @model_validator(mode="after")
    def _lines_or_keys(self) -> Self:
        if self.single_keys and any(rule.line is not None or rule.account is not None for rule in self.rules):
            raise ValueError("a state reads lines or single keys, not both")
        return self


class Dialogue(_Strict):
    """A device as data."""

    platform: str
    """netmiko's device type."""
    about: str
    """One sentence: which device, and what is special about it."""
    source: str = ""
    """Where the texts are known from."""
    auth: list[Literal["password", "keyboard-interactive", "none"]] = ["password", "keyboard-interactive"]
    """What SSH accepts; ``none`` lets everybody in, for devices that ask in the terminal."""
    ssh_version: str = "OpenSSH_7.4"
    """Software part of the SSH identification string."""
    banner: str = ""
    """Before the login."""
    greeting: Text = "\n"
    """After it, before the first prompt."""
    echo: Literal["plain", "none", "cursor", "scroll"] = "plain"
    """plain: as typed. none. cursor: drawn with cursor movements on the last of 24 lines. scroll: a line that would
    pass `width` moves to the left, with ``$`` in front."""
    width: Annotated[int, Field(ge=20, le=512)] = 80
    unknown: Text = "% Unknown command\n"
    memory: dict[str, str] = {}
    """Variables of the device and their first values."""
    session: dict[str, str] = {}
    """The same of each session; each begins with the first values."""
    start: str = ""
    """The state after an SSH login; the first one when empty."""
    telnet: str = ""
    """The state in which a Telnet connection begins, where it asks for the user name; empty: no Telnet. The session
    counts as logged in when it reaches `start`."""
    states: Annotated[dict[str, State], Field(min_length=1)]

    @property
    def first(self) -> str:
        """The state after the login."""
        return self.start or next(iter(self.states))

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        named = [("start", self.start), ("telnet", self.telnet)]
        named += [
            (f"states.{name}.rules.{number}.go", rule.go or "")
            for name, state in self.states.items()
            for number, rule in enumerate(state.rules)
        ]
        for place, name in named:
            if name and name not in self.states:
                raise ValueError(f"{place} names no state: {name!r}; there are {', '.join(self.states)}")
        if both := sorted(self.memory.keys() & self.session.keys()):
            raise ValueError(f"variable {both[0]!r} stands in 'memory' and in 'session'; it is one of them")
        variables = {*self.memory, *self.session, *(name for rule in self._rules() for name in rule.set)}
        texts = [self.greeting, self.unknown]
        texts += [text for state in self.states.values() for text in (state.prompt, state.unknown or "")]
        texts += [text for rule in self._rules() for text in (rule.reply, *rule.set.values())]
        used = {piece.value for text in texts for piece in pieces(text) if isinstance(piece, Remembered)}
        used |= {name for rule in self._rules() for name in rule.when}
        if wrong := sorted(used - variables):
            raise ValueError(f"no variable {wrong[0]!r} in 'memory', 'session' or any 'set'")
        return self

    def _rules(self) -> list[Rule]:
        return [rule for state in self.states.values() for rule in state.rules]


def pieces(text: Text) -> list[Piece]:
    """A text as its pieces."""
    return [text] if isinstance(text, str) else text


def shipped_dialogues() -> dict[str, Path]:
    """The dialogues that come with the lab, by name."""
    return {path.stem: path for path in sorted(_SHIPPED.glob("*.yml"))}


def load_dialogue(source: str | Path | Mapping[str, Any]) -> Dialogue:
    """Read a dialogue: the name of one that comes with the lab, the path of a YAML or JSON file, or its content.

    Raises:
        DialogueError: there is no such file, or it is wrong; the text names the place in it.
    """
    if isinstance(source, Mapping):
        return _checked("the dialogue", source)
    path = shipped_dialogues().get(str(source)) or Path(source)
    try:
        # Every scalar stays the text that it is: `no` is something to type, not a truth value.
        content = yaml.load(path.read_text(), Loader=yaml.BaseLoader)  # noqa: S506  # it makes texts, lists and maps only
    except OSError as error:
        names = ", ".join(shipped_dialogues())
        raise DialogueError(f"no dialogue {str(source)!r}: neither a file nor one of {names} ({error})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DialogueError(f"{path} is no YAML: {error}") from error
    return _checked(str(path), content)


def _checked(name: str, content: object) -> Dialogue:
    try:
        return Dialogue.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the whole"
        raise DialogueError(f"{name} is wrong at {place}: {first['msg'].removeprefix('Value error, ')}") from None
