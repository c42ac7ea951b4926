# Copyright (c) The NetPulse broker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeping secrets out of what people see: masking by option name and by value."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

MASK = "********"
MASKED_OPTION = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"

_SECRET_NAME = re.compile(
    r"(?:^|_)(?:pass|passwd|password|passphrase|secret|pkey|private_key|api_key|token|community)$", re.IGNORECASE
)


def is_secret_name(name: str) -> bool:
    """Whether an argument of this name holds a secret (``key_file`` and ``bypass_commands`` do not)."""
    return bool(_SECRET_NAME.search(name))


def is_encrypted(value: Any) -> bool:
    """Whether it is the object that ansible-core before 2.19 makes of ``!vault``; its ``str`` is the decrypted text."""
    return bool(getattr(value, "__ENCRYPTED__", False))


def secrets_in(arguments: Any) -> set[str]:
    """All secret values in nested arguments, by the names of their keys."""
    found: set[str] = set()
    if isinstance(arguments, dict):
        for name, value in arguments.items():
            scalar = is_encrypted(value) or (isinstance(value, str | int) and not isinstance(value, bool))
            if scalar and is_secret_name(str(name)):
                found.add(str(value))
            else:
                found |= secrets_in(value)
    elif isinstance(arguments, list | tuple):
        for value in arguments:
            found |= secrets_in(value)
    found.discard("")
    return found


def hide_options(arguments: Any) -> Any:
    """A copy of nested arguments in which each secret is replaced, for ``invocation``."""
    if isinstance(arguments, dict):
        return {
            name: MASKED_OPTION if value is not None and is_secret_name(str(name)) else hide_options(value)
            for name, value in arguments.items()
        }
    if isinstance(arguments, list | tuple):
        return [hide_options(value) for value in arguments]
    return arguments


class Mask:
    """Replaces known secret values in texts.

    A secret is replaced where it stands as a word of its own: a device whose password is ``cisco`` still has the device
    type ``cisco_ios``.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        words = sorted((re.escape(one) for one in secrets if one), key=len, reverse=True)
        self._pattern = re.compile(rf"(?<![\w-])(?:{'|'.join(words)})(?![\w-])") if words else None

    def __call__(self, value: Any) -> Any:
        """``value`` with the secrets replaced, in nested dicts and lists as well."""
        if self._pattern is None:
            return value
        if isinstance(value, str):
            return self._pattern.sub(MASK, value)
        if isinstance(value, dict):
            return {key: self(one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self(one) for one in value]
        return value
