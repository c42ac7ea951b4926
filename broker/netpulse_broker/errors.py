"""The broker's part of the error tree; its root and the drivers' part stand in ``netpulse_drivers.errors``.

    NetPulseError                      code                    phase      HTTP   retryable
    ├── DriverError                    (see netpulse_drivers.errors; always inside a failed job)
    └── BrokerError
        ├── BadRequest                 bad_request             validate   400    no
        ├── TemplateFailed             template_failed         validate   400    no
        ├── Unauthenticated            unauthenticated         validate   401    no
        ├── Forbidden                  forbidden               validate   403    no
        ├── NotFound                   not_found               validate   404    no
        │   ├── UnknownJob             unknown_job             validate   404    no
        │   ├── UnknownSession         unknown_session         validate   404    no
        │   ├── UnknownDelivery        unknown_delivery        validate   404    no
        │   ├── UnknownDevice          unknown_device          validate   404    no
        │   ├── UnknownNode            unknown_node            validate   404    no
        │   └── UnknownWorker          unknown_worker          validate   404    no
        ├── Conflict                   conflict                validate   409    no
        │   ├── IdempotencyConflict    idempotency_conflict    validate   409    no
        │   └── ExchangeOrder          exchange_order          validate   409    no
        ├── MethodNotAllowed           method_not_allowed      validate   405    no
        ├── TooLarge                   too_large               validate   413    no
        ├── RequestTooSlow             request_too_slow        validate   408    yes
        ├── HeadersTooLarge            headers_too_large       validate   431    no
        ├── InvalidRequest             invalid_request         validate   422    no
        ├── TooManyRequests            too_many_requests       validate   429    yes
        ├── DeviceFailure              device_failure          connect    502    no     holds the driver's error
        ├── NoWorker                   no_worker               queue      503    yes
        ├── QueueUnavailable           queue_unavailable       queue      503    yes
        ├── TemplatesUnavailable       templates_unavailable   validate   503    yes
        ├── WaitTimedOut               wait_timed_out          queue      504    yes
        ├── JobExpired                 job_expired             queue      -      yes    inside a failed job
        ├── JobUnreadable              job_unreadable          queue      -      no     inside a failed job
        ├── LoginLimited               login_limited           connect    -      yes    inside a failed job
        ├── LoginSuspended             login_suspended         auth       -      no     inside a failed job
        ├── JobCanceled                job_canceled            queue      -      no     inside a canceled job
        ├── JobStopped                 job_stopped             execute    -      no     inside a stopped job
        ├── WorkerLost                 worker_lost             execute    -      no     inside a failed job
        ├── LeaseLost                  lease_lost              execute    -      no     inside a failed job
        ├── WebhookFailed              webhook_failed          execute    -      yes    inside a failed delivery
        │   └── WebhookRefused         webhook_failed          execute    -      no     the same, for good
        └── InternalError              internal_error          execute    500    no

A job that ended without a worker's own account (lost, expired, canceled) carries only the code in Redis;
``error_from_code`` gives the full error for it.
"""

from __future__ import annotations

from typing import Any, ClassVar

from netpulse_drivers.errors import NetPulseError


class BrokerError(NetPulseError):
    """Root of the broker's own errors.

    Attributes:
        http_status: status of the answer when the error ends a request.
        retry_after: seconds for the Retry-After header, or None.
    """

    http_status: ClassVar[int] = 500
    retry_after: float | None = None


class BadRequest(BrokerError):
    """The body validates field by field, but cannot be carried out."""

    code = "bad_request"
    phase = "validate"
    http_status = 400


class TemplateFailed(BrokerError):
    """A template is malformed, or cannot be rendered; ``details`` has the line."""

    code = "template_failed"
    phase = "validate"
    http_status = 400


class Unauthenticated(BrokerError):
    """No API key."""

    code = "unauthenticated"
    phase = "validate"
    http_status = 401


class Forbidden(BrokerError):
    """A wrong API key, or one that may not do this."""

    code = "forbidden"
    phase = "validate"
    http_status = 403


class NotFound(BrokerError):
    """No such thing."""

    code = "not_found"
    phase = "validate"
    http_status = 404


class UnknownJob(NotFound):
    """No job has this id, or its result has expired."""

    code = "unknown_job"


class UnknownSession(NotFound):
    """No interactive session has this id (any more); the message says why it ended."""

    code = "unknown_session"


class UnknownDelivery(NotFound):
    """No undelivered webhook has this id."""

    code = "unknown_delivery"


class UnknownDevice(NotFound):
    """The broker has nothing to do with this device: no worker, no waiting job, no pause."""

    code = "unknown_device"


class UnknownNode(NotFound):
    """No node has this name."""

    code = "unknown_node"


class UnknownWorker(NotFound):
    """No worker matches."""

    code = "unknown_worker"


class Conflict(BrokerError):
    """The thing is in a state that does not allow this."""

    code = "conflict"
    phase = "validate"
    http_status = 409


class IdempotencyConflict(Conflict):
    """An idempotency key was used again with another request, or after its job's result has expired."""

    code = "idempotency_conflict"


