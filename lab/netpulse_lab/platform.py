"""What makes a platform: its modes, commands, configuration lines, texts. Plain data for one interpreter.

A further platform of the industry-standard kind is a module in `platforms/` that builds one `Platform`. One with
another way of thinking (Junos) gets an interpreter of its own; terminal, faults, journal and servers stay the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from .config_store import ConfigTree, Entry, PrintStyle
from .file_store import FileSystem
from .grammar import Grammar, Match, Parameter, Rejection
from .outcome import Outcome
from .output_filter import FILTERS, Filter

if TYPE_CHECKING:
    from .device import Device
    from .device_spec import DeviceSpec
    from .interpreter import Interpreter


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """An exec command."""

    syntax: str
    run: Callable[[Interpreter, Match[Command]], Outcome | str]
    """A text stands for `Say`."""
    level: int = 1
    """Privilege level from which on it exists."""
    json: Callable[[Interpreter, Match[Command]], object] | None = None
    """The same as data, for ``| json``, where the platform has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigRule:
    """A configuration line."""

    syntax: str
    key: int | None = None
    """So many leading words identify the line: a later one with the same replaces it. None: all words."""
    opens: str = ""
    """The mode of the section that it opens."""
    default: Literal["off", "on", "either"] = "off"
    """off: ``no`` removes the line. on: the device prints only the negative form. either: it prints both."""
    expand: Callable[[tuple[str, ...]], Sequence[tuple[str, ...]]] | None = None
    """Turns one line into several (``vlan 10,20``)."""
    order: Callable[[tuple[str, ...]], tuple[object, ...]] | None = None
    """Sorts lines of this rule among each other; None: order of entry."""
    as_entered: bool = False
    """Lines of such rules of one block keep the order of entry, whichever of the rules they fit."""
    rewrite: Callable[[Interpreter, Match[RankedRule]], tuple[str, ...]] | None = None
    """Gives the words that are stored (a hash instead of a secret)."""
    instead: Callable[[Interpreter, Match[RankedRule], bool], Outcome | str | None] | None = None
    """Acts instead of storing; the flag says ``no``. None as its result: store as usual."""
    created: Callable[[Interpreter, Entry], None] | None = None
    """Fills a new section with what the device puts there by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedRule:
    """A configuration rule with its place in the printed configuration."""

    rule: ConfigRule
    group: int
    rank: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pager:
    """Paging of long output."""

    prompt: str = " --More-- "
    erase: str = "\b" * 9 + " " * 8 + "\b" * 9
    """Wipes the prompt once a key came."""
    length: int = 24
    """Lines of a page on a new session."""


@dataclass(frozen=True, kw_only=True)
class Platform:
    """Everything that tells one kind of device from another."""

    name: str
    prompts: Mapping[str, str]
    """Mode to prompt; ``{host}`` is the host name, ``{section}`` the section, ``{candidate}`` the session's candidate.
    Modes user and enable are exec modes, all others configure."""
    commands: Sequence[Command]
    config: Mapping[str, Sequence[Sequence[ConfigRule]]]
    """Mode to blocks of rules. Blocks and rules stand in the order in which the device prints them; lines of one
    block stand together."""
    controls: Sequence[ConfigRule]
    """Lines of every configuration mode that configure nothing: exit, end, do, no."""
    parameters: Mapping[str, Parameter]
    style: PrintStyle
    pager: Pager
    reject: Callable[[Rejection, int], str]
    """The device's words for a line that fits no rule; second argument: width of the prompt."""
    factory: Callable[[DeviceSpec], str]
    """The configuration of a new device."""
    show_config: Callable[[Device, ConfigTree], str]
    """``show running-config``, complete with what stands around the lines."""
    check_password: Callable[[Device, str, str], int | None]
    """User name and password to privilege level, None when wrong."""
    check_secret: Callable[[Device, str], bool | None]
    """Whether the enable secret is right; None: none is set."""
    bad_secret: str
    no_secret: str
    filters: Mapping[str, Filter] = field(default_factory=lambda: FILTERS)
    data_words: tuple[str, ...] = ("json",)
    """What stands behind the bar when a command is to answer with data."""
    hostname: tuple[str, ...] = ("hostname",)
    """The words before the host name in the configuration, one a level where the platform nests it."""
    interpreter: type[Interpreter] | None = None
    """What understands the lines where the platform has another way of thinking; None: `Interpreter`."""
    configured: str = ""
    """Printed on entry to configuration mode."""
    length_set: str = ""
    """Answer to ``terminal length 0``."""
    width_set: str = ""
    """Answer to ``terminal width``; ``{}`` is the width."""
    section_name: Callable[[Entry], str] = lambda entry: entry.words[-1] if entry.words else ""
    """How a section is called in the prompt."""
    login_prompts: tuple[str, str] = ("Username: ", "Password: ")
    login_failed: str = "% Login invalid\n"
    syslog: str = "%SYS-5-CONFIG_I: Configured from console by vty0"
    file_system: FileSystem = field(default_factory=FileSystem)
    copies: Callable[[Device, Literal["scp", "sftp"]], bool] = lambda device, protocol: True
    """Whether the device takes and gives files over this protocol."""
    ssh_version: str = "Cisco-1.25"
    """Software part of the SSH identification string."""
    exec_grammars: dict[int, Grammar[Command]] = field(default_factory=dict, init=False, repr=False)
    config_grammars: dict[str, Grammar[RankedRule]] = field(default_factory=dict, init=False, repr=False)

    def exec_grammar(self, privilege: int) -> Grammar[Command]:
        """The commands of a privilege level. Levels 1 to 14 are the same here."""
        level = 15 if privilege >= 15 else 1
        if level not in self.exec_grammars:
            rules = [(one.syntax, one) for one in self.commands if one.level <= level]
            self.exec_grammars[level] = Grammar(rules, self.parameters)
        return self.exec_grammars[level]

    def config_grammar(self, mode: str) -> Grammar[RankedRule]:
        """The configuration lines of a mode."""
        if mode not in self.config_grammars:
            blocks = [self.controls, *self.config[mode]]
            ranked = [
                (rule.syntax, RankedRule(rule=rule, group=group, rank=rank))
                for group, block in enumerate(blocks)
                for rank, rule in enumerate(block)
            ]
            self.config_grammars[mode] = Grammar(ranked, self.parameters)
        return self.config_grammars[mode]
