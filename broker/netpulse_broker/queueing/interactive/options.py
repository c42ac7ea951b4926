"""What the caller of an interactive session asks for, as its job and its exchanges carry it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from netpulse_drivers.interactive import Exchange, FileProtocol

EPILOGUE = 60.0
"""Seconds for what follows the hold: the end of a last exchange, leaving modes."""

LOGIN_ALLOWANCE = 120.0
"""Seconds for the login before the hold begins."""


class InteractiveOptions(BaseModel):
    """What the caller agreed on; ``driver_args`` of a job of operation ``lease``.

    Attributes:
        heartbeat: seconds between two signs of life.
        max_hold: seconds that the interactive session lasts at most, from its grant.
        exchange: carried out right after the grant.
        reset: nothing is opened: the device's kept session of this login is closed (all of the device's, without a
            login).
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    heartbeat: float = Field(default=10.0, ge=0.5, le=300)
    max_hold: float = Field(default=600.0, ge=1, le=3600)
    exchange: Exchange | None = None
    reset: bool = False

    @property
    def timeout(self) -> float:
        """Seconds that the job may run, login included."""
        return LOGIN_ALLOWANCE + self.max_hold + EPILOGUE


class FileRequest(BaseModel):
    """Exchange that copies a file.

    Attributes:
        op: ``put``: to the device; ``get``: from it.
        size: bytes, where they are known beforehand.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    op: Literal["put", "get"]
    path: str
    protocol: FileProtocol
    size: int | None = None
