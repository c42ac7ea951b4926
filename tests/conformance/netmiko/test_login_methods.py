"""Ways to log in, and whose key is believed, against a real OpenSSH server and the simulator's Telnet."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from netpulse_drivers import (
    AuthenticationFailed,
    CommandRefused,
    HostKeyMismatch,
    InvalidArguments,
    PrivilegeRefused,
    Site,
)
from netpulse_lab import SimulatedDevice, SimulatorLab
from tests.conformance.netmiko.conftest import Client
from tests.lab.fixtures_real import require
from tests.lab.real import Device, SshdHost

MakeClient = Callable[..., Client]
NewDevice = Callable[..., SimulatedDevice]
ClientOf = Callable[..., Client]


@pytest.mark.sshd
class TestOpenSsh:
    @pytest.fixture
    def host(self, sshd_host: SshdHost) -> Device:
        return sshd_host.device

    def test_bash(self, host: Device, make_client: MakeClient) -> None:
        client = make_client(**host.connection_args())
        client.connect()
        assert client.query("echo one; echo two").output == "one\ntwo"
        assert client.query("cd /tmp").output == ""
        assert client.query("pwd").output == "/tmp"
        assert client.query("printf 'no newline at the end'", check_errors=False).output.startswith("no newline")
        with pytest.raises(CommandRefused):
            client.query("no-such-command-here")
        assert client.keepalive()

    def test_a_command_is_one_line(self, host: Device, make_client: MakeClient) -> None:
        client = make_client(**host.connection_args())
        client.connect()
        with pytest.raises(InvalidArguments, match="line break"):
            client.query("for x in a b; do\necho $x\ndone")
        assert client.query("for x in a b; do echo $x; done").output == "a\nb"

    def test_utf8_in_pieces(self, host: Device, make_client: MakeClient) -> None:
        client = make_client(**host.connection_args())
        client.connect()
        assert client.query(r"printf '\342'; sleep 0.05; printf '\202\254\n'").output == "€"

    def test_escape_sequences(self, host: Device, make_client: MakeClient) -> None:
        client = make_client(**host.connection_args())
        client.connect()
        assert client.query(r"printf '\033[1;31mred\033[0m \033]0;title\007plain\n'").output == "red plain"

    def test_prompt_look_alikes_in_slow_output(self, host: Device, make_client: MakeClient) -> None:
        client = make_client(**host.connection_args())
        session = client.connect()
        prompt = session.prompt.text
        slow = "for i in 1 2 3 4; do echo $i; sleep 0.04; done"
        command = f"{slow}; for i in 1 2 3; do printf '%s ' '{prompt}'; sleep 0.03; echo; done; echo the end"
        output = client.query(command).output
        assert output.endswith("the end")
        assert output.count(prompt) == 3

    def test_a_key_that_the_operator_offers(
        self, host: Device, make_client: MakeClient, site: Site, tmp_path: Path
    ) -> None:
        assert host.key_file is not None
        (tmp_path / "keys" / "lab").write_text(Path(host.key_file).read_text())
        arguments: dict[str, Any] = {"device_type": "linux", "host": host.host, "port": host.port}
        client = make_client(**arguments, username=host.username, key_file="lab")
        client.connect()
        assert client.query("echo in").output == "in"
        with pytest.raises(InvalidArguments, match=r"offers no file 'other'.*offered: lab"):
            make_client(**arguments, username=host.username, key_file="other").connect()

    def test_key_text(self, host: Device, make_client: MakeClient) -> None:
        assert host.key_file is not None
        text = Path(host.key_file).read_text()
        arguments: dict[str, Any] = {"device_type": "linux", "host": host.host, "port": host.port}
        client = make_client(**arguments, username=host.username, pkey=text)
        client.connect()
        assert client.query("echo in").output == "in"
        with pytest.raises(InvalidArguments):
            make_client(**arguments, username=host.username, pkey="no key at all")
        broken = make_client(**arguments, username=host.username, pkey=text[: len(text) // 2])
        with pytest.raises(InvalidArguments, match=r"private key \(pkey, key_file\) cannot be read"):
            broken.connect()

    def test_no_root_by_sudo(self, host: Device, make_client: MakeClient) -> None:
        client = make_client(**host.connection_args(), secret="not-the-password")
        client.connect()
        with pytest.raises(PrivilegeRefused):
            client.query("id", enable=True)

    def test_old_algorithms(self, make_client: MakeClient) -> None:
        require(SshdHost.available())
        with SshdHost(name="old", legacy_algorithms=True) as old:
            client = make_client(**old.device.connection_args())
            session = client.connect()
            assert client.driver.device_info(session)["ssh"]["cipher"] == "aes128-cbc"
            assert client.query("echo old").output == "old"

    def test_known_hosts_prepared_by_an_administrator(
        self, sshd_host: SshdHost, make_client: MakeClient, site: Site, tmp_path: Path
    ) -> None:
        host = sshd_host.device
        prepared = tmp_path / "known" / "prepared"
        prepared.write_text(f"# by hand\n@cert-authority *.example ssh-ed25519 AAAA\n{sshd_host.known_hosts_line}\n")
        client = make_client(**host.connection_args(), host_key_policy="known", known_hosts="prepared")
        client.connect()
        assert client.query("echo in").output == "in"


class TestHostKeys:
    def test_keys_of_a_request(
        self, sshd_host: SshdHost, make_client: MakeClient, known_hosts: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        arguments = sshd_host.device.connection_args()
        shown = sshd_host.known_hosts_line.partition(" ")[2]
        other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJGKGDmzrnnEPUbYYeAPEvtSJ0hnkw8rzTZCrPUQrF8w"
        make_client(**arguments, host_keys=[other, shown + " lab"]).connect()
        assert not known_hosts.exists()
        with pytest.raises(HostKeyMismatch, match="none of those in host_keys"):
            make_client(**arguments, host_keys=[other]).connect()
        with pytest.raises(HostKeyMismatch, match="is not known"):
            make_client(**arguments, host_keys=[shown], host_key_policy="known").connect()
        # What the operator demands is not loosened by a key that a caller brings.
        monkeypatch.setenv("NETPULSE_HOST_KEY_POLICY", "known")
        with pytest.raises(HostKeyMismatch, match="is not known"):
            make_client(**arguments, host_keys=[shown], host_key_policy="off").connect()

    def test_accept_new_remembers_and_then_refuses_another(
        self, new_device: NewDevice, client_of: ClientOf, known_hosts: Path, lab: SimulatorLab
    ) -> None:
        device = new_device(own_host_key=True)
        client_of(device).connect()
        remembered = known_hosts.read_text()
        assert remembered.startswith(f"[{device.host}]:{device.port} ssh-")
        assert known_hosts.stat().st_mode & 0o077 == 0
        client_of(device).connect()
        assert known_hosts.read_text() == remembered
        lab.remove(device)
        replaced = lab.add(name=device.name, own_host_key=True, port=device.port)
        with pytest.raises(HostKeyMismatch, match="ssh-keygen -R") as caught:
            client_of(replaced).connect()
        assert not caught.value.retryable
        assert lab.counters(replaced).logins == 0
        client_of(replaced, host_key_policy="off").connect()

    def test_unknown_key_is_refused_where_only_known_ones_count(
        self, new_device: NewDevice, client_of: ClientOf, known_hosts: Path
    ) -> None:
        with pytest.raises(HostKeyMismatch, match="not known"):
            client_of(new_device(), host_key_policy="known").connect()
        assert not known_hosts.exists()

    def test_many_at_once_write_each_host_once(
        self, new_device: NewDevice, client_of: ClientOf, known_hosts: Path
    ) -> None:
        devices = [new_device() for _ in range(3)]
        clients = [client_of(device) for device in devices for _ in range(3)]
        with ThreadPoolExecutor(9) as pool:
            list(pool.map(lambda client: client.connect(), clients))
        lines = known_hosts.read_text().splitlines()
        assert sorted(line.split()[0] for line in lines) == sorted(f"[{d.host}]:{d.port}" for d in devices)


class TestTelnet:
    @pytest.mark.parametrize("platform", ["ios", "eos"])
    def test_login_query_change(
        self, new_device: NewDevice, client_of: ClientOf, lab: SimulatorLab, platform: str
    ) -> None:
        device = new_device(platform, telnet_port=0)
        kind = {"ios": "cisco_ios_telnet", "eos": "arista_eos_telnet"}[platform]
        client = client_of(device, device_type=kind, port=device.telnet_port)
        session = client.connect()
        assert client.query("show version").output
        assert client.change("hostname by-telnet", save=True).saved
        assert "hostname by-telnet" in lab.startup_config(device)
        assert client.keepalive()
        assert client.driver.device_info(session)["protocol"] == "telnet"
        assert lab.counters(device).logins == 1

    def test_wrong_password_is_typed_once(self, new_device: NewDevice, client_of: ClientOf, lab: SimulatorLab) -> None:
        device = new_device(telnet_port=0)
        client = client_of(device, device_type="cisco_ios_telnet", port=device.telnet_port, password="wrong")
        with pytest.raises(AuthenticationFailed):
            client.connect()
        assert lab.event_names(device).count("authentication failed") == 1
