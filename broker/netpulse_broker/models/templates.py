"""Rendering and parsing, as options of a job and as requests of their own."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

LARGEST_TEMPLATE = 1024 * 1024
"""Characters of a template in a request."""

EngineName = Annotated[str, Field(min_length=1, max_length=64)]
Template = Annotated[str, Field(max_length=LARGEST_TEMPLATE)]


class _TemplateOptions(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    template: Template | None = Field(default=None, repr=False, description="The template's text; never a URL.")
    template_file: str | None = Field(
        default=None, max_length=255, description="Instead: its name in the template directory, e.g. `ios/vlan.j2`."
    )


class RenderingOptions(_TemplateOptions):
    """A template that makes the commands or the configuration. Without one, each given text is itself a template."""

    name: EngineName | None = Field(default=None, description="The renderer: `jinja2`, the default, or a plug-in.")
    context: dict[str, Any] = Field(
        default_factory=dict, repr=False, description="What the template's names stand for."
    )
    args: dict[str, Any] = Field(
        default_factory=dict, description="Of the renderer; jinja2: `trim_blocks`, `lstrip_blocks`, delimiters, ..."
    )


class TtpTemplateArguments(BaseModel):
    """Which template of the package ttp-templates."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    platform: str | None = Field(default=None, max_length=64)
    command: str | None = Field(default=None, max_length=512)


class ParsingOptions(_TemplateOptions):
    """How an output becomes data."""

    name: EngineName | None = Field(
        default=None,
        description="The parser: `textfsm`, `ttp`, `genie` or a plug-in. Default: found from the template.",
    )
    use_ntc_template: bool | None = Field(
        default=None, description="textfsm: take the template of ntc-templates. Default where no template is given."
    )
    use_ttp_template: bool | None = Field(default=None, description="ttp: take the template of ttp-templates.")
    ttp_template_args: TtpTemplateArguments | None = Field(
        default=None, description="Platform and command for `use_ttp_template`, where they differ from the request's."
    )
    platform: str | None = Field(
        default=None,
        max_length=64,
        description="Platform under which ntc-templates know it. In a job by default the connection's device_type.",
    )
    command: str | None = Field(
        default=None, max_length=512, description="Command under which they know it. In a job: the command itself."
    )
    args: dict[str, Any] = Field(default_factory=dict, description="Of a plug-in's parser.")


class RenderRequest(RenderingOptions):
    """Render a template."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "jinja2", "template": "vlan {{ id }}", "context": {"id": 10}}]}
    )


class ParseRequest(ParsingOptions):
    """Parse a text."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "textfsm",
                    "template": "Value VLAN (\\d+)\n\nStart\n  ^vlan ${VLAN} -> Record",
                    "context": "vlan 10\nvlan 20",
                }
            ]
        }
    )

    context: str = Field(repr=False, description="The text to parse.")
