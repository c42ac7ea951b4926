"""Devices behind jump hosts that are real OpenSSH servers: one session to each host, whatever the number of devices."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from netpulse_drivers import (
    AuthenticationFailed,
    CommandTimeout,
    ConnectError,
    ForwardingRefused,
    HostKeyMismatch,
    InvalidArguments,
    SessionLost,
    SessionStale,
)
from netpulse_drivers.jump import session as session_module
from netpulse_drivers.jump.jump_host import ReadyJumpHost
from netpulse_drivers.jump.session import JumpSession
from netpulse_lab import SimulatedDevice, SimulatorLab
from tests.conformance.netmiko.conftest import Client
from tests.lab.fixtures_real import require
from tests.lab.real import SshdHost
from tests.lab.real.waiting import wait_until

pytestmark = pytest.mark.sshd

NewDevice = Callable[..., SimulatedDevice]
ClientOf = Callable[..., Client]


@pytest.fixture(scope="module")
def jump() -> Iterator[SshdHost]:
    require(SshdHost.available(password=True))
    with SshdHost(name="jump", allow_tcp_forwarding=True, password=True, public_key=True) as host:
        yield host


@pytest.fixture(autouse=True)
def jump_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A jump process for this test alone; it ends by itself when nobody needs it."""
    directory = tmp_path / "jump"
    monkeypatch.setenv("NETPULSE_JUMP_DIR", str(directory))
    monkeypatch.setenv("NETPULSE_JUMP_IDLE", "0.3")
    return directory


def through(host: SshdHost, **more: Any) -> dict[str, Any]:
    device = host.device
    hop = {"host": device.host, "port": device.port, "username": device.username, "password": device.password}
    return {name: value for name, value in (hop | more).items() if value is not None}


def jump_of(error: ConnectError | AuthenticationFailed) -> dict[str, Any]:
    return next(entry for entry in error.details if "jump_host" in entry)


def _await_end(client: Client) -> None:
    session = client.session
    assert session is not None
    wait_until(lambda: not client.driver.is_alive(session), what="the end of a session to be seen")


class TestSharing:
    def test_many_devices_one_session(
        self, jump: SshdHost, new_device: NewDevice, client_of: ClientOf, known_hosts: Path, jump_process: Path
    ) -> None:
        before = jump.logins(), jump.jump_opens()
        devices = [new_device(name=f"behind{number}") for number in range(4)]
        clients = [client_of(device, proxy_jump=through(jump)) for device in devices]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda client: client.connect(), clients))
        for client in clients:
            assert client.query("show version").output
            assert client.keepalive()
        assert jump.sessions() == 1
        assert (jump.logins() - before[0], jump.jump_opens() - before[1]) == (1, 4)
        assert jump_process.stat().st_mode & 0o777 == 0o700
        remembered = {line.split()[0] for line in known_hosts.read_text().splitlines()}
        assert remembered == {
            f"[{jump.device.host}]:{jump.device.port}",
            *(f"[{item.host}]:{item.port}" for item in devices),
        }
        for client in clients:
            client.close()
        wait_until(lambda: jump.sessions() == 0, what="the idle session to end")

    def test_two_hops(self, jump: SshdHost, new_device: NewDevice, client_of: ClientOf) -> None:
        with SshdHost(name="inner", allow_tcp_forwarding=True, password=True, public_key=True) as inner:
            client = client_of(new_device(), proxy_jump=[through(jump), through(inner)])
            client.connect()
            assert client.query("show version").output
            assert (jump.sessions(), inner.sessions()) == (1, 1)
            client.close()
            wait_until(lambda: not jump.sessions() and not inner.sessions(), what="both sessions to end")

    def test_telnet_behind_it(self, jump: SshdHost, new_device: NewDevice, client_of: ClientOf) -> None:
        device = new_device(telnet_port=0)
        client = client_of(device, device_type="cisco_ios_telnet", port=device.telnet_port, proxy_jump=through(jump))
        client.connect()
        assert client.query("show version").output

    def test_text_form_takes_the_devices_key_and_no_password(
        self, jump: SshdHost, new_device: NewDevice, client_of: ClientOf
    ) -> None:
        where = f"{jump.device.username}@{jump.device.host}:{jump.device.port}"
        device = new_device()
        client = client_of(device, proxy_jump=where, **jump.device.key())
        client.connect()
        assert client.query("show version").output
        with pytest.raises(InvalidArguments, match="password is not shown to other hosts"):
            client_of(device, proxy_jump=where).connect()


