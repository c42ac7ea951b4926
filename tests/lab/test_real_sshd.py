"""The sshd host, seen through stock netmiko, paramiko and OpenSSH's own client."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paramiko
import pytest
from netmiko import BaseConnection, ConnectHandler
from netmiko.exceptions import NetmikoAuthenticationException

from tests.lab.fixtures_real import require
from tests.lab.real import SshdHost
from tests.lab.real.waiting import wait_until

pytestmark = pytest.mark.sshd


@contextmanager
def client_of(host: SshdHost, **options: Any) -> Iterator[paramiko.SSHClient]:
    """A paramiko client logged in with the host's key; `options` go to `SSHClient.connect`."""
    device = host.device
    with paramiko.SSHClient() as client:
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        client.connect(
            device.host,
            port=device.port,
            username=device.username,
            **{"key_filename": device.key_file, "look_for_keys": False, "allow_agent": False, **options},
        )
        yield client


def key_of(host: SshdHost) -> paramiko.Ed25519Key:
    key_file = host.device.key_file
    assert key_file is not None
    return paramiko.Ed25519Key.from_private_key_file(key_file)


def run(client: paramiko.SSHClient, command: str) -> str:
    _, output, _ = client.exec_command(command)
    return output.read().decode()


def shown(session: BaseConnection, command: str) -> str:
    """Output of a command; bash's switch for bracketed paste leaves an empty line in front of it."""
    output = session.send_command(command)
    assert isinstance(output, str)
    return output.strip()


def transport_of(client: paramiko.SSHClient) -> paramiko.Transport:
    transport = client.get_transport()
    assert transport is not None
    return transport


def test_netmiko_linux_gets_a_shell_with_a_plain_prompt(sshd_host: SshdHost) -> None:
    before = sshd_host.logins()
    with ConnectHandler(**sshd_host.device.netmiko()) as session:
        assert session.find_prompt().startswith(f"{sshd_host.device.username}@")
        assert session.find_prompt().endswith("$")
        assert shown(session, "echo $((6 * 7)); id -un") == f"42\n{sshd_host.device.username}"
        assert sshd_host.sessions() == 1
    assert sshd_host.logins() == before + 1
    wait_until(lambda: sshd_host.sessions() == 0, what="sshd to notice the end of the session")


def test_a_key_logs_in_and_commands_run_without_a_shell(sshd_host: SshdHost) -> None:
    before = sshd_host.logins("publickey")
    with client_of(sshd_host) as client:
        assert run(client, "echo 'two words'") == "two words\n"
    assert sshd_host.logins("publickey") == before + 1


