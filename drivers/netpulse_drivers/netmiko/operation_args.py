"""driver_args of the netmiko driver, for queries and for changes. Names and meanings are netmiko's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator

from netpulse_drivers.base import OperationArgs
from netpulse_drivers.bounded_regex import PatternText
from netpulse_drivers.strict_keys import refuse_unknown_keys

LARGEST_TEMPLATE = 1024 * 1024
"""Characters of a template in a request."""

DEFAULT_READ_TIMEOUT = 30.0
"""Seconds to wait for the prompt unless the request says otherwise (netmiko: 10, short for a large configuration)."""


def _is_template_text(value: str) -> str:
    if "\n" not in value and "{{" not in value:
        raise ValueError(
            "is no template: send its text; files of the worker's disk are not read. A template of the template "
            "directory is named in options.parsing.template_file"
        )
    return value


TemplateText = Annotated[str, Field(max_length=LARGEST_TEMPLATE), AfterValidator(_is_template_text)]

_GONE = {
    "delay_factor": "is gone in netmiko 5; give read_timeout in seconds",
    "max_loops": "is gone in netmiko 5; give read_timeout in seconds",
}


class _NetmikoArgs(OperationArgs):
    read_timeout: float | None = Field(
        default=None, gt=0, le=86400, description=f"Seconds to wait for the prompt; default {DEFAULT_READ_TIMEOUT:g}."
    )
    cmd_verify: bool = Field(default=True, description="Wait for the echo of what was typed.")

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown(cls, values: Any) -> Any:
        if isinstance(values, Mapping):
            refuse_unknown_keys(values, known=cls.model_fields, refused=_GONE)
        return values


class NetmikoQueryArgs(_NetmikoArgs):
    """driver_args of a query."""

    expect_string: PatternText | None = Field(
        default=None, description="The output ends where this regular expression matches, instead of at the prompt."
    )
    auto_find_prompt: bool = Field(default=True, description="Accepted for netmiko scripts; the prompt is known here.")
    strip_prompt: bool = True
    strip_command: bool = True
    normalize: bool = Field(default=True, description="Send exactly one line end after the command.")
    error_pattern: PatternText | None = Field(
        default=None, description="Output lines matching it mean refusal, instead of the platform's own list."
    )
    check_errors: bool = Field(default=True, description="Fail the job when the device refuses the command.")
    use_textfsm: bool = False
    textfsm_template: TemplateText | None = Field(default=None, description="Text of a TextFSM template, never a path.")
    use_ttp: bool = False
    ttp_template: TemplateText | None = Field(default=None, description="Text of a TTP template, never a path.")
    use_genie: bool = False
    raise_parsing_error: bool = Field(default=False, description="Fail the job when the output does not parse.")

    @model_validator(mode="after")
    def _template_for_ttp(self) -> Self:
        if self.use_ttp and not self.ttp_template:
            raise ValueError("use_ttp needs ttp_template")
        return self


class NetmikoChangeArgs(_NetmikoArgs):
    """driver_args of a change."""

    enter_config_mode: bool = Field(default=True, description="False: the lines are sent where the session stands.")
    exit_config_mode: bool = Field(
        default=True, description="Only true: a shared session is never left in configuration mode."
    )
    config_mode_command: str | None = Field(default=None, max_length=255, description="Instead of the platform's own.")
    error_pattern: PatternText | None = Field(
        default=None, description="Answers matching it mean refusal, instead of the platform's own list."
    )
    check_errors: bool = Field(default=True, description="Stop at the first line the device refuses.")
    terminator: PatternText | None = Field(
        default=None, description="Also ends a line's answer when it matches the last line received."
    )
    bypass_commands: PatternText | None = Field(
        default=None, description="Lines matching it are not checked for their echo (default: banners)."
    )
    strip_prompt: bool = True
    strip_command: bool = True
    commit: bool = Field(default=True, description="Platforms with a candidate: commit it; False: check it and abort.")
    running_config_command: str | None = Field(
        default=None,
        max_length=255,
        description="How to read the running configuration, instead of the platform's own.",
    )
    startup_config_command: str | None = Field(default=None, max_length=255, description="Likewise, startup.")
    save_command: str | None = Field(default=None, max_length=255, description="Instead of the platform's own.")

    @model_validator(mode="after")
    def _always_leave(self) -> Self:
        if not self.exit_config_mode:
            raise ValueError("exit_config_mode must be true: the session is shared with other jobs")
        return self
