"""Drivers: how NetPulse speaks to a kind of device. This module is the public surface for driver authors."""

from __future__ import annotations

from netpulse_drivers.base import (
    CONTRACT_VERSION,
    BaseDriver,
    Call,
    ChangeRequest,
    ConnectionArgs,
    EnsurePolicy,
    OpenArgs,
    OperationArgs,
    QueueStrategy,
)
from netpulse_drivers.deadline import Deadline
from netpulse_drivers.errors import (
    AuthenticationFailed,
    CommandRefused,
    CommandTimeout,
    ConnectError,
    ConnectTimeout,
    DriverError,
    HostKeyMismatch,
    InvalidArguments,
    NegotiationFailed,
    NetPulseError,
    ParseFailed,
    PrivilegeRefused,
    PromptNotFound,
    SessionLost,
    SessionRefused,
    SessionStale,
    UnknownDriver,
    UnsupportedOperation,
)
from netpulse_drivers.registry import DriverRegistry, PluginFailure
from netpulse_drivers.results import ChangeResult, Output

__all__ = [
    "CONTRACT_VERSION",
    "AuthenticationFailed",
    "BaseDriver",
    "Call",
    "ChangeRequest",
    "ChangeResult",
    "CommandRefused",
    "CommandTimeout",
    "ConnectError",
    "ConnectTimeout",
    "ConnectionArgs",
    "Deadline",
    "DriverError",
    "DriverRegistry",
    "EnsurePolicy",
    "HostKeyMismatch",
    "InvalidArguments",
    "NegotiationFailed",
    "NetPulseError",
    "OpenArgs",
    "OperationArgs",
    "Output",
    "ParseFailed",
    "PluginFailure",
    "PrivilegeRefused",
    "PromptNotFound",
    "QueueStrategy",
    "SessionLost",
    "SessionRefused",
    "SessionStale",
    "UnknownDriver",
    "UnsupportedOperation",
]
