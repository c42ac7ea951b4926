"""What is kept about a device from one login to the next, whoever logs in."""

from __future__ import annotations

from typing import Protocol


class DeviceMemory(Protocol):
    """Short texts by name, kept with the device by the worker. No secret belongs here.

    A text that was kept may be gone at any time, and one that is read may be wrong: it saves work, nothing depends on
    it. Neither method raises.
    """

    def recall(self, name: str) -> str:
        """The text kept under this name, or ''."""
        ...

    def keep(self, name: str, value: str) -> None:
        """Keep a text; '' forgets the one that is kept."""
        ...


class NothingKept:
    """For calls outside a worker: each login finds out anew."""

    def recall(self, name: str) -> str:  # noqa: ARG002
        """''."""
        return ""

    def keep(self, name: str, value: str) -> None:
        """Nothing is kept."""
