"""Requests to ``/device`` and what they answer beside jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from netpulse_broker.models.job import Job
from netpulse_broker.models.options import JobOptions, TurnOptions
from netpulse_broker.models.text_lines import Commands, ConfigLines
from netpulse_drivers import QueueStrategy

MOST_DEVICES = 1000
"""Devices in one bulk request."""

_CONNECTION_KEYS: dict[str, Any] = {
    "host": {"type": "string", "description": "Address or name of the device."},
    "port": {"type": "integer", "minimum": 1, "maximum": 65535, "description": "Default: the protocol's own."},
    "username": {"type": "string"},
    "password": {"type": "string", "format": "password", "writeOnly": True},
}

ConnectionArguments = Annotated[
    dict[str, Any],
    WithJsonSchema(
        {"type": "object", "required": ["host"], "properties": _CONNECTION_KEYS, "additionalProperties": True}
    ),
]
SharedConnectionArguments = Annotated[
    dict[str, Any], WithJsonSchema({"type": "object", "properties": _CONNECTION_KEYS, "additionalProperties": True})
]
_TEXTS: dict[str, Any] = {
    "anyOf": [
        {"type": "string"},
        {"type": "array", "items": {"type": "string"}},
        {"type": "object", "additionalProperties": True},
    ]
}
BulkDevice = Annotated[
    dict[str, Any],
    WithJsonSchema(
        {
            "type": "object",
            "properties": _CONNECTION_KEYS
            | {
                "device": {"type": "string", "description": "Explicit device name."},
                "command": _TEXTS,
                "config": _TEXTS,
            },
            "additionalProperties": True,
        }
    ),
]

Driver = Annotated[
    str,
    Field(min_length=1, max_length=64, description="Name of a registered driver; GET /health lists them."),
]
DeviceName = Annotated[
    str | None,
    Field(
        default=None,
        max_length=255,
        description="Name under which the device's work is ordered. Default: the host, with the port when it is not a "
        "standard one (22, 23, 80, 443, 830).",
    ),
]
DriverArguments = Annotated[
    dict[str, Any],
    Field(default_factory=dict, repr=False, description="Checked against the driver's model for this operation."),
]


class _Work(JobOptions):
    """What execute and bulk share. Each option may stand here (as v0.2 clients write it) or in ``options``."""

    driver: Driver
    command: Commands | None = Field(
        default=None, repr=False, description="A query: one command or several. Exactly one of command and config."
    )
    config: ConfigLines | None = Field(
        default=None, repr=False, description="A change: its lines, as a list or as a text of several lines."
    )
    driver_args: DriverArguments
    options: JobOptions = Field(default_factory=JobOptions)


class ExecuteRequest(_Work):
    """One query or one change on one device."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "driver": "netmiko",
                    "connection_args": {
                        "device_type": "cisco_ios",
                        "host": "192.0.2.11",
                        "username": "admin",
                        "password": "device-password",
                    },
                    "command": "show version",
                    "options": {"wait": 30},
                }
            ]
        }
    )

    connection_args: ConnectionArguments = Field(
        repr=False, description="How to reach and to enter the device; checked against the driver's model."
    )
    device: DeviceName


class BulkRequest(_Work):
    """The same work on many devices; each is validated, placed and timed on its own."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "driver": "netmiko",
                    "connection_args": {
                        "device_type": "cisco_ios",
                        "username": "admin",
                        "password": "device-password",
                    },
                    "devices": [{"host": "192.0.2.11"}, {"host": "192.0.2.12", "command": "show inventory"}],
                    "command": "show version",
                    "options": {"wait": 60},
                }
            ]
        }
    )

    connection_args: SharedConnectionArguments = Field(
        default_factory=dict, repr=False, description="What all devices share."
    )
    devices: list[BulkDevice] = Field(
        min_length=1,
        max_length=MOST_DEVICES,
        repr=False,
        description="Merged over connection_args. An entry may also hold `device`, `command` or `config` of its own.",
    )


class CommitRequest(TurnOptions):
    """Confirm a change that was made with ``revert_in``, or take it back."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "driver": "pyeapi",
                    "connection_args": {"host": "192.0.2.20", "username": "admin", "password": "device-password"},
                    "options": {"wait": 60},
                }
            ]
        }
    )

    driver: Driver
    connection_args: ConnectionArguments = Field(repr=False, description="As in /device/execute.")
    device: DeviceName
    job: str | None = Field(
        default=None,
        min_length=1,
        max_length=64,
        pattern=r"^[!-~]+$",
        description="Id of the job that made the change. Default: the one change of ours that waits on the device.",
    )
    options: TurnOptions = Field(default_factory=TurnOptions)


class TestConnectionRequest(BaseModel):
    """Log in to a device and out again; nothing is executed."""

    __test__ = False  # the name begins like a test class of pytest
    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        allow_inf_nan=False,
        json_schema_extra={
            "examples": [
                {
                    "driver": "netmiko",
                    "connection_args": {
                        "device_type": "cisco_ios",
                        "host": "192.0.2.11",
                        "username": "admin",
                        "password": "device-password",
                    },
                }
            ]
        },
    )

    driver: Driver
    connection_args: ConnectionArguments = Field(repr=False, description="As in /device/execute.")
    device: DeviceName
    timeout: float = Field(
        default=30.0, gt=0, le=300, description="Seconds for the login; waiting for a free worker may add up to 5."
    )
    queue_strategy: QueueStrategy = Field(
        default="fifo", description="`fifo`: a login of its own. `pinned`: on the device's worker, in its order."
    )


class ConnectionTest(BaseModel):
    """What a connection test found."""

    success: bool
    connection_time: float | None = Field(description="Seconds from dialling to the prompt; null when it failed.")
    error_message: str | None
    error: dict[str, Any] | None = Field(description="The error in full (type, code, phase, message, ...), or null.")
    device_info: dict[str, Any] | None = Field(description="What the driver learnt (prompt, platform, ...).")
    timestamp: datetime


class BulkFailure(BaseModel):
    """A device of a bulk request for which no job was made."""

    index: int = Field(description="Position in `devices`, from 0.")
    host: str | None
    reason: str
    error: str = Field(description="Code of the error.")
    retryable: bool
    details: list[dict[str, Any]]


class BulkAnswer(BaseModel):
    """Jobs and failures, each in the order of ``devices``."""

    succeeded: list[Job] = Field(description="Devices for which a job was made; with `wait`, ended jobs.")
    failed: list[BulkFailure]
