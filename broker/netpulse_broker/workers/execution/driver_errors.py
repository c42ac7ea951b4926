"""What drivers raise that is not of the error tree.

What the standard library says about a broken or silent connection becomes the matching error, so that a small plug-in
driver needs no translation of its own; anything else is a defect and is logged with its traceback.
"""

from __future__ import annotations

import errno
import secrets
import socket
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from netpulse_broker.errors import InternalError
from netpulse_broker.telemetry.redaction import Redactor
from netpulse_broker.workers.execution.running_job import RunningJob
from netpulse_drivers import CommandTimeout, ConnectError, ConnectTimeout, SessionLost

log = structlog.get_logger(__name__)

_NETWORK_ERRNO = frozenset(
    {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN, errno.EADDRNOTAVAIL, errno.EBADF}
)


@contextmanager
def login_errors() -> Iterator[None]:
    """What the standard library says of a connection that is being made, as an error of the tree.

    Raises:
        ConnectTimeout, ConnectError
    """
    try:
        yield
    except TimeoutError as error:
        raise ConnectTimeout(f"the device did not answer in time: {_said(error)}") from error
    except socket.gaierror as error:
        raise ConnectError(f"the device's name could not be resolved: {_said(error)}") from error
    except OSError as error:
        if not _is_network(error):
            raise
        raise ConnectError(f"no connection to the device: {_said(error)}") from error
    except EOFError as error:
        raise ConnectError("the device closed the connection during login") from error


@contextmanager
def session_errors() -> Iterator[None]:
    """The same while a session is in use.

    Raises:
        CommandTimeout, SessionLost
    """
    try:
        yield
    except TimeoutError as error:
        raise CommandTimeout(f"the device did not answer in time: {_said(error)}") from error
    except OSError as error:
        if not _is_network(error):
            raise
        raise SessionLost(f"the session broke: {_said(error)}") from error
    except EOFError as error:
        raise SessionLost("the device closed the session") from error


def _said(error: OSError) -> str:
    return str(error) or type(error).__name__


def _is_network(error: OSError) -> bool:
    if isinstance(error, ConnectionError):
        return True
    return type(error) is OSError and (error.errno is None or error.errno in _NETWORK_ERRNO)


def defect(error: Exception, running: RunningJob, redactor: Redactor) -> InternalError:
    """Log it with its traceback, under the reference that the error names."""
    if running.aborted:
        return InternalError("aborted")  # the consequence of the abort; the caller replaces it
    reference = secrets.token_hex(4)
    log.error(
        "job_defect",
        job=running.id,
        reference=reference,
        traceback=redactor.text("".join(traceback.format_exception(error))),
    )
    return InternalError(f"unexpected {type(error).__name__} while the job ran; the worker's log has it as {reference}")
