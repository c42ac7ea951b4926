"""Errors of the supervisor; they end the command with a message on standard error."""

from __future__ import annotations

from typing import ClassVar

from netpulse_drivers.errors import NetPulseError, Phase


class AddressInUse(NetPulseError):
    """The controller's address cannot be listened on; the message says why and what to do."""

    code: ClassVar[str] = "address_in_use"
    phase: ClassVar[Phase] = "validate"


class RoleFailed(NetPulseError):
    """A role ended, or was not ready in time, while everything was being started; with the end of its log."""

    code: ClassVar[str] = "role_failed"
    phase: ClassVar[Phase] = "queue"


class TrialNotPossible(NetPulseError):
    """A driver cannot be tried as asked: unknown driver, profile or device; the message says what to change."""

    code: ClassVar[str] = "trial_not_possible"
    phase: ClassVar[Phase] = "validate"
