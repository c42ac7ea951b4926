"""Structured data from a command's output, as netmiko's options ask for it (TextFSM, TTP, Genie).

Names, order and results are netmiko's (``netmiko.utilities.structured_data_converter``), but nothing of it runs here: a
template is a program, so outputs are parsed by the worker's parser, in a process of its own.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from typing import Any

from netpulse_drivers.base import Call
from netpulse_drivers.errors import InvalidArguments, ParseFailed, TemplateRefused, UnsupportedOperation
from netpulse_drivers.netmiko.operation_args import NetmikoQueryArgs
from netpulse_drivers.platforms import platform_of

_NOTHING_FOUND: list[list[dict[str, Any]]] = [[{}]]
"""TTP's result for an output in which no group matched."""


def check_parsers(args: NetmikoQueryArgs, call: Call) -> None:
    """See that this worker can parse as asked, before anything is typed.

    Raises:
        UnsupportedOperation: it has no parser.
        InvalidArguments: a package is not installed; the message names it.
    """
    if call.parse is None and (args.use_textfsm or args.use_ttp or args.use_genie):
        raise UnsupportedOperation(
            "this worker has no parser: send the request without use_textfsm, use_ttp, use_genie"
        )
    if args.use_genie and importlib.util.find_spec("genie") is None:
        raise InvalidArguments("use_genie needs the package pyats[library], which is not installed on the worker")


def parse(output: str, command: str, device_type: str, args: NetmikoQueryArgs, call: Call) -> Any:
    """Structured data: of the first of the asked-for parsers that finds some. None: none does, or none was asked for.

    Raises:
        TemplateRefused: the request's template cannot be used.
        ParseFailed: no parser found any data and ``raise_parsing_error`` is set.
    """
    failure: ParseFailed | None = None
    for parsing in _attempts(args, device_type.removesuffix("_telnet").removesuffix("_ssh")):
        assert call.parse is not None  # noqa: S101 - check_parsers came first
        try:
            found = call.parse(parsing, command.strip(), output, call.deadline)
        except TemplateRefused:
            raise
        except ParseFailed as error:
            failure = failure or error
            continue
        if parsing["engine"] == "textfsm":
            found = [{name.lower(): value for name, value in record.items()} for record in found]
        if found and not (args.raise_parsing_error and found == _NOTHING_FOUND):
            return found
        failure = failure or ParseFailed(f"{parsing['engine']} found no data in it")
    if failure is not None and args.raise_parsing_error:
        raise ParseFailed(
            f"output of '{command}' does not parse: {failure.message}", device_output=output, details=failure.details
        ) from failure
    return None


def _attempts(args: NetmikoQueryArgs, platform: str) -> Iterator[dict[str, Any]]:
    """What to try, in netmiko's order."""
    if args.use_textfsm:
        yield {"engine": "textfsm", "template": args.textfsm_template, "args": {"platform": platform}}
        other = platform_of(platform).parsed_as
        if args.textfsm_template is None and other:
            yield {"engine": "textfsm", "template": None, "args": {"platform": other}}
    if args.use_ttp:
        yield {"engine": "ttp", "template": args.ttp_template, "args": {"platform": platform}}
    if args.use_genie:
        yield {"engine": "genie", "template": None, "args": {"platform": platform}}
