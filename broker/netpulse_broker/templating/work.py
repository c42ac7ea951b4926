"""One piece of work on a template, as it passes between processes: JSON in, JSON out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from netpulse_broker.errors import BadRequest, BrokerError, TemplateFailed, TemplatesUnavailable
from netpulse_drivers import NetPulseError, ParseFailed

LARGEST_MESSAGE = 128 * 1024 * 1024
"""Bytes of a piece of work, or of its answer."""


class TemplateWork(BaseModel):
    """What is to be done.

    Attributes:
        do: render a template with ``context``, parse ``text``, or only see that a template of a parser is well-formed.
        engine: name of the renderer or parser.
        template: its text; None: the parser finds one by the arguments ``platform`` and ``command``.
        args: of the engine.
        directory: where templates that this one refers to are read.
        seconds: time for it.
        max_size: characters of the result.
        max_memory: bytes that it may take.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    do: Literal["render", "parse", "check"]
    engine: str
    template: str | None = None
    context: dict[str, Any] = {}
    text: str = ""
    args: dict[str, Any] = {}
    directory: str | None = None
    seconds: float = 5.0
    max_size: int = 10 * 1024 * 1024
    max_memory: int = 512 * 1024 * 1024


def failed(error: NetPulseError) -> dict[str, Any]:
    """The answer that carries an error."""
    return {"error": error.code, "message": error.message, "details": error.details}


def result(answer: Mapping[str, Any]) -> Any:
    """What an answer carries.

    Raises:
        BadRequest, TemplateFailed, ParseFailed: the error that it carries.
    """
    if "error" not in answer:
        return answer["value"]
    if answer["error"] == ParseFailed.code:
        raise ParseFailed(str(answer["message"]), details=answer["details"])
    kinds: dict[str, type[BrokerError]] = {kind.code: kind for kind in (BadRequest, TemplatesUnavailable)}
    kind = kinds.get(answer["error"], TemplateFailed)
    raise kind(str(answer["message"]), details=answer["details"])
