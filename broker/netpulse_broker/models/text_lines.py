"""Commands and configuration as callers write them: one text or a list of texts."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, PlainValidator
from pydantic_core import PydanticCustomError

# A lone surrogate is no character: it can be written in JSON ("\ud800"), but nothing can send it to a device.
_NOT_TEXT = PydanticCustomError("string_unicode", "must be valid Unicode text")


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
    commands = _checked(value)
    if not commands:
        raise PydanticCustomError("empty", "must hold at least one command")
    if not all(command.strip() for command in commands):
        raise PydanticCustomError("empty", "must not hold an empty command")
    return commands


def _config(value: Any) -> list[str] | dict[str, Any]:
    if isinstance(value, dict):
        return value
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        raise PydanticCustomError("text_or_list", "must be a string or a list of strings")
    return [line for block in _checked(value) for line in block.splitlines() or [""]]


Commands = Annotated[
    list[str] | dict[str, Any],
    PlainValidator(_commands, json_schema_input_type=str | Annotated[list[str], Field(min_length=1)] | dict[str, Any]),
]
"""A query: one command or several, run in order; an object is meant for ``rendering``."""

ConfigLines = Annotated[
    list[str] | dict[str, Any],
    PlainValidator(_config, json_schema_input_type=str | list[str] | dict[str, Any]),
]
"""A change: its lines. Texts of several lines are split; an object is meant for ``rendering``."""
