"""Agents, questions at login, algorithms of a request, IPv6 and source addresses, against servers that speak SSH."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from netpulse_drivers import AuthenticationFailed, InvalidArguments, NegotiationFailed
from netpulse_lab import SimulatedDevice, SimulatorLab
from netpulse_lab.ssh_server import DeviceConnection
from tests.conformance.netmiko.conftest import Client
from tests.lab.fixtures_real import require
from tests.lab.real import SshdHost

MakeClient = Callable[..., Client]
NewDevice = Callable[..., SimulatedDevice]
ClientOf = Callable[..., Client]

QUESTIONS = [("Password: ", False), ("Verification code (6 digits): ", True)]


class AskingServer(asyncssh.SSHServer):
    """Asks two questions at a time, then a third, and offers nothing else."""

    def __init__(self, asked: list[Sequence[str]]) -> None:
        self._asked = asked
        self._rounds = 0

    def begin_auth(self, username: str) -> bool:
        return True

    def kbdint_auth_supported(self) -> bool:
        return True

    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> Any:
        return "Login", "Two factors", "en", QUESTIONS

    def validate_kbdint_response(self, username: str, responses: Sequence[str]) -> Any:
        self._asked.append(list(responses))
        self._rounds += 1
        if self._rounds == 1:
            return ("", "", "", [("Realm? ", True)]) if list(responses) == ["first", "123456"] else False
        return list(responses) == ["lab"]


async def _shell(process: asyncssh.SSHServerProcess[str]) -> None:
    process.stdout.write("asks#")
    async for line in process.stdin:
        process.stdout.write(f"{line.rstrip()}\r\nasks#")


@pytest.fixture
def asking_server() -> Iterator[tuple[int, list[Sequence[str]]]]:
    """Port of an AskingServer in a thread of its own, and what it was answered."""
    asked: list[Sequence[str]] = []
    ready: Future[int] = Future()
    end = threading.Event()

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        options = asyncssh.SSHServerConnectionOptions(
            server_factory=lambda: AskingServer(asked),
            server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
            process_factory=_shell,
            line_editor=False,
        )
        server = await loop.create_server(lambda: DeviceConnection(loop, options), "127.0.0.1", 0)
        async with server:
            ready.set_result(server.sockets[0].getsockname()[1])
            await asyncio.to_thread(end.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    yield ready.result(60), asked
    end.set()
    thread.join(60)


class TestQuestions:
    def arguments(self, port: int) -> dict[str, Any]:
        return {"device_type": "cisco_ios", "host": "127.0.0.1", "port": port, "username": "ops", "password": "first"}

    def test_several_questions_in_several_rounds(
        self, asking_server: tuple[int, list[Sequence[str]]], make_client: MakeClient
    ) -> None:
        port, asked = asking_server
        answers = {"verification CODE": "123456", "realm": "lab"}
        client = make_client(**self.arguments(port), keyboard_interactive=answers)
        client.connect()
        assert asked == [["first", "123456"], ["lab"]]

    def test_question_without_an_answer_is_quoted(
        self, asking_server: tuple[int, list[Sequence[str]]], make_client: MakeClient
    ) -> None:
        port, asked = asking_server
        with pytest.raises(AuthenticationFailed, match=r"Verification code \(6 digits\):"):
            make_client(**self.arguments(port)).connect()
        assert not asked


@pytest.mark.sshd
class TestOpenSsh:
    def test_algorithms_of_a_request(self, make_client: MakeClient) -> None:
        require(SshdHost.available())
        with SshdHost(name="ancient", legacy_algorithms=True) as old:
            only = {
                "kex": ["diffie-hellman-group14-sha1"],
                "keys": ["ssh-rsa"],
                "ciphers": ["aes128-cbc"],
                "macs": ["hmac-sha1"],
            }
            client = make_client(**old.device.connection_args(), algorithms=only)
            session = client.connect()
            agreed = client.driver.device_info(session)["ssh"]
            assert (agreed["kex"], agreed["cipher"]) == ("diffie-hellman-group14-sha1", "aes128-cbc")
            modern = make_client(**old.device.connection_args(), algorithms={"ciphers": ["aes256-ctr", "aes128-ctr"]})
            with pytest.raises(NegotiationFailed, match="we offer aes256-ctr, aes128-ctr") as caught:
                modern.connect()
            assert [entry["kind"] for entry in caught.value.details] == ["cipher"]

    def test_unknown_algorithms_are_refused(self, sshd_host: SshdHost, make_client: MakeClient) -> None:
        for wrong, complaint in (
            ({"ciphers": ["rot13"]}, "rot13 cannot be offered; there are"),
            ({"cipher": ["aes128-ctr"]}, "unknown kind cipher"),
            ({"kex": []}, "an empty list"),
        ):
            with pytest.raises(InvalidArguments) as caught:
                make_client(**sshd_host.device.connection_args(), algorithms=wrong)
            assert complaint in str(caught.value.details)


class TestAddresses:
    def test_ipv6(self, new_device: NewDevice, client_of: ClientOf, known_hosts: Path) -> None:
        device = new_device(host="::1")
        client = client_of(device)
        client.connect()
        assert client.query("show version").output
        assert known_hosts.read_text().startswith(f"[::1]:{device.port} ")

    def test_source_address(self, new_device: NewDevice, client_of: ClientOf, lab: SimulatorLab) -> None:
        device = new_device()
        with pytest.raises(AuthenticationFailed):
            client_of(device, source_address="127.0.0.77", password="wrong").connect()
        (event,) = [event for event in lab.events(device) if event["event"] == "authentication failed"]
        assert "127.0.0.77" in str(event["source"])

    def test_source_address_that_is_not_ours(self, new_device: NewDevice, client_of: ClientOf) -> None:
        with pytest.raises(InvalidArguments, match=r"source_address 192\.0\.2\.1 cannot be used"):
            client_of(new_device(), source_address="192.0.2.1").connect()
        for more, complaint in (
            ({"source_address": "eth0"}, "no IP address"),
            ({"source_address": "127.0.0.1", "proxy_jump": "ops@h"}, "first jump host"),
        ):
            with pytest.raises(InvalidArguments) as caught:
                client_of(new_device(), **more)
            assert complaint in str(caught.value.details)
