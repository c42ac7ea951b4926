"""TextFSM: a template of the request's own, or one of ntc-templates found by platform and command."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import ntc_templates
import textfsm
from textfsm import clitable

from netpulse_broker.errors import TemplateFailed
from netpulse_drivers import ParseFailed

_NTC = Path(ntc_templates.__file__).parent / "templates"
_LINE = re.compile(r"[Ll]ine:? ?(\d+)")


class TextFsmParser:
    """A list of objects, one per record.

    With an own template the names are those of its values as written; ntc-templates' are in lower case.
    """

    def __init__(self) -> None:
        self._run: Callable[[str], list[dict[str, Any]]] | None = None

    def prepare(self, template: str | None, args: Mapping[str, Any]) -> None:
        """Compile the template; without one, look ntc-templates' index up."""
        if template is None:
            self._run = _from_index(str(args.get("platform") or ""), str(args.get("command") or ""))
            return
        try:
            machine = _machine(template)
        except textfsm.TextFSMTemplateError as error:
            found = _LINE.search(str(error))
            details = [] if found is None else [{"line": int(found[1])}]
            raise TemplateFailed(f"the TextFSM template is malformed: {error}", details=details) from None
        self._run = lambda text: _records(machine, text)

    def parse(self, text: str) -> list[dict[str, Any]]:
        """The records."""
        assert self._run is not None  # noqa: S101  # prepare comes first
        try:
            return self._run(text)
        except (textfsm.TextFSMError, clitable.CliTableError) as error:
            raise ParseFailed(f"the output does not fit the TextFSM template: {error}") from None


def read_index() -> Any:
    """ntc-templates' table; its index of some thousand patterns is kept by the class once it has been read."""
    return clitable.CliTable("index", str(_NTC))


def _machine(template: str) -> Any:
    return textfsm.TextFSM(io.StringIO(template))  # type: ignore[no-untyped-call]


def _records(machine: Any, text: str) -> list[dict[str, Any]]:
    return [dict(zip(machine.header, row, strict=True)) for row in machine.ParseText(text)]


def _from_index(platform: str, command: str) -> Callable[[str], list[dict[str, Any]]]:
    if not platform or not command:
        raise ParseFailed("ntc-templates are found by platform and command: give both")
    table = read_index()
    row = table.index.GetRowMatch({"Command": command, "Platform": platform})
    if not row:
        raise ParseFailed(
            f"ntc-templates has no template for '{command}' on platform '{platform}'; send a template of your own"
        )
    files = table.index.index[row]["Template"].split(":")
    texts = [(_NTC / name).read_text() for name in files]

    def run(text: str) -> list[dict[str, Any]]:
        # Several templates for one command are rare; as clitable does, the first one that yields records counts.
        for template in texts:
            records = _records(_machine(template), text)
            if records:
                return [{name.lower(): value for name, value in record.items()} for record in records]
        return []

    return run
