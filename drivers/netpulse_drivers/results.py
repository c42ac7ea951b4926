"""What a driver hands back: outputs of queries and the account of a change."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Output:
    """One command (or getter, or config step) and what came of it.

    Attributes:
        command: as it was asked for.
        output: the device's text, or structured data where the driver speaks a structured protocol.
        elapsed: seconds from the write to the last byte.
        failed: the device refused it, or it did not end.
        parsed: structured data made from ``output`` when parsing was asked for.
        complete: False when the answer had not ended when it was given up: ``output`` is the part that came.
        changed: for steps of a change, whether the device's configuration changed.
        extra: further facts for the result's entry (``diff``, ``saved``, ``backup``, ...), JSON-ready.
    """

    command: str
    output: Any
    elapsed: float = 0.0
    failed: bool = False
    parsed: Any = None
    changed: bool | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    complete: bool = True

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready entry of ``result.outputs``; ``parsed`` and ``changed`` are left out when they say nothing."""
        entry: dict[str, Any] = {
            "command": self.command,
            "output": self.output,
            "elapsed": round(self.elapsed, 6),
            "failed": self.failed,
        }
        if self.parsed is not None:
            entry["parsed"] = self.parsed
        if self.changed is not None:
            entry["changed"] = self.changed
        if not self.complete:
            entry["complete"] = False
        return entry | self.extra


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingCommit:
    """A commit that the device takes back by itself unless it is confirmed in time.

    Attributes:
        name: what the device calls it; "" where it keeps no more than one and gives it no name.
        seconds: for how long it waits, in the platform's own steps.
        since: just before the commit was sent; seconds since the epoch by this machine's clock.
    """

    name: str
    seconds: float
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitState:
    """What a device says about commits that wait for their confirmation.

    Attributes:
        pending: the names of those that wait, whoever made them ("" where it has no name); None: the platform does not
            tell.
        fingerprint: of the running configuration.
    """

    pending: tuple[str, ...] | None
    fingerprint: str


@dataclass(frozen=True, slots=True)
class ChangeResult:
    """The account of a change.

    Attributes:
        outputs: what the device said, step by step.
        changed: whether the running configuration differs from before (with ``dry_run``: would differ); None: nobody
            can tell, and ``warnings`` say why.
        diff: unified or vendor diff, "" where there is none to give.
        applied: the lines that were sent and taken, in order (with ``dry_run``: that would be sent).
        saved: whether the running configuration was written to the start-up configuration.
        backup: the running configuration before the change, when it was asked for.
        pending: the commit that now waits for its confirmation.
        settled: the device's name of the commit that was confirmed or taken back; "" where it has none.
        warnings: what the caller should know although the change did not fail.
        left_out: lines of the request that were not typed (comments, the end of configuration mode).
        certain: False when a confirmation was sent to a platform that does not say whether it took effect.
    """

    outputs: list[Output]
    changed: bool | None
    diff: str = ""
    applied: list[str] = field(default_factory=list)
    saved: bool = False
    backup: str | None = None
    pending: PendingCommit | None = None
    settled: str = ""
    certain: bool = True
    warnings: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
