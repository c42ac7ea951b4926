"""Keeps the secrets of a job out of messages, logs, events and what errors quote.

Secrets are found by type (``SecretStr``) and by the name of the argument, and masked by value. What a device says is
the caller's, byte for byte: outputs, parsed data, differences and backups pass through nothing here, since a password
that is a word of the output (``admin``, ``Ethernet``) would falsify them. Values under four characters are masked only
where they stand by themselves; single characters and short numbers not at all: that would shred texts and hide nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import SecretBytes, SecretStr

MASK = "********"

SHORTEST = 4
"""Characters of the shortest value that is masked wherever it stands."""

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
"""What the name of an argument that holds a secret ends in. The collection has the same list (``_secrets``)."""

_SECRET_NAME = re.compile(f"(?:{'|'.join(SECRET_WORDS)})$", re.IGNORECASE)


def secret_values(arguments: Mapping[str, Any]) -> frozenset[str]:
    """The secret values among (nested) arguments: ``SecretStr`` anywhere, and text under a name that says so."""
    found: set[str] = set()
    _collect(arguments, found, named=False)
    return frozenset(value for value in found if _maskable(value))


def _maskable(value: str) -> bool:
    return len(value) >= SHORTEST or (len(value) > 1 and not value.isdigit())


def _collect(value: Any, found: set[str], *, named: bool) -> None:
    if isinstance(value, SecretStr):
        found.add(value.get_secret_value())
    elif isinstance(value, SecretBytes):
        found.add(value.get_secret_value().decode("utf-8", "replace"))
    elif isinstance(value, str):
        if named:
            found.add(value)
    elif isinstance(value, Mapping):
        for name, item in value.items():
            _collect(item, found, named=named or _SECRET_NAME.search(str(name)) is not None)
    elif isinstance(value, list | tuple):
        for item in value:
            _collect(item, found, named=named)


class Redactor:
    """Masks a fixed set of values.

    ``text`` masks them anywhere, for messages and logs. ``device_text`` masks them only where they stand by themselves
    (no letter or digit on either side), for what an error quotes of a device, so that the password ``cisco`` does not
    turn ``ciscoasa`` into stars.
    """

    def __init__(self, values: Iterable[str]) -> None:
        ordered = sorted((value for value in set(values) if _maskable(value)), key=len, reverse=True)
        self._values = ordered
        self._long = [value for value in ordered if len(value) >= SHORTEST]
        self._alone = _alone(ordered)
        self._short_alone = _alone([value for value in ordered if len(value) < SHORTEST])

    def text(self, text: str) -> str:
        """The text with every occurrence masked; of short values those that stand by themselves."""
        for value in self._long:
            if value in text:
                text = text.replace(value, MASK)
        return text if self._short_alone is None else self._short_alone.sub(MASK, text)

    def device_text(self, text: str) -> str:
        """The text with every occurrence masked that stands by itself."""
        if self._alone is None or not any(value in text for value in self._values):
            return text
        return self._alone.sub(MASK, text)

    def device_data(self, value: Any) -> Any:
        """A JSON-ready value with all its strings (not the keys) passed through ``device_text``."""
        if not self._values:
            return value
        if isinstance(value, str):
            return self.device_text(value)
        if isinstance(value, dict):
            return {key: self.device_data(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.device_data(item) for item in value]
        return value


def _alone(values: list[str]) -> re.Pattern[str] | None:
    if not values:
        return None
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(map(re.escape, values))})(?![^\W_])")
