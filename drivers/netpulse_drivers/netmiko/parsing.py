"""Structured data from a command's output, by netmiko's own converters (TextFSM, TTP, Genie)."""

from __future__ import annotations

import importlib.util
from typing import Any

from netmiko.utilities import structured_data_converter

from netpulse_drivers.errors import InvalidArguments, ParseFailed
from netpulse_drivers.netmiko.operation_args import NetmikoQueryArgs

_PACKAGES = {"use_ttp": "ttp", "use_genie": "genie"}


def check_parsers(args: NetmikoQueryArgs) -> None:
    """See that the asked-for parser is installed on this machine.

    Raises:
        InvalidArguments: it is not; the message names the package.
    """
    for option, package in _PACKAGES.items():
        if getattr(args, option) and importlib.util.find_spec(package) is None:
            name = "pyats[library]" if package == "genie" else package
            raise InvalidArguments(f"{option} needs the package {name}, which is not installed on the worker")


def parse(output: str, command: str, device_type: str, args: NetmikoQueryArgs) -> Any:
    """Structured data, or None when no parser was asked for or none fits.

    Raises:
        ParseFailed: the output does not parse and ``raise_parsing_error`` is set.
    """
    if not (args.use_textfsm or args.use_ttp or args.use_genie):
        return None
    check_parsers(args)
    try:
        parsed = structured_data_converter(
            raw_data=output,
            command=command,
            platform=device_type.removesuffix("_telnet").removesuffix("_ssh"),
            use_textfsm=args.use_textfsm,
            use_ttp=args.use_ttp,
            use_genie=args.use_genie,
            textfsm_template=args.textfsm_template,
            ttp_template=args.ttp_template,
            raise_parsing_error=args.raise_parsing_error,
        )
    except Exception as error:  # the converters raise whatever their libraries raise
        if not args.raise_parsing_error:
            return None
        raise ParseFailed(f"output of '{command}' does not parse: {error}", device_output=output) from error
    return None if isinstance(parsed, str) else parsed
