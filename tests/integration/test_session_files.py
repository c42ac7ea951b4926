"""Files to and from a real SSH server through an interactive session: SCP and SFTP, both ways."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.session_caller import b64
from tests.lab.real import SshdHost
from tests.lab.running_broker import RunningBroker

pytestmark = pytest.mark.sshd

SHELL = rb"[^\r\n]+[$#] ?$"


@pytest.fixture(scope="module")
def broker() -> Iterator[RunningBroker]:
    with RunningBroker() as broker:
        yield broker


class Host:
    """A session on the SSH server."""

    def __init__(self, broker: RunningBroker, sshd: SshdHost) -> None:
        self.client = broker.client
        device = sshd.device
        self.connection_args = {
            "device_type": "linux",
            "host": device.host,
            "port": device.port,
            "username": device.username,
            **device.key(),
            "host_key_policy": "off",
        }
        opened = broker.post("/session", {"connection_args": self.connection_args})
        self.path = f"/session/{opened['id']}"
        self.seq = 0

    def put(self, path: str, content: Any, *, protocol: str) -> Any:
        self.seq += 1
        answer = self.client.put(
            f"{self.path}/file", params={"path": path, "protocol": protocol, "seq": self.seq}, content=content
        )
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def get(self, path: str, *, protocol: str) -> Any:
        self.seq += 1
        return self.client.get(f"{self.path}/file", params={"path": path, "protocol": protocol, "seq": self.seq})

    def shell(self, command: bytes) -> Any:
        self.seq += 1
        body = {"seq": self.seq, "command": b64(command), "stdout_re": [[b64(SHELL), 0]], "timeout": 20}
        answer = self.client.post(f"{self.path}/exchange", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def close(self) -> None:
        assert self.client.delete(self.path).status_code == 200


@pytest.fixture
def host(broker: RunningBroker, sshd_host: SshdHost) -> Iterator[Host]:
    host = Host(broker, sshd_host)
    yield host
    host.close()


@pytest.mark.parametrize("protocol", ["scp", "sftp"])
@pytest.mark.parametrize("size", [0, 1, 262_144, 12_345_678])
def test_file_arrives_and_comes_back_byte_for_byte(host: Host, sshd_host: SshdHost, protocol: str, size: int) -> None:
    content = os.urandom(size)
    path = f"/tmp/copied-{protocol}-{size}"  # larger than the limit of other bodies, and than the window in Redis
    done = host.put(path, content, protocol=protocol)
    assert (done["bytes"], done["error"], done["lease_open"]) == (size, None, True)
    back = host.get(path, protocol=protocol)
    assert back.status_code == 200
    assert hashlib.sha256(back.content).digest() == hashlib.sha256(content).digest()
    assert host.shell(b"rm " + path.encode())["error"] is None


@pytest.mark.parametrize("protocol", ["scp", "sftp"])
def test_refused_file_is_an_error_and_the_session_goes_on(host: Host, protocol: str) -> None:
    refused = host.put("/nowhere/at/all", b"content", protocol=protocol)
    assert refused["error"]["code"] == "file_copy_failed"
    assert "No such file" in refused["error"]["message"]
    assert refused["lease_open"] is True
    missing = host.get("/nowhere/at/all", protocol=protocol)
    assert missing.status_code == 502
    assert missing.json()["data"]["error"] == "file_copy_failed"
    assert host.shell(b"true")["error"] is None


def test_stream_of_unknown_length_goes_by_sftp_only(host: Host) -> None:
    def stream() -> Iterator[bytes]:
        for _ in range(10):
            yield b"x" * 100_000

    assert host.put("/tmp/streamed", stream(), protocol="sftp")["bytes"] == 1_000_000
    refused = host.put("/tmp/streamed", stream(), protocol="scp")
    assert refused["error"]["code"] == "invalid_arguments"
    assert "Content-Length" in refused["error"]["message"]
    assert host.shell(b"rm /tmp/streamed")["error"] is None


def test_repeated_copy_is_not_made_twice(host: Host) -> None:
    host.put("/tmp/once", b"first", protocol="sftp")
    host.shell(b"rm /tmp/once")
    host.seq = 0
    again = host.put("/tmp/once", b"second", protocol="sftp")
    assert again["bytes"] == 5
    host.seq = 2
    assert host.get("/tmp/once", protocol="sftp").status_code == 502


def test_reader_who_leaves_does_not_hold_the_session(host: Host) -> None:
    host.put("/tmp/long", os.urandom(8_000_000), protocol="sftp")
    host.seq += 1
    params: dict[str, Any] = {"path": "/tmp/long", "protocol": "sftp", "seq": host.seq}
    with host.client.stream("GET", f"{host.path}/file", params=params) as answer:
        next(answer.iter_raw(1000))
    assert host.shell(b"rm /tmp/long")["error"] is None
