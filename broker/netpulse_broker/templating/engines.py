"""What renders and parses, by name: built in, or published by installed packages.

A package publishes an engine under the entry point group ``netpulse.renderers`` or ``netpulse.parsers``, as a class
that is made without arguments. It runs where the built-in ones run: in a process for one piece of work, under its
limits. After ``prepare`` nothing can be opened any more, neither file nor socket.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from netpulse_broker.errors import BadRequest, TemplateFailed
from netpulse_broker.templating.directory import TemplateDirectory
from netpulse_drivers.entry_point_group import EntryPointGroup, PluginNotLoaded, UnknownPlugin

RENDERERS = "netpulse.renderers"
PARSERS = "netpulse.parsers"


class Renderer(Protocol):
    """Makes text of a template and data."""

    def prepare(self, template: str, args: Mapping[str, Any], directory: TemplateDirectory) -> None:
        """Take the template, and read whatever else is needed.

        Raises:
            TemplateFailed: it is malformed.
        """
        ...

    def render(self, context: Mapping[str, Any], *, max_size: int) -> str:
        """The text, of at most ``max_size`` characters.

        Raises:
            TemplateFailed
        """
        ...


class Parser(Protocol):
    """Makes data of a command's output."""

    def prepare(self, template: str | None, args: Mapping[str, Any]) -> None:
        """Take the template (None: find one by ``args["platform"]`` and ``args["command"]``).

        Raises:
            TemplateFailed: it is malformed.
            netpulse_drivers.ParseFailed: there is none for this platform and command.
        """
        ...

    def parse(self, text: str) -> Any:
        """The data, ready for JSON.

        Raises:
            netpulse_drivers.ParseFailed
        """
        ...


def renderer(name: str) -> Renderer:
    """A new renderer of that name.

    Raises:
        BadRequest: there is none.
        TemplateFailed: it cannot be loaded.
    """
    made: Renderer = _made(_renderers(), name)
    return made


def parser(name: str) -> Parser:
    """A new parser of that name.

    Raises:
        BadRequest: there is none.
        TemplateFailed: it cannot be loaded.
    """
    made: Parser = _made(_parsers(), name)
    return made


def _renderers() -> EntryPointGroup:
    built_in = {"jinja2": "netpulse_broker.templating.jinja:JinjaRenderer"}
    return EntryPointGroup(RENDERERS, what="renderer", built_in=built_in)


def _parsers() -> EntryPointGroup:
    built_in = {
        "textfsm": "netpulse_broker.templating.textfsm_parser:TextFsmParser",
        "ttp": "netpulse_broker.templating.ttp_parser:TtpParser",
        "genie": "netpulse_broker.templating.genie_parser:GenieParser",
    }
    return EntryPointGroup(PARSERS, what="parser", built_in=built_in)


def _made(group: EntryPointGroup, name: str) -> Any:
    try:
        engine = group.load(name)
    except UnknownPlugin as error:
        raise BadRequest(str(error)) from None
    except PluginNotLoaded as error:
        raise TemplateFailed(str(error)) from error
    try:
        return engine()
    except (Exception, SystemExit) as error:
        raise TemplateFailed(f"the engine '{name}' cannot be made: {type(error).__name__}: {error}") from error