class TestFaults:
    def test_down(self, new_device: NewDevice, client_of: ClientOf) -> None:
        hop = {"host": "127.0.0.1", "port": 1, "username": "ops", "password": "irrelevant"}
        with pytest.raises(ConnectError, match=r"jump host ops@127\.0\.0\.1 port 1: .*unreachable") as caught:
            client_of(new_device(), proxy_jump=hop).connect()
        assert jump_of(caught.value) == {"jump_host": "jump host ops@127.0.0.1 port 1", "phase": "connect"}

    def test_wrong_password_is_given_once_for_many_devices(
        self, jump: SshdHost, new_device: NewDevice, client_of: ClientOf, lab: SimulatorLab
    ) -> None:
        refused = jump.refused_logins()
        devices = [new_device() for _ in range(3)]
        for device in devices:
            with pytest.raises(AuthenticationFailed, match="jump host labuser@") as caught:
                client_of(device, proxy_jump=through(jump, password="wrong")).connect()
            assert jump_of(caught.value)["phase"] == "auth"
            assert "wrong" not in caught.value.message
            assert lab.counters(device).connections == 0
        assert jump.refused_logins() - refused == 1
        client_of(devices[0], proxy_jump=through(jump)).connect()

    def test_no_forwarding(self, new_device: NewDevice, client_of: ClientOf) -> None:
        with SshdHost(name="closed", password=True) as closed:
            with pytest.raises(ForwardingRefused, match="AllowTcpForwarding") as caught:
                client_of(new_device(), proxy_jump=through(closed)).connect()
            assert jump_of(caught.value)["phase"] == "forward"
            assert closed.logins() == 1

    def test_device_unreachable_from_there(self, jump: SshdHost, new_device: NewDevice, client_of: ClientOf) -> None:
        with pytest.raises(ConnectError, match=r"port 1 is unreachable from jump host labuser@.*refused") as caught:
            client_of(new_device(), port=1, proxy_jump=through(jump)).connect()
        assert jump_of(caught.value)["phase"] == "forward"

    def test_devices_own_refusal_is_the_devices(
        self, jump: SshdHost, new_device: NewDevice, client_of: ClientOf
    ) -> None:
        device = new_device()
        with pytest.raises(
            AuthenticationFailed, match=f"^{device.host} port {device.port} \\(behind jump host"
        ) as error:
            client_of(device, password="wrong", proxy_jump=through(jump)).connect()
        assert not error.value.details

    def test_unknown_host_key_of_the_jump_host(
        self, jump: SshdHost, new_device: NewDevice, client_of: ClientOf, tmp_path: Path
    ) -> None:
        (tmp_path / "known" / "nobody").touch()
        hop = through(jump, host_key_policy="known", known_hosts="nobody")
        with pytest.raises(HostKeyMismatch, match=r"jump host labuser@.*is not known"):
            client_of(new_device(), proxy_jump=hop).connect()

    def test_session_killed_under_its_devices(self, jump: SshdHost, new_device: NewDevice, client_of: ClientOf) -> None:
        clients = [client_of(new_device(), proxy_jump=through(jump)) for _ in range(2)]
        for client in clients:
            client.connect()
        before = jump.logins()
        jump.drop_sessions()
        for client in clients:
            _await_end(client)
            with pytest.raises((SessionStale, SessionLost, CommandTimeout)):
                client.query("show version")
        for client in clients:
            client.close()
            client.connect()
            assert client.query("show version").output
        assert jump.logins() - before == 1
        assert jump.sessions() == 1

    def test_foreign_directory(
        self, jump: SshdHost, new_device: NewDevice, client_of: ClientOf, jump_process: Path
    ) -> None:
        jump_process.mkdir(mode=0o755)
        with pytest.raises(ConnectError, match="mode 0700"):
            client_of(new_device(), proxy_jump=through(jump)).connect()


