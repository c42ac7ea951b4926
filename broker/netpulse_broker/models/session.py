"""Interactive sessions: requests and answers of ``/session``.

All device bytes are base64; expressions are ``[base64 source, flags]`` with the flags of Python's ``re``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from netpulse_broker.models.device import ConnectionArguments, DeviceName
from netpulse_broker.models.options import LONGEST_WAIT, Priority
from netpulse_broker.states import InteractiveState
from netpulse_drivers.interactive import Base64Bytes, Exchange, ExchangeError, ExchangeResult

MAX_FILE = 8 * 1024**3
"""Bytes of a file that is copied."""


class SessionOptions(BaseModel):
    """How a session is waited for, kept and bounded. All times are seconds."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)

    wait: float = Field(default=30.0, ge=0, le=LONGEST_WAIT, description="For the device to be free and logged in to.")
    ttl: int | None = Field(
        default=None, ge=1, le=3600, description="Longest time in the device's queue. Default: as long as `wait`."
    )
    heartbeat: float = Field(
        default=10.0,
        ge=0.5,
        le=300,
        description="Interval in which the caller gives a sign of life (a heartbeat or an exchange). The session is "
        "given back when nothing was heard for three of them.",
    )
    max_hold: float = Field(default=600.0, ge=1, le=3600, description="Longest life of the session from its grant.")
    priority: Priority = Field(default="normal", description="Lane in the device's queue.")


class OpenSessionRequest(BaseModel):
    """A session with one device, for one caller."""

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={
            "examples": [
                {
                    "connection_args": {
                        "device_type": "cisco_ios",
                        "host": "192.0.2.11",
                        "username": "admin",
                        "password": "device-password",
                    },
                    "options": {"wait": 30, "heartbeat": 10},
                }
            ]
        },
    )

    driver: str = Field(default="netmiko", min_length=1, max_length=64, description="One with interactive sessions.")
    connection_args: ConnectionArguments = Field(repr=False, description="As in /device/execute.")
    device: DeviceName
    options: SessionOptions = Field(default_factory=SessionOptions)
    exchange: Exchange | None = Field(
        default=None, repr=False, description="Carried out right after the grant (seq 1)."
    )


class ResetRequest(BaseModel):
    """Which kept session to close. At least one of ``connection_args`` and ``device``."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)

    driver: str = Field(default="netmiko", min_length=1, max_length=64)
    connection_args: ConnectionArguments = Field(
        default_factory=dict, repr=False, description="The login whose session is closed; none: all of the device's."
    )
    device: DeviceName
    wait: float = Field(default=30.0, ge=0, le=LONGEST_WAIT, description="Seconds to wait for the device's turn.")


class OpenedSession(BaseModel):
    """A granted session: out of configuration mode, at the privilege of its login, at a verified prompt."""

    id: str
    device: str
    fresh: bool = Field(description="The first interactive session on this login: the terminal is to be set up.")
    prompt: Base64Bytes = Field(description="The verified prompt, the last bytes that came.")
    privilege: int | None = Field(description="15 or 1 where the prompt shows it.")
    config_mode: Literal[False]
    worker: str
    heartbeat: float
    max_hold: float
    exchange: ExchangeResult | None = None


class Alive(BaseModel):
    """Answer to a heartbeat."""

    id: str
    remaining: float = Field(description="Seconds that the session can still last.")


class Released(BaseModel):
    """Answer to a release."""

    id: str
    released: Literal[True]


class ResetDone(BaseModel):
    """Answer to a reset."""

    device: str
    closed: int = Field(description="Sessions that were closed; 0: there was none.")


class FileCopied(BaseModel):
    """Answer to a file that was sent."""

    seq: int
    bytes: int = 0
    error: ExchangeError | None
    lease_open: bool
    elapsed: float


class SessionEntry(BaseModel):
    """A session in the listing. Times are UTC."""

    id: str
    device: str
    host: str
    owner: str
    state: InteractiveState = Field(description="queued or open; sessions that have ended are not listed.")
    worker: str
    since: datetime
    granted: datetime | None
    last_heartbeat: datetime
    exchanges: int
    remaining: float | None = Field(description="Seconds; null while it is queued.")
