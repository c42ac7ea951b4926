"""The device behind a driver under trial, seen from behind: not through that driver."""

from __future__ import annotations

from typing import Any, Protocol


class Device(Protocol):
    """Something real to log in to. What cannot be seen or done raises ``NotApplicable`` with the reason."""

    connection_args: dict[str, Any]
    """Good ones, credentials included."""

    def logins(self) -> int:
        """How many logins (or connections, where nothing else can be seen) the device has accepted."""

    def received(self) -> list[str]:
        """What the device has got so far; compared with itself only."""

    def configuration(self) -> str:
        """The configuration in force."""

    def drop(self) -> None:
        """Cut all connections now."""

    def freeze(self) -> None:
        """Go silent without closing anything."""
