"""Genie's parsers, by platform and command, where the package pyats[library] is installed."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from netpulse_broker.errors import TemplateFailed
from netpulse_drivers import ParseFailed

PLATFORMS = {
    "cisco_ios": "ios",
    "cisco_xe": "iosxe",
    "cisco_xr": "iosxr",
    "cisco_nxos": "nxos",
    "cisco_asa": "asa",
    "linux": "linux",
    "corelight_linux": "linux",
    "f5_linux": "linux",
    "ovs_linux": "linux",
}
"""netmiko's names of platforms to Genie's, as netmiko maps them."""


class GenieParser:
    """What Genie's parser for the platform and the command makes of an output."""

    def __init__(self) -> None:
        self._run: Callable[[str], Any] | None = None

    def prepare(self, template: str | None, args: Mapping[str, Any]) -> None:
        """Look the parser up and load it: afterwards nothing can be opened."""
        if template is not None:
            raise TemplateFailed("genie takes no template: it finds its parser by platform and command")
        platform, command = str(args.get("platform") or ""), str(args.get("command") or "")
        system = PLATFORMS.get(platform)
        if system is None:
            raise ParseFailed(f"genie knows no platform '{platform}'; known: {', '.join(sorted(PLATFORMS))}")
        try:
            device_class: Any = importlib.import_module("genie.conf.base").Device
            common: Any = importlib.import_module("genie.libs.parser.utils.common")
        except ImportError:
            raise ParseFailed("genie needs the package pyats[library], which is not installed on the worker") from None
        device = device_class("device", os=system)
        device.custom.setdefault("abstraction", {})["order"] = ["os"]
        try:
            found, arguments = common.get_parser(command, device)
        except Exception as error:  # it raises bare Exceptions, and whatever loading a parser raises
            raise ParseFailed(f"genie has no parser for '{command}' on platform '{platform}'") from error
        self._run = lambda text: found(device=device).parse(output=text, **arguments)

    def parse(self, text: str) -> Any:
        """The data."""
        assert self._run is not None  # noqa: S101  # prepare comes first
        try:
            return self._run(text)
        except Exception as error:  # noqa: BLE001 - parsers raise whatever happens to them
            said = " ".join(str(error).split()) or type(error).__name__
            raise ParseFailed(f"the output does not fit genie's parser: {said[:300]}") from None
