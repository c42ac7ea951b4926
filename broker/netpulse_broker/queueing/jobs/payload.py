"""What a worker is asked to do, as it is sealed in Redis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Operation = Literal["query", "change", "confirm", "rollback", "check", "probe", "lease", "webhook"]
"""What a worker may be asked to do: names in an allow-list, never import paths."""


class JobPayload(BaseModel):
    """What a worker needs to carry a job out. Sealed in Redis: it holds credentials.

    Attributes:
        operation: query, change, confirm or rollback (of a change with a timer; ``driver_args`` may name its ``job``),
            check (asks the device what became of that ``job``), probe (a connection test), lease (an interactive
            session) or webhook (one attempt to deliver one; ``driver_args`` is the delivery).
        driver: name in the driver registry.
        connection_args: as the request gave them (they were seen to validate), secrets in clear; the worker
            validates them again.
        commands: queries in order, or configuration lines in order.
        driver_args: of the operation, likewise.
        change: the parts of ``netpulse_drivers.ChangeRequest`` besides the lines.
        enable: privileged mode asked for.
        answers: questions announced with the request, as ``netpulse_drivers.QuestionAnswer`` in clear.
        parsing: per command or for all, how to parse the output.
        timeout: seconds of execution, login included.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    operation: Operation
    driver: str
    connection_args: dict[str, Any]
    commands: list[str] = []
    driver_args: dict[str, Any] = {}
    change: dict[str, Any] | None = None
    enable: bool | None = None
    answers: list[dict[str, Any]] = []
    parsing: Any = None
    timeout: float = 60.0

    def __repr__(self) -> str:
        return f"JobPayload(operation={self.operation!r}, driver={self.driver!r}, commands={len(self.commands)})"

    __str__ = __repr__


@dataclass(frozen=True, slots=True)
class JobPlace:
    """Which job it is, whose, and where its sealed texts belong. ``host`` as the caller wrote it."""

    id: str
    queue: str
    seq: int
    device: str
    host: str
    owner: str
