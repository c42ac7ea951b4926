"""``netpulse up`` as users start it: the real controller, node and FIFO pool."""

from __future__ import annotations

import json
import signal
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from netpulse_broker.cli.status import status
from tests.integration.supervised import Up, processes_of

NETPULSE_UP = (sys.executable, "-m", "netpulse_broker.cli", "up", "--state-dir")


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    up = Up(tmp_path / "state", command=NETPULSE_UP)
    yield up
    up.close()


def post(url: str, *, key: str, body: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(  # noqa: S310  # our own controller
        url, data=json.dumps(body).encode(), headers={"X-API-KEY": key, "Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        data = json.load(answer)["data"]
    assert isinstance(data, dict)
    return data


@pytest.mark.parametrize("strategy", ["pinned", "fifo"])
def test_first_request_after_the_ready_line_reaches_a_worker(up: Up, strategy: str) -> None:
    url = up.ready().split()[4]
    body = {
        "driver": "netmiko",
        "connection_args": {
            "device_type": "cisco_ios", "host": "127.0.0.1", "port": 1, "username": "u", "password": "hidden-word"
        },
        "command": "show version",
        "options": {"wait": 30, "queue_strategy": strategy},
    }  # fmt: skip

    job = post(f"{url}/device/execute", key=(up.state_dir / "api-key").read_text().strip(), body=body)

    # Nothing listens on port 1: the way from REST to a worker's socket and back is what is looked at.
    assert job["status"] == "failed"
    assert job["result"]["error"]["code"] == "device_unreachable"
    assert status(up.state_dir).running
    up.send(signal.SIGTERM)
    assert up.wait() == 0
    assert processes_of(up.state_dir) == []
    assert not status(up.state_dir).running
    kept = [path for path in up.state_dir.rglob("*") if path.is_file() and b"hidden-word" in path.read_bytes()]
    assert kept == []


def test_killed_supervisor_leaves_no_process(up: Up) -> None:
    up.ready()

    up.send(signal.SIGKILL)
    up.wait()

    up.wait_until_gone()
