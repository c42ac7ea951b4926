"""eAPI's error codes as errors of the tree.

The codes are Arista's (eAPI, "JSON-RPC error codes"): 1000 could not run the command, 1001 internal error, 1002 invalid
command, 1003 the output has no JSON form, 1004 the command wants a terminal, 1005 not permitted; -32700 to -32600 are
JSON-RPC's own. ``data`` of the error holds what the commands before gave and, last, the ``errors`` of the one that
failed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pyeapi.eapilib import CommandError

from netpulse_drivers.errors import CommandRefused, DriverError, InvalidArguments, PrivilegeRefused

_ADVICE = {
    1003: 'ask for the text instead: driver_args {"encoding": "text"}',
    1004: "it asks or runs on, which eAPI cannot; driver netmiko can",
}
_SENSITIVE = re.compile(r"(?<=input=)\S+")
_POSITION = re.compile(r"CLI command (\d+) of \d+")


def unconverted(error: CommandRefused) -> bool:
    """Whether the command was refused only because its output has no JSON form."""
    return bool(error.details) and error.details[0].get("eapi_code") == 1003


def failed_position(error: CommandError) -> int:
    """Which command of the request failed, from 0."""
    stated = _POSITION.search(str(error.error_text))
    if stated is not None:
        return int(stated[1]) - 1
    return max(len(error.output or []) - 1, 0)


def device_text(error: CommandError) -> str:
    """The device's own words."""
    said: list[str] = []
    for entry in (error.output or [])[-1:]:
        if isinstance(entry, dict):
            said += [str(text).strip() for text in entry.get("errors", [])]
            if isinstance(entry.get("output"), str):
                said.insert(0, entry["output"].strip())
    text = "\n".join(filter(None, said)) or str(error.error_text)
    return _SENSITIVE.sub("<removed>", text)


def refusal(error: CommandError, commands: Sequence[str], *, offset: int = 0) -> DriverError:
    """The error of the tree.

    Args:
        error: the device's.
        commands: what the caller asked for, for the message.
        offset: commands that the driver itself put before those (``enable``).
    """
    code, said = int(error.error_code), device_text(error)
    position = failed_position(error) - offset
    details: list[dict[str, Any]] = [{"eapi_code": code}]
    if code < 0:
        return InvalidArguments(f"the device did not take the request: {said}", details=details)
    if position < 0:
        return PrivilegeRefused(f"the device refused enable: {said}", device_output=said, details=details)
    command = commands[position] if position < len(commands) else ""
    details[0] |= {"command": command, "number": position + 1}
    if code == 1005:
        return PrivilegeRefused(f"the user may not run '{command}': {said}", device_output=said, details=details)
    advice = f"; {_ADVICE[code]}" if code in _ADVICE else ""
    return CommandRefused(
        f"the device refused '{command}' (eAPI error {code}): {said.splitlines()[0]}{advice}",
        device_output=said,
        details=details,
    )
