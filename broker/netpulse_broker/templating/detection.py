"""Which engine a template is meant for, where the request does not say."""

from __future__ import annotations

import re

from netpulse_broker.errors import BadRequest
from netpulse_broker.models.templates import ParsingOptions, RenderingOptions

# Templates come from anybody and these run where everybody is answered: each pattern takes linear time.
_TEXTFSM = re.compile(r"^Value[ \t]+(?:[A-Za-z,]+[ \t]+)?\w+[ \t]+\(", re.MULTILINE)
_JINJA = re.compile(r"\{%|\{#")
_TTP = re.compile(r"<(group|template|vars|lookup|g|grp|v)\b", re.IGNORECASE)


def _marked(template: str) -> bool:
    """Whether something stands in double braces."""
    begin = template.find("{{")
    return begin >= 0 and template.find("}}", begin) >= 0


def renderer_of(options: RenderingOptions, template: str | None) -> str:
    """The renderer's name, from the template where none is given.

    Raises:
        BadRequest: the template may be of several kinds.
    """
    if options.name is not None:
        return options.name
    if template is not None and not _JINJA.search(template) and not _marked(template):
        raise BadRequest("the template does not show what renders it: give 'name' (jinja2, or a plug-in's)")
    return "jinja2"


def parser_of(options: ParsingOptions, template: str | None) -> str:
    """The parser's name, from the template where none is given.

    Raises:
        BadRequest: the template may be of several kinds, or there is none.
    """
    if options.name is not None:
        return options.name
    fits = set()
    if options.use_ntc_template or (template is not None and _TEXTFSM.search(template)):
        fits.add("textfsm")
    if options.use_ttp_template or (
        template is not None and (_TTP.search(template) or _marked(template)) and not _JINJA.search(template)
    ):
        fits.add("ttp")
    if len(fits) != 1:
        raise BadRequest("the template does not show what parses with it: give 'name' (textfsm, ttp, or a plug-in's)")
    return fits.pop()
