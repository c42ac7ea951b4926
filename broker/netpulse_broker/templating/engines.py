"""What renders and parses, by name: built in, or published by installed packages.

A package publishes an engine under the entry point group ``netpulse.renderers`` or ``netpulse.parsers``, as a class
that is made without arguments. It runs where the built-in ones run: in a process for one piece of work, under its
limits. After ``prepare`` nothing can be opened any more, neither file nor socket.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any, Protocol

from netpulse_broker.errors import BadRequest, TemplateFailed
from netpulse_broker.templating.directory import TemplateDirectory

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
    if name == "jinja2":
        from netpulse_broker.templating.jinja import JinjaRenderer  # noqa: PLC0415  # only where it runs

        return JinjaRenderer()
    made: Renderer = _published(RENDERERS, "renderer", name, renderer_names())
    return made


def parser(name: str) -> Parser:
    """A new parser of that name.

    Raises:
        BadRequest: there is none.
        TemplateFailed: it cannot be loaded.
    """
    if name == "textfsm":
        from netpulse_broker.templating.textfsm_parser import TextFsmParser  # noqa: PLC0415  # see above

        return TextFsmParser()
    if name == "ttp":
        from netpulse_broker.templating.ttp_parser import TtpParser  # noqa: PLC0415  # see above

        return TtpParser()
    if name == "genie":
        from netpulse_broker.templating.genie_parser import GenieParser  # noqa: PLC0415  # see above

        return GenieParser()
    made: Parser = _published(PARSERS, "parser", name, parser_names())
    return made


def renderer_names() -> list[str]:
    """Names of all renderers, sorted."""
    return sorted({"jinja2", *entry_points(group=RENDERERS).names})


def parser_names() -> list[str]:
    """Names of all parsers, sorted."""
    return sorted({"textfsm", "ttp", "genie", *entry_points(group=PARSERS).names})


def _published(group: str, what: str, name: str, known: list[str]) -> Any:
    for point in entry_points(group=group, name=name):
        try:
            return point.load()()
        except (Exception, SystemExit) as error:
            raise TemplateFailed(
                f"the {what} '{name}' ({point.value}) cannot be loaded: {type(error).__name__}: {error}"
            ) from error
    raise BadRequest(f"unknown {what} '{name}'; known: {', '.join(known)}")
