"""Commands and configuration as callers write them: one text or a list of texts."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import Field, PlainValidator
from pydantic_core import PydanticCustomError

# A lone surrogate is no character: it can be written in JSON ("\ud800"), but nothing can send it to a device.
_NOT_TEXT = PydanticCustomError("string_unicode", "must be valid Unicode text")


_LINE_BREAK = re.compile(r"\r\n|[\r\n]")


def _checked(values: list[Any]) -> list[str]:
    for number, value in enumerate(values):
        if not isinstance(value, str):
            raise PydanticCustomError(
                "text_or_list", "must be a string or a list of strings; entry {number} is neither", {"number": number}
            )
        try:
            value.encode()
        except UnicodeEncodeError:
            raise _NOT_TEXT from None
    return values


def _commands(value: Any) -> list[str] | dict[str, Any]:
    if isinstance(value, dict):
        return value
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        raise PydanticCustomError("text_or_list", "must be a string or a list of strings")
    commands = [command.rstrip("\r\n") for command in _checked(value)]
    if not commands:
        raise PydanticCustomError("empty", "must hold at least one command")
    if not all(command.strip() for command in commands):
        raise PydanticCustomError("empty", "must not hold an empty command")
    return commands


def _config(value: Any) -> list[str] | dict[str, Any]:
    if isinstance(value, dict):
        return value
    if isinstance(value, str):
        return _LINE_BREAK.split(_checked([value])[0].rstrip("\r\n"))
    if not isinstance(value, list):
        raise PydanticCustomError("text_or_list", "must be a string or a list of strings")
    return [_LINE_BREAK.sub("\n", entry.rstrip("\r\n")) for entry in _checked(value)]


Commands = Annotated[
    list[str] | dict[str, Any],
    PlainValidator(_commands, json_schema_input_type=str | Annotated[list[str], Field(min_length=1)] | dict[str, Any]),
]
"""A query: one command or several, run in order; an object is meant for ``rendering``. A template has line breaks; a
command has none: see ``first_with_line_break``."""

ConfigLines = Annotated[
    list[str] | dict[str, Any],
    PlainValidator(_config, json_schema_input_type=str | list[str] | dict[str, Any]),
]
"""A change: its lines. A text is split into lines; an entry of a list with line breaks stays one input, which the
device reads as a whole (a certificate). An object is meant for ``rendering``."""


def first_with_line_break(commands: list[str]) -> int | None:
    """Place of the first command that a device would take for several ones; None: there is none."""
    return next((number for number, command in enumerate(commands) if _LINE_BREAK.search(command)), None)
