"""Nobody logs in as the user that the broker runs as: not with its keys, its SSH agent or its OpenSSH configuration."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paramiko
import pytest
from paramiko.common import AUTH_FAILED

from tests.lab.running_broker import RunningBroker

USER = "operator"
PASSWORD = "a-password-of-the-request"


class KeyCollector(paramiko.ServerInterface):
    """Notes each key that it is shown, and refuses everybody."""

    def __init__(self, shown: list[str], users: list[str]) -> None:
        self._shown = shown
        self._users = users

    def get_allowed_auths(self, username: str) -> str:
        return "publickey,password,keyboard-interactive"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        self._users.append(username)
        self._shown.append(key.get_base64())
        return AUTH_FAILED

    def check_auth_password(self, username: str, password: str) -> int:
        self._users.append(username)
        return AUTH_FAILED


class Collecting:
    """An SSH server on both loopback addresses.

    Attributes:
        shown: public keys, base64, in the order in which they came.
        users: names that tried to log in.
    """

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.users: list[str] = []
        self._key = paramiko.ECDSAKey.generate()
        self._listener = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(peer)
            transport.daemon = True
            transport.add_server_key(self._key)
            # Each connection on a thread of paramiko's own; a caller that leaves early ends it.
            transport.start_server(event=threading.Event(), server=KeyCollector(self.shown, self.users))

    def close(self) -> None:
        self._listener.close()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the user that the broker runs as: keys, and a configuration that names another user and another key."""
    home = tmp_path_factory.mktemp("home")
    (home / ".ssh").mkdir(mode=0o700)
    for name, kind in (("id_rsa", "rsa"), ("id_ecdsa", "ecdsa"), ("id_ed25519", "ed25519"), ("in_config", "ed25519")):
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(home / ".ssh" / name)], check=True)
    ran = home / "ran"
    (home / ".ssh" / "config").write_text(
        f"Host *\n  User from-config\n  IdentityFile {home}/.ssh/in_config\n  ProxyCommand touch {ran}\n"
    )
    return home


@pytest.fixture(scope="module")
def agent(home: Path) -> Iterator[Path]:
    """Its agent, with another key."""
    key = home / "in_agent"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    path = home / "agent.sock"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.DEVNULL)
    environment = os.environ | {"SSH_AUTH_SOCK": str(path)}
    try:
        # Status 2: the agent cannot be contacted. Its socket is there a little before it listens.
        while subprocess.run(["ssh-add", "-l"], env=environment, capture_output=True, check=False).returncode == 2:
            assert process.poll() is None
        subprocess.run(["ssh-add", "-q", str(key)], env=environment, check=True)
        yield path
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="module")
def broker(home: Path, agent: Path) -> Iterator[RunningBroker]:
    offered = home / "offered"
    offered.mkdir()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(offered / "core")], check=True)
    settings = {
        "HOME": str(home),
        "SSH_AUTH_SOCK": str(agent),
        "NETPULSE_FILES__KEYS": str(offered),
        # Every login here is refused: with protection, all but the first would not reach the server.
        "NETPULSE_LOGINS__PROTECT": "false",
    }
    with RunningBroker(settings=settings) as running:
        yield running


@pytest.fixture
def server() -> Iterator[Collecting]:
    collecting = Collecting()
    yield collecting
    collecting.close()


def body(driver: str, host: str, port: int, **more: Any) -> dict[str, Any]:
    login = {"host": host, "port": port, "username": USER, "password": PASSWORD} | more
    return {"driver": driver, "connection_args": login, "command": "show version", "options": {"wait": 60}}


WAYS: list[tuple[str, dict[str, Any]]] = [
    ("netmiko", {"device_type": "cisco_ios"}),
    ("netmiko", {"device_type": "linux"}),
    ("netmiko", {"device_type": "mikrotik_routeros"}),
    *(("napalm", {"device_type": name}) for name in ("ios", "iosxr", "iosxr_netconf", "junos", "nxos_ssh", "linux")),
    ("napalm", {"device_type": "eos", "optional_args": {"transport": "ssh"}}),
]
IDS = ["-".join([driver, more["device_type"]]) for driver, more in WAYS]


@pytest.mark.parametrize(("driver", "more"), WAYS, ids=IDS)
def test_no_login_shows_a_key_of_the_brokers_user(
    broker: RunningBroker, server: Collecting, home: Path, driver: str, more: dict[str, Any]
) -> None:
    for login in ({}, {"password": ""} if driver == "napalm" else {"keyboard_interactive": {"code": "1"}}):
        answer = broker.client.post("/device/execute", json=body(driver, "127.0.0.1", server.port, **more | login))
        assert answer.status_code == 201, answer.text
        error = answer.json()["data"]["result"]["error"]
        expected = {"authentication_failed", "device_unreachable"} | ({"invalid_arguments"} if login else set())
        assert error["code"] in expected, error  # with an empty password, most are told that there is no credential
    assert server.users, "the server was asked"
    assert {name.partition("+")[0] for name in server.users} == {USER}
    assert server.shown == []
    assert not (home / "ran").exists()