def test_the_known_hosts_line_satisfies_openssh(sshd_host: SshdHost, tmp_path: Path) -> None:
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text(sshd_host.known_hosts_line + "\n")
    device = sshd_host.device
    options = ["BatchMode=yes", "StrictHostKeyChecking=yes", f"UserKnownHostsFile={known_hosts}", "IdentitiesOnly=yes"]
    done = subprocess.run(
        [
            *("ssh", "-F", "none", "-i", str(device.key_file), "-p", str(device.port)),
            *(argument for option in options for argument in ("-o", option)),
            f"{device.username}@{device.host}",
            "echo trusted",
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert (done.stdout, done.returncode) == ("trusted\n", 0), done.stderr


def test_a_password_logs_in_and_a_wrong_one_does_not() -> None:
    require(SshdHost.available(password=True))
    with SshdHost(password=True) as host:
        with ConnectHandler(**host.device.netmiko()) as session:
            assert shown(session, "id -un") == host.device.username
        with pytest.raises(NetmikoAuthenticationException):
            ConnectHandler(**{**host.device.netmiko(), "password": "wrong"})
        assert (host.logins("password"), host.logins()) == (1, 1)
        assert host.refused_logins() >= 1


def test_keyboard_interactive_asks_through_pam() -> None:
    require(SshdHost.available(password=True))
    with SshdHost(keyboard_interactive=True) as host:
        asked: list[str] = []

        def answer(_title: str, _instructions: str, prompts: list[tuple[str, bool]]) -> list[str]:
            asked.extend(prompt for prompt, _ in prompts)
            return [host.device.password for _ in prompts]

        transport = paramiko.Transport((host.device.host, host.device.port))
        try:
            transport.start_client(timeout=10)
            with pytest.raises(paramiko.BadAuthenticationType) as refused:
                transport.auth_password(host.device.username, host.device.password, fallback=False)
            assert refused.value.allowed_types == ["keyboard-interactive"]
            transport.auth_interactive(host.device.username, answer)
            transport.open_session(timeout=10).close()
        finally:
            transport.close()
        assert [prompt.strip() for prompt in asked] == ["Password:"]
        assert host.logins("keyboard-interactive/pam") == 1


def test_only_the_certificate_opens_a_host_that_trusts_an_authority() -> None:
    require(SshdHost.available())
    with SshdHost(certificate=True) as host:
        bare, certified = key_of(host), key_of(host)
        certified.load_certificate(f"{host.device.key_file}-cert.pub")
        with pytest.raises(paramiko.AuthenticationException), client_of(host, key_filename=None, pkey=bare):
            pass
        with client_of(host, key_filename=None, pkey=certified) as client:
            assert run(client, "id -un") == f"{host.device.username}\n"
        assert host.logins("publickey") == 1


def test_the_session_limit_refuses_one_channel_more() -> None:
    require(SshdHost.available())
    with SshdHost(max_sessions=2) as host, client_of(host, **password_of(host)) as client:
        transport = transport_of(client)
        channels = [transport.open_session(timeout=10) for _ in range(2)]
        with pytest.raises(paramiko.ChannelException):
            transport.open_session(timeout=10)
        channels.pop().close()


def password_of(host: SshdHost) -> dict[str, str]:
    return {"password": host.device.password} if host.device.password else {}


def test_a_jump_host_lets_through_and_counts() -> None:
    require(SshdHost.available())
    with SshdHost(name="jump", allow_tcp_forwarding=True) as jump, SshdHost(name="target") as target:
        destination = (target.device.host, target.device.port)
        with client_of(jump) as client:
            channel = transport_of(client).open_channel("direct-tcpip", destination, ("127.0.0.1", 0), timeout=10)
            with ConnectHandler(**target.device.netmiko(), sock=channel) as session:
                assert shown(session, "id -un") == target.device.username
        assert (jump.jump_opens(), jump.logins(), target.logins()) == (1, 1, 1)


def test_a_host_without_forwarding_refuses_the_jump(sshd_host: SshdHost) -> None:
    destination = (sshd_host.device.host, sshd_host.device.port)
    with client_of(sshd_host) as client, pytest.raises(paramiko.ChannelException) as refused:
        transport_of(client).open_channel("direct-tcpip", destination, ("127.0.0.1", 0), timeout=10)
    assert refused.value.code == 1, "administratively prohibited (RFC 4254 section 5.1)"


def test_an_old_host_speaks_old_algorithms_only() -> None:
    require(SshdHost.available())
    with SshdHost(legacy_algorithms=True) as host:
        with client_of(host) as client:
            transport = transport_of(client)
            assert transport.get_remote_server_key().get_name() == "ssh-rsa"
            assert run(client, "echo old") == "old\n"
        for kind, old in (
            ("kex", "diffie-hellman-group14-sha1"),
            ("keys", "ssh-rsa"),
            ("ciphers", "aes128-cbc"),
            ("macs", "hmac-sha1"),
        ):
            with pytest.raises(paramiko.SSHException), client_of(host, disabled_algorithms={kind: [old]}):
                pass


def test_frozen_and_dropped_sessions() -> None:
    require(SshdHost.available())
    with SshdHost() as host, client_of(host) as client:
        assert host.freeze() == 1
        assert not _opens_channel(client)
        host.thaw()
        assert run(client, "echo thawed") == "thawed\n"
        assert host.drop_sessions() == 1
        wait_until(lambda: not transport_of(client).is_active(), what="paramiko to see the closed connection")


def _opens_channel(client: paramiko.SSHClient) -> bool:
    """Whether the peer opens another channel within a second."""
    try:
        transport_of(client).open_session(timeout=1).close()
    except paramiko.SSHException:
        return False
    return True


def test_the_account_is_not_one_of_the_machine() -> None:
    require(SshdHost.available(password=True))
    accounts = Path("/etc/passwd").read_text()
    with SshdHost() as host:
        assert Path("/etc/passwd").read_text() == accounts
        assert host.device.username not in accounts
