"""Jinja2 in its immutable sandbox, with undefined names as errors."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

import jinja2
from jinja2 import meta, nodes
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from netpulse_broker.errors import BadRequest, TemplateFailed
from netpulse_broker.templating.directory import TemplateDirectory

OWN = "<template>"
"""How the request's own template is called in messages and includes."""

ARGUMENTS: dict[str, type] = {
    "trim_blocks": bool,
    "lstrip_blocks": bool,
    "keep_trailing_newline": bool,
    "block_start_string": str,
    "block_end_string": str,
    "variable_start_string": str,
    "variable_end_string": str,
    "comment_start_string": str,
    "comment_end_string": str,
    "line_statement_prefix": str,
    "line_comment_prefix": str,
}
"""Arguments of ``jinja2.Environment`` that a request may give: how the template is written, never what it may do."""

_MOST_INCLUDED = 200


class JinjaRenderer:
    """One template, and those of the directory that it includes, extends or imports."""

    def __init__(self) -> None:
        self._template: jinja2.Template | None = None

    def prepare(self, template: str, args: Mapping[str, Any], directory: TemplateDirectory) -> None:
        """Compile, and read the templates that it refers to. A name made at run time has all of them read."""
        environment = ImmutableSandboxedEnvironment(
            undefined=jinja2.StrictUndefined, autoescape=False, **_checked(args)
        )
        for unwanted in ("lipsum", "cycler", "joiner"):
            environment.globals.pop(unwanted, None)
        texts = {OWN: template}
        try:
            _collect(environment, texts, OWN, directory)
            environment.loader = jinja2.DictLoader(texts)
            self._template = environment.get_template(OWN)
        except jinja2.TemplateSyntaxError as error:
            where = "" if error.name in (None, OWN) else f" of {error.name}"
            raise _failed(f"{error.message} (line {error.lineno}{where})", error.lineno, error.name) from None
        except RecursionError:
            raise TemplateFailed("the template is nested too deeply") from None

    def render(self, context: Mapping[str, Any], *, max_size: int) -> str:
        """The text."""
        assert self._template is not None  # noqa: S101  # prepare comes first
        parts: list[str] = []
        size = 0
        try:
            for part in self._template.generate(context):
                size += len(part)
                parts.append(part)
                if size > max_size:
                    break
        except SecurityError as error:
            raise _at_line(f"not allowed in a template: {error}", error) from None
        except jinja2.TemplateSyntaxError as error:  # of a template that was named at run time
            where = "" if error.name in (None, OWN) else f" of {error.name}"
            raise _failed(f"{error.message} (line {error.lineno}{where})", error.lineno, error.name) from None
        except jinja2.TemplateNotFound as error:
            raise _at_line(f"there is no template '{error.name}' in the template directory", error) from None
        except jinja2.UndefinedError as error:
            raise _at_line(f"{error.message}; give it in the context", error) from None
        except RecursionError as error:
            raise _at_line("the template calls itself without end", error) from None
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a filter or an operator raises on the data it got
            raise _at_line(f"{type(error).__name__}: {error}", error) from None
        if size > max_size:
            raise TemplateFailed(f"the rendered text is larger than {max_size} characters (setting templates.max_size)")
        return "".join(parts)


def _checked(args: Mapping[str, Any]) -> dict[str, Any]:
    for name, value in args.items():
        kind = ARGUMENTS.get(name)
        if kind is None:
            raise BadRequest(f"args: jinja2 takes no '{name}' here; known: {', '.join(ARGUMENTS)}")
        if not isinstance(value, kind) or (isinstance(value, str) and not 1 <= len(value) <= 20):
            wanted = "true or false" if kind is bool else "a short text"
            raise BadRequest(f"args: {name} must be {wanted}")
    return dict(args)


def _collect(environment: jinja2.Environment, texts: dict[str, str], name: str, directory: TemplateDirectory) -> None:
    tree = environment.parse(texts[name], name=name)
    wanted: list[str] = []
    for found in meta.find_referenced_templates(tree):
        if found is None:
            _read_all(texts, directory)
        else:
            wanted.append(found)
    optional = {
        node.template.value
        for node in tree.find_all(nodes.Include)
        if node.ignore_missing and isinstance(node.template, nodes.Const)
    }
    for other in wanted:
        if other in texts:
            continue
        if len(texts) > _MOST_INCLUDED:
            raise TemplateFailed(f"the template refers to more than {_MOST_INCLUDED} others")
        try:
            texts[other] = directory.read(other)
        except BadRequest:
            if other in optional:
                continue
            raise
        _collect(environment, texts, other, directory)


def _read_all(texts: dict[str, str], directory: TemplateDirectory) -> None:
    """A name is made at run time: any of the directory's templates may be meant. A broken one only matters if it is."""
    for name in directory.names():
        if name not in texts:
            with contextlib.suppress(BadRequest):
                texts[name] = directory.read(name)


def _at_line(message: str, error: BaseException) -> TemplateFailed:
    """The error with the innermost line of a template in its traceback."""
    line: int | None = None
    trace = error.__traceback__
    while trace is not None:
        # jinja2 gives the frames of compiled templates the template's own lines, and this file name.
        if trace.tb_frame.f_code.co_filename == OWN:
            line = trace.tb_lineno
        trace = trace.tb_next
    return TemplateFailed(message) if line is None else _failed(f"{message} (line {line})", line, None)


def _failed(message: str, line: int | None, name: str | None) -> TemplateFailed:
    details: dict[str, Any] = {"line": line}
    if name not in (None, OWN):
        details["template"] = name
    return TemplateFailed(message, details=[details])
