"""Every way in which a login can fail, as the driver must report it."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from netpulse_drivers import (
    AuthenticationFailed,
    ConnectError,
    ConnectTimeout,
    NegotiationFailed,
    SessionRefused,
)
from netpulse_lab import SimulatedDevice, SimulatorLab
from tests.conformance.netmiko.conftest import Client

NewDevice = Callable[..., SimulatedDevice]
ClientOf = Callable[..., Client]


def test_wrong_password_is_no_retryable_connect_error(
    new_device: NewDevice, client_of: ClientOf, lab: SimulatorLab
) -> None:
    device = new_device()
    with pytest.raises(AuthenticationFailed) as caught:
        client_of(device, password="wrong-password").connect()
    assert not caught.value.retryable
    assert "wrong-password" not in str(caught.value.to_dict())
    assert lab.counters(device).logins == 0


def test_refused_port_says_unreachable(new_device: NewDevice, client_of: ClientOf, lab: SimulatorLab) -> None:
    device = new_device()
    client = client_of(device)
    lab.remove(device)
    with pytest.raises(ConnectError, match="Connection refused") as caught:
        client.connect()
    assert caught.value.code == "device_unreachable"
    lab.add(name=device.name)  # the fixture removes it


def test_name_that_does_not_resolve(make_client: Callable[..., Client]) -> None:
    client = make_client(device_type="cisco_ios", host="no-such-host.invalid", username="u", password="p")
    with pytest.raises(ConnectError, match="cannot be resolved"):
        client.connect()


@pytest.mark.parametrize(
    ("faults", "error"),
    [
        ({"on_connect": "rst"}, ConnectError),
        ({"on_connect": "close"}, ConnectError),
        ({"on_connect": "hang"}, ConnectTimeout),
        ({"banner_delay": 30.0}, ConnectTimeout),
        ({"auth_delay": 30.0}, ConnectTimeout),
        ({"on_login": "rst"}, SessionRefused),
        ({"on_login": "close"}, SessionRefused),
        ({"on_login": "hang"}, ConnectTimeout),
        ({"on_login": "freeze"}, ConnectTimeout),
        ({"frozen": True}, ConnectTimeout),
        ({"session_limit": 0, "session_limit_at": "connect"}, ConnectError),
        ({"session_limit": 0, "session_limit_at": "login"}, SessionRefused),
    ],
    ids=lambda value: "-".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, dict) else value.__name__,
)
def test_login_that_fails_names_its_cause(
    new_device: NewDevice, client_of: ClientOf, faults: dict[str, Any], error: type[ConnectError]
) -> None:
    # Short only where the fault is silence: what the device says is waited for.
    patience = {"timeout": 1.5, "banner_timeout": 0.8, "auth_timeout": 0.8} if error is ConnectTimeout else {}
    client = client_of(new_device(faults=faults), **patience)
    with pytest.raises(ConnectError) as caught:
        client.connect()
    assert type(caught.value) is error, caught.value
    assert caught.value.retryable


def test_slow_banner_is_waited_for(new_device: NewDevice, client_of: ClientOf) -> None:
    device = new_device()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        relay = threading.Thread(target=relay_late, args=(listener, (device.host, device.port), 0.3), daemon=True)
        relay.start()
        client = client_of(device, port=listener.getsockname()[1])
        client.connect()
        assert "Cisco IOS" in client.query("show version").output
        client.close()
        relay.join(60)
    assert not relay.is_alive()


def relay_late(listener: socket.socket, target: tuple[str, int], delay: float) -> None:
    """Serve one connection: nothing is said for ``delay`` seconds, then everything is passed on both ways."""
    near, _ = listener.accept()
    with near:
        time.sleep(delay)
        with socket.create_connection(target) as far:
            other = {near: far, far: near}
            while True:
                for source in select.select([near, far], [], [])[0]:
                    try:
                        data = source.recv(65_536)
                    except ConnectionResetError:
                        return
                    if not data:
                        return
                    other[source].sendall(data)


def test_the_calls_deadline_bounds_the_login(new_device: NewDevice, client_of: ClientOf) -> None:
    client = client_of(new_device(faults={"on_connect": "hang"}), banner_timeout=60, timeout=60)
    with pytest.raises(ConnectTimeout):
        client.connect(within=0.5)


def test_session_limit_says_so_and_keeps_the_text(new_device: NewDevice, client_of: ClientOf) -> None:
    device = new_device(faults={"session_limit": 1})
    client_of(device).connect()
    with pytest.raises(SessionRefused) as caught:
        client_of(device).connect()
    assert caught.value.phase == "connect"


def test_wrong_device_type_shows_what_the_device_said(new_device: NewDevice, client_of: ClientOf) -> None:
    device = new_device()
    client = client_of(device, device_type="linux", timeout=2)
    with pytest.raises(ConnectError) as caught:
        client.connect()
    assert caught.value.code == "prompt_not_found"
    assert "linux" in caught.value.message
    assert "r1" in caught.value.device_output


def test_old_algorithms(new_device: NewDevice, client_of: ClientOf) -> None:
    client = client_of(new_device(ssh_profile="old_algorithms"))
    session = client.connect()
    ssh = client.driver.device_info(session)["ssh"]
    assert (ssh["kex"], ssh["host_key"], ssh["cipher"]) == ("diffie-hellman-group14-sha1", "ssh-rsa", "aes128-cbc")
    assert "Cisco IOS" in client.query("show version").output


def test_failed_negotiation_names_both_sides(new_device: NewDevice, client_of: ClientOf) -> None:
    device = new_device(ssh_profile="old_algorithms")
    client = client_of(device, disabled_algorithms={"kex": ["diffie-hellman-group14-sha1"]})
    with pytest.raises(NegotiationFailed) as caught:
        client.connect()
    message = caught.value.message
    assert "key exchange: the device offers diffie-hellman-group14-sha1, we offer curve25519-sha256" in message
    assert caught.value.details[0]["device"] == ["diffie-hellman-group14-sha1"]
    assert not caught.value.retryable


@pytest.mark.parametrize("platform", ["ios", "eos"])
def test_banner_and_motd_with_prompt_characters(new_device: NewDevice, client_of: ClientOf, platform: str) -> None:
    device = new_device(
        platform, motd="##########\n# r1# and r1> #\n########## > ##", faults={"prompt_like_banner": True}
    )
    client = client_of(device)
    session = client.connect()
    assert session.prompt.text == "r1>"
    for _ in range(3):
        assert client.query("show version").output.strip().endswith(client.query("show version").output.strip()[-20:])
