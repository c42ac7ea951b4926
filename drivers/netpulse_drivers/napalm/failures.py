"""What NAPALM and the libraries below it raise, as errors of the tree.

Exceptions are known by their qualified names, base classes included, so that libraries that are not installed need not
be imported.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from netpulse_drivers.errors import (
    AuthenticationFailed,
    CertificateUntrusted,
    CommandRefused,
    CommandTimeout,
    ConnectError,
    ConnectTimeout,
    DriverError,
    NegotiationFailed,
    ParseFailed,
    SessionLost,
    UnsupportedOperation,
)

_CONNECTING: dict[str, type[DriverError]] = {
    "napalm.base.exceptions.ConnectAuthError": AuthenticationFailed,
    "napalm.base.exceptions.ConnectTimeoutError": ConnectTimeout,
    "napalm.base.exceptions.UnsupportedVersion": UnsupportedOperation,
    "netmiko.exceptions.NetmikoAuthenticationException": AuthenticationFailed,
    "netmiko.exceptions.NetmikoTimeoutException": ConnectTimeout,
    "netmiko.exceptions.ReadTimeout": ConnectTimeout,
    "paramiko.ssh_exception.AuthenticationException": AuthenticationFailed,
    "paramiko.ssh_exception.IncompatiblePeer": NegotiationFailed,
    "paramiko.ssh_exception.SSHException": ConnectError,
    "jnpr.junos.exception.ConnectAuthError": AuthenticationFailed,
    "jnpr.junos.exception.ConnectTimeoutError": ConnectTimeout,
    "jnpr.junos.exception.ConnectError": ConnectError,
    "ncclient.transport.errors.AuthenticationError": AuthenticationFailed,
    "ncclient.transport.errors.TransportError": ConnectError,
    "ncclient.operations.errors.TimeoutExpiredError": ConnectTimeout,
    "napalm.nxapi_plumbing.errors.NXAPIAuthError": AuthenticationFailed,
    "napalm.nxapi_plumbing.errors.NXAPIConnectionError": ConnectError,
    "napalm.pyIOSXR.exceptions.ConnectError": ConnectError,
    "pyeapi.eapilib.ConnectionError": ConnectError,
    "requests.exceptions.SSLError": CertificateUntrusted,
    "requests.exceptions.Timeout": ConnectTimeout,
    "requests.exceptions.ConnectTimeout": ConnectTimeout,
    "requests.exceptions.ConnectionError": ConnectError,
    "napalm.base.exceptions.ConnectionException": ConnectError,
    "builtins.TimeoutError": ConnectTimeout,
    "builtins.OSError": ConnectError,
    "builtins.EOFError": ConnectError,
}
_WORKING: dict[str, type[DriverError]] = {
    "napalm.base.exceptions.ConnectionClosedException": SessionLost,
    "napalm.base.exceptions.CommandTimeoutException": CommandTimeout,
    "napalm.base.exceptions.ConnectionException": SessionLost,
    "napalm.base.exceptions.NapalmException": CommandRefused,
    "builtins.NotImplementedError": UnsupportedOperation,
    "netmiko.exceptions.ReadTimeout": CommandTimeout,
    "netmiko.exceptions.NetmikoTimeoutException": CommandTimeout,
    "netmiko.exceptions.ConfigInvalidException": CommandRefused,
    "jnpr.junos.exception.RpcTimeoutError": CommandTimeout,
    "jnpr.junos.exception.ConnectClosedError": SessionLost,
    "jnpr.junos.exception.ConnectError": SessionLost,
    "jnpr.junos.exception.RpcError": CommandRefused,
    "ncclient.operations.errors.TimeoutExpiredError": CommandTimeout,
    "ncclient.operations.rpc.RPCError": CommandRefused,
    "ncclient.transport.errors.TransportError": SessionLost,
    "napalm.nxapi_plumbing.errors.NXAPIPostError": CommandRefused,
    "napalm.nxapi_plumbing.errors.NXAPICommandError": CommandRefused,
    "napalm.nxapi_plumbing.errors.NXAPIError": SessionLost,
    "napalm.pyIOSXR.exceptions.TimeoutError": CommandTimeout,
    "napalm.pyIOSXR.exceptions.IteratorIDError": CommandRefused,
    "napalm.pyIOSXR.exceptions.XMLCLIError": CommandRefused,
    "napalm.pyIOSXR.exceptions.ConnectError": SessionLost,
    "requests.exceptions.Timeout": CommandTimeout,
    "requests.exceptions.RequestException": SessionLost,
    "paramiko.ssh_exception.SSHException": SessionLost,
    "builtins.TimeoutError": CommandTimeout,
    "builtins.OSError": SessionLost,
    "builtins.EOFError": SessionLost,
}


def connecting(error: Exception, where: str) -> DriverError | None:
    """What went wrong while logging in; None: a defect of the program."""
    known = _of_tree(error)
    if known is not None:
        return known
    kind = _kind(error, _CONNECTING)
    if kind is None:
        return None
    said = _said(error)
    if kind is AuthenticationFailed:
        return AuthenticationFailed(f"{where} refused user name or password", device_output=said)
    if kind is ConnectTimeout:
        return ConnectTimeout(f"{where} did not answer in time: {said}")
    if kind is CertificateUntrusted:
        return CertificateUntrusted(
            f"the certificate of {where} cannot be verified: {said}; give its authority as ca, or accept any "
            "certificate by verify: false"
        )
    return kind(f"no session with {where}: {said}")


def working(error: Exception, what: str) -> DriverError | None:
    """What went wrong while a session was used; None: a defect of the program."""
    known = _of_tree(error)
    if known is not None:
        return known
    kind = _kind(error, _WORKING)
    if kind is None:
        return None
    said = _said(error)
    if kind is UnsupportedOperation:
        reason = f": {said}" if str(error).strip() else ""
        return UnsupportedOperation(f"NAPALM's driver for this platform cannot do {what}{reason}")
    if kind is CommandRefused:
        return CommandRefused(f"{what} was refused: {_summary(said)}", device_output=said)
    return kind(f"{what}: {said}")


def misread(error: Exception, what: str) -> ParseFailed | None:
    """A getter stumbled over what the device answered; None: it is something else.

    NAPALM takes answers apart without looking whether they are what it expects.
    """
    if not isinstance(error, LookupError | ValueError | TypeError | AttributeError | ArithmeticError):
        return None
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(frame.filename).name} line {frame.lineno}"
    return ParseFailed(
        f"NAPALM's {what} could not read the device's answer ({type(error).__name__} in {where}: "
        f"{_said(error)[:200]}); the release may be one that it does not know"
    )


def _summary(said: str) -> str:
    """One line of a text that may be long: its first, and the first refusal in it with the line that was refused."""
    lines = [line.strip() for line in said.splitlines() if line.strip().strip("^")]
    refusal = next((number for number, line in enumerate(lines) if line.startswith("%")), 0)
    if not refusal:
        return lines[0] if lines else "without a reason"
    return f"{lines[0]} '{lines[refusal - 1]}': {lines[refusal]}"


def _of_tree(error: Exception) -> DriverError | None:
    """The error below NAPALM's own: it wraps what it does not know, and tells less of what it does."""
    for cause in _chain(error):
        if isinstance(cause, DriverError):
            return cause
        if _qualified(type(cause)) == "pyeapi.eapilib.CommandError":
            return _eapi(cause)
    return None


def _eapi(error: Any) -> DriverError:
    from netpulse_drivers.pyeapi.refusals import refusal  # noqa: PLC0415 - imports pyeapi

    commands = [item["cmd"] if isinstance(item, dict) else str(item) for item in error.commands or []]
    enabling = 1 if commands[:1] == ["enable"] else 0
    return refusal(error, commands[enabling:], offset=enabling)


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def _kind(error: Exception, table: dict[str, type[DriverError]]) -> type[DriverError] | None:
    for cls in type(error).__mro__:
        found = table.get(_qualified(cls))
        if found is not None:
            return found
    return None


def _qualified(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _said(error: Exception) -> str:
    text = str(error).strip()
    return text[:4000] if text else type(error).__name__
