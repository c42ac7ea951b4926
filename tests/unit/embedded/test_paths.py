"""Where the private server keeps what."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from netpulse_broker.embedded.paths import ServerPaths

LONGEST = 107
"""Bytes of a socket's path without the final NUL (unix(7))."""


def test_the_socket_lies_in_the_state_directory() -> None:
    paths = ServerPaths(Path("/var/lib/netpulse"))
    assert paths.socket == Path("/var/lib/netpulse/server/server.sock")
    assert paths.password.parent == paths.socket.parent == paths.directory


@pytest.mark.parametrize("runtime", ["", "/run/user/1000", "relative", "/" + "r" * 90])
@pytest.mark.parametrize("name", ["n" * 100, "\u00e9" * 50])
def test_a_path_too_long_for_a_socket_gets_a_short_one(
    monkeypatch: pytest.MonkeyPatch, runtime: str, name: str
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
    one, other = ServerPaths(Path("/srv") / name), ServerPaths(Path("/srv") / f"{name}2")
    assert one.socket.is_absolute()
    assert len(os.fsencode(one.socket)) < LONGEST
    assert one.socket == ServerPaths(one.state_dir).socket
    assert one.socket != other.socket
    assert str(os.geteuid()) in one.socket.parent.name
