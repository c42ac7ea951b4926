"""Somebody without a key can neither fill the controller's memory nor keep its connections."""

from __future__ import annotations

import contextlib
import json
import resource
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.integration.test_rest_server import certificate
from tests.lab.running_broker import RunningBroker

PATIENCE = 60.0
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def broker() -> Iterator[RunningBroker]:
    """Short times, so that a test need not wait for the long ones; the bounds on bytes are those of an installation."""
    settings = {
        "NETPULSE_CONTROLLER__HEADER_TIMEOUT": "2",
        "NETPULSE_CONTROLLER__BODY_TIMEOUT": "2",
        "NETPULSE_CONTROLLER__MAX_CONNECTIONS": "900",
        "NETPULSE_CONTROLLER__MAX_CONNECTIONS_PER_ADDRESS": "700",
    }
    with RunningBroker(settings=settings) as running:
        yield running


def where(broker: RunningBroker) -> tuple[str, int]:
    url = httpx.URL(broker.url)
    return str(url.host), int(url.port or 0)


def controller(broker: RunningBroker) -> psutil.Process:
    port = where(broker)[1]
    return next(
        process
        for process in broker.descendants()
        if any(one.laddr.port == port and one.status == "LISTEN" for one in process.net_connections("tcp"))
    )


def dial(broker: RunningBroker, source: str = "127.0.0.4") -> socket.socket:
    return socket.create_connection(where(broker), timeout=PATIENCE, source_address=(source, 0))


def answer_of(connection: socket.socket) -> bytes:
    """All that comes until the connection is closed; fails when it is not."""
    connection.settimeout(PATIENCE)
    parts = b""
    with contextlib.suppress(ConnectionError):
        while part := connection.recv(65536):
            parts += part
    return parts


def feed(connection: socket.socket, piece: bytes, *, most: int) -> int:
    """Send it again and again until the other side has had enough; bytes that it took."""
    sent = 0
    connection.settimeout(PATIENCE)
    with contextlib.suppress(OSError):
        while sent < most and not select.select([connection], [], [], 0)[0]:
            sent += connection.send(piece)
    return sent


ENDLESS = {
    "one header": (b"GET /job HTTP/1.1\r\nHost: a\r\nX-A: ", b"a" * 65536),
    "many headers": (b"GET /job HTTP/1.1\r\nHost: a\r\n", b"X-A: b\r\n" * 4096),
    "a name": (b"GET /job HTTP/1.1\r\n", b"a" * 65536),
    "a path": (b"GET /", b"a" * 65536),
    "a query": (b"GET /job?", b"a=b&" * 16384),
    "a trailer": (
        b"POST /device/execute HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n0\r\nX-A: ",
        b"a" * 65536,
    ),
    "a chunk's extension": (
        b"POST /device/execute HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;a=",
        b"a" * 65536,
    ),
    "empty lines": (b"", b"\r\n" * 32768),
}


@pytest.mark.parametrize(("start", "piece"), list(ENDLESS.values()), ids=list(ENDLESS))
def test_headers_have_an_end(broker: RunningBroker, start: bytes, piece: bytes) -> None:
    before = controller(broker).memory_info().rss
    connections = [dial(broker) for _ in range(4)]
    for connection in connections:
        connection.sendall(start)
    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(lambda one: feed(one, piece, most=256 * MIB), connections))
    assert max(taken) < 256 * MIB, "it would have taken more"
    assert controller(broker).memory_info().rss - before < 64 * MIB
    for connection in connections:
        answer_of(connection)
        connection.close()
    assert broker.client.get("/health/live").status_code == 200


def test_large_headers_are_told(broker: RunningBroker) -> None:
    host, port = where(broker)
    with dial(broker) as connection:
        connection.sendall(f"GET /job HTTP/1.1\r\nHost: {host}:{port}\r\nX-A: {'a' * 70_000}\r\n\r\n".encode())
        answer = answer_of(connection)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["data"]["error"] == "headers_too_large"
    large = broker.client.get("/job", headers={"X-A": "a" * 60_000})
    assert large.status_code == 200, "what is within the bound is taken"


SLOW: dict[str, Callable[[socket.socket], Any]] = {
    "nothing": lambda _connection: None,
    "half a line": lambda connection: connection.sendall(b"GET /jo"),
    "half the headers": lambda connection: connection.sendall(b"GET /job HTTP/1.1\r\nHost: a\r\nX-A: "),
    "half a body": lambda connection: connection.sendall(
        b"POST /device/execute HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
    ),
    "a second request": lambda connection: connection.sendall(
        b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\nGET /health/live HTTP/1.1\r\nHost:"
    ),
}


@pytest.mark.parametrize("kind", list(SLOW))
def test_who_is_slow_is_closed(broker: RunningBroker, kind: str) -> None:
    """Many at a time, and with a byte now and then: the time is for the whole."""
    connections = [dial(broker) for _ in range(60)]
    for connection in connections:
        SLOW[kind](connection)
    dripping, stop = connections[0], threading.Event()

    def drip() -> None:
        with contextlib.suppress(OSError):
            while kind != "nothing" and not stop.wait(0.2):
                dripping.send(b"a")

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        for connection in connections:
            answer_of(connection)  # fails when it stays open
    finally:
        stop.set()
        thread.join()
        for connection in connections:
            connection.close()