class TestConfigFile:
    def test_proxy_jump(self, jump: SshdHost, new_device: NewDevice, client_of: ClientOf, tmp_path: Path) -> None:
        device = new_device()
        config = tmp_path / "ssh" / "config"
        config.write_text(
            f"Host hop\n  HostName {jump.device.host}\n  Port {jump.device.port}\n  User {jump.device.username}\n"
            f"  IdentityFile {jump.device.key_file}\n"
            f"Host core1\n  HostName {device.host}\n  Port {device.port}\n  ProxyJump hop\n"
        )
        client = client_of(device, host="core1", port=None, ssh_config_file="config")
        client.connect()
        assert client.query("show version").output
        assert jump.sessions() == 1
        with pytest.raises(InvalidArguments, match=r"offers no file 'none'.*offered: config"):
            client_of(device, ssh_config_file="none").connect()
        config.write_text("secret-line")
        with pytest.raises(InvalidArguments, match="no OpenSSH client configuration") as caught:
            client_of(device, ssh_config_file="config").connect()
        assert "secret" not in caught.value.message

    def test_proxy_command(self, new_device: NewDevice, client_of: ClientOf, tmp_path: Path) -> None:
        device = new_device()
        relay = tmp_path / "relay.py"
        relay.write_text(
            "import os, socket, sys, threading\n"
            "s = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
            "def up():\n"
            "    while data := os.read(0, 65536): s.sendall(data)\n"
            "    s.shutdown(socket.SHUT_WR)\n"
            "threading.Thread(target=up, daemon=True).start()\n"
            "while data := s.recv(65536): os.write(1, data)\n"
        )
        config = tmp_path / "ssh" / "config"
        command = f"{shlex.quote(sys.executable)} {shlex.quote(str(relay))} %h %p"
        config.write_text(f"Host *\n  Port {device.port}\n  ProxyCommand {command}\n")
        client = client_of(device, port=None, ssh_config_file="config")
        client.connect()
        assert client.query("show version").output
        assert client.keepalive()
        config.write_text("Host *\n  ProxyCommand /no/such/program\n")
        with pytest.raises(ConnectError, match="ProxyCommand"):
            client_of(device, ssh_config_file="config").connect()


def test_frozen_jump_host_is_noticed_by_keepalives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "KEEPALIVE", 0.1)
    monkeypatch.setattr(session_module, "ANSWER_WITHIN", 0.5)
    require(SshdHost.available(password=True))
    with SshdHost(name="frozen", allow_tcp_forwarding=True, password=True) as host:
        hop = ReadyJumpHost(**through(host), addresses=[host.device.host])
        session = JumpSession(hop.where, through=None)
        try:
            session.ensure(hop)
            assert session.alive
            host.freeze()
            wait_until(lambda: not session.alive, what="the session to be given up")
        finally:
            session.close()
            host.thaw()


def test_failed_logins_are_put_off_longer_and_longer() -> None:
    hop = ReadyJumpHost(host="127.0.0.1", port=1, username="ops", password="irrelevant", addresses=["127.0.0.1"])
    session = JumpSession(hop.where, through=None)
    with pytest.raises(ConnectError) as first:
        session.ensure(hop)
    assert "tried a moment ago" not in first.value.message
    with pytest.raises(ConnectError, match="tried a moment ago; next attempt in"):
        session.ensure(hop)
    assert session.remembers_failure
