"""What must be done with templates before a request can become jobs: texts rendered, parsing options resolved."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from netpulse_broker.models.device import BulkRequest, ExecuteRequest
from netpulse_broker.models.options import JobOptions
from netpulse_broker.models.templates import RenderingOptions
from netpulse_broker.templating.template_service import TemplateService
from netpulse_drivers import NetPulseError

AT_A_TIME = 8
"""Renderings of one bulk request that run at the same time."""

Texts = list[str] | dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What came of a request's templates.

    Attributes:
        lines: rendered commands or configuration lines, per device of a bulk request (0 for a single one); an error
            is that device's alone.
        parsing: as workers take it, per command or for all; the platform is still to be added.
    """

    lines: dict[int, list[str] | NetPulseError] = field(default_factory=dict)
    parsing: dict[str, Any] | list[dict[str, Any] | None] | None = None

    def rendered(self, index: int) -> list[str] | None:
        """The lines of that device; None: nothing was rendered.

        Raises:
            NetPulseError: it could not be rendered.
        """
        lines = self.lines.get(index)
        if isinstance(lines, NetPulseError):
            raise lines
        return lines


NOTHING = Prepared()


class RequestTemplates:
    """Prepares requests."""

    def __init__(self, templates: TemplateService) -> None:
        self._templates = templates

    async def execute(self, request: ExecuteRequest, options: JobOptions) -> Prepared:
        """Of a single job.

        Raises:
            BadRequest, TemplateFailed, TemplatesUnavailable
        """
        if options.rendering is None and options.parsing is None:
            return NOTHING
        parsing = await self._parsing(options)
        if options.rendering is None:
            return Prepared(parsing=parsing)
        given = request.command if request.command is not None else request.config
        if given is None:
            return Prepared(parsing=parsing)  # nothing to do, which the translation says
        lines = await self._templates.lines(options.rendering, given, together=request.command is None)
        return Prepared(lines={0: lines}, parsing=parsing)

    async def bulk(self, request: BulkRequest, options: JobOptions) -> Prepared:
        """Of many: what does not differ between devices is rendered once.

        Raises:
            BadRequest, TemplateFailed, TemplatesUnavailable: of the parsing, which is the same for all.
        """
        if options.rendering is None and options.parsing is None:
            return NOTHING
        parsing = await self._parsing(options)
        if options.rendering is None:
            return Prepared(parsing=parsing)
        alike: dict[str, list[int]] = {}
        given: dict[str, tuple[Texts, bool]] = {}
        for index, entry in enumerate(request.devices):
            texts, together = _of_device(request, entry)
            if texts is None:
                continue  # nothing to do, or malformed: the translation says so
            own = entry.get("command") is not None or entry.get("config") is not None
            key = json.dumps([texts, together], sort_keys=True) if own else ""
            alike.setdefault(key, []).append(index)
            given[key] = (texts, together)
        room = asyncio.Semaphore(AT_A_TIME)

        async def one(rendering: RenderingOptions, key: str) -> list[str] | NetPulseError:
            texts, together = given[key]
            async with room:
                try:
                    return await self._templates.lines(rendering, texts, together=together)
                except NetPulseError as error:
                    return error

        done = await asyncio.gather(*(one(options.rendering, key) for key in alike))
        return Prepared(
            lines={index: lines for lines, key in zip(done, alike, strict=True) for index in alike[key]},
            parsing=parsing,
        )

    async def _parsing(self, options: JobOptions) -> dict[str, Any] | list[dict[str, Any] | None] | None:
        if isinstance(options.parsing, list):
            return [None if one is None else await self._templates.parsing(one) for one in options.parsing]
        return None if options.parsing is None else await self._templates.parsing(options.parsing)


def _of_device(request: BulkRequest, entry: Mapping[str, Any]) -> tuple[Texts | None, bool]:
    """The texts of a device, its own or the common ones, and whether they are configuration."""
    command, config = entry.get("command"), entry.get("config")
    if command is None and config is None:
        together = request.command is None
        return (request.config if together else request.command), together
    own = config if command is None else command
    if isinstance(own, str):
        own = [own]
    if isinstance(own, dict) or (isinstance(own, list) and all(isinstance(text, str) for text in own)):
        return own, command is None
    return None, False
