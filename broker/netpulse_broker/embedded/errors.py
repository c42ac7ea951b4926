"""What can go wrong on this machine before there is a broker to answer requests."""

from __future__ import annotations

from typing import ClassVar

from netpulse_drivers.errors import NetPulseError, Phase


class EmbeddedServerError(NetPulseError):
    """The private server cannot be started or reached; the message says why and what to do."""

    code: ClassVar[str] = "embedded_server"
    phase: ClassVar[Phase] = "queue"


class StateDirectoryError(NetPulseError):
    """The state directory, or a file in it, cannot be used; the message says why and what to do."""

    code: ClassVar[str] = "state_directory"
    phase: ClassVar[Phase] = "validate"


class AlreadyRunning(StateDirectoryError):
    """Another supervisor serves this state directory; the message names its process."""

    code: ClassVar[str] = "already_running"
