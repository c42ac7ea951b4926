"""The controller's use of templates: options resolved, texts rendered, outputs parsed on request."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from netpulse_broker.errors import BadRequest, TemplatesUnavailable
from netpulse_broker.models.templates import ParsingOptions, RenderingOptions
from netpulse_broker.settings import TemplateSettings
from netpulse_broker.templating.client import TemplateCalls
from netpulse_broker.templating.detection import parser_of, renderer_of
from netpulse_broker.templating.directory import TemplateDirectory, refuse_url
from netpulse_broker.templating.work import TemplateWork

LARGEST_ANSWER = 2 * 1024 * 1024
"""Characters of the data that ``/template/parse`` answers with."""


class TemplateService:
    """Works on the templates of requests. Everything that interprets one happens in the template process.

    Args:
        calls: to it; None: there is none.
    """

    def __init__(self, settings: TemplateSettings, calls: TemplateCalls | None) -> None:
        self._settings = settings
        self._calls = calls
        self._directory = TemplateDirectory(settings.directory)

    async def render(
        self, options: RenderingOptions, *, template: str | None = None, context: Mapping[str, Any]
    ) -> str:
        """A text.

        Args:
            template: instead of the options' own.

        Raises:
            BadRequest, TemplateFailed, TemplatesUnavailable
        """
        own = await self._template(options)
        text = own if template is None else template
        if text is None:
            raise BadRequest("give a template: 'template' (its text) or 'template_file' (its name)")
        refuse_url(text)
        directory = self._settings.directory
        work = self._work(
            do="render",
            engine=renderer_of(options, None if template is not None else text),
            template=text,
            context=dict(context),
            args=options.args,
            directory=None if directory is None else str(directory),
        )
        return str(await self._run(work))

    async def lines(
        self, options: RenderingOptions, given: Sequence[str] | Mapping[str, Any], *, together: bool
    ) -> list[str]:
        """Commands or configuration lines: lines of white space alone are left out.

        Args:
            given: what stands in ``command`` or ``config``: texts that are templates themselves when the options bring
                none, or an object that is laid over the context.
            together: the texts are the lines of one template (configuration); else each is one (commands).

        Raises:
            BadRequest, TemplateFailed, TemplatesUnavailable
        """
        named = options.template is not None or options.template_file is not None
        if isinstance(given, Mapping):
            if not named:
                raise BadRequest("rendering: give a template ('template' or 'template_file')")
            texts = [await self.render(options, context={**options.context, **given})]
        elif named and "\n".join(given) != options.template:
            raise BadRequest(
                "rendering has a template, and so have command or config: give texts or a template, not both; beside a "
                "template an object is taken, which is laid over its context"
            )
        else:
            templates = ["\n".join(given)] if together else given
            texts = [await self.render(options, template=text, context=options.context) for text in templates]
        return [line for text in texts for line in text.splitlines() if line.strip()]

    async def parsing(self, options: ParsingOptions) -> dict[str, Any]:
        """The options as a worker takes them: the engine named, the template read and seen to be well-formed.

        Raises:
            BadRequest, TemplateFailed, TemplatesUnavailable
        """
        engine, template, args = await self._parser(options)
        if template is not None:
            await self._run(self._work(do="check", engine=engine, template=template, args=args))
        return {
            "engine": engine,
            "template": template,
            "args": args,
            "max_size": self._settings.max_size,
            "max_memory": self._settings.max_memory,
        }

    async def parse(self, options: ParsingOptions, text: str) -> Any:
        """Data.

        Raises:
            BadRequest, TemplateFailed, ParseFailed, TemplatesUnavailable
        """
        engine, template, args = await self._parser(options)
        work = self._work(do="parse", engine=engine, template=template, text=text, args=args)
        # Decoded where everybody is answered: larger data is for jobs, whose workers do that.
        return await self._run(work.model_copy(update={"max_size": min(work.max_size, LARGEST_ANSWER)}))

    async def _parser(self, options: ParsingOptions) -> tuple[str, str | None, dict[str, Any]]:
        template = await self._template(options)
        if template is not None:
            refuse_url(template)
        engine = parser_of(options, template)
        found = options.use_ntc_template or options.use_ttp_template
        if template is not None and found:
            raise BadRequest(
                "parsing: give a template, or have it found (use_ntc_template, use_ttp_template); not both"
            )
        if (engine == "ttp" and options.use_ntc_template) or (engine == "textfsm" and options.use_ttp_template):
            raise BadRequest("ntc-templates are textfsm's, ttp-templates are ttp's: use_ntc_template, use_ttp_template")
        if template is None and engine == "ttp" and not options.use_ttp_template:
            raise BadRequest("ttp needs a template, or use_ttp_template")
        if template is None and engine == "textfsm" and options.use_ntc_template is False:
            raise BadRequest("textfsm needs a template, or use_ntc_template")
        args = dict(options.args)
        chosen = options.ttp_template_args
        wanted = {
            "platform": (chosen.platform if chosen is not None else None) or options.platform,
            "command": (chosen.command if chosen is not None else None) or options.command,
        }
        return engine, template, args | {name: value for name, value in wanted.items() if value is not None}

    async def _template(self, options: RenderingOptions | ParsingOptions) -> str | None:
        if options.template_file is None:
            return options.template
        if options.template is not None:
            raise BadRequest("give 'template' or 'template_file', not both")
        return await asyncio.to_thread(self._directory.read, options.template_file)

    def _work(self, **fields: Any) -> TemplateWork:
        settings = self._settings
        return TemplateWork(
            seconds=settings.timeout, max_size=settings.max_size, max_memory=settings.max_memory, **fields
        )

    async def _run(self, work: TemplateWork) -> Any:
        if self._calls is None:
            raise TemplatesUnavailable("this controller has no template process")
        return await self._calls.run_async(work)
