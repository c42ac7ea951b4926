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

# What the name of an argument that holds a secret ends in; the broker masks by the same list.
SECRET_WORDS = (
    "pass",
    "passwd",
    "password",
    "passphrase",
    "secret",
    "token",
    "pkey",
    "private_key",
    "privatekey",
    "api_key",
    "apikey",
    "community",
    "auth_key",
    "authkey",
    "priv_key",
    "privkey",
    "keyboard_interactive",
)

_SECRET_NAME = re.compile("(?:%s)$" % "|".join(SECRET_WORDS), re.IGNORECASE)


def is_secret_name(name: str) -> bool:
    """Whether an argument of this name holds a secret (``key_file`` and ``bypass_commands`` do not)."""
    return bool(_SECRET_NAME.search(name))


def is_encrypted(value: Any) -> bool:
    """Whether it is the object that ansible-core before 2.19 makes of ``!vault``; its ``str`` is the decrypted text."""
    return bool(getattr(value, "__ENCRYPTED__", False))


def secrets_in(arguments: Any, *, named: bool = False) -> set[str]:
    """All secret values in nested arguments, by the names of their keys.

    Args:
        named: a key above has said that everything in here is secret.
    """
    found: set[str] = set()
    if is_encrypted(arguments) or (isinstance(arguments, str | int) and not isinstance(arguments, bool)):
        if named:
            found.add(str(arguments))
    elif isinstance(arguments, dict) and "question" in arguments and not named:
        if _holds_secret_answer(arguments):  # an entry of answers, where "secret" is no secret
            found.add(str(arguments["answer"]))
    elif isinstance(arguments, dict):
        for name, value in arguments.items():
            found |= secrets_in(value, named=named or is_secret_name(str(name)))
    elif isinstance(arguments, list | tuple):
        for value in arguments:
            found |= secrets_in(value, named=named)
    found.discard("")
    return found


def hide_options(arguments: Any) -> Any:
    """A copy of nested arguments in which each secret is replaced, for ``invocation``."""
    if isinstance(arguments, dict):
        if _holds_secret_answer(arguments):
            return {**arguments, "answer": MASKED_OPTION}
        return {
            name: MASKED_OPTION if value is not None and is_secret_name(str(name)) else hide_options(value)
            for name, value in arguments.items()
        }
    if isinstance(arguments, list | tuple):
        return [hide_options(value) for value in arguments]
    return arguments


def _holds_secret_answer(arguments: dict[str, Any]) -> bool:
    """Whether it is an entry of ``answers`` whose answer is a secret."""
    said = str(arguments.get("secret", "")).lower()
    return "question" in arguments and arguments.get("answer") is not None and said in ("true", "yes", "on", "1")


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
