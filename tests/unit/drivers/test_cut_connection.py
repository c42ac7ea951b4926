"""Connections that are cut under a thread which is blocked in them."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from netpulse_drivers import Call, Deadline, DriverError, cut_connection
from netpulse_drivers.pyeapi.transport import KeptConnection
from tests.unit.webhooks.tls import TlsReceiver


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def _fill(sock: socket.socket) -> None:
    with contextlib.suppress(BlockingIOError):
        sock.setblocking(False)
        while True:
            sock.send(b"x" * 65536)
    sock.settimeout(60)


@pytest.mark.parametrize("blocked", [lambda sock: sock.recv(1), lambda sock: sock.sendall(b"x" * 2**20)])
@pytest.mark.parametrize("timeout", [None, 60])
def test_whoever_is_blocked_returns(
    pair: tuple[socket.socket, socket.socket], blocked: Callable[[socket.socket], Any], timeout: float | None
) -> None:
    ours, _ = pair
    _fill(ours)
    ours.settimeout(timeout)

    def call() -> None:
        with contextlib.suppress(OSError):
            blocked(ours)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    cut_connection(ours)
    thread.join(30)
    assert not thread.is_alive()
    assert ours.fileno() >= 0, "it is its owner who closes it"


def test_one_that_is_over_already(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    theirs.close()
    cut_connection(ours)
    cut_connection(ours)
    ours.close()
    cut_connection(ours)


def test_tls_never_goes_on_as_plain_text(tmp_path: Path) -> None:
    """SSLSocket.shutdown() forgets the keys before it shuts down: a write in between would show the password."""
    with TlsReceiver(tmp_path) as receiver:
        context = ssl.create_default_context(cafile=str(receiver.certificate))
        plain = socket.create_connection(("localhost", receiver.port), timeout=60)
        with context.wrap_socket(plain, server_hostname="localhost") as sock:
            cut_connection(sock)
            assert sock.version() is not None, "still TLS"
            with pytest.raises((ssl.SSLError, BrokenPipeError)):
                sock.sendall(b"Authorization: Basic c2VjcmV0")


def test_an_eapi_connection_is_cut_while_it_is_being_made() -> None:
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):  # nobody accepts them: no further one is answered
            one = stack.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        connection = KeptConnection("127.0.0.1", full.getsockname()[1])
        connection.call = Call(deadline=Deadline.after(600))
        errors: list[DriverError] = []

        def ask() -> None:
            try:
                connection.execute(["show version"])
            except DriverError as error:
                errors.append(error)

        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        while connection._dialled is None and thread.is_alive():
            pass
        connection.abort()
        thread.join(30)
        assert not thread.is_alive()
        assert [error.phase for error in errors] == ["connect"]
        assert not connection.alive()
