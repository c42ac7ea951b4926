"""Named configuration sessions: a candidate is edited apart, compared, and committed or thrown away (Arista EOS)."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Callable
from dataclasses import dataclass, field

from .config_store import ConfigTree, PrintStyle


@dataclass(slots=True)
class Candidate:
    """One session's candidate configuration."""

    name: str
    tree: ConfigTree
    state: str = "pending"
    """pending, completed or aborted, or pendingCommitTimer until a timed commit is confirmed."""
    username: str = ""


@dataclass(slots=True)
class Candidates:
    """The configuration sessions of a device."""

    by_name: dict[str, Candidate] = field(default_factory=dict)
    before: ConfigTree | None = None
    """What a timed commit goes back to unless it is confirmed."""
    timer: asyncio.TimerHandle | None = None
    due: float = 0.0
    """When it does, in seconds since the device was started."""
    owner: str = ""
    """Who made it."""
    revert: Callable[[], None] | None = None
    """What happens then."""
    saved: dict[str, ConfigTree] = field(default_factory=dict)
    """Configurations that were copied to flash:, by file name."""

    def start(self, seconds: float, revert: Callable[[], None], *, before: ConfigTree) -> None:
        """A timed commit was made: call `revert` unless it is confirmed in time."""
        self.before, self.revert = before, revert
        self.timer = asyncio.get_running_loop().call_later(seconds, revert)

    def confirm(self) -> None:
        """A timed commit stays."""
        if self.timer is not None:
            self.timer.cancel()
        self.timer = self.before = self.revert = None

    def time_is_up(self) -> None:
        """The timer ends now.

        Raises:
            ValueError: none runs.
        """
        if self.revert is None:
            raise ValueError("no commit timer runs on this device")
        if self.timer is not None:
            self.timer.cancel()
        self.revert()

    def clear(self) -> None:
        self.confirm()
        self.by_name.clear()


def differences(running: ConfigTree, candidate: Candidate, style: PrintStyle) -> str:
    """``show session-config diffs``: a unified diff, empty without a difference."""
    lines = difflib.unified_diff(
        running.lines(style),
        candidate.tree.lines(style),
        "system:/running-config",
        f"session:/{candidate.name}-session-config",
        lineterm="",
    )
    return "".join(f"{line}\n" for line in lines)