def test_a_jump_host_is_shown_none(broker: RunningBroker, server: Collecting) -> None:
    hop = {"host": "127.0.0.1", "port": server.port, "username": USER, "password": PASSWORD}
    request = body("netmiko", "192.0.2.1", 22, device_type="linux", proxy_jump=hop)
    answer = broker.client.post("/device/execute", json=request).json()
    assert answer["data"]["result"]["error"]["code"] == "authentication_failed", answer
    assert server.users
    assert server.shown == []
    # Without a credential of its own it gets keys of the request, and there are none.
    del hop["password"]
    answer = broker.client.post("/device/execute", json=request).json()
    assert answer["data"]["result"]["error"]["code"] == "invalid_arguments", answer


@pytest.mark.parametrize("asked", ["use_keys", "allow_agent"])
def test_who_asks_for_them_is_told_what_to_send(broker: RunningBroker, server: Collecting, asked: str) -> None:
    netmiko = body("netmiko", "127.0.0.1", server.port, device_type="linux", **{asked: True})
    without = body("netmiko", "127.0.0.1", server.port, device_type="linux", **{asked: True})
    del without["connection_args"]["password"]
    hop = {"host": "127.0.0.1", "port": server.port, "username": USER, asked: True}
    jump = body("netmiko", "192.0.2.1", 22, device_type="linux", proxy_jump=hop)
    requests = [netmiko, without, jump]
    for name in ("ios", "iosxr", "iosxr_netconf", "junos", "nxos_ssh", "linux", "eos"):
        options = {asked: True} | ({"transport": "ssh"} if name == "eos" else {})
        if name not in ("junos", "iosxr_netconf"):
            requests.append(body("napalm", "127.0.0.1", server.port, device_type=name, optional_args=options))
    for name in ("iosxr_netconf", "linux"):
        options = {"look_for_keys": True}
        requests.append(body("napalm", "127.0.0.1", server.port, device_type=name, optional_args=options))
    for request in requests:
        answer = broker.client.post("/device/execute", json=request)
        assert answer.status_code == 422, answer.text
        assert "pkey" in answer.text
        assert "setting files.keys" in answer.text
        test = {name: request[name] for name in ("driver", "connection_args")}
        assert broker.client.post("/device/test-connection", json=test).status_code == 422
        if request["driver"] == "netmiko":
            assert broker.client.post("/session", json=test).status_code == 422
    assert server.users == []


@pytest.mark.parametrize("driver", ["netmiko", "napalm"])
def test_a_key_that_is_offered_is_the_only_one_shown(
    broker: RunningBroker, server: Collecting, home: Path, driver: str
) -> None:
    """netmiko's way to write it, with use_keys beside the key, asks for no more than that key."""
    options: dict[str, Any] = {"key_file": "core", "use_keys": True}
    more = options if driver == "netmiko" else {"optional_args": options}
    request = body(driver, "127.0.0.1", server.port, device_type="linux", **more)
    answer = broker.client.post("/device/execute", json=request)
    assert answer.json()["data"]["result"]["error"]["code"] in ("authentication_failed", "device_unreachable")
    offered = (home / "offered" / "core.pub").read_text().split()[1]
    assert set(server.shown) == {offered}


@pytest.mark.parametrize("host", ["::1", "::ffff:127.0.0.1", "0:0:0:0:0:0:0:1"])
@pytest.mark.parametrize(("driver", "more"), WAYS, ids=IDS)
def test_an_ipv6_address_is_dialled_by_every_driver(
    broker: RunningBroker, server: Collecting, driver: str, more: dict[str, Any], host: str
) -> None:
    answer = broker.client.post("/device/execute", json=body(driver, host, server.port, **more)).json()
    error = answer["data"]["result"]["error"]
    assert error["code"] in ("authentication_failed", "device_unreachable"), error
    assert server.users, "the server was asked"


@pytest.mark.parametrize("transport", ["http", "https"])
@pytest.mark.parametrize("device_type", ["eos", "nxos"])
def test_a_closed_port_at_an_ipv6_address_is_told(broker: RunningBroker, device_type: str, transport: str) -> None:
    for host in ("::1", "::ffff:127.0.0.1"):
        request = body("napalm", host, 1, device_type=device_type, optional_args={"transport": transport})
        error = broker.client.post("/device/execute", json=request).json()["data"]["result"]["error"]
        assert error["code"] == "device_unreachable", error
