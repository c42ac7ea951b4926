"""What NAPALM's libraries raise, as errors of the tree."""

from __future__ import annotations

from typing import Any

import pytest

from netpulse_drivers import (
    AuthenticationFailed,
    CertificateUntrusted,
    CommandRefused,
    CommandTimeout,
    ConnectError,
    ConnectTimeout,
    SessionLost,
    UnsupportedOperation,
)
from netpulse_drivers.napalm.failures import connecting, working

napalm_exceptions: Any = pytest.importorskip("napalm.base.exceptions")
junos_exceptions: Any = pytest.importorskip("jnpr.junos.exception")
ncclient_errors: Any = pytest.importorskip("ncclient.transport.errors")
requests_exceptions: Any = pytest.importorskip("requests.exceptions")
netmiko_exceptions: Any = pytest.importorskip("netmiko.exceptions")


class Junos:
    """What jnpr's connection errors look at."""

    hostname, _hostname, user, port = "r1", "r1", "admin", 830


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (napalm_exceptions.ConnectAuthError("x"), AuthenticationFailed),
        (napalm_exceptions.ConnectTimeoutError("x"), ConnectTimeout),
        (napalm_exceptions.ConnectionException("x"), ConnectError),
        (napalm_exceptions.UnsupportedVersion("4.20"), UnsupportedOperation),
        (netmiko_exceptions.NetmikoAuthenticationException("x"), AuthenticationFailed),
        (junos_exceptions.ConnectAuthError(Junos()), AuthenticationFailed),
        (junos_exceptions.ConnectRefusedError(Junos()), ConnectError),
        (ncclient_errors.AuthenticationError("x"), AuthenticationFailed),
        (ncclient_errors.SSHError("x"), ConnectError),
        (requests_exceptions.SSLError("x"), CertificateUntrusted),
        (requests_exceptions.ConnectTimeout("x"), ConnectTimeout),
        (requests_exceptions.ConnectionError("x"), ConnectError),
        (TimeoutError("x"), ConnectTimeout),
        (ConnectionRefusedError("x"), ConnectError),
    ],
)
def test_while_connecting(error: Exception, kind: type[Exception]) -> None:
    assert type(connecting(error, "r1")) is kind


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (napalm_exceptions.MergeConfigException("% bad line"), CommandRefused),
        (napalm_exceptions.SessionLockedException("locked"), CommandRefused),
        (napalm_exceptions.ConnectionClosedException("x"), SessionLost),
        (napalm_exceptions.CommandTimeoutException("x"), CommandTimeout),
        (NotImplementedError(), UnsupportedOperation),
        (netmiko_exceptions.ReadTimeout("x"), CommandTimeout),
        (requests_exceptions.ReadTimeout("x"), CommandTimeout),
        (ncclient_errors.SessionCloseError("x"), SessionLost),
        (BrokenPipeError("x"), SessionLost),
    ],
)
def test_while_working(error: Exception, kind: type[Exception]) -> None:
    assert type(working(error, "get_facts")) is kind


def test_wrapped_errors_of_the_tree_come_out() -> None:
    inner = SessionLost("the connection broke")
    outer = napalm_exceptions.CommandErrorException("Unable to execute")
    outer.__context__ = inner
    assert working(outer, "cli") is inner


def test_defects_stay_defects() -> None:
    assert working(KeyError("interfaces"), "get_interfaces") is None
    assert connecting(AttributeError("x"), "r1") is None