class ExchangeOrder(Conflict):
    """An exchange out of its order: a number was left out, or its answer is no longer kept."""

    code = "exchange_order"


class DeviceFailure(BrokerError):
    """The device could not be brought to an interactive session, or refused a file; the answer has its error.

    Attributes:
        cause: the error of the attempt, as it stands in a job's result.
    """

    code = "device_failure"
    phase = "connect"
    http_status = 502

    def __init__(self, cause: dict[str, Any]) -> None:
        super().__init__(
            cause["message"], device_output=cause.get("device_output", ""), details=cause.get("details", ())
        )
        self.cause = cause


class TooLarge(BrokerError):
    """The request body is larger than the controller accepts."""

    code = "too_large"
    phase = "validate"
    http_status = 413


class HeadersTooLarge(BrokerError):
    """The request's headers are larger than the controller accepts; the connection is closed."""

    code = "headers_too_large"
    phase = "validate"
    http_status = 431


class RequestTooSlow(BrokerError):
    """The request did not come in time; nothing was done and the connection is closed."""

    code = "request_too_slow"
    phase = "validate"
    http_status = 408
    retryable = True


class MethodNotAllowed(BrokerError):
    """The path exists, but not for this method."""

    code = "method_not_allowed"
    phase = "validate"
    http_status = 405


class InvalidRequest(BrokerError):
    """The request does not validate; ``details`` has one entry (loc, msg, type) per problem, never the input."""

    code = "invalid_request"
    phase = "validate"
    http_status = 422


class TooManyRequests(BrokerError):
    """The controller has as many requests in hand as it takes at a time."""

    code = "too_many_requests"
    phase = "validate"
    http_status = 429
    retryable = True
    retry_after = 1.0


class NoWorker(BrokerError):
    """No node can take the device now."""

    code = "no_worker"
    phase = "queue"
    http_status = 503
    retryable = True

    def __init__(self, message: str, *, retry_after: float = 2.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class QueueUnavailable(BrokerError):
    """Redis cannot be reached; nothing was accepted."""

    code = "queue_unavailable"
    phase = "queue"
    http_status = 503
    retryable = True

    def __init__(self, message: str, *, retry_after: float = 2.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TemplatesUnavailable(BrokerError):
    """The process that works on templates cannot be reached; it is started again by itself."""

    code = "templates_unavailable"
    phase = "validate"
    http_status = 503
    retryable = True
    retry_after = 1.0


class WaitTimedOut(BrokerError):
    """The answer was to be waited for, and the time for it ran out."""

    code = "wait_timed_out"
    phase = "queue"
    http_status = 504
    retryable = True


class JobExpired(BrokerError):
    """The job's ``ttl`` ran out before a worker could take it; nothing was sent to the device."""

    code = "job_expired"
    phase = "queue"
    retryable = True


class JobUnreadable(BrokerError):
    """The sealed job could not be opened: another master key, or it was tampered with. Nothing was executed."""

    code = "job_unreadable"
    phase = "queue"


class LoginLimited(BrokerError):
    """The turn to log in did not come within the job's time; nothing was sent to the device."""

    code = "login_limited"
    phase = "connect"
    retryable = True


class LoginSuspended(BrokerError):
    """The credential was refused before and is not tried for a while; nothing was sent to the device.

    ``details`` say until when, where, why, and by which handle it can be reset.
    """

    code = "login_suspended"
    phase = "auth"


class JobCanceled(BrokerError):
    """Canceled before a worker took it; nothing was sent to the device."""

    code = "job_canceled"
    phase = "queue"


class JobStopped(BrokerError):
    """Stopped while it ran; what the device had been sent by then stands in the outputs."""

    code = "job_stopped"


class WorkerLost(BrokerError):
    """The worker died while the job ran: what the device did with it is not known."""

    code = "worker_lost"


class LeaseLost(BrokerError):
    """The worker lost the right to the device before the job had ended; it wrote nothing after that."""

    code = "lease_lost"


class WebhookFailed(BrokerError):
    """The receiver of a webhook could not be reached, or answered with something else than 2xx."""

    code = "webhook_failed"
    retryable = True


class WebhookRefused(WebhookFailed):
    """A webhook that another attempt would not deliver either: its target is not allowed, or wants no more of them."""

    retryable = False


class InternalError(BrokerError):
    """A defect of the broker itself; the log has the traceback under the reference in the message."""

    code = "internal_error"


_CODE_MESSAGES: dict[type[BrokerError], str] = {
    JobExpired: "the job waited longer than its ttl and was not executed",
    JobUnreadable: "the sealed job could not be opened and was not executed; check that all roles share one master key",
    JobCanceled: "the job was canceled before it was executed",
    JobStopped: "the job was stopped while it ran",
    WorkerLost: "the worker died during the job; whether the device carried it out is unknown: look before repeating",
    LeaseLost: "the worker lost the right to the device while the job ran",
}


def error_from_code(code: str) -> NetPulseError:
    """The error of a job that ended without a worker's account of it, from the code in Redis."""
    for kind, message in _CODE_MESSAGES.items():
        if kind.code == code:
            return kind(message)
    return InternalError(f"the job ended with the unknown error code {code!r}")
