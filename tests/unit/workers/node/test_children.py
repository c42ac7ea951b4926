"""A node's children and the fork server that makes them, with a real fork server and no Redis."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from netpulse_broker.queueing.nodes.lease_clock import LeaseClock
from netpulse_broker.settings import Settings
from netpulse_broker.workers.node.children import Children, Stage
from netpulse_broker.workers.node.worker_spec import Boot

MANY = 400
"""Orders that fill the socket to a fork server that reads none."""


@pytest.fixture
def children(tmp_path: Path) -> Iterator[Children]:
    settings = Settings(
        redis={"url": f"unix://{tmp_path}/none.sock"},
        security={"master_key": base64.urlsafe_b64encode(os.urandom(32)).decode()},
        state_dir=tmp_path,
        log={"level": "error"},
    )
    made = Children(Boot(settings=settings, kind="pinned", node="n1"), LeaseClock.create())
    try:
        yield made
    finally:
        for child in made:
            child.kill()
        made.close(patience=10.0)


def poll_until(children: Children, condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "the condition never held"
        children.poll(0.05)


def fork_server() -> psutil.Process:
    (found,) = [
        child
        for child in psutil.Process().children()
        if "netpulse_broker.workers.node.fork_server" in " ".join(child.cmdline())
    ]
    return found


def test_orders_never_fill_the_socket_of_a_fork_server(children: Children) -> None:
    first = children.order("first")
    poll_until(children, lambda: first.stage is Stage.BORN)
    server = fork_server()
    server.suspend()
    try:
        ordered = [children.order(f"device-{number}") for number in range(MANY)]
        for _ in range(5):
            assert children.poll(0.0) == []
        assert len(children) == 1 + MANY
        assert fork_server().pid == server.pid
        # What the fork server has not been given yet has cost no descriptor.
        assert sum(child.peer is not None for child in ordered) < MANY / 2
    finally:
        children.forget_ordered()
        server.resume()
    assert len(children) == 1
