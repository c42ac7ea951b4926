"""The errors that a driver raises, and the root of the whole product's error tree.

    NetPulseError                      code                    phase      retryable
    └── DriverError
        ├── InvalidArguments           invalid_arguments       validate   no
        ├── UnsupportedOperation       unsupported_operation   validate   no
        ├── UnknownDriver              unknown_driver          validate   no
        ├── ConnectError               device_unreachable      connect    yes
        │   ├── ConnectTimeout         connect_timeout         connect    yes
        │   ├── NegotiationFailed      negotiation_failed      connect    no
        │   ├── HostKeyMismatch        host_key_mismatch       connect    no
        │   ├── CertificateUntrusted   certificate_untrusted   connect    no
        │   ├── ForwardingRefused      forwarding_refused      connect    no
        │   ├── DestinationRefused     destination_refused     connect    no
        │   ├── SessionRefused         session_refused         connect    yes
        │   │   └── SessionLimit       session_limit           connect    yes
        │   └── PromptNotFound         prompt_not_found        connect    no
        ├── AuthenticationFailed       authentication_failed   auth       no
        │   ├── PasswordExpired        password_expired        auth       no
        │   └── LoginMethodUnavailable authentication_failed   auth       no
        ├── PrivilegeRefused           privilege_refused       privilege  no
        ├── CommandRefused             command_refused         execute    no
        │   ├── CandidateDirty         candidate_dirty         execute    no
        │   └── NothingPending         nothing_pending         execute    no
        ├── OutputTooLarge             output_too_large        execute    no
        ├── CommandTimeout             command_timeout         execute    yes
        ├── SessionLost                session_lost            execute    yes
        ├── SessionStale               session_stale           execute    yes
        └── ParseFailed                parse_failed            parse      no
            └── TemplateRefused        parse_failed            parse      no

``netpulse_broker.errors`` continues the tree from ``NetPulseError``. Every error says in one line what went wrong and,
where something can be done, what to do. ``session_usable`` tells the worker whether the session that raised it may be
kept: after a refused command it may, after a timeout it may not, because nobody knows what the device is waiting for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

if TYPE_CHECKING:
    from netpulse_drivers.results import Output

Phase = Literal["validate", "queue", "connect", "auth", "privilege", "execute", "parse"]


class NetPulseError(Exception):
    """Root of all errors that may reach a caller.

    Attributes:
        code: stable machine-readable name, e.g. ``authentication_failed``.
        phase: where in a job's life it happened.
        retryable: whether the same request may succeed later without being changed.
        message: one line for people; never holds a secret.
        device_output: the device's own text, verbatim, or "".
        details: further structured facts, a list of flat objects.
    """

    code: ClassVar[str] = "internal_error"
    phase: ClassVar[Phase] = "execute"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, device_output: str = "", details: Sequence[dict[str, Any]] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.device_output = device_output
        self.details = list(details)

    def to_dict(self) -> dict[str, Any]:
        """The error as it stands in a job's result: type, code, phase, retryable, message, device_output, details."""
        return {
            "type": type(self).__name__,
            "code": self.code,
            "phase": self.phase,
            "retryable": self.retryable,
            "message": self.message,
            "device_output": self.device_output,
            "details": self.details,
        }


class DriverError(NetPulseError):
    """Root of what a driver may raise.

    Attributes:
        session_usable: False when the session that raised it must be closed. Each class has its rule; a driver that
            knows better (an enable question left open) says so for the one error.
        outputs: what the failing operation had completed or received before it failed, in order; the job's result
            keeps these.
    """

    session_usable: bool = True

    def __init__(
        self,
        message: str,
        *,
        device_output: str = "",
        details: Sequence[dict[str, Any]] = (),
        outputs: Sequence[Output] = (),
        session_usable: bool | None = None,
    ) -> None:
        super().__init__(message, device_output=device_output, details=details)
        self.outputs = list(outputs)
        if session_usable is not None:
            self.session_usable = session_usable


class InvalidArguments(DriverError):
    """connection_args or driver_args that this driver cannot take; raised before anything is sent."""

    code = "invalid_arguments"
    phase = "validate"


class UnsupportedOperation(DriverError):
    """The driver (or this platform of it) has no such operation, e.g. a diff on a device without candidate config."""

    code = "unsupported_operation"
    phase = "validate"