def test_a_key_is_no_licence_to_be_slow(broker: RunningBroker) -> None:
    head = (
        f"POST /device/execute HTTP/1.1\r\nHost: a\r\nX-API-KEY: {broker.api_key}\r\n"
        "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
    )
    with dial(broker) as connection:
        connection.sendall(head.encode())
        answer = answer_of(connection)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["data"]["error"] == "request_too_slow"


def test_one_address_cannot_take_all_connections(broker: RunningBroker) -> None:
    """Five hundred callers of one address are served all the same: a playbook's forks come from one machine."""
    connections = [dial(broker, "127.0.0.5") for _ in range(500)]
    request = f"GET /job?limit=1 HTTP/1.1\r\nHost: a\r\nX-API-KEY: {broker.api_key}\r\n\r\n".encode()
    for connection in connections:
        connection.sendall(request)
    for connection in connections:
        connection.settimeout(PATIENCE)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
    # What is idle makes room in all, not for more of one address.
    connections += [dial(broker, "127.0.0.5") for _ in range(200)]
    with dial(broker, "127.0.0.5") as one_more:
        assert answer_of(one_more).startswith(b"HTTP/1.1 429 ")
    with dial(broker, "127.0.0.6") as other:
        other.sendall(request)
        assert other.recv(65536).startswith(b"HTTP/1.1 200 ")
    for connection in connections:
        connection.close()


def test_idle_connections_make_room(broker: RunningBroker) -> None:
    request = f"GET /job?limit=1 HTTP/1.1\r\nHost: a\r\nX-API-KEY: {broker.api_key}\r\n\r\n".encode()
    connections = []
    for number in range(1000):  # a hundred more than there may be
        connections.append(dial(broker, f"127.0.1.{number % 4 + 1}"))
        connections[-1].sendall(request)
        assert connections[-1].recv(65536).startswith(b"HTTP/1.1 200 ")
    answer_of(connections[0])  # it was idle for longest and has been closed: this fails when it stays open
    for connection in connections:
        connection.close()


def test_a_handshake_has_an_end(tmp_path: Path) -> None:
    cert_file, key_file = certificate(tmp_path)
    settings = {"NETPULSE_CONTROLLER__TLS_CERT": str(cert_file), "NETPULSE_CONTROLLER__TLS_KEY": str(key_file)}
    settings["NETPULSE_CONTROLLER__MAX_CONNECTIONS_PER_ADDRESS"] = "20"
    with RunningBroker(settings=settings) as running:
        silent = [dial(running, "127.0.0.7") for _ in range(20)]
        with dial(running, "127.0.0.7") as one_more:
            assert answer_of(one_more) == b"", "handshakes count"
        trusted = ssl.create_default_context(cafile=str(cert_file))
        with httpx.Client(base_url=running.url, verify=trusted) as client:
            assert client.get("/health/live").status_code == 200
        for connection in silent:
            assert answer_of(connection) == b""
            connection.close()
        with dial(running, "127.0.0.7") as again, trusted.wrap_socket(again, server_hostname="127.0.0.1") as speaking:
            speaking.sendall(b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n")
            assert speaking.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_when_descriptors_run_out_it_is_said_and_served_again(tmp_path: Path) -> None:
    with RunningBroker(state_dir=tmp_path / "state") as running:
        process = controller(running)
        used = process.num_fds()
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (used + 20, used + 20))
        waiting = [dial(running) for _ in range(60)]
        for connection in waiting:
            connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n")
        # Each one is served in the end: those that have their answer make room, though they would like to stay.
        for connection in waiting:
            connection.settimeout(PATIENCE)
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        for connection in waiting:
            connection.close()
        assert running.client.get("/health/live").status_code == 200
        log = "".join(path.read_text() for path in (tmp_path / "state").rglob("*.log"))
        assert '"descriptors_exhausted"' in log


def test_the_caller_behind_a_proxy_is_not_the_proxy(tmp_path: Path) -> None:
    """Connections of a trusted proxy are not counted as those of one caller."""
    settings = {
        "NETPULSE_CONTROLLER__TRUSTED_PROXIES": "127.0.0.9/32",
        "NETPULSE_CONTROLLER__MAX_CONNECTIONS_PER_ADDRESS": "5",
    }
    with RunningBroker(settings=settings, state_dir=tmp_path / "state") as running:
        request = f"GET /job?limit=1 HTTP/1.1\r\nHost: a\r\nX-API-KEY: {running.api_key}\r\n\r\n".encode()
        behind = [dial(running, "127.0.0.9") for _ in range(20)]
        for connection in behind:
            connection.sendall(request)
            connection.settimeout(PATIENCE)
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        plain = [dial(running, "127.0.0.8") for _ in range(5)]
        with dial(running, "127.0.0.8") as one_more:
            assert answer_of(one_more).startswith(b"HTTP/1.1 429 ")
        for connection in [*behind, *plain]:
            connection.close()
