"""A community driver, napalm-linux, against a real sshd host: a wire that the driver brings itself."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable

import pytest

from netpulse_drivers import AuthenticationFailed, ConnectError, SessionStale, UnsupportedOperation
from tests.conformance.napalm.conftest import Client
from tests.lab.real import SshdHost

pytestmark = [
    pytest.mark.sshd,
    pytest.mark.skipif(
        importlib.util.find_spec("napalm_linux") is None and os.environ.get("CI", "").lower() not in {"true", "1"},
        reason="napalm-linux is not installed; its paramiko differs from ours: pip install --no-deps napalm-linux "
        "napalm-device-types",
    ),
    # the library's, not ours
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture
def linux(make_client: Callable[..., Client], sshd_host: SshdHost) -> Client:
    device = sshd_host.device
    options = {"port": device.port}
    if device.password is None:
        options |= {"use_keys": True, **device.key()}
    client = make_client(
        device_type="linux",
        host=device.host,
        username=device.username,
        password=device.password or "",
        optional_args=options,
    )
    client.connect()
    return client


def test_getters(linux: Client) -> None:
    facts = linux.query("get_facts").output
    assert facts["hostname"]
    assert "lo" in linux.query("get_interfaces").output
    with pytest.raises(UnsupportedOperation, match="cannot do CLI command 'echo 12345'"):
        linux.query("echo 12345")  # the driver has no cli()
    assert linux.keepalive()
    assert linux.driver.is_alive(linux.session)


def test_no_configuration(linux: Client) -> None:
    with pytest.raises(UnsupportedOperation):
        linux.change("anything")
    assert linux.query("get_facts").output["hostname"]


def test_closed_below(linux: Client) -> None:
    linux.driver.abort(linux.session)
    assert not linux.driver.is_alive(linux.session)
    with pytest.raises(SessionStale):
        linux.query("get_facts")


def test_wrong_password(make_client: Callable[..., Client], sshd_host: SshdHost) -> None:
    device = sshd_host.device
    client = make_client(
        device_type="linux",
        host=device.host,
        username=device.username,
        password="wrong-password-here",
        optional_args={"port": device.port, "use_keys": False, "allow_agent": False},
    )
    with pytest.raises((AuthenticationFailed, ConnectError)) as caught:
        client.connect()
    assert "wrong-password-here" not in str(caught.value.to_dict())