class UnknownDriver(DriverError):
    """No driver of that name is registered, or the plug-in that brings it failed to load.

    Attributes:
        known: the names that can be used, sorted.
    """

    code = "unknown_driver"
    phase = "validate"

    def __init__(self, message: str, *, known: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.known = list(known)


class ConnectError(DriverError):
    """No connection: name not resolved, refused, no route, reset before login."""

    code = "device_unreachable"
    phase = "connect"
    retryable = True
    session_usable = False


class ConnectTimeout(ConnectError):
    """The device did not answer within the connect deadline (TCP, SSH banner or login prompt)."""

    code = "connect_timeout"


class NegotiationFailed(ConnectError):
    """No common SSH algorithm; the message names what each side offers."""

    code = "negotiation_failed"
    retryable = False


class HostKeyMismatch(ConnectError):
    """The device's host key differs from the known one, or is unknown where only known keys are accepted."""

    code = "host_key_mismatch"
    retryable = False


class CertificateUntrusted(ConnectError):
    """The device's TLS certificate could not be verified; the message names the arguments that settle it."""

    code = "certificate_untrusted"
    retryable = False


class ForwardingRefused(ConnectError):
    """A jump host took the login but may not or will not open a connection to the device."""

    code = "forwarding_refused"
    retryable = False


class DestinationRefused(ConnectError):
    """The operator's settings let no login go there; nothing was dialled."""

    code = "destination_refused"
    retryable = False


class SessionRefused(ConnectError):
    """The device took the login but gave no session: all VTY lines in use, or a session limit."""

    code = "session_refused"


class SessionLimit(SessionRefused):
    """The device says that it has as many sessions as it takes; its words stand in the message."""

    code = "session_limit"


class PromptNotFound(ConnectError):
    """Logged in, but no command prompt was recognised; ``device_output`` holds what the device sent."""

    code = "prompt_not_found"
    retryable = False


class DeviceTypeUnknown(ConnectError):
    """Logged in with ``device_type: autodetect``, but nothing that the device shows tells its platform;
    ``device_output`` holds its last answer.
    """

    code = "device_type_unknown"
    retryable = False


class AuthenticationFailed(DriverError):
    """The device refused user name, password or key."""

    code = "authentication_failed"
    phase = "auth"
    session_usable = False


class PasswordExpired(AuthenticationFailed):
    """The password is right but must be changed first; the device's words stand in the message. No new one is typed."""

    code = "password_expired"


class LoginMethodUnavailable(AuthenticationFailed):
    """The device takes no login of this kind, e.g. keys only, or asks what has no answer: no credential was judged."""


class PrivilegeRefused(DriverError):
    """The enable secret was refused, or the user may not raise the privilege level."""

    code = "privilege_refused"
    phase = "privilege"


class CommandRefused(DriverError):
    """The device answered a command or a configuration line with an error of its own."""

    code = "command_refused"


class CandidateDirty(CommandRefused):
    """The device's candidate configuration holds edits that nobody committed; no line of the change was typed."""

    code = "candidate_dirty"


class NothingPending(CommandRefused):
    """No commit waits for its confirmation on the device, or not the one that was meant; nothing was done."""

    code = "nothing_pending"


class OutputTooLarge(DriverError):
    """The device answered with more than a result may hold; nothing of it is kept. Narrow the command."""

    code = "output_too_large"


class CommandTimeout(DriverError):
    """No full prompt came back in time. The device may wait for an answer: the session is closed, nothing typed."""

    code = "command_timeout"
    retryable = True
    session_usable = False


class SessionLost(DriverError):
    """The session broke after something had been written: what the device did with it is not known."""

    code = "session_lost"
    retryable = True
    session_usable = False


class SessionStale(DriverError):
    """A kept session was found dead *before* anything was written; the worker reconnects and goes on."""

    code = "session_stale"
    retryable = True
    session_usable = False


class ParseFailed(DriverError):
    """The output could not be parsed as asked; the raw output is kept."""

    code = "parse_failed"
    phase = "parse"


class TemplateRefused(ParseFailed):
    """The template itself is malformed, or uses what templates of requests must not: no output would parse."""
